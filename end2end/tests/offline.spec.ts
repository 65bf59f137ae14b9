import { blockSockets, expect, type Page, type Person, test } from '../support/room.ts';

// Room for several of the longest waits between two attempts.
test.describe.configure({ timeout: 120_000 });

const COUNTDOWN = /^Connection lost\. Trying again in \d+ s\.$/;

test('what is not sent yet survives a reload, and arrives once and in order', async ({ person }) => {
  const ana = await person('Ana');
  const bo = await person('Bo');
  await bo.join(await ana.create());
  // Leaving a page with something unsent asks first.
  let asked = 0;
  ana.page.on('dialog', (dialog) => {
    asked += 1;
    void dialog.accept();
  });
  const sockets = await blockSockets(ana.page);
  await ana.page.reload();
  await ana.hydrated();
  const typed = ['one', 'two', 'three'];
  for (const text of typed) await ana.type(text);
  await expect.poll(() => ana.said()).toEqual(typed);
  await ana.composer.pressSequentially('half a sent');
  await ana.page.reload();
  await ana.hydrated();
  await expect.poll(() => ana.said()).toEqual(typed);
  await expect(ana.composer).toHaveValue('half a sent');
  expect(asked).toBe(1);

  sockets.blocked = false;
  for (const one of [ana, bo]) await one.has(typed);
  await bo.say('four');
  await ana.hears('four');
  await ana.page.reload();
  await ana.live();
  await ana.has([...typed, 'four']);
  await expect(ana.composer).toHaveValue('half a sent');
  expect(asked).toBe(1);
});

test('what is not sent yet is there before there is a connection', async ({ person, line, guard }) => {
  const ana = await person('Ana', line.url);
  await ana.create();
  ana.page.on('dialog', (dialog) => void dialog.accept());
  const back = await guard.expectRefusedSockets();
  await line.cut();
  line.holdsSockets = true;
  await line.mend();
  await ana.type('kept');
  await expect.poll(() => ana.said()).toEqual(['kept']);
  await ana.page.reload();
  await ana.hydrated();
  // Long before an attempt to connect is given up, which takes ten seconds.
  await expect.poll(() => ana.said(), { timeout: 4_000 }).toEqual(['kept']);
  line.holdsSockets = false;
  await ana.has(['kept']);
  await back();
});

test('offline is said, and what is written then is sent afterwards', async ({ person, guard }) => {
  const ana = await person('Ana');
  const bo = await person('Bo');
  await bo.join(await ana.create());
  const back = await guard.expectRefusedSockets();
  await bo.context.setOffline(true);
  await expect(bo.status).toHaveText(/^You are offline/);
  await bo.type('from the tunnel');
  await bo.hears('from the tunnel');
  await ana.say('are you there?');
  await bo.context.setOffline(false);
  for (const one of [ana, bo]) await one.has(['are you there?', 'from the tunnel']);
  await bo.live();
  await back();
  await expect(bo.status).toHaveCount(0);
  await expect(ana.line('Bo left')).toHaveCount(0);
});

test('the wait is counted for the eye and told aloud once', async ({ person }) => {
  const ana = await person('Ana');
  await ana.create();
  await blockSockets(ana.page);
  await ana.page.reload();
  await expect(ana.status).toHaveText('Connection lost. Trying again.');
  const changesOf = (element: Element) => {
    const changes: string[] = [];
    const note = () => changes.push(element.textContent ?? '');
    new MutationObserver(note).observe(element, { childList: true, characterData: true, subtree: true });
    return changes;
  };
  const heard = await ana.status.evaluateHandle(changesOf);
  const seen = await ana.banner.locator('[aria-hidden="true"]').evaluateHandle(changesOf);
  // Enough of them for several attempts, and for several seconds of one.
  await expect
    .poll(async () => (await seen.jsonValue()).filter((text) => COUNTDOWN.test(text)).length, { timeout: 40_000 })
    .toBeGreaterThan(3);
  expect(await heard.jsonValue()).toEqual([]);
});

test('where sockets keep failing, the page can be refreshed, and nothing typed is lost', async ({ person }) => {
  const ana = await person('Ana');
  const bo = await person('Bo');
  await bo.join(await ana.create());
  ana.page.on('dialog', (dialog) => void dialog.accept());
  const sockets = await blockSockets(ana.page);
  await ana.page.reload();
  await ana.hydrated();
  await ana.type('stuck');
  await bo.say('do you read me?');
  const reloaded = ana.page.waitForEvent('load');
  await ana.banner.getByRole('link', { name: 'Refresh' }).click();
  await reloaded;
  await ana.hydrated();
  await expect.poll(() => ana.said()).toEqual(['do you read me?', 'stuck']);
  sockets.blocked = false;
  for (const one of [ana, bo]) await one.has(['do you read me?', 'stuck']);
});

test('leaving works where pages get through and sockets do not', async ({ person }) => {
  const ana = await person('Ana');
  const bo = await person('Bo');
  await bo.join(await ana.create());
  await blockSockets(ana.page);
  await ana.page.reload();
  await ana.hydrated();
  await ana.leave();
  await expect(bo.line('Ana left')).toHaveCount(1);
  await bo.sees(['Bo']);
});

test('leaving without a network is done when there is one', async ({ person, guard }) => {
  const ana = await person('Ana');
  const bo = await person('Bo');
  await bo.join(await ana.create());
  await ana.composer.fill('half a w');
  const back = await guard.expectRefusedSockets();
  await ana.context.setOffline(true);
  await expect(ana.status).toHaveText(/^You are offline/);
  // What stands in the box would be gone: the first answer is no.
  await ana.press("Let's leave!");
  await ana.answer('Stay');
  await expect(ana.status).toHaveText(/^You are offline/);
  await ana.press("Let's leave!");
  await ana.answer('Leave');
  await expect(ana.status).toHaveText(/^You leave as soon as there is a connection/);
  await expect(ana.composer).toBeDisabled();
  await expect(ana.composer).toHaveValue('half a w');
  await bo.say('are you still there?');
  await bo.sees(['Ana', 'Bo']);
  await ana.context.setOffline(false);
  await ana.hasLeft();
  await back();
  await expect(bo.line('Ana left')).toHaveCount(1);
});

test('the way home asks while something is not sent, and coming back sends it', async ({ person }) => {
  const ana = await person('Ana');
  const bo = await person('Bo');
  const { page } = ana;
  const code = await ana.create();
  await bo.join(code);
  const sockets = await blockSockets(page);
  await page.reload();
  await ana.hydrated();
  await ana.type('not yet');
  await ana.hears('not yet');
  await ana.composer.fill('half a w');

  const home = page.getByRole('link', { name: 'Flasky Chat', exact: true });
  await home.click();
  await ana.answer('Stay');
  await expect(ana.composer).toHaveValue('half a w');
  await expect(page).toHaveURL(`${ana.origin}/room/${code}`);
  await home.click();
  await ana.answer('Leave');
  await ana.isHome();

  // Of the browser's own buttons the page hears too late to ask.
  const isKept = async () => {
    await expect.poll(() => ana.said()).toEqual(['not yet']);
    await expect(ana.composer).toHaveValue('half a w');
  };
  await page.goBack();
  await isKept();
  await page.goForward();
  await ana.isHome();
  await ana.codeField.fill(code);
  await ana.press('Join');
  await isKept();
  sockets.blocked = false;
  for (const one of [ana, bo]) await one.has(['not yet']);
});

test('a hello that came too late is said again', async ({ person }) => {
  const ana = await person('Ana');
  await ana.create();
  let late = 3;
  await ana.page.routeWebSocket(/\/ws\//, (socket) => {
    late -= 1;
    if (late >= 0) void socket.close({ code: 4500 });
    else socket.connectToServer();
  });
  await ana.page.reload();
  await ana.live();
  await ana.say('understood');
});

test('a store that cannot take a message is said at the message', async ({ person }) => {
  const ana = await person('Ana');
  await ana.create();
  let full = true;
  await ana.page.routeWebSocket(/\/ws\//, (socket) => {
    const server = socket.connectToServer();
    socket.onMessage((text) => {
      const frame = JSON.parse(String(text));
      if (full && frame.type === 'append') {
        socket.send(JSON.stringify({ type: 'rejected', id: frame.id, error: 'storage', retry_ms: 200 }));
      } else {
        server.send(text);
      }
    });
  });
  await ana.page.reload();
  await ana.live();
  await ana.type('keep this');
  await expect(ana.message('keep this').locator('.state')).toHaveText(/cannot store messages right now/);
  full = false;
  await ana.sent('keep this');
  await ana.has(['keep this']);
});

test('a room that ended while the page was away shows what never got there, once', async ({ person, guard }) => {
  const ana = await person('Ana');
  const code = await ana.create();
  ana.page.on('dialog', (dialog) => void dialog.accept());
  await blockSockets(ana.page);
  await ana.page.reload();
  await ana.hydrated();
  await ana.type('never sent');
  await ana.hears('never sent');
  await ana.composer.fill('half a w');
  // The only seat is freed where this page cannot hear of it.
  const answer = await ana.context.request.post('/api/leave_room', { form: { code }, headers: { origin: ana.origin } });
  expect(answer.status()).toBe(200);

  guard.expectUnknownRoom(code);
  await ana.page.reload();
  await expect(ana.page.getByRole('heading', { name: 'There is no room with this code' })).toBeVisible();
  await expect(ana.unsent).toHaveText(['never sent', 'half a w']);
  await ana.page.reload();
  await ana.hydrated();
  await expect(ana.unsent).toHaveCount(0);
});

test('of a change only other words than its message has were never sent', async ({ person, guard }) => {
  const over = async (one: Person, typed: string) => {
    const code = await one.create();
    await one.say('said');
    one.page.on('dialog', (dialog) => void dialog.accept());
    await blockSockets(one.page);
    await one.page.reload();
    await one.hydrated();
    await one.composer.press('ArrowUp');
    await expect(one.composer).toHaveValue('said');
    await one.composer.fill(typed);
    // The only seat is freed where this page cannot hear of it.
    const answer = await one.context.request.post('/api/leave_room', { form: { code }, headers: { origin: one.origin } });
    expect(answer.status()).toBe(200);
    guard.expectUnknownRoom(code);
    await one.page.reload();
    await expect(one.page.getByRole('heading', { name: 'There is no room with this code' })).toBeVisible();
    await one.hydrated();
  };
  const ana = await person('Ana');
  await over(ana, 'said and changed');
  await expect(ana.unsent).toHaveText(['said and changed']);
  const bo = await person('Bo');
  await over(bo, 'said');
  await expect(bo.unsent).toHaveCount(0);
});

/** From the next load on, the page can be told that the host has sent its member out. */
async function host(page: Page): Promise<{ sendOut: () => void }> {
  const host = { sendOut: () => {} };
  await page.routeWebSocket(/\/ws\//, (socket) => {
    socket.connectToServer();
    host.sendOut = () => void socket.close({ code: 4504 });
  });
  return host;
}

test('who is sent out is told so, and keeps the words', async ({ person }) => {
  const ana = await person('Ana');
  const code = await ana.create();
  const { page } = ana;
  const room = await host(page);
  await page.reload();
  await ana.inRoom(code);
  await ana.composer.fill('but I only');
  room.sendOut();
  await expect(page.getByRole('heading', { name: 'You were removed from this room' })).toBeVisible();
  await expect(ana.unsent).toHaveText(['but I only']);
});

test('so does who was about to change a message', async ({ person }) => {
  const ana = await person('Ana');
  const code = await ana.create();
  const { page } = ana;
  const room = await host(page);
  await page.reload();
  await ana.inRoom(code);
  await ana.say('first');
  await ana.composer.press('ArrowUp');
  await expect(ana.composer).toHaveValue('first');
  await ana.composer.fill('first of all');
  room.sendOut();
  await expect(page.getByRole('heading', { name: 'You were removed from this room' })).toBeVisible();
  await expect(ana.unsent).toHaveText(['first of all']);
});

test('what was never sent is not given up at the end without a question', async ({ person }) => {
  const ana = await person('Ana');
  const { page } = ana;
  const room = await host(page);
  const code = await ana.create();
  const isOver = async () => {
    room.sendOut();
    await expect(page.getByRole('heading', { name: 'You were removed from this room' })).toBeVisible();
    await expect(ana.unsent).toHaveText(['but I only']);
  };
  await ana.composer.fill('but I only');
  await isOver();
  // Nobody can be asked here, so the words stay.
  await page.goBack();
  await ana.isHome();
  await page.goForward();
  await ana.inRoom(code);
  await expect(ana.composer).toHaveValue('but I only');
  await isOver();

  for (const name of ['Start a new room', 'Flasky Chat']) {
    await page.getByRole('link', { name, exact: true }).click();
    await ana.answer('Stay');
    await expect(ana.unsent).toHaveText(['but I only']);
  }
  await page.getByRole('link', { name: 'Start a new room' }).click();
  await ana.answer('Leave');
  await ana.isHome();
  await page.goBack();
  await ana.inRoom(code);
  await expect(ana.composer).toHaveValue('');
});
