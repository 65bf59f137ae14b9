import { Member } from '../support/member.ts';
import { expect, holdWasm, Person, test } from '../support/room.ts';

/** What is sent before the program is here. */

const connecting = (one: Person) => one.page.locator('#connecting');
const pending = (one: Person) => one.page.locator('#composer').getAttribute('data-early');

/** A room that Ana has a seat in, open in her browser, whose program has to wait; the answer lets it come. */
async function held(ana: Person): Promise<{ bo: Member; code: string; letWasmCome: () => void }> {
  const bo = await Member.enter({ name: 'Bo', origin: ana.origin });
  await Member.enter(ana, { code: bo.code });
  const letWasmCome = await holdWasm(ana.page);
  await ana.page.goto(`${ana.origin}/room/${bo.code}`);
  await expect(ana.log).toBeVisible();
  return { bo, code: bo.code, letWasmCome };
}

test('Enter is remembered, once, and sent when the program is here', async ({ person }) => {
  const ana = await person('Ana');
  const { bo, code, letWasmCome } = await held(ana);
  const id = await ana.page.locator('#composer input[name=id]').inputValue();
  await ana.composer.fill('first');
  await ana.composer.press('Shift+Enter');
  await ana.composer.pressSequentially('words');
  // The others have it before the program is here.
  const said = bo.hears('first\nwords');
  await ana.composer.press('Enter');
  await expect(connecting(ana)).toHaveText('Connecting…');
  expect(await pending(ana)).toBe('first\nwords');
  await said;
  await expect(ana.composer).toHaveValue('');
  // The second one waits in the box.
  await ana.composer.pressSequentially('and more');
  await ana.composer.press('Enter');
  await ana.press('Send');
  await expect(ana.composer).toHaveValue('and more');
  letWasmCome();
  await ana.hydrated();
  await ana.inRoom(code);
  await ana.has(['first\nwords']);
  await expect(ana.page.locator(`#m-${id}`)).toHaveCount(1);
  await expect(connecting(ana)).toHaveText('');
  expect(await pending(ana)).toBeNull();
  await expect(ana.composer).toHaveValue('and more');
  await ana.composer.press('Enter');
  await ana.has(['first\nwords', 'and more']);
  await ana.page.reload();
  await ana.inRoom(code);
  await ana.has(['first\nwords', 'and more']);
});

test('an empty box sends nothing, and an input method keeps its Enter', async ({ person }) => {
  const ana = await person('Ana');
  const { letWasmCome } = await held(ana);
  await ana.composer.press('Enter');
  await ana.composer.fill('   ');
  await ana.composer.press('Enter');
  expect(await pending(ana)).toBeNull();
  await ana.composer.fill('にほん');
  for (const init of [{ isComposing: true }, { keyCode: 229 }, { shiftKey: true }]) {
    const prevented = await ana.composer.evaluate(
      (box, init) =>
        !box.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true, ...init })),
      init,
    );
    expect(prevented, JSON.stringify(init)).toBe(false);
  }
  expect(await pending(ana)).toBeNull();
  letWasmCome();
  await ana.hydrated();
  await expect(ana.composer).toHaveValue('にほん');
});

test('it is sent, too, where the page has to be drawn anew', async ({ person }) => {
  const ana = await person('Ana');
  const { code, letWasmCome } = await held(ana);
  test.skip((await ana.page.locator('link[href="/pkg/flasky.css"]').count()) > 0, 'a debug build speaks of it');
  const id = await ana.page.locator('#composer input[name=id]').inputValue();
  await ana.page.evaluate(() => {
    const box = Object.assign(document.createElement('div'), { textContent: 'An extension was here' });
    document.querySelector('form.composer')?.prepend(box);
  });
  await ana.composer.fill('early');
  await ana.composer.press('Enter');
  await ana.composer.pressSequentially('later');
  letWasmCome();
  await ana.redrawn();
  await ana.inRoom(code);
  await ana.has(['early']);
  await expect(ana.page.locator(`#m-${id}`)).toHaveCount(1);
  await expect(ana.composer).toHaveValue('later');
  await expect(connecting(ana)).toHaveText('');
});

test('where the program does not start, the form is posted, and what was typed meanwhile stays', async ({
  person,
  guard,
}) => {
  const ana = await person('Ana');
  const bo = await Member.enter({ name: 'Bo', origin: ana.origin });
  await Member.enter(ana, { code: bo.code });
  const isOver = guard.expectLost(/\.wasm$/);
  guard.expectThrown(/Failed to fetch/);
  let fail = () => {};
  const failing = new Promise<void>((done) => (fail = done));
  await ana.page.route('**/*.wasm', async (route) => {
    await failing;
    await route.abort();
  });
  // Said by the boot script, which has nobody to catch it.
  const told = ana.page.waitForEvent('pageerror');
  await ana.page.goto(`${ana.origin}/room/${bo.code}`);
  const id = await ana.page.locator('#composer input[name=id]').inputValue();
  await ana.composer.fill('early');
  await ana.composer.press('Enter');
  await expect(connecting(ana)).toHaveText('Connecting…');
  await ana.composer.pressSequentially('later');
  const posted = ana.page.waitForRequest((request) => request.method() === 'POST');
  fail();
  await told;
  expect(new URLSearchParams((await posted).postData() ?? '').get('id')).toBe(id);
  await ana.hears('early');
  await expect(ana.page.locator('#boot-failed')).toBeVisible();
  await expect(ana.composer).toHaveValue('later');
  // From here on Enter posts the form.
  await ana.composer.press('Enter');
  await expect.poll(() => ana.said()).toEqual(['early', 'later']);
  await expect(ana.composer).toHaveValue('');
  await isOver();
});

test('where fingers type, Enter breaks the line, and the button is remembered', async ({ browser, server, guard }) => {
  const context = await browser.newContext({ baseURL: server.url, hasTouch: true, isMobile: true });
  await guard.watch(context, true);
  const ana = new Person(await context.newPage(), 'Ana', true, server.url);
  const { code, letWasmCome } = await held(ana);
  await ana.composer.pressSequentially('one');
  await ana.composer.press('Enter');
  await ana.composer.pressSequentially('two');
  await expect(ana.composer).toHaveValue('one\ntwo');
  await ana.press('Send');
  expect(await pending(ana)).toBe('one\ntwo');
  letWasmCome();
  await ana.inRoom(code);
  await ana.has(['one\ntwo']);
  await guard.seal();
  await context.close();
});

test('the socket that opens beside the program is the one that the room uses', async ({ person }) => {
  const ana = await person('Ana');
  const code = await ana.create();
  const opened: string[] = [];
  ana.page.on('websocket', (socket) => opened.push(new URL(socket.url()).pathname));
  await ana.page.reload();
  await ana.inRoom(code);
  await ana.say('Hello');
  expect(opened).toEqual([`/ws/${code}`]);
});

test('where no socket can be made, the page comes to life and says that there is no connection', async ({ person }) => {
  const ana = await person('Ana');
  const { code } = await Member.enter(ana);
  await ana.page.addInitScript(() => {
    Object.defineProperty(window, 'WebSocket', { value: function WebSocket() { throw new Error('none here'); } });
  });
  await ana.openLink(code);
  await expect(ana.page.getByText(/^Connection lost. Trying again in/)).toBeVisible();
  await expect(ana.page.locator('#boot-failed')).toBeHidden();
});

test('a room is entered before the program is here in one request, and its page has its own address', async ({ person, guard }) => {
  const ana = await person('Ana');
  const { page } = ana;
  const bo = await Member.enter({ name: 'Bo', origin: ana.origin });
  const letWasmCome = await holdWasm(page);
  // The page that is left breaks off what it waits for.
  guard.expectLost(/\/pkg\//);
  await page.goto(`${ana.origin}/room/${bo.code}`);
  const documents: string[] = [];
  page.on('request', (request) => {
    if (request.isNavigationRequest()) documents.push(`${request.method()} ${new URL(request.url()).pathname}`);
  });
  await ana.nameField.fill(' ');
  await ana.nameField.press('Enter');
  await ana.isRefused(ana.nameField);
  await expect(page).toHaveURL(`${ana.origin}/room/${bo.code}`);
  await ana.nameField.fill('Ana');
  await ana.nameField.press('Enter');
  await expect(ana.log).toBeVisible();
  await expect(page).toHaveURL(`${ana.origin}/room/${bo.code}`);
  expect(documents).toEqual(['POST /api/enter', 'POST /api/enter']);
  documents.length = 0;
  // Not the form once more, which a browser would ask about.
  await page.reload();
  await expect(ana.log).toBeVisible();
  expect(documents).toEqual([`GET /room/${bo.code}`]);
  letWasmCome();
  await ana.inRoom(bo.code);
  await expect(ana.line('You joined')).toHaveCount(1);
  for (const way of ['goBack', 'goBack', 'goForward', 'goForward'] as const) {
    await page[way]();
    await ana.inRoom(bo.code);
  }
  expect(documents.filter((one) => !one.startsWith('GET /room/'))).toEqual([]);
  expect(await page.evaluate(() => localStorage.getItem('flasky.name'))).toBe('Ana');
});

test('a form pressed twice before the program is here makes one room', async ({ person, guard }) => {
  const ana = await person('Ana');
  const { page } = ana;
  await holdWasm(page);
  guard.expectLost(/\/pkg\//);
  await page.goto(ana.origin);
  await ana.nameField.fill('Ana');
  const sent: string[] = [];
  page.on('request', (request) => {
    if (request.method() === 'POST') sent.push(new URL(request.url()).pathname);
  });
  const create = page.getByRole('button', { name: 'Create a room' });
  await create.evaluate((button: HTMLElement) => {
    for (let i = 0; i < 3; i++) button.click();
  });
  await expect(ana.log).toBeVisible();
  expect(sent).toEqual(['/api/enter']);
});
