import { Member } from '../support/member.ts';
import { expect, type Page, type Person, test } from '../support/room.ts';
import { open, STAGE_ENV } from '../support/states.ts';
import { item, longPress, phone, sheet, touch } from '../support/touch.ts';

test.use({ serverEnv: STAGE_ENV });

const LINK = 'https://example.com/a/link';
const LONG = 'A long line that goes on and on, until there is no space left beside it and it has to break. '.repeat(3);

const bar = (page: Page) => page.getByRole('toolbar', { name: 'Message actions' });

/** A run of messages, most of them on one line, of Bo and then of Ana. */
async function run(ana: Person): Promise<Member> {
  const { code } = await Member.enter(ana);
  const bo = await Member.enter({ name: 'Bo', origin: ana.origin }, { code });
  for (let i = 1; i <= 3; i++) await bo.say(`${i} ${LINK}`);
  await bo.say(LONG);
  await bo.say('```\nfn main() { println!("a line of code that is wider than the space that there is for it"); }\n```');
  await bo.say('Bo’s last');
  await open(ana, code);
  for (const text of ['Mine', `Mine ${LINK}`, LONG.replace('A', 'My'), 'My last']) await ana.say(text);
  return bo;
}

test.describe('the bar', () => {
  /** What of the bar lies over words, by their beginnings. */
  async function covered(page: Page): Promise<string[]> {
    return page.evaluate(() => {
      const box = (element: Element) => element.getBoundingClientRect();
      const buttons = Array.from(document.querySelectorAll('#actions button, #actions time')).map(box);
      const words = Array.from(document.querySelectorAll('.message, .by > *, .reactions button, .edited, .avatar'));
      const meets = (one: DOMRect, other: DOMRect) =>
        one.width > 0 && one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom;
      const hit = words.filter((word) => buttons.some((button) => meets(button, box(word))));
      return hit.map((word) => word.textContent?.slice(0, 20) ?? '');
    });
  }

  for (const width of [1280, 900, 700, 390]) {
    test(`stands beside the bubble and covers nothing, ${width} px wide`, async ({ person }) => {
      const ana = await person('Ana');
      await ana.page.setViewportSize({ width, height: 1000 });
      await run(ana);
      const rows = await ana.log.locator('[data-message]').all();
      for (const row of rows) {
        const bubble = row.locator('.message');
        await row.evaluate((row) => row.scrollIntoView({ block: 'center' }));
        await bubble.hover({ position: { x: 12, y: 12 } });
        await expect(bar(ana.page)).toHaveAttribute('data-message', (await row.getAttribute('data-message')) ?? '');
        const buttons = bar(ana.page).getByRole('button').filter({ visible: true });
        await expect(buttons.first()).toBeVisible();
        expect(await covered(ana.page)).toEqual([]);
        const at = await bubble.boundingBox();
        const own = await row.evaluate((row) => row.classList.contains('own'));
        const nearest = await (own ? buttons.last() : buttons.first()).boundingBox();
        if (!at || !nearest) throw new Error('nothing is drawn');
        // Beside it, and within the page.
        const gap = own ? at.x - (nearest.x + nearest.width) : nearest.x - (at.x + at.width);
        expect(gap).toBeGreaterThanOrEqual(0);
        expect(gap).toBeLessThanOrEqual(24);
        for (const button of await buttons.all()) {
          const { x, width: wide } = (await button.boundingBox()) ?? { x: -1, width: 0 };
          expect(x).toBeGreaterThanOrEqual(0);
          expect(x + wide).toBeLessThanOrEqual(width);
        }
        // The way from the words to the bar leads over nothing that takes it away.
        await ana.page.mouse.move(nearest.x + nearest.width / 2, nearest.y + nearest.height / 2, { steps: 12 });
        await expect(bar(ana.page)).toHaveAttribute('data-message', (await row.getAttribute('data-message')) ?? '');
      }
    });
  }

  test('leaves a link to be pressed, wherever it is pressed', async ({ person }) => {
    const ana = await person('Ana');
    const bo = await run(ana);
    await ana.page.context().route(`${LINK}`, (route) => route.fulfill({ body: 'there' }));
    const link = ana.message('2 https').getByRole('link');
    await ana.message('3 https').hover();
    await ana.message('2 https').hover();
    const opened = ana.context.waitForEvent('page');
    await link.click({ position: { x: 20, y: 2 } });
    await (await opened).close();
    await expect(ana.log.locator('.reactions')).toHaveCount(0);
    await bo.say('And nobody has reacted');
    await ana.hears('And nobody has reacted');
    await expect(ana.log.locator('.reactions')).toHaveCount(0);
  });

  test('follows its bubble when that grows', async ({ person }) => {
    const ana = await person('Ana');
    const { code } = await Member.enter(ana);
    const bo = await Member.enter({ name: 'Bo', origin: ana.origin }, { code });
    const said = await bo.say('Short');
    await open(ana, code);
    await ana.message('Short').hover();
    await expect(bar(ana.page)).toBeVisible();
    await bo.edit(said, 'Not short any more, but one line');
    await ana.hears('Not short');
    await expect.poll(() => covered(ana.page)).toEqual([]);
  });

  test('has all of its actions by keyboard, also where there is no space for it', async ({ person }) => {
    const ana = await person('Ana');
    await ana.page.setViewportSize({ width: 390, height: 800 });
    const bo = await run(ana);
    const { keyboard } = ana.page;
    await ana.log.focus();
    await keyboard.press('End');
    await keyboard.press('ArrowUp');
    await keyboard.press('Enter');
    await expect(bar(ana.page).getByRole('button', { name: 'More actions' })).toBeFocused();
    await keyboard.press('Enter');
    await expect(sheet(ana.page)).toBeVisible();
    await keyboard.press('Tab');
    await sheet(ana.page).getByRole('button', { name: 'Edit' }).focus();
    await keyboard.press('Enter');
    await expect(sheet(ana.page)).toBeHidden();
    await expect(ana.composer).toBeFocused();
    await expect(ana.composer).toHaveValue(/^My long line/);
    await ana.composer.press('Escape');
    await bo.say('Still there');
  });
});

test.describe('by touch', () => {
  test('a sheet has every action in words, none cut, each at least 44 px', async ({ browser, server, guard }) => {
    const ana = await phone({ browser, server, guard });
    const bo = await run(ana);
    await bo.react(await bo.say('With reactions'), '👍');
    for (const width of [390, 320]) {
      await ana.page.setViewportSize({ width, height: 700 });
      await longPress(ana, 'My last');
      for (const name of ['Reply', 'Copy text', 'Edit', 'Delete']) await expect(item(ana.page, name)).toHaveText(name);
      await item(ana.page, 'Delete').tap();
      const sure = item(ana.page, 'Delete?');
      await expect(sure).toHaveText('Delete?');
      expect(await sure.evaluate((button) => button.scrollWidth - button.clientWidth)).toBe(0);
      const boxes = await Promise.all((await sheet(ana.page).getByRole('button').all()).map((one) => one.boundingBox()));
      expect(boxes.length).toBe(12);
      for (const box of boxes) {
        expect(box?.height).toBeGreaterThanOrEqual(44);
        expect(box?.width).toBeGreaterThanOrEqual(width < 390 ? 40 : 44);
        expect((box?.x ?? -1) >= 0 && (box?.x ?? 0) + (box?.width ?? 0) <= width).toBe(true);
      }
      await ana.page.keyboard.press('Escape');
      await expect(sheet(ana.page)).toBeHidden();
    }
    await expect(ana.message('My last')).toBeVisible();
  });

  test('replies, reacts, copies, edits and deletes', async ({ browser, server, guard }) => {
    const ana = await phone({ browser, server, guard });
    await ana.context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await run(ana);
    await longPress(ana, 'Bo’s last');
    await item(ana.page, 'React with 👍').tap();
    await expect(sheet(ana.page)).toBeHidden();
    await expect(ana.message('Bo’s last').getByRole('button', { name: '👍' })).toBeVisible();

    await longPress(ana, 'Bo’s last');
    await item(ana.page, 'React').tap();
    await expect(sheet(ana.page)).toBeHidden();
    const picker = ana.page.getByRole('dialog', { name: 'Emoji' });
    await picker.getByRole('button', { name: 'beaming' }).tap();
    await expect(ana.message('Bo’s last').getByRole('button', { name: '😁' })).toBeVisible();

    await longPress(ana, 'Bo’s last');
    await item(ana.page, 'Copy text').tap();
    await expect(ana.page.getByRole('status').filter({ hasText: 'Copied' })).toBeVisible();
    expect(await ana.page.evaluate(() => navigator.clipboard.readText())).toBe('Bo’s last');

    await longPress(ana, 'Bo’s last');
    await item(ana.page, 'Reply').tap();
    await expect(ana.composer).toBeFocused();
    await ana.type('An answer');
    await expect(ana.message('An answer')).toContainText('Bo’s last');

    await longPress(ana, 'My last');
    await item(ana.page, 'Edit').tap();
    await expect(ana.composer).toHaveValue('My last');
    await ana.composer.fill('My last, changed');
    await ana.press('Save');
    await expect(ana.message('My last, changed')).toContainText('edited');

    await longPress(ana, 'An answer');
    await item(ana.page, 'Delete').tap();
    await item(ana.page, 'Delete?').tap();
    await expect(sheet(ana.page)).toBeHidden();
    await expect(ana.log.getByText('Message deleted')).toBeVisible();
  });

  test('the sheet goes by a tap outside, a swipe, Escape and Close, and leaves no history', async ({
    browser,
    server,
    guard,
  }) => {
    const ana = await phone({ browser, server, guard });
    await run(ana);
    const before = await ana.page.evaluate(() => history.length);
    for (const dismiss of [
      () => ana.page.touchscreen.tap(195, 90),
      async () => {
        await touch(ana.page, 'touchStart', { x: 195, y: 100 });
        for (const y of [130, 170, 220]) await touch(ana.page, 'touchMove', { x: 195, y });
        await touch(ana.page, 'touchEnd');
      },
      () => ana.page.keyboard.press('Escape'),
      () => item(ana.page, 'Close').tap(),
    ]) {
      await longPress(ana, 'Bo’s last');
      await dismiss();
      await expect(sheet(ana.page)).toBeHidden();
    }
    expect(await ana.page.evaluate(() => history.length)).toBe(before);
    await expect(ana.log.locator('.reactions')).toHaveCount(0);
    await expect(bar(ana.page)).toBeHidden();
  });

  test('the sheet and the list of mentions are never there together', async ({ browser, server, guard }) => {
    const ana = await phone({ browser, server, guard });
    await run(ana);
    await ana.composer.tap();
    await ana.composer.pressSequentially('@');
    await expect(ana.page.getByRole('listbox')).toBeVisible();
    await longPress(ana, 'Bo’s last');
    await expect(ana.page.locator('[role=listbox]')).toHaveCount(0);
  });

  test('the sheet says who reacted, when it was said, and goes with its message', async ({ browser, server, guard }) => {
    const ana = await phone({ browser, server, guard });
    const bo = await run(ana);
    const said = await bo.say('With reactions');
    await bo.react(said, '👍');
    await ana.hears('With reactions');
    await ana.message('With reactions').getByRole('button', { name: '👍' }).tap();
    await longPress(ana, 'With reactions');
    await expect(sheet(ana.page)).toContainText('👍');
    await expect(sheet(ana.page)).toContainText(/Bo, Ana/);
    await expect(sheet(ana.page).locator('time')).toHaveText(/\d{1,2}:\d\d:\d\d/);
    await bo.remove(said);
    await expect(sheet(ana.page)).toBeHidden();
  });
});
