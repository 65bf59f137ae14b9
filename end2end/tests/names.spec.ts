import { expect, type Page, type Person, RECOVERY, test } from '../support/room.ts';

const heading = (who: Person) => who.page.getByRole('heading', { level: 1 });
const nameButton = (who: Person) => who.page.getByRole('button', { name: 'Name this room' });
const dialog = (who: Person) => who.page.getByRole('dialog');
const seat = (who: Person, name: string) => who.people.getByRole('listitem').filter({ hasText: name });

/** Something on its way into the log, as the page proposes it. */
interface Append {
  id: string;
  event: { kind: string; name?: string; body?: string };
}

/** From the next load on, answers what the page wants to append with this error, where there is one, in the place of the server. */
async function refuse(page: Page, error: (event: Append['event']) => string | undefined): Promise<void> {
  await page.routeWebSocket(/\/ws\//, (socket) => {
    const server = socket.connectToServer();
    socket.onMessage((text) => {
      const frame: Append & { type: string } = JSON.parse(String(text));
      const refusal = frame.type === 'append' ? error(frame.event) : undefined;
      if (refusal === undefined) server.send(text);
      else socket.send(JSON.stringify({ type: 'rejected', id: frame.id, error: refusal, ...(refusal === 'storage' && { retry_ms: 60_000 }) }));
    });
  });
  await page.reload();
}

/** The name that this browser keeps for the next room. */
const savedName = (who: Person) => who.page.evaluate(() => localStorage.getItem('flasky.name'));

/** The names of the roster, and the hues of their avatars. */
async function seats(who: Person): Promise<[string, string][]> {
  return who.people
    .getByRole('listitem')
    .evaluateAll((items) =>
      items.map((item) => [
        item.querySelector('bdi')?.textContent ?? '',
        item.querySelector('.avatar')?.className.match(/hue-\d+/)?.[0] ?? '',
      ]),
    );
}

test('the name that the host gives a room is seen inside at once, and nowhere outside', async ({ person, server }) => {
  const ana = await person('Ana');
  const bo = await person('Bo');
  const code = await ana.create();
  await bo.join(code);
  await expect(nameButton(bo), 'Bo is no host').toHaveCount(0);
  for (const [name, line] of [
    ['Book club', 'named the room Book club'],
    ['قراءة 📚', 'named the room قراءة 📚'],
  ] as const) {
    await ana.nameRoom(name);
    await expect(dialog(ana)).toHaveCount(0);
    for (const one of [ana, bo]) {
      await expect(heading(one)).toHaveText(name);
      await expect(one.page).toHaveTitle(`${name}, Flasky Chat`);
    }
    await expect(bo.line(`Ana ${line}`)).toHaveCount(1);
    await expect(ana.line(`You ${line}`)).toHaveCount(1);

    const cy = await person('Cy');
    const answer = await cy.page.goto(`/room/${code}`);
    expect(await answer?.text(), 'the page as the server sent it').not.toContain(name);
    await cy.hydrated();
    expect(await cy.page.content()).not.toContain(name);
    await expect(cy.page).toHaveTitle(`${code}, Flasky Chat`);
    const called = await cy.context.request.post(`${server.url}/api/room_snapshot`, { form: { code } });
    expect(await called.text()).not.toContain(name);
  }
  await bo.page.reload();
  await bo.inRoom(code);
  await expect(heading(bo)).toHaveText('قراءة 📚');
  await ana.nameRoom('');
  for (const one of [ana, bo]) {
    await expect(heading(one)).toHaveText(`Room ${code}`);
    await expect(one.page).toHaveTitle(`${code}, Flasky Chat`);
  }
  await expect(bo.line("Ana removed the room's name")).toHaveCount(1);
});

test('a room is made with a name, which home lists', async ({ person }) => {
  const ana = await person('Ana');
  const code = await ana.create({ roomName: 'Book club' });
  await expect(heading(ana)).toHaveText('Book club');
  await ana.page.getByRole('link', { name: 'Flasky Chat' }).click();
  await ana.isHome();
  await expect(ana.page.getByRole('region', { name: 'Your rooms' }).getByRole('link')).toHaveText(
    new RegExp(`^Book club\\s*${code}\\s*1 inside$`),
  );
});

test('a name that no room can have is refused in its place', async ({ person }) => {
  const ana = await person('Ana');
  await ana.home();
  await ana.nameField.fill('Ana');
  const options = ana.page.getByText('Options', { exact: true });
  const field = ana.page.getByRole('textbox', { name: 'Room name' });
  await options.click();
  await field.fill('x'.repeat(65));
  await options.click();
  await ana.press('Create a room');
  await ana.isRefused(field, /64/);
  await expect(field).toHaveValue('x'.repeat(65));
  await field.fill('x'.repeat(64));
  await ana.nameField.fill('👨‍👩‍👧‍👦'.repeat(20));
  await ana.press('Create a room');
  await ana.isRefused(ana.nameField, /an emoji can count as several characters/);
  await ana.nameField.fill('Ana');
  await ana.press('Create a room');
  await ana.inRoom();

  await nameButton(ana).click();
  const again = dialog(ana).getByRole('textbox', { name: 'Room name' });
  await expect(again).toHaveValue('x'.repeat(64));
  await again.fill('x'.repeat(65));
  await again.press('Enter');
  await ana.isRefused(again, /64/);
  await again.press('Escape');
  await expect(nameButton(ana)).toBeFocused();
  await nameButton(ana).click();
  await expect(again, 'nothing that was typed is lost').toHaveValue('x'.repeat(65));
});

test('equal and look-alike names get numbers and hues of their own', async ({ person }) => {
  const ana = await person('Ana');
  const code = await ana.create();
  const others = [await person('Ana'), await person('\u0410na'), await person('Bo')];
  for (const other of others) {
    await other.openLink(code);
    await other.nameField.fill(other.name);
    await other.press('Join the room');
    await other.inRoom(code);
  }
  await expect.poll(async () => (await seats(ana)).map(([name]) => name)).toEqual(['Ana', 'Ana 2', '\u0410na 3', 'Bo']);
  expect(new Set((await seats(ana)).map(([, hue]) => hue)).size).toBe(4);
  const [second] = others;
  await second?.say('which of us?');
  await expect(ana.message('which of us?').locator('.name')).toHaveText('Ana 2');
  await ana.composer.pressSequentially('@Ana');
  await expect(ana.page.getByRole('option').locator('bdi')).toHaveText(['Ana 2']);
  await ana.composer.press('Enter');
  await ana.composer.press('Enter');
  await expect(ana.message('@Ana 2').locator('.mention')).toHaveText('@Ana 2');
});

test('who is renamed is told in a line, and older messages have the new name', async ({ person }) => {
  const ana = await person('Ana');
  const bo = await person('Bo');
  await bo.join(await ana.create());
  await bo.say('hello');
  await ana.hears('hello');
  const hue = (await seats(ana)).find(([name]) => name === 'Bo')?.[1];
  await bo.rename('x'.repeat(33));
  const field = dialog(bo).getByRole('textbox', { name: 'Your name' });
  await bo.isRefused(field, /32/);
  await expect(field).toHaveValue('x'.repeat(33));
  await field.fill('Ana');
  await field.press('Enter');
  await expect(dialog(bo)).toHaveCount(0);
  await expect(bo.page.getByRole('button', { name: 'Change your name' })).toBeFocused();
  await expect(ana.line('Bo is now called Ana 2')).toHaveCount(1);
  await expect(bo.line('You are now called Ana 2')).toHaveCount(1);
  await expect(ana.message('hello').locator('.name')).toHaveText('Ana 2');
  await expect.poll(() => seats(ana)).toContainEqual(['Ana 2', hue]);
  // The same again is no change.
  await bo.rename('Ana');
  await bo.say('still me');
  await ana.hears('still me');
  await expect(ana.line('is now called')).toHaveCount(1);
});

test('a name changed without a connection is taken when it is back', async ({ person, line, guard }) => {
  const ana = await person('Ana');
  const bo = await person('Bo', line.url);
  await bo.join(await ana.create());
  const isBack = await guard.expectRefusedSockets();
  await line.cut();
  await expect(bo.banner).toContainText(/Connection lost/);
  await bo.rename('Bob');
  await expect(bo.page.getByText('The name changes as soon as the server can take it.')).toBeVisible();
  await line.mend();
  await expect(ana.line('Bo is now called Bob')).toHaveCount(1, { timeout: RECOVERY });
  await expect(seat(bo, 'Bob')).toHaveCount(1);
  await isBack();
});

test('an unsent name is replaced by a later one, and only the last is announced', async ({ person, line, guard }) => {
  const ana = await person('Ana');
  const bo = await person('Bo', line.url);
  await bo.join(await ana.create());
  const isBack = await guard.expectRefusedSockets();
  for (const names of [['Bob', 'Robert', 'Bo'], ['Bob', 'Rob']]) {
    await line.cut();
    await expect(bo.banner).toContainText(/Connection lost/);
    for (const name of names) await bo.rename(name);
    await bo.type(`renamed to ${names.at(-1)}`);
    await line.mend();
    await expect(ana.message(`renamed to ${names.at(-1)}`)).toHaveCount(1, { timeout: RECOVERY });
    await expect(seat(ana, `${names.at(-1)}`)).toHaveCount(1);
  }
  await expect(ana.line('is now called')).toHaveText(['Bo is now called Rob']);
  await bo.rename('Rob');
  await bo.type('the same again');
  await expect(ana.message('the same again')).toHaveCount(1);
  await expect(ana.line('is now called')).toHaveCount(1);
  await isBack();
});

test('when the host leaves, who has been there longest becomes the host', async ({ person }) => {
  const ana = await person('Ana');
  const bo = await person('Bo');
  const cy = await person('Cy');
  const code = await ana.create();
  await bo.join(code);
  await cy.join(code);
  await expect(seat(cy, 'Ana').getByText('host')).toBeVisible();
  await ana.leave();
  await expect(bo.line('You are now the host')).toHaveCount(1);
  await expect(cy.line('Bo is now the host')).toHaveCount(1);
  await expect(seat(bo, 'Bo').getByText('host, you')).toBeVisible();
  await expect(seat(cy, 'Bo').getByText('host')).toBeVisible();
  await expect(nameButton(cy)).toHaveCount(0);
  await bo.nameRoom('After Ana');
  await expect(heading(cy)).toHaveText('After Ana');
});

test('a name that is being typed stays as it is while others come and go', async ({ person }) => {
  const ana = await person('Ana');
  const bo = await person('Bo');
  const code = await ana.create();
  await ana.page.getByRole('button', { name: 'Change your name' }).click();
  const field = dialog(ana).getByRole('textbox', { name: 'Your name' });
  await field.fill('Anab');
  await bo.join(code);
  await expect(seat(ana, 'Bo')).toHaveCount(1);
  await expect(field).toHaveValue('Anab');
  await field.pressSequentially('el');
  await bo.leave();
  await expect(seat(ana, 'Bo')).toHaveCount(0);
  await expect(field).toHaveValue('Anabel');
  await field.press('Enter');
  await expect(ana.line('You are now called Anabel')).toHaveCount(1);
  await ana.page.getByRole('button', { name: 'Change your name' }).click();
  await expect(field).toHaveValue('Anabel');
});

test('a name goes past a message that was refused, and is said to come later when it is not taken at once', async ({ person }) => {
  const ana = await person('Ana');
  const bo = await person('Bo');
  const code = await ana.create();
  await bo.join(code);
  await refuse(ana.page, ({ body, name }) => {
    if (body === 'Nobody takes this') return 'not_allowed';
    return name === 'Zed' ? 'storage' : undefined;
  });
  await ana.inRoom(code);
  const later = ana.page.getByText('The name changes as soon as the server can take it.');
  await ana.type('Nobody takes this');
  await expect(ana.message('Nobody takes this').getByRole('button', { name: 'Retry' })).toBeVisible();
  await ana.rename('Anabel');
  await expect(bo.line('Ana is now called Anabel')).toHaveCount(1);
  // Longer than until it would be said.
  await ana.page.waitForTimeout(1_500);
  await expect(later).toHaveCount(0);
  await ana.rename('Zed');
  await expect(later).toBeVisible();
  await expect(seat(ana, 'Anabel')).toHaveCount(1);
  expect(await savedName(ana)).toBe('Anabel');
});

test('a name that the server refuses is said with the reason, and kept nowhere', async ({ person }) => {
  const ana = await person('Ana');
  const code = await ana.create();
  await refuse(ana.page, ({ kind }) => ({ renamed: 'name_bad', settings: 'not_allowed' })[kind]);
  await ana.inRoom(code);
  // The host is another one meanwhile.
  await ana.nameRoom('Book club');
  await expect(ana.page.getByText('The room keeps its name: only the host can change it.')).toBeVisible();
  await expect(heading(ana)).toHaveText(`Room ${code}`);
  await ana.rename('Anabel');
  await expect(ana.page.getByText('The server does not take this name. Please choose another one.')).toBeVisible();
  await expect(seat(ana, 'Ana')).toHaveCount(1);
  expect(await savedName(ana)).toBe('Ana');
});
