import { brotliBytes, emptyRoom, fetched, hasAllChunks, htmlBytes, roomOfHundred, weigh } from '../support/bytes.ts';
import { Member } from '../support/member.ts';
import { expect, holdWasm, type Page, test } from '../support/room.ts';
import { open, STAGE_ENV } from '../support/states.ts';

/** Most bytes that the room’s WASM, JavaScript and CSS may take on the way, until it is live: see docs/weight.md. */
const ASSETS = 384_000;
/** Most bytes of the chunks that follow when it is live: today's size, rounded up. */
const CHUNKS = 116_000;
/** Most bytes of the parser, which comes when a message needs it: today's size, rounded up. */
const PARSER = 62_000;
/** Most bytes of the first HTML of a room with 100 messages: 24 KB. */
const HTML = 24_576;

test.use({ serverEnv: STAGE_ENV });

for (const messages of [0, 100]) {
  test(`program and styles of a room with ${messages} messages are within their budget`, async ({ person }, info) => {
    const [ana, code] = messages ? await roomOfHundred(person) : await emptyRoom(person);
    const urls = fetched(ana.page);
    await open(ana, code);
    await hasAllChunks(urls);
    const { sizes, room, chunks } = await weigh(urls);
    info.annotations.push({ type: 'bytes', description: JSON.stringify({ ...sizes, room, chunks }) });
    const names = Object.keys(sizes).filter((name) => !name.startsWith('chunk_'));
    const kinds = names.map((name) => (name.startsWith('split_') ? name : name.split('.').pop()));
    expect(kinds.sort()).toEqual(['css', 'js', 'js', 'split_history.wasm', 'split_outside.wasm', 'split_tools.wasm', 'wasm']);
    expect(room, JSON.stringify(sizes)).toBeLessThanOrEqual(ASSETS);
    expect(chunks, JSON.stringify(sizes)).toBeLessThanOrEqual(CHUNKS);
  });
}

test('the parser comes with the first message that needs it, within its budget', async ({ person }, info) => {
  const [ana, code] = await roomOfHundred(person);
  const urls = fetched(ana.page);
  await open(ana, code);
  await hasAllChunks(urls);
  urls.clear();
  const bo = await Member.enter({ name: 'Bo', origin: ana.origin }, { code });
  await bo.say('Plain, (1) https://a.example/b - and no more');
  await ana.hears('and no more');
  expect([...urls]).toEqual([]);
  for (const words of ['first', 'second']) {
    await bo.say(`the **${words}**`);
    await expect(ana.message(words).locator('strong')).toHaveText(words);
  }
  expect(urls.size).toBe(1);
  const [url = ''] = urls;
  const bytes = await brotliBytes(url);
  info.annotations.push({ type: 'bytes', description: String(bytes) });
  expect(bytes).toBeLessThanOrEqual(PARSER);
});

test('the first HTML of a room with 100 messages is within its budget', async ({ person }, info) => {
  const [ana, code] = await roomOfHundred(person);
  const bytes = await htmlBytes(ana, code);
  info.annotations.push({ type: 'bytes', description: String(bytes) });
  expect(bytes).toBeLessThanOrEqual(HTML);
});

/** Everything that moved without being asked to, from the first frame to a live page. */
async function shifts(page: Page, go: () => Promise<void>): Promise<string[]> {
  await page.addInitScript(() => {
    const shifted: string[] = [];
    Object.assign(window, { shifted });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as (PerformanceEntry & { value: number; sources: { node?: Node }[] })[]) {
        const nodes = entry.sources.map(({ node }) => (node instanceof Element ? node : node?.parentElement)?.className);
        shifted.push(`${entry.value.toFixed(4)} ${nodes}`);
      }
    }).observe({ type: 'layout-shift', buffered: true });
  });
  // Not compressed, so that each piece can be read when it comes.
  await page.setExtraHTTPHeaders({ 'accept-encoding': 'identity' });
  const letWasmCome = await holdWasm(page);
  const arrived = go();
  // What the server rendered has to be on the screen before anything can move away from it.
  await expect.poll(() => painted(page)).toBe(1);
  letWasmCome();
  await arrived;
  return page.evaluate(async () => {
    for (let frame = 0; frame < 5; frame++) await new Promise(requestAnimationFrame);
    return (window as unknown as { shifted: string[] }).shifted;
  });
}

/** How often it was painted; not yet, while one page gives way to the next. */
function painted(page: Page): Promise<number> {
  return page.evaluate(() => performance.getEntriesByName('first-contentful-paint').length).catch(() => 0);
}

for (const width of [1280, 390]) {
  test.describe(`${width} px`, () => {
    test.use({ viewport: { width, height: 800 } });

    // On a line that brings the page in pieces: it is on the screen whole, or not yet.
    test('nothing shifts on home', async ({ person, line }) => {
      line.inPieces = true;
      const ana = await person('Ana', line.url);
      expect(await shifts(ana.page, () => ana.home())).toEqual([]);
    });

    test('nothing shifts in a room with 100 messages', async ({ person, line }) => {
      const [ana, code] = await roomOfHundred((name) => person(name, line.url));
      line.inPieces = true;
      expect(await shifts(ana.page, async () => void (await open(ana, code)))).toEqual([]);
    });
  });
}
