import { readFileSync } from 'node:fs';
import type { Download, Locator } from '@playwright/test';
import { Member } from '../support/member.ts';
import { expect, type Page, type Person, test } from '../support/room.ts';
import { open, openFind, STAGE_ENV, thousand } from '../support/states.ts';

test.use({ serverEnv: { ...STAGE_ENV, FLASKY_EVENTS: '3000' } });

const OLDER = /older_page/;

const field = (page: Page) => page.getByRole('searchbox', { name: 'Search what was said' });
const status = (page: Page) => page.getByRole('dialog', { name: 'Search and save' }).getByRole('status');

/** How many places are marked in the page's text. */
const marked = (page: Page) =>
  page.evaluate(() => (CSS.highlights as unknown as Map<string, Set<Range>>).get('found')?.size ?? 0);

/** The message that the search shows. */
const shown = (one: Person): Locator => one.log.locator('[aria-current]');

async function pair({ person }: { person: (name: string) => Promise<Person> }): Promise<{ ana: Person; bo: Member; own: Member }> {
  const ana = await person('Ana');
  const own = await Member.enter(ana);
  const bo = await Member.enter({ name: 'Bo', origin: ana.origin }, { code: own.code });
  return { ana, bo, own };
}

test.describe('search', () => {
  test('finds what is said on older pages, counts it, and leads through it', async ({ browser, server, guard, person }) => {
    const { reader, bo } = await thousand({ browser, server, guard, person }, 350);
    const { page } = reader;
    await openFind(reader);
    await expect(field(page)).toBeFocused();
    await field(page).fill('message 30');
    // 30, and 300 to 309.
    await expect(status(page)).toHaveText('1 of 11');
    await expect(shown(reader)).toContainText('Message 309:');
    await expect(shown(reader)).toBeInViewport();
    await expect.poll(() => marked(page)).toBe(11);
    await page.getByRole('button', { name: 'Newer match' }).click();
    await expect(status(page)).toHaveText('11 of 11');
    await expect(shown(reader)).toContainText('Message 30:');
    await expect(shown(reader)).toBeInViewport();
    await page.getByRole('button', { name: 'Older match' }).click();
    await expect(status(page)).toHaveText('1 of 11');
    await expect(shown(reader)).toContainText('Message 309:');
    await expect(shown(reader)).toBeInViewport();
    // As it is seen, and not as it was typed.
    await field(page).fill('30: BOLD and code');
    await expect(status(page)).toHaveText('1 of 4');
    await field(page).fill('nobody says this');
    await expect(status(page)).toHaveText('No message has these words.');
    await expect(shown(reader)).toHaveCount(0);
    await expect.poll(() => marked(page)).toBe(0);
    await bo.say('Now somebody says: NOBODY  SAYS this. Nobody says this!');
    await expect(status(page)).toHaveText('1 of 1');
    await expect.poll(() => marked(page)).toBe(1);
  });

  test('by keyboard alone: a key in the log opens it, Escape closes it and leads to what was found', async ({ person }) => {
    const { ana, bo, own } = await pair({ person });
    for (const words of ['The first cake', 'Something else', 'The second cake']) await bo.say(words);
    await open(ana, own.code);
    const { keyboard } = ana.page;
    await ana.log.focus();
    await keyboard.press('Control+Shift+F');
    await expect(field(ana.page)).toBeFocused();
    await keyboard.type('cake');
    await expect(status(ana.page)).toHaveText('1 of 2');
    await keyboard.press('Enter');
    await expect(status(ana.page)).toHaveText('2 of 2');
    await keyboard.press('Shift+Enter');
    await expect(status(ana.page)).toHaveText('1 of 2');
    await keyboard.press('ArrowUp');
    await expect(shown(ana)).toContainText('The first cake');
    await keyboard.press('Escape');
    await expect(field(ana.page)).toBeHidden();
    await expect(ana.message('The first cake')).toBeFocused();
    await expect(shown(ana)).toHaveCount(0);
    expect(await marked(ana.page)).toBe(0);
    // Where nothing was found the focus goes back to where it was.
    await keyboard.press('End');
    await keyboard.press('Control+Shift+F');
    await keyboard.press('Escape');
    await expect(ana.message('The second cake')).toBeFocused();
    await keyboard.press('Escape');
    await expect(ana.composer).toBeFocused();
  });

  test('opened again looks for the words that stand there', async ({ person }) => {
    const { ana, bo, own } = await pair({ person });
    for (const words of ['The first cake', 'The second cake']) await bo.say(words);
    await open(ana, own.code);
    await openFind(ana);
    await field(ana.page).fill('cake');
    await expect(status(ana.page)).toHaveText('1 of 2');
    await ana.page.keyboard.press('Escape');
    expect(await marked(ana.page)).toBe(0);
    await openFind(ana);
    await expect(field(ana.page)).toHaveValue('cake');
    await expect(status(ana.page)).toHaveText('1 of 2');
    await expect.poll(() => marked(ana.page)).toBe(2);
    await ana.page.keyboard.press('Enter');
    await expect(status(ana.page)).toHaveText('2 of 2');
  });

  test('follows edits, and finds nothing in what is deleted', async ({ person }) => {
    const { ana, bo, own } = await pair({ person });
    const first = await bo.say('A secret plan');
    const second = await bo.say('A secret wish');
    await open(ana, own.code);
    await openFind(ana);
    await field(ana.page).fill('secret');
    await expect(status(ana.page)).toHaveText('1 of 2');
    await bo.remove(second);
    await expect(status(ana.page)).toHaveText('1 of 1');
    await expect(shown(ana)).toContainText('A secret plan');
    await bo.edit(first, 'A known plan');
    await expect(status(ana.page)).toHaveText('No message has these words.');
    await expect.poll(() => marked(ana.page)).toBe(0);
  });

  test('the room goes on beside it', async ({ person }) => {
    const { ana, bo, own } = await pair({ person });
    await bo.say('Hello');
    await open(ana, own.code);
    await openFind(ana);
    await ana.say('Hello, Bo');
    await ana.log.focus();
    await ana.page.keyboard.type('Typed in the log');
    await expect(ana.composer).toHaveValue('Typed in the log');
    await expect(field(ana.page)).toBeVisible();
  });
});

test.describe('on a small screen', () => {
  test.use({ viewport: { width: 320, height: 640 } });

  test('the panel covers no message that it leads to', async ({ browser, server, guard, person }) => {
    const { reader } = await thousand({ browser, server, guard, person }, 60);
    await openFind(reader);
    await field(reader.page).fill('Message 30: bold');
    await expect(shown(reader)).toContainText('Message 30');
    const panel = reader.page.getByRole('dialog', { name: 'Search and save' });
    const bottom = async () => (await panel.boundingBox().then((box) => box && box.y + box.height)) ?? Number.NaN;
    await expect.poll(async () => ((await shown(reader).boundingBox())?.y ?? 0) - (await bottom())).toBeGreaterThanOrEqual(0);
    await expect(shown(reader)).toBeInViewport({ ratio: 1 });
  });
});

test.describe('older pages', () => {
  test('that take long are shown as progress, and can be given up', async ({ browser, server, guard, person }) => {
    const { reader } = await thousand({ browser, server, guard, person }, 350);
    const { page } = reader;
    const held: (() => void)[] = [];
    await page.route(OLDER, async (route) => {
      await new Promise<void>((go) => held.push(go));
      await route.continue();
    });
    await openFind(reader);
    await field(page).fill('Message 1:');
    const progress = page.getByRole('progressbar', { name: 'Looking further back: page 1 of 10 at most' });
    await expect(progress).toBeVisible();
    await expect.poll(() => held.length).toBe(1);
    await page.getByRole('button', { name: 'Cancel' }).click();
    await expect(page.getByRole('progressbar')).toHaveCount(0);
    held.pop()?.();
    // What was on its way comes, and nothing after it.
    await expect(reader.message('Message 200:')).toBeAttached();
    await expect(status(page)).toHaveText('No message has these words.');
    expect(held).toEqual([]);
    await page.unroute(OLDER);
    await field(page).fill('Message 1: bold');
    await expect(status(page)).toHaveText('1 of 1');
  });

  test('that do not come are said, and asked for again', async ({ browser, server, guard, person }) => {
    const { reader } = await thousand({ browser, server, guard, person }, 250);
    const { page } = reader;
    const comes = guard.expectLost(OLDER);
    await page.route(OLDER, (route) => route.abort());
    await openFind(reader);
    await field(page).fill('Message 1: bold');
    await expect(status(page)).toContainText('Older messages did not come.');
    await page.unroute(OLDER);
    await comes();
    await field(page).fill('Message 1: bold and');
    await expect(status(page)).toHaveText('1 of 1');
  });

  test('are ten at most, and what is left out is said', async ({ browser, server, guard, person }) => {
    test.setTimeout(90_000);
    const { reader } = await thousand({ browser, server, guard, person }, 1_200);
    const { page } = reader;
    await openFind(reader);
    await field(page).fill('Message 1: bold');
    await expect(status(page)).toContainText('There are older messages.', { timeout: 30_000 });
    await expect(reader.log.locator('[data-message]')).toHaveCount(1_100);
  });
});

test('one can go to a day: the first message of it, also on an older page', async ({ browser, server, guard, person }) => {
  const { reader } = await thousand({ browser, server, guard, person }, 350);
  const { page } = reader;
  const DAY = 86_400_000;
  // The server has only today: each older page is of a day before the one after it.
  let days = 0;
  await page.route(OLDER, async (route) => {
    const response = await route.fetch();
    const json = await response.json();
    days += 1;
    for (const event of json.events) event.at -= days * DAY;
    await route.fulfill({ response, json });
  });
  const day = (before: number) =>
    page.evaluate((at) => new Date(at - new Date(at).getTimezoneOffset() * 60_000).toISOString().slice(0, 10), Date.now() - before * DAY);
  await openFind(reader);
  const go = async (before: number) => {
    await page.getByLabel('Day', { exact: true }).fill(await day(before));
    await page.getByRole('button', { name: 'Go', exact: true }).click();
  };
  /** The first message below the line of a day, and where it stands. */
  const firstOf = async (line: Locator) => {
    const first = line.locator('xpath=following::*[@data-message][1]');
    await expect(first).toBeFocused();
    await expect(first).toBeInViewport();
  };
  await go(2);
  await firstOf(reader.log.locator('.day').nth(1));
  await go(1);
  await firstOf(reader.log.locator('.day').filter({ hasText: 'Yesterday' }));
  await go(400);
  await firstOf(reader.log.locator('.day').first());
  await expect(reader.message('Message 1: bold')).toBeFocused();
});

test.describe('a saved talk', () => {
  interface Saved {
    author: string;
    at: number;
    marks: string[];
    body: string;
  }

  /** The messages of a saved Markdown file: lines at the margin, and what is indented below them. */
  function read(file: string): Saved[] {
    const plain = (text: string) => text.replace(/\\(.)/g, '$1');
    return file.split(/^- /m).slice(1).map((item) => {
      const [head = '', ...lines] = item.trimEnd().split('\n');
      const [, author = '', date, time, zone, marks] = /^\*\*(.*)\*\* (\S+) (\S+) (\S+)(?: \((.*)\))?$/.exec(head) ?? [];
      const body = lines.slice(1).map((line) => line.replace(/^ {2}/, '')).join('\n');
      return { author: plain(author), at: Date.parse(`${date}T${time}${zone}`), marks: marks?.split(', ') ?? [], body };
    });
  }

  async function save(one: Person, form: string): Promise<{ name: string; text: string }> {
    const coming = one.page.waitForEvent('download');
    await one.press(form);
    const download = await coming;
    return { name: download.suggestedFilename(), text: readFileSync(await download.path(), 'utf8') };
  }

  test('read again has every message as it was typed, also from older pages', async ({ person }) => {
    const { ana, bo, own } = await pair({ person });
    const typed = ['**bold** and `code`', '# no\n\n- **Ana** 2026-01-01 10:00:00 +00:00\n  > *x*', '```\nnever closed', '<b>1 &lt; 2</b>'];
    const said: string[] = [];
    for (let i = 0; i < 230; i++) {
      const body = `${i}: ${typed[i % typed.length]}`;
      said.push(body);
      await (i % 3 ? bo : own).say(body);
    }
    const slip = await bo.say('slip');
    await bo.edit(slip, 'no slip');
    const gone = await bo.say('A secret');
    await bo.remove(gone);
    await own.say('An answer', slip);
    await open(ana, own.code);
    await openFind(ana);
    const { name, text } = await save(ana, 'Markdown');
    expect(name).toMatch(new RegExp(`^flasky-${own.code}-\\d{4}-\\d\\d-\\d\\d-\\d{4}\\.md$`));
    expect(text).toContain(`# Room ${own.code}`);
    expect(text).not.toContain('A secret');
    const saved = read(text);
    expect(saved.map(({ body }) => body)).toEqual([...said, 'no slip', '', '> **Bo**: no slip\n\nAn answer']);
    expect(saved.map(({ author }) => author)).toEqual([...said.map((_, i) => (i % 3 ? 'Bo' : 'Ana')), 'Bo', 'Bo', 'Ana']);
    expect(saved.slice(-4).map(({ marks }) => marks)).toEqual([[], ['edited'], ['Message deleted'], ['reply']]);
    for (const { at } of saved) expect(Math.abs(at - Date.now())).toBeLessThan(120_000);
    await expect(ana.page.getByText(`Saved as ${name}`)).toBeVisible();
    const plain = await save(ana, 'Plain text');
    expect(plain.name).toMatch(/\.txt$/);
    expect(plain.text).toContain('\n    0: **bold** and `code`\n');
  });

  test('says that it is not whole', async ({ browser, server, guard, person }) => {
    test.setTimeout(90_000);
    const { reader } = await thousand({ browser, server, guard, person }, 1_200);
    await openFind(reader);
    const { name, text } = await save(reader, 'Markdown');
    expect(text).toContain('There are older messages.');
    expect(read(text)).toHaveLength(1_100);
    await expect(reader.page.getByText(`Saved as ${name}, without the oldest messages`)).toBeVisible();
  });

  test('is there though the reader goes elsewhere meanwhile', async ({ browser, server, guard, person }) => {
    const { reader } = await thousand({ browser, server, guard, person }, 350);
    const { page } = reader;
    const held: (() => void)[] = [];
    let holds = true;
    await page.route(OLDER, async (route) => {
      if (holds) await new Promise<void>((go) => held.push(go));
      await route.continue();
    });
    await openFind(reader);
    const files: Download[] = [];
    page.on('download', (file) => files.push(file));
    await reader.press('Markdown');
    await expect.poll(() => held.length).toBe(1);
    await page.getByLabel('Day', { exact: true }).fill('2020-01-01');
    await reader.press('Go');
    await expect.poll(() => held.length).toBe(2);
    holds = false;
    for (const go of held) go();
    await expect(reader.message('Message 1: bold')).toBeFocused();
    await expect.poll(() => files.length).toBe(1);
    expect(read(readFileSync((await files[0]?.path()) ?? '', 'utf8'))).toHaveLength(350);
    await expect(page.getByText(/^Saved as/)).toBeVisible();
  });

  test('says that nothing was saved when older messages do not come', async ({ browser, server, guard, person }) => {
    const { reader } = await thousand({ browser, server, guard, person }, 250);
    guard.expectLost(OLDER);
    await reader.page.route(OLDER, (route) => route.abort());
    await openFind(reader);
    await reader.press('Plain text');
    await expect(reader.page.getByText(/^Nothing was saved/)).toBeVisible();
  });
});

test('compact rows are a choice of the device: kept, there before the first paint, and in all tabs', async ({ person }) => {
  const { ana, bo, own } = await pair({ person });
  for (let i = 1; i <= 60; i++) await bo.say(`Line ${i}.`);
  await open(ana, own.code);
  const other = await ana.tab();
  await open(other, own.code);
  const height = (one: Person) => one.message('Line 50.').evaluate((row) => row.getBoundingClientRect().height);
  const wide = await height(ana);
  await openFind(ana);
  const choice = ana.page.getByRole('checkbox', { name: 'Compact rows' });
  await choice.check();
  await expect.poll(() => height(ana)).toBeLessThan(wide - 6);
  await expect.poll(() => height(other)).toBeLessThan(wide - 6);
  const narrow = await height(ana);
  await ana.page.addInitScript(() => {
    const shifted: string[] = [];
    Object.assign(window, { shifted });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as (PerformanceEntry & { sources: { node?: Node }[] })[]) {
        const nodes = entry.sources.map(({ node }) => (node instanceof Element ? node : node?.parentElement)?.className);
        shifted.push(`${entry.startTime} ${nodes}`);
      }
    }).observe({ type: 'layout-shift', buffered: true });
  });
  await ana.page.reload();
  await ana.inRoom(own.code);
  expect(await height(ana)).toBe(narrow);
  expect(await ana.page.evaluate(() => (window as unknown as { shifted: string[] }).shifted)).toEqual([]);
  await openFind(ana);
  await expect(choice).toBeChecked();
  await choice.uncheck();
  await expect.poll(() => height(ana)).toBe(wide);
});
