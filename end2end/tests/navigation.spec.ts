import { Member } from '../support/member.ts';
import { blockSockets, expect, type Page, type Person, test } from '../support/room.ts';
import { STAGE_ENV } from '../support/states.ts';

test.use({ serverEnv: STAGE_ENV });

/** The documents that this page loads from now on. */
function documents(page: Page): { loaded: number } {
  const count = { loaded: 0 };
  page.on('request', (request) => {
    if (request.isNavigationRequest() && request.frame() === page.mainFrame()) count.loaded += 1;
  });
  return count;
}

/** This page is shown, and begins as a loaded one does: the title is right, and nothing has the focus. */
async function begins({ page }: Person, title: string): Promise<void> {
  await expect(page).toHaveTitle(title);
  await expect.poll(() => page.evaluate(() => document.activeElement?.tagName)).toBe('BODY');
}

/** The same of a page without a document of its own, which has to be announced. */
async function arrives(person: Person, title: string): Promise<void> {
  await begins(person, title);
  await expect(person.page.locator('#announcer')).toHaveText(title);
}

test('one document serves home, rooms and the way between them', async ({ person }) => {
  const ana = await person('Ana');
  const { page } = ana;
  const count = documents(page);
  await ana.home();
  await ana.nameField.fill('Ana');
  await ana.press('Create a room');
  const code = await ana.inRoom();
  const bo = await Member.enter({ name: 'Bo', origin: ana.origin }, { code });
  await ana.say('Hello');
  await ana.leave();

  await expect(ana.nameField, 'the name is known on this device').toHaveValue('Ana');
  await ana.codeField.fill(code);
  await ana.press('Join');
  await ana.inRoom(code);
  await ana.has(['Hello']);
  await page.goBack();
  await ana.isHome();
  await bo.say('Still there?');
  await page.goForward();
  await ana.inRoom(code);
  await ana.has(['Hello', 'Still there?']);
  await ana.say('Back');
  expect(count.loaded).toBe(1);
});

test('who joins by link, and who finds the room ended meanwhile, loads nothing either', async ({ person }) => {
  const ana = await person('Ana');
  const bo = await Member.enter({ name: 'Bo', origin: ana.origin });
  const count = documents(ana.page);
  await ana.openLink(bo.code);
  await ana.nameField.fill('Ana');
  await ana.press('Join the room');
  await ana.inRoom(bo.code);
  await ana.sees(['Ana', 'Bo']);
  await arrives(ana, `${bo.code}, Flasky Chat`);
  expect(count.loaded).toBe(1);

  const chidi = await Member.enter({ name: 'Chidi', origin: ana.origin });
  await ana.openLink(chidi.code);
  expect(count.loaded).toBe(2);
  await expect(ana.page.getByText('1 person is inside')).toBeVisible();
  await chidi.leave();
  await ana.press('Join as Ana');
  await expect(ana.page.getByRole('heading', { name: 'There is no room with this code' })).toBeVisible();
  await arrives(ana, 'There is no room with this code, Flasky Chat');
  expect(count.loaded).toBe(2);
});

test('a page that is loaded is announced by the browser alone', async ({ person }) => {
  const ana = await person('Ana');
  await ana.home();
  await begins(ana, 'Flasky Chat');
  await expect(ana.page.locator('#announcer')).toHaveText('');
});

test('back and forward through home, a room and its end: title, announcement and focus', async ({ person }) => {
  const ana = await person('Ana');
  const { page } = ana;
  const isGone = async () => {
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('There is no room with this code');
    await arrives(ana, 'There is no room with this code, Flasky Chat');
  };
  await ana.home();
  await ana.nameField.fill('Ana');
  await ana.press('Create a room');
  const code = await ana.inRoom();
  await arrives(ana, `${code}, Flasky Chat`);
  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'Skip to writing' })).toBeFocused();

  await ana.press("Let's leave!");
  await ana.answer('Delete and leave');
  await arrives(ana, `You left ${code}, Flasky Chat`);
  await page.getByRole('link', { name: 'Start a new room' }).click();
  await ana.isHome();
  await arrives(ana, 'Flasky Chat');
  await page.goBack();
  await isGone();
  await page.goBack();
  await ana.isHome();
  await arrives(ana, 'Flasky Chat');
  await page.goForward();
  await isGone();
  await page.getByRole('link', { name: 'Start a new room' }).click();
  await ana.isHome();
  await arrives(ana, 'Flasky Chat');
  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'Flasky Chat' })).toBeFocused();
});

test('a page begins at its top', async ({ person }) => {
  const ana = await person('Ana');
  await ana.page.setViewportSize({ width: 390, height: 400 });
  await ana.home();
  await ana.nameField.fill('Ana');
  await ana.codeField.fill('');
  await ana.page.evaluate(() => scrollTo(0, 1e6));
  await expect.poll(() => ana.page.evaluate(() => scrollY)).toBeGreaterThan(0);
  await ana.nameField.press('Enter');
  await ana.inRoom();
  await ana.leave();
  await expect.poll(() => ana.page.evaluate(() => scrollY)).toBe(0);
});

test('a room that cannot be had shows what was not sent, and is asked for again in place', async ({ person, guard }) => {
  const ana = await person('Ana');
  const { code } = await Member.enter(ana);
  const sockets = await blockSockets(ana.page);
  await ana.openLink(code);
  await ana.type('not sent yet');
  await ana.hears('not sent yet');
  await ana.page.getByRole('link', { name: 'Flasky Chat' }).click();
  await ana.answer('Leave');
  await ana.isHome();
  const count = documents(ana.page);
  const isOver = guard.expectLost(/room_snapshot/);
  await ana.page.route('**/api/room_snapshot', (route) => route.fulfill({ status: 429, body: 'slow down' }));
  await ana.page.goBack();
  await expect(ana.page.getByRole('heading', { level: 1 })).toHaveText('The server cannot do this right now');
  await expect(ana.unsent).toHaveText(['not sent yet']);
  const refused = ana.page.waitForResponse('**/api/room_snapshot');
  await ana.page.getByRole('link', { name: 'Try again' }).click();
  await refused;
  await expect(ana.unsent).toHaveText(['not sent yet']);
  await ana.page.unroute('**/api/room_snapshot');
  sockets.blocked = false;
  await isOver();
  // By itself.
  await ana.inRoom(code);
  await ana.has(['not sent yet']);
  expect(count.loaded).toBe(0);
});

test('a room asked for while the network is away is said to be out of reach, and shown when it is back', async ({ person, guard }) => {
  const ana = await person('Ana');
  await ana.home();
  await ana.nameField.fill('Ana');
  await ana.press('Create a room');
  const code = await ana.inRoom();
  await ana.page.goBack();
  await ana.isHome();
  const isOver = guard.expectLost(/room_snapshot/);
  await ana.page.route('**/api/room_snapshot', (route) => route.abort('internetdisconnected'));
  await ana.page.goForward();
  await expect(ana.page.getByRole('heading', { level: 1 })).toHaveText('The server cannot be reached');
  await ana.page.unroute('**/api/room_snapshot');
  await isOver();
  await ana.page.evaluate(() => dispatchEvent(new Event('online')));
  await ana.inRoom(code);
});

test('an answer of another release is met by loading the page again', async ({ person }) => {
  const ana = await person('Ana');
  await ana.home();
  await ana.nameField.fill('Ana');
  await ana.press('Create a room');
  const code = await ana.inRoom();
  await ana.page.goBack();
  await ana.isHome();
  const count = documents(ana.page);
  await ana.page.route('**/api/room_snapshot', (route) => route.fulfill({ json: { Later: 1 } }));
  await ana.page.goForward();
  await expect(ana.page.getByRole('heading', { level: 1 })).toHaveText('There is a new version');
  await ana.page.getByRole('link', { name: 'Reload' }).click();
  await ana.inRoom(code);
  expect(count.loaded).toBe(1);
});

test('a step back while another one is under way announces the page that stays', async ({ person }) => {
  const ana = await person('Ana');
  const { page } = ana;
  await ana.home();
  await ana.nameField.fill('Ana');
  await ana.press('Create a room');
  const code = await ana.inRoom();
  await ana.page.getByRole('link', { name: 'Flasky Chat', exact: true }).click();
  await ana.isHome();
  await page.goBack();
  await ana.inRoom(code);
  // The room that is asked for is still on its way when the reader goes on.
  let answer = () => {};
  const held = new Promise<void>((done) => (answer = done));
  await page.route('**/api/home', async (route) => {
    await held;
    await route.continue();
  });
  await page.evaluate(() => history.go(1));
  await expect(page.locator('html')).toHaveAttribute('data-loading', '');
  await page.evaluate(() => history.go(-2));
  await expect(page).toHaveURL(`${ana.origin}/`);
  await expect(page.locator('html')).toHaveAttribute('data-loading', '');
  answer();
  await ana.isHome();
  await arrives(ana, 'Flasky Chat');
  await expect(page.locator('html')).not.toHaveAttribute('data-loading');
});

test('a step in history from one room to another shows that one alone', async ({ person }) => {
  const ana = await person('Ana');
  const { page } = ana;
  const rooms: string[] = [];
  await ana.home();
  for (const words of ['First', 'Second']) {
    await ana.nameField.fill('Ana');
    await ana.press('Create a room');
    rooms.push(await ana.inRoom());
    await ana.say(words);
    await ana.composer.fill(`${words} draft`);
    await page.getByRole('link', { name: 'Flasky Chat', exact: true }).click();
    await page.getByRole('button', { name: 'Create a room' }).waitFor();
  }
  await page.goBack();
  await ana.inRoom(rooms[1]);
  await page.evaluate(() => history.go(-2));
  await ana.inRoom(rooms[0]);
  await ana.has(['First']);
  await expect(ana.composer).toHaveValue('First draft');
  await ana.say('Once more');
  await page.evaluate(() => history.go(2));
  await ana.inRoom(rooms[1]);
  await ana.has(['Second']);
  await expect(ana.composer).toHaveValue('Second draft');
});

test('a room that ends while it is shown is announced', async ({ person }) => {
  const ana = await person('Ana');
  await ana.create();
  const other = await ana.tab();
  await other.openLink(await ana.inRoom());
  await other.inRoom();
  await other.leave();
  await arrives(ana, 'You left this room, Flasky Chat');
});
