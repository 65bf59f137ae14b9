import { blockSockets, expect, type Page, test } from '../support/room.ts';

// Room for several of the longest waits between two attempts.
test.describe.configure({ timeout: 120_000 });

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
  await bo.page.goForward();
  await bo.isHome();
  await bo.page.goBack();
  await bo.inRoom(code);
  await bo.has(['still there?', 'back']);
  await expect(ana.line('Bo left')).toHaveCount(0);
});

test('leaving in one tab is told in the other, which shows what stood in its box', async ({ person }) => {
  const ana = await person('Ana');
  const code = await ana.create();
  const other = await ana.tab();
  await other.openLink(code);
  await other.inRoom(code);
  await other.composer.fill('one more th');
  await ana.leave();
  await expect(other.page.getByRole('heading', { name: 'You left this room' })).toBeVisible();
  await expect(other.unsent).toHaveText(['one more th']);
});

/** As if a later page of the same tab had been here: it had nothing of this one's, and left a draft and half a text. */
async function asLaterPage(page: Page, draft: string, text: string): Promise<void> {
  await page.evaluate(
    ([draft, text]) => {
      const key = Object.keys(sessionStorage).find((key) => key.startsWith('flasky.outbox.'));
      if (!key) throw new Error('nothing is kept');
      const stored = sessionStorage.getItem(key) ?? '';
      const [own] = JSON.parse(stored).drafts;
      const id = own.id.slice(0, -12) + '0123456789ab';
      sessionStorage.setItem(key, stored.replaceAll(own.id, id).replaceAll('mine', draft));
      sessionStorage.setItem(key.replace('outbox', 'draft'), text);
    },
    [draft, text] as const,
  );
}

test('a page that wakes up takes over from the later pages of its tab', async ({ person }) => {
  const ana = await person('Ana');
  const bo = await person('Bo');
  await bo.join(await ana.create());
  const sockets = await blockSockets(ana.page);
  await ana.page.reload();
  await ana.hydrated();
  await ana.type('mine');
  await ana.hears('mine');
  await ana.composer.fill('old text');
  // A page that sleeps has kept what it had.
  const kept = () => Object.entries(sessionStorage).find(([key]) => key.startsWith('flasky.draft.'))?.[1];
  await expect.poll(() => ana.page.evaluate(kept)).toBe('old text');
  await asLaterPage(ana.page, 'later', 'new text');
  await ana.page.evaluate(() => dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })));
  await expect.poll(() => ana.said()).toEqual(['mine', 'later']);
  await expect(ana.composer).toHaveValue('new text');
  sockets.blocked = false;
  for (const one of [ana, bo]) await one.has(['mine', 'later']);
});

test('a page that never woke up does not write over what later pages of its tab kept', async ({ person }) => {
  const ana = await person('Ana');
  const bo = await person('Bo');
  await bo.join(await ana.create());
  ana.page.on('dialog', (dialog) => void dialog.accept());
  const sockets = await blockSockets(ana.page);
  await ana.page.reload();
  await ana.hydrated();
  await ana.type('mine');
  await ana.hears('mine');
  await asLaterPage(ana.page, 'later', '');
  await ana.type('another');
  await expect.poll(() => ana.said()).toEqual(['mine', 'another']);
  await ana.page.reload();
  await ana.hydrated();
  await expect.poll(() => ana.said()).toEqual(['mine', 'another', 'later']);
  sockets.blocked = false;
  for (const one of [ana, bo]) await one.has(['mine', 'another', 'later']);
});

test('a tab and its duplicate send the same message once', async ({ person }) => {
  const ana = await person('Ana');
  const bo = await person('Bo');
  const code = await ana.create();
  await bo.join(code);
  const sockets = await blockSockets(ana.page);
  await ana.page.reload();
  await ana.hydrated();
  await ana.type('once');
  await ana.hears('once');
  // A browser copies the tab's storage when it duplicates a tab.
  const kept = await ana.page.evaluate(() => Object.entries(sessionStorage));
  const copy = await ana.tab();
  await copy.page.addInitScript((kept) => {
    if (sessionStorage.getItem('copied')) return;
    for (const [key, value] of [...kept, ['copied', 'yes'] as const]) sessionStorage.setItem(key, value);
  }, kept);
  await copy.openLink(code);
  for (const one of [copy, bo]) await one.has(['once']);
  sockets.blocked = false;
  await ana.live();
  await bo.say('got it');
  for (const one of [ana, copy, bo]) await one.has(['once', 'got it']);
});

test.describe('with one tab allowed', () => {
  test.use({ serverEnv: { TABS: '1' } });

  test('a place that is taken is waited for without a word', async ({ person }) => {
    const ana = await person('Ana');
    const code = await ana.create();
    const second = await ana.tab();
    let refused = 0;
    second.page.on('websocket', (socket) => socket.on('close', () => (refused += 1)));
    await second.openLink(code);
    await expect.poll(() => refused).toBeGreaterThan(1);
    await expect(second.status).toHaveCount(0);
    await ana.page.close();
    await second.inRoom(code);
    await second.say('here');
  });
});
