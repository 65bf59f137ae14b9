import { expect, NOWHERE, test } from '../support/room.ts';

test('create, join, talk, refresh, leave', async ({ person, guard }) => {
  const ana = await person('Ana');
  const bo = await person('Bo');
  const code = await ana.create();
  await ana.say('Hello');
  await bo.join(code);
  await bo.hears('Hello');
  await bo.say('Hello back');

  await ana.page.getByRole('link', { name: /refresh/i }).click();
  await ana.hears('Hello back');
  expect(await ana.said()).toEqual(['Hello', 'Hello back']);
  await expect(ana.line('Bo joined')).toHaveCount(1);
  await ana.sees(['Ana', 'Bo']);

  await ana.leave();
  await bo.page.getByRole('link', { name: /refresh/i }).click();
  await expect(bo.line('Ana left')).toHaveCount(1);
  guard.expectUnknownRoom(code);
  await bo.press("Let's leave!");
  await expect(bo.page.getByRole('heading', { level: 1 })).toHaveText('You are the last one');
  await expect(bo.page.getByText('2 messages will be deleted.')).toBeVisible();
  await bo.page.getByRole('link', { name: 'Stay' }).click();
  await bo.hears('Hello back');
  await bo.leave();

  const answer = await bo.page.goto(`/room/${code}`);
  expect(answer?.status()).toBe(404);
  await expect(bo.page.getByRole('heading', { name: 'There is no room with this code' })).toBeVisible();
  await bo.page.getByRole('link', { name: 'Start a new room' }).click();
  await bo.isHome();
});

test('the host locks, removes, renews the code, hands over and ends the room by forms', async ({ person, guard }) => {
  const [ana, bo, cy] = await Promise.all([person('Ana'), person('Bo'), person('Cy')]);
  const old = await ana.create();
  for (const one of [bo, cy]) await one.join(old);
  const link = (who: typeof ana) => who.page.getByRole('link', { name: 'Manage the room' });
  const page = (who: typeof ana) => expect(who.page.getByRole('heading', { level: 1 })).toHaveText('Manage the room');
  await expect(link(bo)).toHaveCount(0);
  await bo.page.goto(`/room/${old}/host`);
  await bo.inRoom(old);

  await ana.page.getByRole('link', { name: /refresh/i }).click();
  await link(ana).click();
  const form = (words: string) => ana.page.locator('form').filter({ hasText: words });
  const save = (words: string) => form(words).getByRole('button', { name: 'Save' }).click();
  await form('Seats').getByRole('textbox').fill('1');
  await save('Seats');
  await expect(ana.alert).toHaveText(/Not a number from 2/);
  await expect(form('Seats').getByRole('textbox'), 'what was typed stays').toHaveValue('1');
  await form('nobody else can join').getByRole('checkbox').check();
  await save('nobody else can join');
  await expect(form('nobody else can join').getByRole('checkbox')).toBeChecked();
  await form('Slow mode').getByRole('combobox').selectOption('10000');
  await save('Slow mode');
  await page(ana);
  await ana.press('New code');
  await page(ana);
  const code = new URL(ana.page.url()).pathname.split('/')[2] ?? '';
  expect(code).not.toBe(old);

  // A page without script follows at its next request.
  await bo.page.getByRole('link', { name: /refresh/i }).click();
  await bo.inRoom(code);
  await expect(bo.line('The room has a new code')).toHaveCount(1);
  await expect(bo.page.getByText('Slow mode: one message in 10 seconds').last()).toBeVisible();

  const about = async (name: string, way: string) => {
    const member = ana.page.getByRole('form', { name });
    await expect(member.getByRole('button')).toHaveCount(0);
    await member.getByText(name, { exact: true }).click();
    await member.getByRole('button', { name: way, exact: true }).click();
  };
  await about('Cy', 'Remove');
  await page(ana);
  await cy.page.goto(`/room/${code}`);
  await expect(cy.page.getByRole('heading', { name: 'You were removed from this room' })).toBeVisible();
  await about('Bo', 'Make host');
  await ana.inRoom(code);
  await bo.page.getByRole('link', { name: /refresh/i }).click();
  await link(bo).click();
  await bo.page.getByRole('checkbox', { name: 'End it for everybody?' }).check();
  guard.expectUnknownRoom(code);
  await bo.press('End the room');
  await expect(bo.page.getByRole('heading', { level: 1 })).toHaveText(`You left ${code}`);
});

test('join by link', async ({ person }) => {
  const ana = await person('Ana');
  const bo = await person('Bo');
  const code = await ana.create();
  await bo.openLink(code);
  await expect(bo.page.getByText('1 person is inside')).toBeVisible();
  await bo.joinByLink(code);
  await bo.sees(['Ana', 'Bo']);
});

test('a code is found in a link that was pasted', async ({ person }) => {
  const ana = await person('Ana');
  const code = await ana.create();
  const bo = await person('Bo');
  await bo.home();
  await bo.nameField.fill('Bo');
  await bo.codeField.fill(`Join us: ${ana.origin}/room/${code}.`);
  await bo.codeField.press('Enter');
  await bo.inRoom(code);
});

test('Enter in the name field creates', async ({ person }) => {
  const ana = await person('Ana');
  await ana.home();
  await ana.nameField.fill('Ana');
  await ana.nameField.press('Enter');
  await ana.inRoom();
});

test('Enter joins from either field when there is a code', async ({ person }) => {
  const ana = await person('Ana');
  const code = await ana.create();
  for (const field of ['codeField', 'nameField'] as const) {
    const guest = await person(`Guest of the ${field}`);
    await guest.home();
    await guest.nameField.fill(guest.name);
    await guest.codeField.fill(code);
    await guest[field].press('Enter');
    await guest.inRoom(code);
  }
});

test('refusals keep what was typed', async ({ person }) => {
  const ana = await person('Ana');
  const long = 'A'.repeat(33);
  const cases = [
    { name: '', code: '', button: 'Create a room', field: 'nameField' },
    { name: '', code: NOWHERE, button: 'Join', field: 'nameField' },
    { name: long, code: '', button: 'Create a room', field: 'nameField' },
    { name: 'Ana', code: '', button: 'Join', field: 'codeField' },
    { name: 'Ana', code: 'what?', button: 'Join', field: 'codeField' },
    { name: 'Ana', code: NOWHERE, button: 'Join', field: 'codeField' },
  ] as const;
  for (const { name, code, button, field } of cases) {
    await test.step(`${button} as "${name}" with "${code}"`, async () => {
      await ana.home();
      await ana.nameField.fill(name);
      await ana.codeField.fill(code);
      await ana.press(button);
      await ana.isRefused(ana[field]);
      await expect(ana.nameField).toHaveValue(name);
      await expect(ana.codeField).toHaveValue(code);
    });
  }

  // The notice belongs to that one answer.
  await ana.home();
  await expect(ana.alert).toHaveCount(0);
});

test('a full room', async ({ person }) => {
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
  await cy.openLink(code);
  await expect(cy.page.getByText('This room is full')).toBeVisible();
});

test('a message that is too long stays in the box', async ({ person }) => {
  const ana = await person('Ana');
  await ana.create();
  const long = 'x'.repeat(4_001);
  await ana.type(long);
  await expect(ana.alert).toHaveText(/4,?000/);
  await expect(ana.composer).toHaveValue(long);
  expect(await ana.said()).toEqual([]);
});

test('markup is characters', async ({ person }) => {
  const img = '<img src=x onerror=alert(1)>';
  const ana = await person(img);
  await ana.create();
  await ana.say(img);
  await expect(ana.page.locator('img[src="x"]')).toHaveCount(0);
  await ana.sees([img]);
});

test('the same form sent twice is one message', async ({ person }) => {
  const ana = await person('Ana');
  await ana.create();
  const form = ana.page.locator('form').filter({ has: ana.composer });
  const action = await form.getAttribute('action');
  const fields: Record<string, string> = {};
  for (const input of await form.locator('input[name]').all()) {
    fields[(await input.getAttribute('name')) ?? ''] = await input.inputValue();
  }
  fields[(await ana.composer.getAttribute('name')) ?? ''] = 'sent twice';
  for (const attempt of ['first', 'second']) {
    const answer = await ana.context.request.post(action ?? '', {
      form: fields,
      headers: { accept: 'text/html', origin: ana.origin },
      maxRedirects: 0,
    });
    expect(answer.status(), attempt).toBe(303);
  }
  await ana.page.reload();
  await ana.hears('sent twice');
  await ana.say('and on');
  expect(await ana.said()).toEqual(['sent twice', 'and on']);
});

test.describe('in German', () => {
  test.use({ locale: 'de-DE' });

  test('pages say everything in German, until another language is chosen', async ({ person }) => {
    const ana = await person('Ana');
    await ana.home();
    await ana.nameField.fill('Ana');
    await ana.codeField.fill('KXQ4-7M2');
    await ana.press('Beitreten');
    await ana.isRefused(ana.codeField, /^Ein Code hat acht Zeichen.* Eins fehlt\.$/);
    const code = await ana.create();
    await ana.say('Hallo');
    await ana.sees(['Ana']);
    await ana.press('English');
    await expect(ana.page).toHaveURL(`${ana.origin}/room/${code}`);
    await expect(ana.page.getByText('Here now, 1 of 50')).toBeVisible();
    await expect(ana.page.getByRole('log', { name: 'Messages' })).toContainText('Hallo');
  });
});
