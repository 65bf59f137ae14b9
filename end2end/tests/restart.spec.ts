import { expect, type Person, RECOVERY, test } from '../support/room.ts';

// Room for several of the longest waits between two attempts.
test.describe.configure({ timeout: 120_000 });

async function allHave(people: Person[], messages: string[]): Promise<void> {
  for (const one of people) await one.has(messages);
}

test('a server killed and started again is nobody leaving', async ({ person, server, guard }) => {
  const ana = await person('Ana');
  const bo = await person('Bo');
  const code = await ana.create();
  await bo.join(code);
  await ana.say('one');
  await bo.hears('one');
  await bo.say('two');
  await ana.hears('two');

  const back = await guard.expectRefusedSockets();
  await server.kill();
  await ana.type('while it was down');
  await ana.hears('while it was down');
  await server.start();

  await allHave([ana, bo], ['one', 'two', 'while it was down']);
  await back();
  await bo.say('three');
  await ana.hears('three');
  await ana.say('four');
  await bo.hears('four');

  const all = ['one', 'two', 'while it was down', 'three', 'four'];
  await allHave([ana, bo], all);
  for (const one of [ana, bo]) {
    await one.sees(['Ana', 'Bo']);
    await expect(one.line(/left/)).toHaveCount(0);
    await expect(one.page).toHaveURL(`${one.origin}/room/${code}`);
  }
  await expect(ana.line('Bo joined')).toHaveCount(1);

  // What is on the screens is what is stored.
  await bo.page.reload();
  await bo.inRoom(code);
  await allHave([bo], all);
});

test('the messages of two people typed while it was down arrive once each', async ({ person, server, guard }) => {
  const ana = await person('Ana');
  const bo = await person('Bo');
  await bo.join(await ana.create());
  const back = await guard.expectRefusedSockets();
  await server.kill();
  await ana.type('a1');
  await ana.type('a2');
  await bo.type('b1');
  await server.start();
  for (const one of [ana, bo]) {
    await expect.poll(async () => (await one.said()).toSorted(), { timeout: RECOVERY }).toEqual(['a1', 'a2', 'b1']);
  }
  await back();
  // One order for everyone, and everyone's own order in it.
  await expect.poll(async () => (await ana.said()).join() === (await bo.said()).join()).toBe(true);
  const order = await bo.said();
  expect(order.indexOf('a1')).toBeLessThan(order.indexOf('a2'));
});

test('a line that breaks mends without a trace', async ({ person, line, guard }) => {
  const ana = await person('Ana');
  const bo = await person('Bo', line.url);
  await bo.join(await ana.create());
  const back = await guard.expectRefusedSockets();
  await line.cut();
  await bo.type('typed on the train');
  await ana.say('said meanwhile');
  await line.mend();
  await allHave([ana, bo], ['said meanwhile', 'typed on the train']);
  await back();
  await bo.sees(['Ana', 'Bo']);
  await expect(ana.line('Bo joined')).toHaveCount(1);
  await expect(ana.line('Bo left')).toHaveCount(0);
});

test.describe('with a short grace', () => {
  test.use({ serverEnv: { GRACE_MS: '500' } });

  test('a room that ended meanwhile says so, and shows what never got there', async ({ person, server, line, guard }) => {
    const ana = await person('Ana', line.url);
    const code = await ana.create();
    await ana.say('anybody?');
    const back = await guard.expectRefusedSockets();
    await line.cut();
    await ana.type('still here?');
    await ana.composer.fill('half a w');
    await expect
      .poll(async () => (await fetch(`${server.url}/room/${code}`)).status, { timeout: RECOVERY, intervals: [1_000, 2_000] })
      .toBe(404);
    await line.mend();
    await expect(ana.page.getByRole('heading', { name: 'This room has ended' })).toBeVisible({ timeout: RECOVERY });
    await back();
    await expect(ana.unsent).toHaveText(['still here?', 'half a w']);
    // Going on from here asks first. Then nothing of it stays behind.
    await ana.page.getByRole('link', { name: 'Start a new room' }).click();
    await ana.answer('Leave');
    await ana.isHome();
    expect(await ana.page.evaluate(() => Object.keys(sessionStorage))).toEqual([]);
  });
});
