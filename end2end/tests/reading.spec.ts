import type { Locator } from '@playwright/test';
import { heard, listen } from '../support/heard.ts';
import { golden, Member } from '../support/member.ts';
import { expect, type Person, test } from '../support/room.ts';
import { loadAll, open, setHidden, STAGE_ENV, thousand } from '../support/states.ts';

test.use({ serverEnv: STAGE_ENV });

async function talking({ person }: { person: (name: string) => Promise<Person> }): Promise<[Person, Member]> {
  const ana = await person('Ana');
  const bo = await Member.enter({ name: 'Bo', origin: ana.origin });
  await Member.enter(ana, { code: bo.code });
  await bo.say('A bit of history');
  // From the first byte on: the history that comes with the page and the clock times that follow it are no news.
  await ana.page.addInitScript(`addEventListener('DOMContentLoaded', ${listen})`);
  return [await open(ana, bo.code), bo];
}

/** What styles show beside an element. */
const tip = (element: Locator) =>
  element.evaluate((element) => {
    const { content, display } = getComputedStyle(element, '::after');
    return display === 'none' ? 'none' : content;
  });

test('the log has its role and name, and every message its author and words', async ({ person }) => {
  const [ana, bo] = await talking({ person });
  await bo.say('Hello, **Ana**');
  await ana.hears('Hello, Ana');
  const cdp = await ana.context.newCDPSession(ana.page);
  const { nodes } = await cdp.send('Accessibility.getFullAXTree');
  const logs = nodes.filter(({ ignored, role }) => !ignored && role?.value === 'log');
  expect(logs.map(({ name }) => name?.value)).toEqual(['Messages']);
  const properties = Object.fromEntries((logs[0]?.properties ?? []).map(({ name, value }) => [name, value.value]));
  // Either it speaks of additions only, or something else speaks for it.
  expect(properties.live === 'off' || properties.relevant === 'additions' || properties.relevant === undefined).toBe(
    true,
  );
  await expect(ana.log).toMatchAriaSnapshot(`
    - log "Messages":
      - article /Bo, \\d{1,2}:\\d\\d/:
        - text: /Bo$/
        - time: /\\d/
        - paragraph: A bit of history
      - article /Bo, \\d{1,2}:\\d\\d/:
        - text: /Bo, \\d/
        - paragraph:
          - text: Hello,
          - strong: Ana
  `);
});

test('the focus on a message says its author, its time and its words', async ({ person }) => {
  const [ana, bo] = await talking({ person });
  await bo.say('Hello, **Ana**');
  await ana.hears('Hello, Ana');
  await ana.log.focus();
  await ana.page.keyboard.press('End');
  const row = ana.message('Hello, Ana');
  await expect(row).toBeFocused();
  await expect(row).toHaveRole('article');
  await expect(row).toHaveAccessibleName(/^Bo, \d{1,2}:\d\d/);
  await expect(row).toHaveAccessibleDescription('Hello, Ana');
});

test('the exact time of each message is shown on hover and on focus', async ({ person }) => {
  const [ana, bo] = await talking({ person });
  await bo.say('Hello');
  await ana.hears('Hello');
  await expect(ana.log.locator('.by time').first()).toHaveAttribute('title', /\d{4}.*\d{1,2}:\d\d:\d\d/);
  const shown = ana.page.getByRole('toolbar').locator('time');
  await ana.message('Hello').hover();
  await expect(shown).toHaveText(/\d{1,2}:\d\d/);
  await expect(shown).toHaveAttribute('title', /\d{4}.*\d{1,2}:\d\d:\d\d/);
  await ana.page.mouse.move(2, 2);
  await expect(shown).toHaveCount(0);
  await ana.log.focus();
  await ana.page.keyboard.press('End');
  await expect(shown).toBeVisible();
  expect(await tip(shown)).toMatch(/\d{4}.*\d{1,2}:\d\d:\d\d/);
});

test('who reacted is said on hover and on focus', async ({ person }) => {
  const [ana, bo] = await talking({ person });
  await bo.react(await bo.say('Hello'), '👍');
  const reaction = ana.message('Hello').getByRole('button', { name: '👍' });
  await expect(reaction).toHaveAttribute('title', 'Bo');
  expect(await tip(reaction)).toBe('none');
  await ana.log.focus();
  await ana.page.keyboard.press('End');
  await ana.page.keyboard.press('ArrowRight');
  await expect(reaction).toBeFocused();
  expect(await tip(reaction)).toBe('"Bo"');
});

test('nothing is found in the page that cannot be seen', async ({ person }) => {
  const [ana, bo] = await talking({ person });
  await bo.say('Hello there');
  await ana.hears('Hello there');
  await ana.say('Mine');
  await ana.say('Mine, too');
  /** How often the browser's own search finds it. */
  const found = (words: string) =>
    ana.page.evaluate((words) => {
      const find = (window as unknown as { find: (words: string, cased: boolean) => boolean }).find.bind(window);
      getSelection()?.removeAllRanges();
      let count = 0;
      while (count < 20 && find(words, true)) count += 1;
      return count;
    }, words);
  await expect.poll(() => found('Hello there')).toBe(1);
  // In the line that says who came, at the beginning of the run, and in the list of who is here.
  await expect.poll(() => found('Bo')).toBe(3);
  await expect.poll(() => found('Ana')).toBe(1);
});

test('equal messages are each heard, and what is deleted is not there to be read any more', async ({ person }) => {
  const [ana, bo] = await talking({ person });
  await bo.say('Again');
  await expect.poll(() => heard(ana.page)).toEqual(['Bo: Again']);
  const said = await bo.say('Again');
  await expect.poll(() => heard(ana.page)).toEqual(['Bo: Again', 'Bo: Again']);
  await bo.remove(said);
  await expect(ana.log).toContainText('Message deleted');
  // The other one leaves by itself.
  await expect(ana.page.getByTestId('told')).toHaveText('');
  const secret = await bo.say('A secret');
  await expect(ana.page.getByTestId('told')).toHaveText('Bo: A secret');
  await bo.remove(secret);
  await expect(ana.page.getByTestId('told')).toHaveText('', { timeout: 1_500 });
});

test('keys with Shift, Control, Alt or Meta are left to the browser', async ({ person }) => {
  const [ana, bo] = await talking({ person });
  await bo.say('Last one');
  await ana.hears('Last one');
  await ana.log.focus();
  await ana.page.keyboard.press('End');
  await expect(ana.message('Last one')).toBeFocused();
  await ana.page.evaluate(() => {
    const taken: string[] = [];
    Object.assign(window, { taken });
    addEventListener('keydown', (event) => {
      if (event.defaultPrevented) taken.push(event.key);
      // What the browser does with them is its own business, and leads out of the page.
      else event.preventDefault();
    });
  });
  for (const modifier of ['Shift', 'Control', 'Alt', 'Meta']) {
    for (const key of ['ArrowUp', 'ArrowDown', 'ArrowLeft', 'ArrowRight', 'Home', 'End']) {
      await ana.page.keyboard.press(`${modifier}+${key}`);
      await expect(ana.message('Last one')).toBeFocused();
    }
  }
  expect(await ana.page.evaluate(() => (window as unknown as { taken: string[] }).taken)).toEqual([]);
  await ana.page.keyboard.press('Home');
  await expect(ana.message('A bit of history')).toBeFocused();
});

test('a message is heard once; history, reactions, changes and the own are not', async ({ person }) => {
  const [ana, bo] = await talking({ person });
  expect(await heard(ana.page)).toEqual([]);
  const hello = await bo.say('Hello');
  await expect.poll(() => heard(ana.page)).toEqual(['Bo: Hello']);
  await bo.react(hello, '👍');
  await expect(ana.message('Hello')).toContainText('👍');
  await bo.edit(hello, 'Hello, all');
  await ana.hears('Hello, all');
  await ana.say('Hi, Bo');
  // The next one comes after all of these, and so do its words.
  await bo.say('How are you?');
  await expect.poll(() => heard(ana.page)).toEqual(['Bo: Hello', 'Bo: How are you?']);
});

test('the first message of a room is heard, and those of others beside an own one that was refused', async ({ person }) => {
  const ana = await person('Ana');
  const bo = await Member.enter({ name: 'Bo', origin: ana.origin });
  await Member.enter(ana, { code: bo.code });
  await ana.page.routeWebSocket(/\/ws\//, (socket) => {
    const server = socket.connectToServer();
    socket.onMessage((text) => {
      const frame = JSON.parse(String(text));
      if (frame.type === 'append') socket.send(JSON.stringify({ ...golden('rejected'), id: frame.id }));
      else server.send(text);
    });
  });
  await open(ana, bo.code);
  await ana.page.evaluate(listen);
  await bo.say('Anybody here?');
  await expect.poll(() => heard(ana.page)).toEqual(['Bo: Anybody here?']);
  await ana.type('Me');
  await expect(ana.log.getByRole('alert')).toContainText('too long');
  await expect(ana.page.getByRole('button', { name: 'Retry' })).toHaveCount(0);
  await bo.say('Nobody, then');
  await expect.poll(() => heard(ana.page)).toContain('Bo: Nobody, then');
  await ana.press('Delete');
  await expect.poll(() => ana.said()).toEqual(['Anybody here?', 'Nobody, then']);
  await bo.say('Bye');
  await expect.poll(async () => (await heard(ana.page)).filter((words) => words.includes('Bo:'))).toEqual(
    ['Anybody here?', 'Nobody, then', 'Bye'].map((words) => `Bo: ${words}`),
  );
});

test('a flood is summed', async ({ person }) => {
  const [ana, bo] = await talking({ person });
  const FLOOD = 30;
  for (let i = 1; i <= FLOOD; i++) await bo.say(`Flood ${i}`);
  await ana.hears(`Flood ${FLOOD}`);
  // Each counts itself, or is part of a number; nothing is told twice and nothing left out.
  const told = async () =>
    (await heard(ana.page)).reduce(
      (sum, words) => sum + (Number(/^(\d+) new messages?$/.exec(words)?.[1]) || words.match(/Flood \d+/g)?.length || 0),
      0,
    );
  await expect.poll(told).toBe(FLOOD);
  expect((await heard(ana.page)).length).toBeLessThanOrEqual(FLOOD / 3);
  expect((await heard(ana.page)).join()).toContain('new messages');
});

test('older pages are not news', async ({ browser, server, guard, person }) => {
  const { reader, bo } = await thousand({ browser, server, guard, person }, 250);
  await reader.page.evaluate(listen);
  await loadAll(reader);
  await bo.say('And now?');
  await expect.poll(() => heard(reader.page)).toEqual(['Bo: And now?']);
});

test('the log is one tab stop; arrows, Home and End go through it, Escape leads back', async ({ person }) => {
  const [ana, bo] = await talking({ person });
  await bo.say('See [the plan](https://example.com/plan) and\n```\nthe code\n```');
  await bo.react(await bo.say('Last one'), '👍');
  await ana.hears('Last one');
  const { keyboard } = ana.page;

  // Once around the page.
  const stops: string[] = [];
  await ana.composer.focus();
  for (let i = 0; i < 40; i++) {
    await keyboard.press('Tab');
    if (await ana.composer.evaluate((box) => box === document.activeElement)) break;
    const inside = await ana.log.evaluate((log) => (log.closest('section') ?? log).contains(document.activeElement));
    if (inside) stops.push(await ana.page.evaluate(() => document.activeElement?.outerHTML.slice(0, 80) ?? ''));
  }
  expect(stops).toHaveLength(1);
  await expect(ana.composer).toBeFocused();

  await ana.log.focus();
  await keyboard.press('ArrowUp');
  await expect(ana.message('Last one')).toBeFocused();
  await keyboard.press('ArrowUp');
  await expect(ana.message('See the plan')).toBeFocused();
  await keyboard.press('ArrowRight');
  await expect(ana.page.getByRole('link', { name: 'the plan' })).toBeFocused();
  await keyboard.press('Home');
  await expect(ana.message('A bit of history')).toBeFocused();
  await keyboard.press('ArrowUp');
  await expect(ana.message('A bit of history')).toBeFocused();
  await keyboard.press('End');
  await expect(ana.message('Last one')).toBeFocused();
  await keyboard.press('Escape');
  await expect(ana.composer).toBeFocused();
});

test('what is read keeps its place when a message comes, also with the bar of actions in the middle of the log', async ({ person }) => {
  const [ana, bo] = await talking({ person });
  for (let i = 0; i < 6; i++) await bo.say(`${i}: ${'and so on '.repeat(25)}`.trim());
  await expect(ana.message(/^5: /)).toBeVisible();
  await ana.page.setViewportSize({ width: 1280, height: 420 });
  await ana.log.focus();
  await ana.page.keyboard.press('Home');
  const [row, bar] = [ana.message('A bit of history'), ana.page.getByRole('toolbar')];
  await expect(row).toBeFocused();
  const middle = await ana.log.evaluate((log) => {
    const { left, right, top, bottom } = (log.closest('section') ?? log).getBoundingClientRect();
    return document.elementFromPoint((left + right) / 2, (top + bottom) / 2)?.closest('[role=toolbar]') !== null;
  });
  expect(middle).toBe(true);
  const before = await row.boundingBox();
  await expect(bar).toBeVisible();
  await bo.say('The latest');
  await expect(ana.message('The latest')).toBeAttached();
  await expect.poll(async () => (await row.boundingBox())?.y).toBeCloseTo(before?.y ?? 0, 0);
});

test('what came while the page was hidden is told, and marked', async ({ person }) => {
  const [ana, bo] = await talking({ person });
  await setHidden(ana.page, true);
  await bo.say('Psst');
  await ana.hears('Psst');
  await setHidden(ana.page, false);
  await expect(ana.log.getByText('1 new message', { exact: true })).toBeVisible();
  await expect.poll(() => heard(ana.page)).toEqual(['Bo: Psst']);
});

for (const burst of [1, 60]) {
  test(`what is read keeps its place among short messages when ${burst} come`, async ({ person }) => {
    const [ana, bo] = await talking({ person });
    for (let i = 0; i < 40; i++) await bo.say(`ok ${i}`);
    await expect(ana.message('ok 39')).toBeVisible();
    await ana.log.hover();
    await ana.page.mouse.wheel(0, -400);
    const row = ana.message('ok 25');
    await expect(row).toBeInViewport();
    await expect(ana.page.getByRole('button', { name: 'Jump to latest' })).toBeVisible();
    const before = await row.boundingBox();
    for (let i = 0; i < burst; i++) await bo.say(`new ${i}`);
    await expect(ana.message(`new ${burst - 1}`)).toBeAttached();
    await expect.poll(async () => (await row.boundingBox())?.y).toBeCloseTo(before?.y ?? 0, 0);
  });
}
