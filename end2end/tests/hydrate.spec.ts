import { Member } from '../support/member.ts';
import { expect, holdWasm, type Page, type Person, test } from '../support/room.ts';
import { STAGE_ENV } from '../support/states.ts';

test.use({ serverEnv: STAGE_ENV });

/** Every kind of markup that a message can have. */
const MARKUP = [
  'plain words, (1) https://a.example/b, ops@a.example',
  '**bold** and *italic*, ~~gone~~, `code` and [words](https://a.example/c)\nand the next line, @Ana',
  '> quoted\n\n3. third\n4. **fourth**\n\n- an item\n  - and one in it',
  '```rust\nfn main() {}\n```',
  '🎉🎉🎉',
];

/** A room with a bit of everything in it, which Ana has a seat in and has not opened yet. */
async function room(ana: Person): Promise<{ code: string; bo: Member }> {
  const bo = await Member.enter({ name: 'Bo', origin: ana.origin });
  const own = await Member.enter(ana, { code: bo.code });
  for (const body of MARKUP) await bo.say(body);
  const first = await own.say('Of *course*', await bo.say('Shall we?'));
  await bo.react(first, '👍');
  await bo.edit(await bo.say('so'), '**so**, then');
  await bo.remove(await bo.say('a slip'));
  await own.say('one\n\ntwo');
  await own.goAway();
  return { code: bo.code, bo };
}

/** Opens a page whose program has to wait; the answer lets it come. */
async function openHeld(ana: Person, path: string): Promise<() => void> {
  const letWasmCome = await holdWasm(ana.page);
  await ana.page.goto(ana.origin + path);
  await expect(ana.page.locator('html[data-hydrated]')).not.toBeAttached();
  return letWasmCome;
}

/** Notes every node of the page as the server wrote it. */
async function noteNodes(page: Page): Promise<void> {
  await page.evaluate(() => {
    const nodes: Node[] = [];
    const walker = document.createTreeWalker(document.querySelector('#app') ?? document, NodeFilter.SHOW_ALL);
    while (walker.nextNode()) nodes.push(walker.currentNode);
    Object.assign(window, { nodes });
  });
}

/** How many nodes were noted, and those of them that are not on the page any more. */
function lostNodes(page: Page): Promise<{ noted: number; lost: string[] }> {
  return page.evaluate(() => {
    const { nodes } = window as unknown as { nodes: Node[] };
    const lost = nodes.filter((node) => !node.isConnected);
    return { noted: nodes.length, lost: lost.map((node) => `${node.nodeName}: ${node.textContent}`) };
  });
}

test('home is taken over as the server wrote it, with what was typed', async ({ person }) => {
  const ana = await person('Ana');
  const letWasmCome = await openHeld(ana, '/');
  await noteNodes(ana.page);
  await ana.nameField.fill('Ana');
  letWasmCome();
  await ana.hydrated();
  await expect(ana.nameField).toHaveValue('Ana');
  const { noted, lost } = await lostNodes(ana.page);
  expect(lost).toEqual([]);
  expect(noted).toBeGreaterThan(50);
});

test('a room with every kind of message is taken over as it is, with what was typed', async ({ person }) => {
  const ana = await person('Ana');
  const { code, bo } = await room(ana);
  const letWasmCome = await openHeld(ana, `/room/${code}`);
  await noteNodes(ana.page);
  await ana.composer.fill('typed early');
  letWasmCome();
  await ana.hydrated();
  await ana.inRoom(code);
  await bo.say('Afterwards');
  await ana.hears('Afterwards');
  await expect(ana.composer).toHaveValue('typed early');
  const { noted, lost } = await lostNodes(ana.page);
  expect(lost).toEqual([]);
  expect(noted).toBeGreaterThan(500);
});

test('the page of an address that is none is taken over, too', async ({ person, guard }) => {
  const ana = await person('Ana');
  const isOver = guard.expectLost(/\/nowhere$/);
  const letWasmCome = await openHeld(ana, '/nowhere');
  await noteNodes(ana.page);
  letWasmCome();
  await ana.hydrated();
  expect((await lostNodes(ana.page)).lost).toEqual([]);
  await isOver();
  await ana.page.getByRole('link', { name: 'Start a new room' }).click();
  await ana.isHome();
});

/** What an extension and a translator do to a page: a box where none was, and each text in an element of its own. */
function meddle(): void {
  const app = document.querySelector('#app') ?? document;
  const walker = document.createTreeWalker(app, NodeFilter.SHOW_TEXT);
  const texts: Text[] = [];
  while (walker.nextNode()) texts.push(walker.currentNode as Text);
  for (const text of texts) {
    if (text.parentElement?.closest('textarea, script, style')) continue;
    const font = document.createElement('font');
    text.replaceWith(font);
    font.append(text);
  }
  const box = document.createElement('div');
  box.textContent = 'An extension was here';
  document.querySelector('[role=log], form')?.prepend(box);
}

/** The same as soon as the page is there, before anything of its own has run. */
const MEDDLE_EARLY = `new MutationObserver((_, observer) => {
  if (!document.querySelector('[role=log] [data-message]')) return;
  observer.disconnect();
  (${meddle})();
}).observe(document, { subtree: true, childList: true })`;

/** A debug build says on the console where it traps, and that it draws a page anew. */
async function skipInDebug(page: Page): Promise<void> {
  test.skip((await page.locator('link[href="/pkg/flasky.css"]').count()) > 0, 'a debug build speaks of it');
}

for (const [when, instances] of [
  ['while it came', 2],
  ['after it had come', 1],
] as const) {
  test(`a room that others changed ${when} is drawn anew, and works`, async ({ person }) => {
    const ana = await person('Ana');
    const { code, bo } = await room(ana);
    let scripts = 0;
    ana.page.on('request', (request) => void (scripts += Number(/\/flasky\.js$/.test(request.url()))));
    if (instances === 2) await ana.page.addInitScript(MEDDLE_EARLY);
    const letWasmCome = await openHeld(ana, `/room/${code}`);
    await skipInDebug(ana.page);
    if (instances === 1) await ana.page.evaluate(meddle);
    await expect(ana.page.getByText('An extension was here')).toBeAttached();
    await ana.composer.fill('typed early');
    letWasmCome();
    await ana.redrawn();
    await ana.inRoom(code);
    await expect(ana.page.getByText('An extension was here')).not.toBeAttached();
    expect(scripts).toBe(instances);
    await expect(ana.log.locator('strong').first()).toHaveText('bold');

    await expect(ana.composer).toHaveValue('typed early');
    await expect(ana.composer).toBeFocused();
    await ana.composer.press('Enter');
    await ana.hears('typed early');
    await ana.sent('typed early');
    await expect(ana.composer).toHaveValue('');
    // Also what comes with the parser, which belongs to the same instance.
    await bo.say('and **back**');
    await expect(ana.message('and back').locator('strong')).toHaveText('back');
    await ana.say('once more');
    const said = await ana.said();
    expect(said.slice(-3)).toEqual(['typed early', 'and back', 'once more']);
    await ana.sees(['Ana', 'Bo']);

    // What is left of the instance that stood still hears no click: there would be two answers to it.
    await ana.press("Let's leave!");
    await expect(ana.codeField).toBeVisible();
    await ana.page.goBack();
    await expect(ana.codeField).toBeHidden();
    await ana.nameField.fill('Ana');
    await ana.press('Join the room');
    await ana.inRoom(code);
    await ana.sees(['Ana', 'Bo']);
  });
}

test('a home page that others changed is drawn anew, with what was typed', async ({ person }) => {
  const ana = await person('Ana');
  const letWasmCome = await openHeld(ana, '/');
  await skipInDebug(ana.page);
  await ana.page.evaluate(meddle);
  await ana.nameField.fill('Ana');
  letWasmCome();
  await ana.redrawn();
  await expect(ana.nameField).toHaveValue('Ana');
  await expect(ana.nameField).toBeFocused();
  await ana.press('Create a room');
  await ana.inRoom();
  await ana.say('Hello');
});
