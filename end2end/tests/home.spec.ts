import { expect, holdWasm, NOWHERE, test } from '../support/room.ts';

test.describe('getting in', () => {
  test('create a room', async ({ person }) => {
    const ana = await person('Ana');
    await ana.create();
    await expect(ana.line('You joined')).toHaveCount(1);
    await ana.sees(['Ana']);
  });

  test('join by code, however it is spelt', async ({ person }) => {
    const ana = await person('Ana');
    const bo = await person('Bo');
    const code = await ana.create();
    await bo.home();
    await bo.nameField.fill('Bo');
    await bo.codeField.fill(` ${code.replace('-', '').toLowerCase()} `);
    await bo.press('Join');
    await bo.inRoom(code);
    await bo.sees(['Ana', 'Bo']);
    await ana.sees(['Ana', 'Bo']);
  });

  test('join by a code in whatever was pasted', async ({ person }) => {
    const ana = await person('Ana');
    const code = await ana.create();
    for (const [name, pasted] of [
      ['Bo', `${ana.origin}/room/${code}`],
      ['Cy', `${code}.`],
      ['Di', `come to “${code.replace('-', '\u2013')}”, please`],
    ] as const) {
      const guest = await person(name);
      await guest.home();
      await guest.nameField.fill(name);
      await guest.codeField.fill(pasted);
      await guest.press('Join');
      await guest.inRoom(code);
    }
    await ana.sees(['Ana', 'Bo', 'Cy', 'Di']);
  });

  test('join by link, which asks for the name', async ({ person }) => {
    const ana = await person('Ana');
    const bo = await person('Bo');
    const code = await ana.create();
    await bo.openLink(code);
    await expect(bo.page.getByText('1 person is inside')).toBeVisible();
    await bo.joinByLink(code);
    await ana.sees(['Ana', 'Bo']);
  });

  test('Enter in the name field creates', async ({ person }) => {
    const ana = await person('Ana');
    await ana.home();
    await ana.nameField.fill('Ana');
    await ana.nameField.press('Enter');
    await ana.inRoom();
  });

  test('Enter in the code field joins', async ({ person }) => {
    const ana = await person('Ana');
    const bo = await person('Bo');
    const code = await ana.create();
    await bo.home();
    await bo.nameField.fill('Bo');
    await bo.codeField.fill(code);
    await bo.codeField.press('Enter');
    await bo.inRoom(code);
  });

  test('a button pressed again and again makes one room', async ({ person }) => {
    const ana = await person('Ana');
    await ana.home();
    await ana.nameField.fill('Ana');
    const posts: string[] = [];
    await ana.page.route('**/api/enter', async (route) => {
      posts.push(route.request().url());
      await route.continue();
    });
    await ana.page.getByRole('button', { name: 'Create a room', exact: true }).evaluate((button: HTMLElement) => {
      for (let press = 0; press < 3; press += 1) button.click();
    });
    await ana.inRoom();
    expect(posts).toHaveLength(1);
    await ana.sees(['Ana']);
  });

  test('the capacity chosen is the room’s', async ({ person }) => {
    const ana = await person('Ana');
    await ana.create({ capacity: 3 });
    await ana.sees(['Ana'], 3);
  });

  test('text typed before WASM arrives survives hydration', async ({ person }) => {
    const ana = await person('Ana');
    const { page } = ana;
    const letWasmCome = await holdWasm(page);
    await page.goto(`${ana.origin}/`, { waitUntil: 'commit' });
    await ana.nameField.fill('Ana');
    await ana.codeField.fill('ABCD');
    await expect(page.locator('html[data-hydrated]')).not.toBeAttached();
    letWasmCome();
    await ana.hydrated();
    await expect(ana.nameField).toHaveValue('Ana');
    await expect(ana.codeField).toHaveValue('ABCD');
    await ana.codeField.fill('');
    await ana.press('Create a room');
    await ana.inRoom();
    await ana.sees(['Ana']);
  });
});

test.describe('a server that was set up for another address', () => {
  test.use({ serverEnv: { PUBLIC_URL: 'http://chat.example' } });

  test('says so, and keeps what was typed', async ({ person, guard }) => {
    const ana = await person('Ana');
    await ana.home();
    await ana.nameField.fill('Ana');
    const isOver = guard.expectLost(/\/api\/enter$/);
    await ana.press('Create a room');
    await expect(ana.alert).toHaveText(/not the one that this server was set up for.*PUBLIC_URL.*Host/);
    await expect(ana.page.locator('#name-error'), 'beside the button').toHaveText(/PUBLIC_URL/);
    await expect(ana.page.locator('#code-error')).toBeEmpty();
    await expect(ana.codeField, 'the code is not what is wrong').not.toHaveAttribute('aria-invalid', 'true');
    await expect(ana.nameField).toHaveValue('Ana');
    await isOver();
  });
});

test.describe('refusals keep what was typed', () => {
  test('no name', async ({ person }) => {
    const ana = await person('Ana');
    await ana.home();
    await ana.codeField.fill(NOWHERE);
    await ana.press('Join');
    await ana.isRefused(ana.nameField);
    await expect(ana.codeField).toHaveValue(NOWHERE);
  });

  test('no name, creating', async ({ person }) => {
    const ana = await person('Ana');
    await ana.home();
    await ana.press('Create a room');
    await ana.isRefused(ana.nameField);
  });

  test('a name of spaces', async ({ person }) => {
    const ana = await person('Ana');
    await ana.home();
    await ana.nameField.fill('   ');
    await ana.press('Create a room');
    await ana.isRefused(ana.nameField);
  });

  test('a name that is too long', async ({ person }) => {
    const ana = await person('Ana');
    const name = 'A'.repeat(33);
    await ana.home();
    await ana.nameField.fill(name);
    await ana.press('Create a room');
    await ana.isRefused(ana.nameField, /32/);
    await expect(ana.nameField).toHaveValue(name);
  });

  test('a capacity that cannot be one: its options open, and the cursor is in them', async ({ person }) => {
    const ana = await person('Ana');
    await ana.home();
    await ana.nameField.fill('Ana');
    const capacity = ana.page.getByRole('textbox', { name: 'Maximum number of people' });
    const options = ana.page.getByText('Options', { exact: true });
    await options.click();
    await capacity.fill('1');
    await options.click();
    await expect(capacity).toBeHidden();
    await ana.press('Create a room');
    await ana.isRefused(capacity, /2 to 1,000/);
    await expect(capacity).toHaveValue('1');
    await capacity.fill('2');
    await ana.press('Create a room');
    await ana.inRoom();
    await ana.sees(['Ana'], 2);
  });

  test('Join without a code', async ({ person }) => {
    const ana = await person('Ana');
    await ana.home();
    await ana.nameField.fill('Ana');
    await ana.press('Join');
    await ana.isRefused(ana.codeField);
    await expect(ana.nameField).toHaveValue('Ana');
  });

  test('a code that cannot be one', async ({ person }) => {
    const ana = await person('Ana');
    await ana.home();
    await ana.nameField.fill('Ana');
    await ana.codeField.fill('what?');
    await ana.press('Join');
    await ana.isRefused(ana.codeField);
    await expect(ana.nameField).toHaveValue('Ana');
    await expect(ana.codeField).toHaveValue('what?');
  });

  test('a code nobody uses, and then a way on from there', async ({ person }) => {
    const ana = await person('Ana');
    await ana.home();
    await ana.nameField.fill('Ana');
    await ana.codeField.fill(NOWHERE);
    await ana.press('Join');
    await ana.isRefused(ana.codeField);
    await expect(ana.nameField).toHaveValue('Ana');
    await expect(ana.codeField).toHaveValue(NOWHERE);
    await ana.codeField.fill('');
    await ana.press('Create a room');
    await ana.inRoom();
  });

  test('a full room, by code and by link', async ({ person }) => {
    const ana = await person('Ana');
    const bo = await person('Bo');
    const cy = await person('Cy');
    const code = await ana.create({ capacity: 2 });
    await bo.join(code);

    await cy.home();
    await cy.nameField.fill('Cy');
    await cy.codeField.fill(code);
    await cy.press('Join');
    await cy.isRefused(cy.codeField, /This room is full/);
    await expect(cy.nameField).toHaveValue('Cy');

    await cy.openLink(code);
    await expect(cy.page.getByText('This room is full')).toBeVisible();

    await bo.leave();
    await cy.joinByLink(code);
    await cy.sees(['Ana', 'Cy'], 2);
  });

  test('a link to no room', async ({ person, guard }) => {
    const ana = await person('Ana');
    guard.expectUnknownRoom(NOWHERE);
    const answer = await ana.page.goto(`/room/${NOWHERE}`);
    expect(answer?.status()).toBe(404);
    await expect(ana.page.getByRole('heading', { name: 'There is no room with this code' })).toBeVisible();
    await ana.hydrated();
    await ana.page.getByRole('link', { name: 'Start a new room' }).click();
    await ana.isHome();
  });
});
