import type { Locator } from '@playwright/test';
import { Member } from '../support/member.ts';
import { expect, type Page, type Person, test } from '../support/room.ts';
import { loadAll, open } from '../support/states.ts';

test.use({ serverEnv: { APPENDS_PER_SECOND: '100000', APPEND_BURST: '100000' } });

const CODE = '```rust\nfn main() {}\n```';

/** A talk of two. */
async function pair(person: (name: string) => Promise<Person>, origin: string): Promise<{ ana: Person; bo: Member; own: Member }> {
  const ana = await person('Ana');
  const own = await Member.enter(ana);
  const bo = await Member.enter({ name: 'Bo', origin }, { code: own.code });
  return { ana, bo, own };
}

async function box(locator: Locator) {
  const found = await locator.boundingBox();
  if (!found) throw new Error('it is shown');
  return { ...found, right: found.x + found.width, bottom: found.y + found.height };
}

/** WCAG's contrast of an element's colour with what is behind it, or of its edge with what it stands on. */
function contrast(locator: Locator, what: 'text' | 'edge'): Promise<number> {
  return locator.evaluate((element, what) => {
    const pen = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    if (!pen) throw new Error('a canvas reads every way to write a colour');
    const paint = (colours: string[]) => {
      pen.clearRect(0, 0, 1, 1);
      for (const colour of colours) {
        pen.fillStyle = colour;
        pen.fillRect(0, 0, 1, 1);
      }
      const [r, g, b] = Array.from(pen.getImageData(0, 0, 1, 1).data, (byte) => {
        const part = byte / 255;
        return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * (r ?? 0) + 0.7152 * (g ?? 0) + 0.0722 * (b ?? 0);
    };
    const behind: string[] = [];
    const start = what === 'edge' ? element.parentElement : element;
    for (let at = start; at; at = at.parentElement) behind.unshift(getComputedStyle(at).backgroundColor);
    const style = getComputedStyle(element);
    const [a, b] = [paint(behind), paint([...behind, what === 'edge' ? style.borderBlockEndColor : style.color])];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  }, what);
}

/** Text of twice the size, as a reader's setting makes it. */
async function enlarge(page: Page): Promise<void> {
  await page.evaluate(() => document.documentElement.style.setProperty('font-size', '32px'));
}

test('print gives the talk', async ({ person, server }) => {
  const { ana, bo, own } = await pair(person, server.url);
  const long = 'all_of_a_long_line '.repeat(20);
  await bo.say('Message 1: bold');
  const asked = await bo.say('How long?');
  await own.say(`\`\`\`\n${long}\n\`\`\``, asked);
  await bo.react(asked, '👍');
  for (let i = 2; i <= 120; i++) await bo.say(`Line ${i}`);
  await open(ana, own.code);
  await loadAll(ana);
  const { page } = ana;
  await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
  for (const text of ['Message 1: bold', 'Line 2', 'Line 60', 'Line 120']) {
    await expect(ana.message(text).first()).toBeVisible();
  }
  await expect(page.locator('button:not(.quote, .reactions button), input, textarea').filter({ visible: true })).toHaveCount(0);
  await expect(ana.composer).toBeHidden();
  await expect(ana.people).toBeHidden();
  // Everything is on the page itself, and nothing has to be scrolled to.
  const seen = await ana.log.evaluate((log) => {
    const rows = Array.from(log.querySelectorAll('[data-message]'), (row) => row.getBoundingClientRect());
    const cut = Array.from(document.querySelectorAll('.log, .log *')).filter((element) => {
      const style = getComputedStyle(element);
      const isClipped = style.overflowX !== 'visible' && !element.matches('.line, .by .name, .quote *, .label');
      return isClipped && (element.scrollWidth > element.clientWidth || element.scrollHeight > element.clientHeight);
    });
    const black = Array.from(log.querySelectorAll('.message, .name, time, code')).every(
      (element) => getComputedStyle(element).color === 'rgb(0, 0, 0)',
    );
    return {
      rows: rows.length,
      collapsed: rows.filter(({ height }) => height < 10).length,
      bottom: rows.at(-1)?.bottom ?? 0,
      page: document.documentElement.scrollHeight - scrollY,
      cut: cut.map((element) => element.className),
      black,
      paper: getComputedStyle(document.body).backgroundColor,
    };
  });
  expect(seen).toMatchObject({ rows: 122, collapsed: 0, cut: [], black: true, paper: 'rgba(0, 0, 0, 0)' });
  expect(seen.bottom).toBeLessThanOrEqual(seen.page + 1);
  // Whose words they are is said of one's own too.
  const author = await page.locator('.own.first').evaluate((row) => getComputedStyle(row, '::before').position);
  expect(author).toBe('static');
  await page.emulateMedia({ media: null });
  const sheets = (await page.pdf()).toString('latin1').match(/\/Type\s*\/Page\b/g);
  expect(sheets?.length).toBeGreaterThanOrEqual(4);
});

test.describe('the clock', () => {
  test('after midnight today is yesterday', async ({ person, server }) => {
    const { ana, bo, own } = await pair(person, server.url);
    await ana.page.clock.install({ time: new Date().setHours(24, 0, 0, 0) - 300_000 });
    await bo.say('late');
    await open(ana, own.code);
    const day = ana.log.locator('.day');
    await expect(day).toHaveText('Today');
    await ana.page.clock.fastForward(240_000);
    await expect(day).toHaveText('Today');
    await ana.page.clock.fastForward(60_000);
    await expect(day).toHaveText('Yesterday');
  });

  test('times and days follow the zone', async ({ person, server }) => {
    const { ana, bo, own } = await pair(person, server.url);
    await ana.page.clock.install();
    const chrome = await ana.context.newCDPSession(ana.page);
    const travel = (timezoneId: string) => chrome.send('Emulation.setTimezoneOverride', { timezoneId });
    await travel('UTC');
    await bo.say('where are you');
    await open(ana, own.code);
    const time = ana.message('where are you').locator('time');
    const said = new Date((await time.getAttribute('datetime')) ?? '');
    const at = (timeZone: string) =>
      new Intl.DateTimeFormat('en-US', { hour: 'numeric', minute: '2-digit', timeZone }).format(said);
    const day = (hours: number) => new Date(said.getTime() + hours * 3_600_000).toISOString().slice(0, 10);
    await expect(time).toHaveText(at('UTC'));
    for (const [timeZone, hours] of [['Pacific/Kiritimati', 14], ['Pacific/Pago_Pago', -11]] as const) {
      await travel(timeZone);
      await ana.page.clock.fastForward(61_000);
      await expect(time).toHaveText(at(timeZone));
      await expect(ana.message('where are you')).toHaveAccessibleName(`Bo, ${at(timeZone)}`);
      await expect(ana.log.locator('.day time')).toHaveAttribute('datetime', day(hours));
    }
  });
});

for (const width of [390, 320]) {
  test(`text of twice the size fits on ${width} px`, async ({ person, server }) => {
    const { ana, bo, own } = await pair(person, server.url);
    await bo.say('Hello Ana');
    await ana.page.setViewportSize({ width, height: 844 });
    await open(ana, own.code);
    await enlarge(ana.page);
    const inside = async (locator: Locator) => {
      const { x, y, right, bottom } = await box(locator);
      expect(Math.min(x, y), String(locator)).toBeGreaterThanOrEqual(0);
      expect(right, String(locator)).toBeLessThanOrEqual(width);
      expect(bottom, String(locator)).toBeLessThanOrEqual(844);
    };
    for (const control of await ana.page.getByRole('banner').locator('a, button').filter({ visible: true }).all()) {
      await inside(control);
    }
    for (const letter of await ana.page.locator('.avatar').filter({ visible: true }).all()) {
      const [wide, high] = await letter.evaluate((avatar) => {
        const range = document.createRange();
        range.selectNodeContents(avatar);
        const { width, height } = range.getBoundingClientRect();
        return [avatar.clientWidth - width, avatar.clientHeight - height] as const;
      });
      expect(Math.min(wide, high)).toBeGreaterThanOrEqual(0);
    }
    await ana.press('More');
    await inside(ana.page.locator('#tools'));
    for (const name of ['Invite', 'Theme: automatic']) await inside(ana.page.getByRole('button', { name }));
    await ana.page.getByRole('button', { name: 'Invite' }).click();
    for (const name of ['Copy link', 'Full screen']) {
      const button = ana.page.getByRole('dialog').getByRole('button', { name });
      await button.scrollIntoViewIfNeeded();
      await inside(button);
    }
    expect(await ana.page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBe(0);
  });
}

test('a phone on its side, with its keyboard, has a box to write into', async ({ person, server }) => {
  const { ana, bo, own } = await pair(person, server.url);
  for (let i = 1; i <= 20; i++) await bo.say(`Line ${i}`);
  await ana.page.setViewportSize({ width: 844, height: 200 });
  await open(ana, own.code);
  await ana.composer.fill('one\ntwo\nthree');
  const [form, log] = [await box(ana.page.locator('#composer')), await box(ana.page.locator('#log'))];
  expect(form.bottom).toBeLessThanOrEqual(200);
  expect(log.height).toBeGreaterThanOrEqual(20);
  expect(await ana.page.evaluate(() => document.documentElement.scrollHeight)).toBe(200);
});

for (const colorScheme of ['light', 'dark'] as const) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme });

    test('code in own messages can be read', async ({ person, server }) => {
      const { ana, own } = await pair(person, server.url);
      await own.say(`${CODE}\n\`inline\``);
      await open(ana, own.code);
      await ana.page.emulateMedia({ colorScheme });
      const message = ana.message('fn main');
      for (const part of ['.label', '.bar button', 'pre code', 'p code']) {
        expect(await contrast(message.locator(part), 'text'), part).toBeGreaterThanOrEqual(4.5);
      }
    });

    test('what can be pressed or typed into has an edge', async ({ person }) => {
      const ana = await person('Ana');
      const own = await Member.enter(ana);
      const edges = async (...controls: Locator[]) => {
        for (const control of controls) {
          await expect(control.first()).toBeVisible();
          expect(await contrast(control.first(), 'edge'), String(control)).toBeGreaterThanOrEqual(3);
        }
      };
      const { page } = ana;
      await page.emulateMedia({ colorScheme });
      await ana.home();
      await page.getByText('Options', { exact: true }).click();
      await edges(ana.nameField, ana.codeField, page.getByRole('button', { name: 'Join' }), page.getByRole('textbox', { name: 'Maximum number' }));
      await open(ana, own.code);
      await edges(page.locator('#composer'), page.locator('.chip.code'), page.getByRole('button', { name: 'Show QR' }));
      await own.react(await own.say('Hello'), '👍');
      await edges(page.locator('.reactions button'));
      await ana.press('Emoji');
      await edges(page.getByRole('searchbox'));
      await page.keyboard.press('Escape');
      await ana.press('Invite');
      await edges(page.getByRole('textbox', { name: 'Link to this room' }), page.getByRole('button', { name: 'Full screen' }));
    });
  });
}

test('forced colours tell what is one’s own, what is code and who is away', async ({ person, server }) => {
  const { ana, bo, own } = await pair(person, server.url);
  const message = await bo.say(`${CODE}\nand \`inline\``);
  await own.react(message, '👍');
  await bo.react(message, '🎉');
  const chidi = await Member.enter({ name: 'Chidi', origin: server.url }, { code: own.code });
  await open(ana, own.code);
  await chidi.goAway();
  await expect(ana.people).toContainText('away');
  await ana.page.emulateMedia({ forcedColors: 'active' });
  const background = (locator: Locator, part?: string) =>
    locator.evaluate((element, part) => getComputedStyle(element, part).backgroundColor, part);
  const reactions = ana.page.locator('.reactions button');
  expect(await background(reactions.nth(0))).not.toBe(await background(reactions.nth(1)));
  const member = (name: string) => ana.people.getByRole('listitem').filter({ hasText: name });
  const [canvas, text] = await ana.page.evaluate(() => [getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]);
  expect(await background(member('Bo'), '::before')).toBe(text);
  expect(await background(member('Chidi'), '::before')).toBe(canvas);
  const edge = (selector: string, property: 'outlineStyle' | 'borderBlockEndStyle') =>
    ana.message('inline').locator(selector).evaluate((element, property) => getComputedStyle(element)[property], property);
  expect(await edge('p code', 'outlineStyle')).toBe('solid');
  expect(await edge('.pre', 'borderBlockEndStyle')).toBe('solid');
});

test('a wide screen keeps the talk together', async ({ person, server }) => {
  const { ana, bo, own } = await pair(person, server.url);
  await bo.say('Hello');
  await own.say('word '.repeat(400));
  await ana.page.setViewportSize({ width: 1920, height: 1000 });
  await open(ana, own.code);
  const [theirs, mine] = [await box(ana.message('Hello').locator('.message')), await box(ana.message('word').locator('.message'))];
  const form = await box(ana.page.locator('#composer'));
  expect(mine.width).toBeLessThanOrEqual(46 * 16);
  expect(mine.right - theirs.x).toBeLessThanOrEqual(60 * 16);
  expect(theirs.x - 48).toBe(form.x);
  expect(form.width).toBeLessThanOrEqual(60 * 16);
});

test('where the log goes on below, it fades', async ({ person, server }) => {
  const { ana, bo, own } = await pair(person, server.url);
  for (let i = 1; i <= 60; i++) await bo.say(`Line ${i}`);
  await open(ana, own.code);
  const fade = () => ana.page.locator('.foot').evaluate((foot) => getComputedStyle(foot, '::before').backgroundImage);
  expect(await fade()).toBe('none');
  await ana.message('Line 30').evaluate((row) => row.scrollIntoView({ block: 'center' }));
  await expect.poll(fade).toContain('linear-gradient');
  // The scroll bar is still to be pressed to its end.
  const [log, foot] = [await box(ana.page.locator('#log')), await box(ana.page.locator('.foot'))];
  const top = await ana.page.evaluate(([x, y]) => document.elementFromPoint(x, y)?.id, [log.right - 4, foot.y - 4] as const);
  expect(top).toBe('log');
});

test('avatar and “edited” stand in the bubble’s own line', async ({ person, server }) => {
  const { ana, bo, own } = await pair(person, server.url);
  for (const who of [bo, own]) {
    const slip = await who.say('ok');
    await who.react(slip, '👍');
    await who.edit(slip, who === bo ? 'theirs' : 'mine');
  }
  await open(ana, own.code);
  for (const text of ['theirs', 'mine']) {
    const row = ana.message(text);
    const [bubble, edited] = [await box(row.locator('.message')), await box(row.locator('.edited'))];
    expect(edited.x).toBeGreaterThanOrEqual(bubble.x);
    expect(edited.right).toBeLessThanOrEqual(bubble.right);
    expect(edited.bottom).toBeLessThanOrEqual(bubble.bottom);
    expect(edited.y).toBeGreaterThanOrEqual((await box(row.locator('.message p'))).bottom - 1);
    expect((await box(row.locator('.reactions'))).y).toBeGreaterThanOrEqual(bubble.bottom - 6);
  }
  const theirs = ana.message('theirs');
  expect((await box(theirs.locator('.avatar'))).bottom).toBe((await box(theirs.locator('.message'))).bottom);
});

test('what is on its way says so once, and moves nothing', async ({ person, server }) => {
  const { ana, bo, own } = await pair(person, server.url);
  await bo.say('Hello');
  await open(ana, own.code);
  await ana.context.setOffline(true);
  await expect(ana.banner).toContainText('You are offline');
  for (const text of ['first', 'second']) await ana.type(text);
  const sending = ana.log.getByText('Sending…').filter({ visible: true });
  await expect(sending).toHaveCount(1);
  const [before, words, foot] = [await box(ana.message('second')), await box(sending), await box(ana.page.locator('.foot'))];
  expect(words.y).toBeGreaterThanOrEqual(before.bottom);
  expect(words.bottom).toBeLessThanOrEqual(foot.y + 1);
  await ana.context.setOffline(false);
  await ana.sent('second');
  await ana.sent('first');
  expect(await box(ana.message('second'))).toEqual(before);
});
