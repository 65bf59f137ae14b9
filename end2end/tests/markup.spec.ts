import { readFileSync } from 'node:fs';
import { Member } from '../support/member.ts';
import { expect, type Page, test } from '../support/room.ts';
import { open, STAGE_ENV } from '../support/states.ts';

test.use({ serverEnv: STAGE_ENV });

const PARSER = '**/split_markup.wasm';

/** A message, and the link in it: none where `href` is null. `app` reads the same file with the server's parser. */
interface LinkCase {
  body: string;
  href: string | null;
  leads_to?: string | null;
}

const LINKS: LinkCase[] = JSON.parse(
  readFileSync(new URL('../../app/tests/fixtures/links.json', import.meta.url), 'utf8'),
);

/** How often the page has asked for the parser. */
function asked(page: Page): { times: number } {
  const count = { times: 0 };
  page.on('request', (request) => void (count.times += Number(/split_markup/.test(request.url()))));
  return count;
}

test('what the server wrote stays in the page, and is read only when it changes', async ({ person }) => {
  const ana = await person('Ana');
  const bo = await Member.enter({ name: 'Bo', origin: ana.origin });
  const own = await Member.enter(ana, { code: bo.code });
  const bold = await bo.say('Some **bold** words\n- and\n- a list');
  await own.say('Of *course*', bold);
  const parser = asked(ana.page);
  await open(ana, bo.code);
  const strong = await ana.message('bold words').locator('strong').elementHandle();
  const stays = () => strong?.evaluate((node) => node.isConnected);

  await bo.react(bold, '👍');
  await expect(ana.message('bold words').getByRole('button', { name: /👍/ })).toBeVisible();
  // Bo's group ends elsewhere now.
  await bo.say('Next');
  await ana.hears('Next');
  expect(await stays()).toBe(true);
  expect(parser.times).toBe(0);
  expect(await ana.said()).toEqual([expect.stringContaining('Some bold words'), expect.stringContaining('Of course'), 'Next']);

  await bo.edit(bold, 'Some **other** words');
  await expect(ana.message('other words').locator('.message > p > strong')).toHaveText('other');
  await expect(ana.message('Of course').locator('.quote')).toContainText('Some other words');
  await expect(ana.message('Of course').locator('em')).toHaveText('course');
  expect(parser.times).toBe(1);
});

test('without the parser a message stands as it was typed, and the next one asks again', async ({ person, guard }) => {
  const ana = await person('Ana');
  const bo = await Member.enter({ name: 'Bo', origin: ana.origin });
  await Member.enter(ana, { code: bo.code });
  await open(ana, bo.code);
  const parser = asked(ana.page);
  const isBack = guard.expectLost(/split_markup/);
  await ana.page.route(PARSER, (route) => route.abort());
  const lost = ana.page.waitForEvent('requestfailed');
  await bo.say('A **bold**\n> step');
  await expect(ana.message('step').locator('.message')).toHaveText('A **bold**> step');
  await expect(ana.message('step').locator('.message br')).toHaveCount(1);
  await lost;
  await ana.page.unroute(PARSER);
  await isBack();
  await bo.say('and a **second**');
  await expect(ana.log.locator('strong')).toHaveText(['bold', 'second']);
  await expect(ana.log.locator('blockquote')).toHaveText('step');
  expect(parser.times).toBe(2);
});

test('the parser comes while a message is written that needs it', async ({ person }) => {
  const ana = await person('Ana');
  const bo = await Member.enter({ name: 'Bo', origin: ana.origin });
  await Member.enter(ana, { code: bo.code });
  await open(ana, bo.code);
  const parser = asked(ana.page);
  await ana.composer.pressSequentially('plain ');
  expect(parser.times).toBe(0);
  const came = ana.page.waitForResponse(PARSER);
  await ana.composer.pressSequentially('**bold**');
  await came;
  await ana.composer.press('Enter');
  await expect(ana.log.locator('strong')).toHaveText('bold');
  expect(parser.times).toBe(1);
});

test('browser and server draw the same links of hostile addresses', async ({ person }) => {
  const ana = await person('Ana');
  const bo = await Member.enter({ name: 'Bo', origin: ana.origin });
  await Member.enter(ana, { code: bo.code });
  await open(ana, bo.code);
  for (const { body } of LINKS) await bo.say(body);
  const messages = ana.log.locator('[data-message] .message');
  const links = () =>
    messages.evaluateAll((all) =>
      all.map((message) => {
        const link = message.querySelector('a');
        const host = message.querySelector('.host bdi');
        // `href` as it is written, and as the browser follows it from this page.
        return link && [link.getAttribute('href'), link.href, host && host.textContent];
      }),
    );
  const expected = LINKS.map(({ href, leads_to }) => href && [href, href, leads_to]);
  await expect.poll(links).toEqual(expected);

  // As elements: a row that was drawn anew may have its attributes in another order.
  const drawn = () =>
    messages.evaluateAll((all) => {
      const tree = (node: Element): unknown[] => [
        node.tagName,
        ...Array.from(node.attributes, ({ name, value }) => `${name}=${value}`).sort(),
        ...Array.from(node.childNodes, (child) =>
          child instanceof Element ? tree(child) : child instanceof Text ? child.data : null,
        ).filter((child) => child !== null),
      ];
      return all.map(tree);
    });
  const byBrowser = await drawn();
  await open(ana, bo.code);
  expect(await drawn()).toEqual(byBrowser);
  expect(await links()).toEqual(expected);
});

test('mentions are of those who are in the room, also of who came since', async ({ person }) => {
  const ana = await person('Ana');
  const bo = await Member.enter({ name: 'Bo', origin: ana.origin });
  await Member.enter(ana, { code: bo.code });
  await open(ana, bo.code);
  await bo.say('hi @ana and @Cy');
  await expect(ana.message('hi @ana').locator('.mention')).toHaveText(['@ana']);
  await expect(ana.message('hi @ana').locator('.mention.me')).toHaveCount(1);
  await expect(ana.message('hi @ana')).toHaveClass(/\bcalls\b/);
  await Member.enter({ name: 'Cy', origin: ana.origin }, { code: bo.code });
  await bo.say('welcome @CY');
  await expect(ana.message('welcome').locator('.mention')).toHaveText(['@CY']);
  await expect(ana.message('welcome')).not.toHaveClass(/\bcalls\b/);
});

test('each line is read in its own direction, and bullets stand where their list begins', async ({ person }) => {
  const ana = await person('Ana');
  const bo = await Member.enter({ name: 'Bo', origin: ana.origin });
  await Member.enter(ana, { code: bo.code });
  await open(ana, bo.code);
  await bo.say('Meeting notes of the whole long first day:\nשלום, world!\nend.');
  await bo.say('- שלום\n- עולם');
  await bo.say('> مرحبا');
  await ana.hears('مرحبا');
  /** Distances of a text's first letter run from the left and the right edge of the paragraph. */
  const edges = (text: string) =>
    ana.log.evaluate((log, text) => {
      const walker = document.createTreeWalker(log, NodeFilter.SHOW_TEXT);
      for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        if (!node.nodeValue?.includes(text)) continue;
        const range = document.createRange();
        range.selectNodeContents(node);
        const [box, around] = [range.getBoundingClientRect(), node.parentElement!.getBoundingClientRect()];
        return { left: box.left - around.left, right: around.right - box.right };
      }
      throw new Error(`${text} is not there`);
    }, text);
  const [latin, hebrew, last] = [await edges('Meeting notes'), await edges('שלום, world!'), await edges('end.')];
  expect(latin.left).toBeLessThan(1);
  expect(hebrew.right).toBeLessThan(1);
  expect(hebrew.left).toBeGreaterThan(20);
  expect(last.left).toBeLessThan(1);
  const list = ana.log.locator('.message ul');
  expect(await list.evaluate((list) => getComputedStyle(list).direction)).toBe('rtl');
  expect(await list.evaluate((list) => parseFloat(getComputedStyle(list).paddingRight))).toBeGreaterThan(10);
  expect(await list.evaluate((list) => parseFloat(getComputedStyle(list).paddingLeft))).toBe(0);
  const quote = ana.log.locator('.message blockquote');
  expect(await quote.evaluate((quote) => getComputedStyle(quote).borderRightWidth)).toBe('3px');
  expect(await quote.evaluate((quote) => getComputedStyle(quote).borderLeftWidth)).toBe('0px');
});

test('numbers of a list have room, and empty lines a distance that grows', async ({ person }) => {
  const ana = await person('Ana');
  const bo = await Member.enter({ name: 'Bo', origin: ana.origin });
  await Member.enter(ana, { code: bo.code });
  await open(ana, bo.code);
  for (const start of ['1', '99', '2026', '123456789']) await bo.say(`${start}. Happy new year`);
  await expect(ana.log.locator('.message ol')).toHaveCount(4);
  const left = await ana.log.locator('.message ol').evaluateAll((lists) =>
    lists.map((list) => {
      const canvas = document.createElement('canvas').getContext('2d')!;
      canvas.font = getComputedStyle(list).font;
      const number = `${(list as HTMLOListElement).start}. `;
      return parseFloat(getComputedStyle(list).paddingLeft) - canvas.measureText(number).width;
    }),
  );
  for (const more of left) expect(more).toBeGreaterThanOrEqual(0);
  await bo.say('one\n\ntwo');
  await bo.say('one\n\n\ntwo');
  await bo.say('one\n\n\n\n\n\ntwo');
  const distant = ana.log.locator('.message', { hasText: 'two' });
  await expect(distant).toHaveCount(3);
  const heights = await distant.evaluateAll((all) => all.map((message) => message.getBoundingClientRect().height));
  const [one, two, five] = heights as [number, number, number];
  expect(two).toBeGreaterThan(one + 20);
  expect(five).toBeGreaterThan(two + 60);
});

test('code scrolls in place of being broken, and its button says that it is copied', async ({ person }) => {
  const ana = await person('Ana');
  const bo = await Member.enter({ name: 'Bo', origin: ana.origin });
  await Member.enter(ana, { code: bo.code });
  await open(ana, bo.code);
  const code = `${'let wide = 1; '.repeat(20)}\n\tnext();`;
  await bo.say(`\`\`\`rust\n${code}\n\`\`\``);
  const block = ana.log.locator('.message .pre').filter({ hasText: 'next();' });
  await expect(block.locator('.label')).toHaveText('rust');
  const pre = block.locator('pre');
  const size = await pre.evaluate((pre) => ({ shown: pre.clientWidth, all: pre.scrollWidth, height: pre.clientHeight }));
  expect(size.all).toBeGreaterThan(size.shown * 1.5);
  expect(size.height).toBeLessThan(90);
  // Tab leads to what scrolls, and to no other code.
  await expect(pre).toHaveAttribute('tabindex', '0');
  await bo.say('```\nshort\n```');
  await expect(ana.message('short').locator('pre')).toHaveAttribute('tabindex', '-1');
  const page = await ana.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect(page).toBeLessThanOrEqual(0);
  const button = block.getByRole('button', { name: 'Copy' });
  await expect(button.locator('svg').first()).toBeVisible();
  await ana.context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await button.click();
  await expect(block.getByRole('status')).toHaveText('Copied');
  await expect(block.getByRole('status')).toBeInViewport();
  expect(await ana.page.evaluate(() => navigator.clipboard.readText())).toBe(code);
  await expect(block.getByRole('status')).toHaveText('');
});

test('code and mailboxes call nobody, a name with marks does', async ({ person }) => {
  const ana = await person('_spider_');
  const bo = await Member.enter({ name: 'Bo', origin: ana.origin });
  await Member.enter(ana, { code: bo.code });
  await open(ana, bo.code);
  await bo.say('in code: `@_spider_`');
  await bo.say('mail jim@_spider_.example');
  await bo.say('hello @_spider_!');
  await expect(ana.message('in code')).not.toHaveClass(/\bcalls\b/);
  await expect(ana.message('mail jim')).not.toHaveClass(/\bcalls\b/);
  await expect(ana.message('hello')).toHaveClass(/\bcalls\b/);
  await expect(ana.message('hello').locator('.mention.me')).toHaveText('@_spider_');
});
