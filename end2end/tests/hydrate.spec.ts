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

/**
 * How many nodes were noted, and those of them that are not on the page any more: first comments, which hold the places of
 * what comes later, then others.
 */
function lostNodes(page: Page): Promise<{ noted: number; places: number; lost: string[] }> {
  return page.evaluate(() => {
    const { nodes } = window as unknown as { nodes: Node[] };
    const gone = nodes.filter((node) => !node.isConnected);
    const lost = gone.filter((node) => node.nodeType !== Node.COMMENT_NODE);
    return { noted: nodes.length, places: gone.length - lost.length, lost: lost.map((node) => `${node.nodeName}: ${node.textContent}`) };
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
  const { noted, places, lost } = await lostNodes(ana.page);
  expect(lost).toEqual([]);
  expect(places).toBe(0);
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
  const { noted, places, lost } = await lostNodes(ana.page);
  expect(lost).toEqual([]);
  // Those of the question before leaving, of what opens above the page, and of the names for a mention.
  expect(places).toBe(3);
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
    await ana.composer.evaluate((field: HTMLTextAreaElement) => field.setSelectionRange(2, 5));
    letWasmCome();
    await ana.redrawn();
    await expect(ana.page.locator('html')).toHaveAttribute('data-redrawn', instances === 2 ? /RuntimeError/ : '');
    await ana.inRoom(code);
    await expect(ana.page.getByText('An extension was here')).not.toBeAttached();
    expect(scripts).toBe(instances);
    await expect(ana.log.locator('strong').first()).toHaveText('bold');

    await expect(ana.composer).toHaveValue('typed early');
    await expect(ana.composer).toBeFocused();
    const caret = ({ selectionStart, selectionEnd }: HTMLTextAreaElement) => [selectionStart, selectionEnd];
    expect(await ana.composer.evaluate(caret)).toEqual([2, 5]);
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
    await ana.hasLeft(code);
    await ana.page.getByRole('link', { name: 'Start a new room' }).click();
    await expect(ana.codeField).toBeVisible();
    await ana.page.goBack();
    await expect(ana.codeField).toBeHidden();
    await ana.nameField.fill('Ana');
    await ana.press('Join the room');
    await ana.inRoom(code);
    await ana.sees(['Ana', 'Bo']);
  });
}

/** What a translator does to a page: each text in an element of its own, as it was or in the place of it. */
function translate(keepsTexts: boolean): void {
  const walker = document.createTreeWalker(document.querySelector('#app') ?? document, NodeFilter.SHOW_TEXT);
  const texts: Text[] = [];
  while (walker.nextNode()) texts.push(walker.currentNode as Text);
  for (const text of texts) {
    if (text.parentElement?.closest('textarea, font, [translate=no]') || !text.data.trim()) continue;
    const [outer, inner] = [document.createElement('font'), document.createElement('font')];
    outer.append(inner);
    text.replaceWith(outer);
    inner.append(keepsTexts ? text : text.data.toUpperCase());
  }
}

for (const [how, keepsTexts] of [
  ['wraps', true],
  ['replaces', false],
] as const) {
  test(`a live room goes on when a translator ${how} its texts`, async ({ person }) => {
    const ana = await person('Ana');
    const bo = await Member.enter({ name: 'Bo', origin: ana.origin });
    await Member.enter(ana, { code: bo.code });
    const [words, slip, marked] = [await bo.say('first words'), await bo.say('a slip'), await bo.say('**so**, then')];
    await bo.react(words, '👍');
    await ana.openLink(bo.code);
    await ana.inRoom(bo.code);
    const typing = ana.page.locator('.typing');
    const row = (id: string) => ana.page.locator(`#m-${id}`);
    const translated = () => ana.page.evaluate(translate, keepsTexts);
    bo.typing();
    await expect(typing).toHaveText('Bo is typing…');
    await translated();
    if (!keepsTexts) await expect(row(words).locator('.message')).toHaveText('FIRST WORDS');

    await test.step('what is said, changed and taken back', async () => {
      const answer = await bo.say('a **new** one', words);
      await expect(typing).toHaveText('');
      await expect(row(answer).locator('.message > p')).toHaveText('a new one');
      await ana.say('my own');
      await bo.edit(words, 'other words');
      await expect(row(words).locator('.message')).toHaveText('other words');
      await expect(row(answer).locator('.quote')).toHaveText('Bo other words');
      await bo.edit(marked, 'so, *then*');
      await expect(row(marked).locator('.message')).toHaveText('so, then');
      await bo.remove(slip);
      await expect(row(slip).locator('.message')).toHaveText('Message deleted');
      await expect(ana.log.locator('[data-message]')).toHaveCount(5);
    });

    await test.step('reactions, roster and who is typing', async () => {
      const reactions = row(words).locator('.reactions');
      await reactions.getByRole('button').click();
      await expect(reactions).toHaveText('👍 2');
      const cy = await Member.enter({ name: 'Cy', origin: ana.origin }, { code: bo.code });
      await ana.sees(['Ana', 'Bo', 'Cy']);
      await translated();
      await cy.leave();
      await ana.sees(['Ana', 'Bo']);
      for (const said of ['once', 'and again']) {
        bo.typing();
        await expect(typing).toHaveText('Bo is typing…');
        await translated();
        await bo.say(said);
        await expect(typing).toHaveText('');
      }
    });

    await ana.page.getByRole('link', { name: /Flasky Chat/i }).click();
    await ana.isHome();
  });
}

test('before the program is here the code shows the link, and dialogs open', async ({ person }) => {
  const ana = await person('Ana');
  const { code } = await room(ana);
  await ana.page.addInitScript(() => {
    // As in a browser that does not know it.
    Reflect.deleteProperty(HTMLButtonElement.prototype, 'command');
    addEventListener('command', (event) => event.preventDefault(), true);
  });
  const letWasmCome = await openHeld(ana, `/room/${code}`);
  const [dialog, link] = [ana.page.getByRole('dialog'), ana.page.getByRole('textbox', { name: 'Link to this room' })];
  for (const opens of [ana.page.getByTestId('code'), ana.page.getByRole('button', { name: 'Invite' })]) {
    await opens.click();
    await expect(link).toHaveValue(`${ana.origin}/room/${code}`);
    await dialog.getByRole('button', { name: 'Close' }).click();
    await expect(dialog).toBeHidden();
  }
  await ana.page.getByTestId('code').click();
  letWasmCome();
  await ana.hydrated();
  await expect(link).toHaveValue(`${ana.origin}/room/${code}`);
  await expect(dialog).toBeVisible();
});

test('what was typed is there also where a page is drawn anew only at the second attempt', async ({ person }) => {
  const ana = await person('Ana');
  await ana.page.addInitScript(() => {
    const { replaceChildren } = Element.prototype;
    Element.prototype.replaceChildren = function (...nodes) {
      Element.prototype.replaceChildren = replaceChildren;
      this.replaceChildren(...nodes);
      throw new Error('half drawn');
    };
  });
  const letWasmCome = await openHeld(ana, '/');
  await skipInDebug(ana.page);
  await ana.page.evaluate(meddle);
  await ana.nameField.fill('Ana');
  letWasmCome();
  await ana.redrawn();
  await expect(ana.page.locator('html')).toHaveAttribute('data-redrawn', 'Error: half drawn');
  await expect(ana.nameField).toHaveValue('Ana');
  await expect(ana.nameField).toBeFocused();
});

test('a page that cannot be drawn anew either stays as the server wrote it, with what was typed', async ({ person, guard }) => {
  const ana = await person('Ana');
  await ana.page.addInitScript(() => {
    const { replaceChildren } = Element.prototype;
    // Drawing begins with taking away what is there. The other calls put it back.
    let calls = 0;
    Element.prototype.replaceChildren = function (...nodes) {
      replaceChildren.apply(this, nodes);
      calls += 1;
      if (calls % 2) throw new Error('half drawn');
    };
  });
  const letWasmCome = await openHeld(ana, '/');
  await skipInDebug(ana.page);
  await ana.page.evaluate(meddle);
  await ana.nameField.fill('Ana');
  guard.expectThrown(/half drawn/);
  letWasmCome();
  await expect(ana.alert).toContainText('This page could not start completely');
  await expect(ana.nameField).toHaveValue('Ana');
  const below = await ana.page.locator('.top').boundingBox();
  const said = await ana.alert.boundingBox();
  expect(below && said && below.y >= said.y + said.height, 'nothing is covered').toBe(true);
  await ana.press('Create a room');
  await expect(ana.page.getByTestId('code')).toBeVisible();
});

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
