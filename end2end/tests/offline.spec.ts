import { expect, type Page, test } from '../support/room.ts';

/** Closes this page's sockets while the answer says so. Pages and forms go through. */
async function socketsOf(page: Page): Promise<{ blocked: boolean }> {
  const sockets = { blocked: true };
  await page.routeWebSocket(/\/ws\//, (socket) => {
    if (sockets.blocked) void socket.close({ code: 4003 });
    else socket.connectToServer();
  });
  return sockets;
}

test('what is not sent yet survives a reload, and arrives once and in order', async ({ person }) => {
  test.setTimeout(60_000);
  const ana = await person('Ana');
  const bo = await person('Bo');
  await bo.join(await ana.create());
  // Leaving a page with something unsent asks first.
  let asked = 0;
  ana.page.on('dialog', (dialog) => {
    asked += 1;
    void dialog.accept();
  });
  const sockets = await socketsOf(ana.page);
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
  await ana.page.getByRole('button', { name: 'Try now' }).click();
  await ana.live();
  for (const one of [ana, bo]) await expect.poll(() => one.said(), { timeout: 20_000 }).toEqual(typed);
  await bo.say('four');
  await ana.hears('four');
  await ana.page.reload();
  await ana.live();
  await expect.poll(() => ana.said()).toEqual([...typed, 'four']);
  expect(asked).toBe(1);
});

test('offline is said, and what is written then is sent afterwards', async ({ person, guard }) => {
  test.setTimeout(60_000);
  const ana = await person('Ana');
  const bo = await person('Bo');
  await bo.join(await ana.create());
  const back = guard.expectRefusedSockets();
  await bo.context.setOffline(true);
  await expect(bo.page.getByRole('status').filter({ hasText: 'You are offline' })).toBeVisible();
  await bo.type('from the tunnel');
  await bo.hears('from the tunnel');
  await ana.say('are you there?');
  await bo.context.setOffline(false);
  await bo.live();
  back();
  for (const one of [ana, bo]) {
    await expect.poll(() => one.said(), { timeout: 20_000 }).toEqual(['are you there?', 'from the tunnel']);
  }
  await expect(ana.line('Bo left')).toHaveCount(0);
});

test('back and forward bring the room again, live', async ({ person }) => {
  const ana = await person('Ana');
  const bo = await person('Bo');
  const code = await ana.create();
  await bo.join(code);
  await bo.page.getByRole('link', { name: 'Flasky Chat' }).click();
  await bo.isHome();
  await ana.say('still there?');
  await bo.page.goBack();
  await bo.inRoom(code);
  await bo.hears('still there?');
  await bo.say('back');
  await ana.hears('back');
  await expect(ana.line('Bo left')).toHaveCount(0);
});

test('leaving in one tab is told in the other', async ({ person }) => {
  const ana = await person('Ana');
  const code = await ana.create();
  const other = await ana.tab();
  await other.openLink(code);
  await other.inRoom(code);
  await ana.leave();
  await expect(other.page.getByRole('heading', { name: 'You left this room' })).toBeVisible();
});
