import { expect, holdWasm, test } from '../support/room.ts';

const IMG = '<img src=x onerror=alert(1)>';

test('two people talk', async ({ person }) => {
  const ana = await person('Ana');
  const bo = await person('Bo');
  await bo.join(await ana.create());
  await ana.say('Hello, Bo');
  await bo.hears('Hello, Bo');
  await bo.say('Hello, Ana');
  await ana.hears('Hello, Ana');
  expect(await ana.said()).toEqual(['Hello, Bo', 'Hello, Ana']);
  expect(await bo.said()).toEqual(['Hello, Bo', 'Hello, Ana']);
  await expect(ana.composer).toBeFocused();
});

test('the button sends, too', async ({ person }) => {
  const ana = await person('Ana');
  await ana.create();
  await ana.composer.fill('By hand');
  await ana.press('Send');
  await ana.hears('By hand');
  await expect(ana.composer).toHaveValue('');
});

test('coming and going is said', async ({ person }) => {
  const ana = await person('Ana');
  const bo = await person('Bo');
  const code = await ana.create();
  await bo.join(code);
  await expect(ana.line('Bo joined')).toHaveCount(1);
  await ana.say('Welcome'); // lines next to each other may be told as one
  await bo.leave();
  await expect(ana.line('Bo left')).toHaveCount(1);
  await ana.sees(['Ana']);
});

test.describe('with a short grace', () => {
  test.use({ serverEnv: { GRACE_MS: '500' } });

  test('who vanishes has left after the grace', async ({ person }) => {
    const ana = await person('Ana');
    const bo = await person('Bo');
    await bo.join(await ana.create());
    await bo.say('Bye');
    await ana.hears('Bye');
    await bo.context.close();
    await expect(ana.line('Bo left')).toHaveCount(1);
    await ana.sees(['Ana']);
  });
});

test('a late joiner sees what was said', async ({ person }) => {
  const ana = await person('Ana');
  const bo = await person('Bo');
  const code = await ana.create();
  await ana.say('first');
  await ana.say('second');
  await bo.joinByLink(code);
  await expect.poll(() => bo.said()).toEqual(['first', 'second']);
});

test('the first HTML holds the messages', async ({ person }) => {
  const ana = await person('Ana');
  const code = await ana.create();
  await ana.say('written before any script');
  await ana.say(IMG);
  const answer = await ana.context.request.get(`/room/${code}`, { headers: { accept: 'text/html' } });
  expect(answer.status()).toBe(200);
  const html = await answer.text();
  // In the page itself: not in a template that a script would have to move.
  const log = html.slice(html.indexOf('role="log"'));
  expect(log).toContain('written before any script');
  expect(html).not.toContain('<template');
  expect(html).not.toContain('<img src=x');
});

test('a reload keeps me', async ({ person }) => {
  const ana = await person('Ana');
  const bo = await person('Bo');
  const code = await ana.create();
  await bo.join(code);
  await bo.say('before');
  await bo.page.reload();
  await bo.inRoom(code);
  await expect.poll(() => bo.said()).toEqual(['before']);
  await bo.say('after');
  await ana.hears('after');
  await ana.sees(['Ana', 'Bo']);
  await bo.sees(['Ana', 'Bo']);
  await expect(ana.line('Bo joined')).toHaveCount(1);
  await expect(ana.line('Bo left')).toHaveCount(0);
});

test('a second tab of the same browser is the same member', async ({ person }) => {
  const ana = await person('Ana');
  const bo = await person('Bo');
  const code = await ana.create();
  await bo.join(code);
  const second = await bo.tab();
  await second.openLink(code);
  await second.inRoom(code);
  await second.sees(['Ana', 'Bo']);
  await second.say('from my other tab');
  await bo.hears('from my other tab');
  await ana.hears('from my other tab');
  await ana.sees(['Ana', 'Bo']);
  await expect(ana.line('Bo joined')).toHaveCount(1);

  await second.page.close();
  await bo.say('still here');
  await ana.hears('still here');
  await ana.sees(['Ana', 'Bo']);
});

test('several rooms in several tabs', async ({ person }) => {
  const ana = await person('Ana');
  const first = await ana.create();
  const tab = await ana.tab();
  const second = await tab.create();
  expect(second).not.toBe(first);
  await ana.say('in the first');
  await tab.say('in the second');
  expect(await ana.said()).toEqual(['in the first']);
  expect(await tab.said()).toEqual(['in the second']);
  await tab.leave();
  await ana.say('still in the first');
  await ana.page.reload();
  await ana.inRoom(first);
  await expect.poll(() => ana.said()).toEqual(['in the first', 'still in the first']);
});

test('the last one to leave ends the room', async ({ person, guard }) => {
  const ana = await person('Ana');
  const bo = await person('Bo');
  const code = await ana.create();
  await bo.join(code);
  await ana.say('gone soon');
  await bo.hears('gone soon');
  await ana.leave();
  await bo.hears('gone soon');
  await bo.leave();

  guard.expectUnknownRoom(code);
  const answer = await bo.page.goto(`/room/${code}`);
  expect(answer?.status()).toBe(404);
  await expect(bo.page.getByRole('heading', { name: 'There is no room with this code' })).toBeVisible();
  await bo.hydrated();
  await expect(bo.page.getByText('gone soon')).toHaveCount(0);

  await bo.home();
  await bo.nameField.fill('Bo');
  await bo.codeField.fill(code);
  await bo.press('Join');
  await bo.isRefused(bo.codeField);
});

test('markup is characters', async ({ person }) => {
  const ana = await person(IMG);
  const bo = await person('Bo');
  const dialogs: string[] = [];
  for (const { page } of [ana, bo]) {
    page.on('dialog', (dialog) => {
      dialogs.push(dialog.message());
      void dialog.dismiss();
    });
  }
  await bo.join(await ana.create());
  await ana.say(IMG);
  await bo.hears(IMG);
  await bo.say('<b>bold</b>');
  for (const one of [ana, bo]) {
    await expect(one.message(IMG)).toHaveCount(1);
    await expect(one.page.locator('img[src="x"]')).toHaveCount(0);
    await expect(one.log.locator('.message b')).toHaveCount(0);
    await expect(one.people.getByRole('listitem').filter({ hasText: IMG })).toHaveCount(1);
  }
  expect(dialogs).toEqual([]);
});

test('a message that is too long stays in the box', async ({ person }) => {
  const ana = await person('Ana');
  await ana.create();
  const long = 'x'.repeat(4_001);
  await ana.composer.fill(long);
  await ana.press('Send');
  await expect(ana.alert).toHaveText(/4,?000/);
  await expect(ana.composer).toHaveValue(long);
  expect(await ana.said()).toEqual([]);

  const longest = 'x'.repeat(4_000);
  await ana.composer.fill(longest);
  await ana.press('Send');
  await expect.poll(() => ana.said()).toEqual([longest]);
  await expect(ana.alert).toHaveCount(0);
});

test('nothing is not a message', async ({ person }) => {
  const ana = await person('Ana');
  const bo = await person('Bo');
  await bo.join(await ana.create());
  await ana.type('   ');
  await ana.say('something');
  await bo.hears('something');
  expect(await bo.said()).toEqual(['something']);
});

test('text typed before WASM arrives survives hydration', async ({ person }) => {
  const ana = await person('Ana');
  const bo = await person('Bo');
  const code = await ana.create();
  await bo.join(code);
  await ana.say('a bit of history');
  const letWasmCome = await holdWasm(ana.page);
  await ana.page.reload({ waitUntil: 'commit' });
  await ana.hears('a bit of history');
  await ana.composer.fill('typed early');
  await expect(ana.page.locator('html[data-live]')).not.toBeAttached();
  letWasmCome();
  await ana.live();
  await expect(ana.composer).toHaveValue('typed early');
  await ana.composer.press('Enter');
  await bo.hears('typed early');
  await expect(ana.composer).toHaveValue('');
});
