import type { Locator } from '@playwright/test';
import { Member } from '../support/member.ts';
import { expect, type Page, type Person, test } from '../support/room.ts';
import { loadAll, open, setHidden, STAGE_ENV, thousand } from '../support/states.ts';

test.use({ serverEnv: STAGE_ENV });

test.describe('nodes moved', () => {
  /**
   * Counts the rows and blocks that are taken out and put in again: such a node loses the focus, a selection, and the size
   * that the browser remembers of it. The callback is given all that one turn did; `takeRecords` would leave out what it
   * was given already.
   */
  async function watchMoves(page: Page): Promise<() => Promise<number>> {
    await page.evaluate(() => {
      const counted = { moved: 0 };
      Object.assign(window, { counted });
      const rows = document.querySelector('.rows');
      if (!rows) throw new Error('there is no log');
      new MutationObserver((records) => {
        const ofLists = records.filter(({ target }) => target instanceof Element && target.matches('.rows, .block'));
        const nodes = (kind: 'addedNodes' | 'removedNodes') =>
          new Set(ofLists.flatMap((record) => Array.from(record[kind])).filter((node) => node instanceof Element));
        const removed = nodes('removedNodes');
        for (const node of nodes('addedNodes')) if (removed.has(node)) counted.moved += 1;
      }).observe(rows, { childList: true, subtree: true });
    });
    return () => page.evaluate(() => (window as unknown as { counted: { moved: number } }).counted.moved);
  }

  test('an older page moves none', async ({ browser, server, guard, person }) => {
    const { reader } = await thousand({ browser, server, guard, person }, 350);
    const moved = await watchMoves(reader.page);
    await loadAll(reader);
    await expect(reader.log.locator('[data-message]')).toHaveCount(350);
    expect(await moved()).toBe(0);
  });

  test('an own message that is sent while others talk moves one at most', async ({ person }) => {
    const ana = await person('Ana');
    const { code } = await Member.enter(ana);
    const bo = await Member.enter({ name: 'Bo', origin: ana.origin }, { code });
    // What the page appends waits here.
    const held: (() => void)[] = [];
    await ana.page.routeWebSocket(/\/ws\//, (socket) => {
      const server = socket.connectToServer();
      socket.onMessage((text) => {
        if (JSON.parse(String(text)).type === 'append') held.push(() => server.send(text));
        else server.send(text);
      });
    });
    await bo.say('Hello');
    await open(ana, code);
    const moved = await watchMoves(ana.page);
    await ana.type('Mine');
    await ana.hears('Mine');
    for (const body of ['One', 'Two', 'Three']) await bo.say(body);
    await ana.hears('Three');
    expect(await ana.said()).toEqual(['Hello', 'One', 'Two', 'Three', 'Mine']);
    await expect.poll(() => held.length).toBe(1);
    held.forEach((send) => send());
    await ana.has(['Hello', 'One', 'Two', 'Three', 'Mine']);
    expect(await moved()).toBeLessThanOrEqual(1);
  });

  test('the line above what is unread moves one at most', async ({ browser, server, guard, person }) => {
    const { reader, bo } = await thousand({ browser, server, guard, person }, 120);
    const comes = async (bodies: string[]) => {
      await setHidden(reader.page, true);
      for (const body of bodies) await bo.say(body);
      await reader.hears(bodies.at(-1) ?? '');
      await setHidden(reader.page, false);
    };
    await comes(['First news']);
    await expect(reader.log.getByText('1 new message', { exact: true })).toBeVisible();
    const moved = await watchMoves(reader.page);
    await comes(['Second news', 'Third news']);
    await expect(reader.log.getByText('2 new messages', { exact: true })).toBeVisible();
    await expect(reader.log.locator('.unread')).toHaveCount(1);
    expect(await moved()).toBeLessThanOrEqual(1);
  });
});

test('what has the focus keeps it while its row is drawn again', async ({ person }) => {
  const ana = await person('Ana');
  const { code } = await Member.enter(ana);
  const bo = await Member.enter({ name: 'Bo', origin: ana.origin }, { code });
  const said = await bo.say('See [the plan](https://example.com/plan) and\n```\nthe code\n```');
  await open(ana, code);
  const row = ana.message('See the plan');
  const emoji = ['👍', '😂', '🎉'];
  for (const [i, element] of [row, row.getByRole('link'), row.locator('pre')].entries()) {
    await element.focus();
    await bo.react(said, emoji[i] ?? '');
    await expect(row.getByRole('button', { name: emoji[i] })).toBeVisible();
    await expect(element).toBeFocused();
    // The group that the message is the last of goes on.
    await bo.say(`And ${i}`);
    await ana.hears(`And ${i}`);
    await expect(element).toBeFocused();
  }
});

test.describe('the bar', () => {
  async function withTwo({ person }: { person: (name: string) => Promise<Person> }): Promise<[Person, Member, string[]]> {
    const ana = await person('Ana');
    const { code } = await Member.enter(ana);
    const bo = await Member.enter({ name: 'Bo', origin: ana.origin }, { code });
    const said = [await bo.say('First'), await bo.say('Second')];
    return [await open(ana, code), bo, said];
  }

  test('stays beside its message while those above grow, and goes when that is deleted', async ({ person }) => {
    const [ana, bo, [first, second]] = await withTwo({ person });
    const bar = ana.page.getByRole('toolbar', { name: 'Message actions' });
    const top = (element: Locator) => element.evaluate((element) => Math.round(element.getBoundingClientRect().top));
    const gap = async () => (await top(bar)) - (await top(ana.message('Second')));
    await ana.message('Second').locator('.message').hover();
    await expect(bar).toBeVisible();
    const before = await gap();
    await bo.react(first ?? '', '👍');
    await expect(ana.message('First').getByRole('button', { name: '👍' })).toBeVisible();
    await expect.poll(gap).toBe(before);
    await bo.edit(first ?? '', 'First\nof\nsome\nlines');
    await expect(ana.message('First')).toContainText('lines');
    await expect.poll(gap).toBe(before);
    await bo.remove(second ?? '');
    await expect(bar).toBeHidden();
  });

  test('a long press brings the sheet instead, and its click presses nothing', async ({ person }) => {
    const [ana, bo, [first]] = await withTwo({ person });
    await bo.react(first ?? '', '👍');
    const reaction = ana.message('First').getByRole('button', { name: '👍', includeHidden: true });
    await reaction.dispatchEvent('pointerdown', { pointerType: 'touch' });
    const sheet = ana.page.getByRole('dialog', { name: 'Message actions' });
    await expect(sheet).toBeVisible();
    await reaction.dispatchEvent('pointerup', { pointerType: 'touch' });
    await reaction.dispatchEvent('click');
    await expect(sheet).toBeVisible();
    await ana.page.keyboard.press('Escape');
    await expect(sheet).toBeHidden();
    await expect(reaction).toHaveAttribute('aria-pressed', 'false');
    await reaction.click();
    await expect(reaction).toHaveAttribute('aria-pressed', 'true');
  });
});

test.describe('the reading place', () => {
  /** How far a message begins below the log's top edge, in CSS pixels. */
  const offset = (one: Person, text: string) =>
    one.message(text).evaluate((row) => {
      const top = (element: Element | null) => element?.getBoundingClientRect().top ?? Number.NaN;
      return top(row) - top(row.closest('section'));
    });

  /** Scrolls to a message, and answers where it stands as soon as it stands still. */
  async function readAt(one: Person, text: string): Promise<number> {
    let before = Number.NaN;
    await expect(async () => {
      await one.message(text).evaluate((row) => row.scrollIntoView({ block: 'center', behavior: 'instant' }));
      const now = await offset(one, text);
      const stands = now === before;
      before = now;
      expect(stands).toBe(true);
    }).toPass();
    return before;
  }

  async function standsAt(one: Person, text: string, place: number): Promise<void> {
    await one.hears(text);
    await expect.poll(async () => Math.abs((await offset(one, text)) - place)).toBeLessThanOrEqual(1);
    await expect(one.message(text)).toBeInViewport();
  }

  /** Goes home and comes back, without that the document is loaded again. */
  async function lookElsewhere(one: Person, code: string): Promise<void> {
    await one.page.evaluate(() => Object.assign(window, { isSame: true }));
    await one.page.getByRole('link', { name: 'Flasky Chat' }).click();
    await one.isHome();
    await one.page.goBack();
    await one.inRoom(code);
    expect(await one.page.evaluate(() => 'isSame' in window)).toBe(true);
  }

  const atEnd = (one: Person) => one.log.evaluate((log) => log.closest('section')?.scrollTop === 0);

  test('is there after a look at another page, and after a reload', async ({ browser, server, guard, person }) => {
    const { reader, bo } = await thousand({ browser, server, guard, person }, 150);
    const text = 'Message 80: bold';
    const place = await readAt(reader, text);
    await lookElsewhere(reader, bo.code);
    await standsAt(reader, text, place);
    await expect(reader.page.getByRole('button', { name: 'Jump to latest' })).toBeVisible();
    await reader.page.reload();
    await reader.inRoom(bo.code);
    await standsAt(reader, text, place);
  });

  // In one block: in a room of several Chromium itself does what is right.
  test('stays where it is while something is said below it', async ({ person }) => {
    const ana = await person('Ana');
    const { code } = await Member.enter(ana);
    const bo = await Member.enter({ name: 'Bo', origin: ana.origin }, { code });
    for (let i = 1; i <= 9; i++) await bo.say(`Message ${i} ${'and so on '.repeat(80)}`);
    await ana.openLink(code);
    await ana.inRoom(code);
    for (const text of ['Message 5', 'Message 1']) {
      const place = await readAt(ana, text);
      await bo.say(`Below, ${place}`);
      await ana.hears(`Below, ${place}`);
      expect(Math.abs((await offset(ana, text)) - place)).toBeLessThanOrEqual(1);
    }
  });

  test('is found on an older page', async ({ browser, server, guard, person }) => {
    const { reader, bo } = await thousand({ browser, server, guard, person }, 300);
    await loadAll(reader);
    const text = 'Message 60: bold';
    const place = await readAt(reader, text);
    await lookElsewhere(reader, bo.code);
    await standsAt(reader, text, place);
  });

  test('is not forgotten while an older page does not come', async ({ browser, server, guard, person }) => {
    const { reader, bo } = await thousand({ browser, server, guard, person }, 300);
    const { page } = reader;
    await loadAll(reader);
    const text = 'Message 60: bold';
    const place = await readAt(reader, text);
    const address = /older_page/;
    const comes = guard.expectLost(address);
    await page.route(address, (route) => route.abort());
    const failed = page.waitForEvent('requestfailed', (request) => address.test(request.url()));
    await page.reload();
    await reader.inRoom(bo.code);
    await failed;
    expect(await atEnd(reader)).toBe(true);
    await page.unroute(address);
    await comes();
    await page.reload();
    await reader.inRoom(bo.code);
    await standsAt(reader, text, place);
  });

  test('is not kept at the end, where new messages are', async ({ browser, server, guard, person }) => {
    const { reader, bo } = await thousand({ browser, server, guard, person }, 150);
    await readAt(reader, 'Message 80: bold');
    await reader.press('Jump to latest');
    await expect.poll(() => atEnd(reader)).toBe(true);
    await reader.page.getByRole('link', { name: 'Flasky Chat' }).click();
    await reader.isHome();
    await bo.say('Meanwhile');
    await reader.page.goBack();
    await reader.inRoom(bo.code);
    await expect(reader.message('Meanwhile')).toBeInViewport();
    expect(await atEnd(reader)).toBe(true);
  });

  test('is forgotten with the room', async ({ browser, server, guard, person }) => {
    const { reader } = await thousand({ browser, server, guard, person }, 150);
    const kept = () =>
      reader.page.evaluate(() => Object.keys(sessionStorage).filter((key) => key.startsWith('flasky.place.')));
    await readAt(reader, 'Message 80: bold');
    await reader.page.reload();
    await reader.live();
    expect(await kept()).toHaveLength(1);
    await reader.leave();
    expect(await kept()).toEqual([]);
  });
});
