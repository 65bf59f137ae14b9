import { Member } from '../support/member.ts';
import { expect, type Page, type Person, test } from '../support/room.ts';
import { STAGE_ENV } from '../support/states.ts';

test.use({ serverEnv: STAGE_ENV });

const list = (who: Person) => who.page.getByRole('region', { name: 'Your rooms' });
const links = (who: Person) => list(who).getByRole('link');

/** What this browser keeps of its rooms. */
const kept = (page: Page) => page.evaluate(() => localStorage.getItem('flasky.rooms'));

/** The page tells that it came into view again, as after a switch of tabs. */
const look = (page: Page) => page.evaluate(() => document.dispatchEvent(new Event('visibilitychange', { bubbles: true })));

/** Goes home without loading a document. */
async function goHome(who: Person): Promise<void> {
  await who.page.getByRole('link', { name: 'Flasky Chat' }).click();
  await who.isHome();
}

test('six rooms on home, the one read last first, with what is new in each', async ({ person, server }) => {
  const ana = await person('Ana');
  const rooms: Member[] = [];
  for (let i = 0; i < 6; i++) {
    const { code } = await Member.enter(ana);
    rooms.push(await Member.enter({ name: 'Bo', origin: server.url }, { code }));
    await ana.openLink(code);
    await ana.inRoom(code);
  }
  await goHome(ana);
  const codes = rooms.map(({ code }) => code).reverse();
  await expect(links(ana)).toHaveText(codes.map((code) => new RegExp(`^${code}\\s*2 inside$`)));
  for (const [i, bo] of rooms.entries()) for (let n = 0; n < i; n++) await bo.say(`news ${n}`);
  await look(ana.page);
  await expect(links(ana)).toHaveText(
    codes.map((code, i) => new RegExp(`^${code}\\s*2 inside\\s*${i < 5 ? `${5 - i} new` : ''}$`)),
  );
  const loads: string[] = [];
  ana.page.on('request', (request) => request.isNavigationRequest() && loads.push(request.url()));
  await links(ana).nth(2).click();
  await ana.inRoom(codes[2]);
  await ana.hears('news 2');
  await goHome(ana);
  await expect(links(ana).first(), 'read').toHaveText(new RegExp(`^${codes[2]}\\s*2 inside$`));
  await expect(links(ana).nth(1), 'not read').toHaveText(new RegExp(`^${codes[0]}\\s*2 inside\\s*5 new$`));
  expect(loads, 'no document was loaded').toEqual([]);
});

test('a room is gone from home when it was left, in any tab, or has ended', async ({ person, server }) => {
  const ana = await person('Ana');
  const other = await ana.tab();
  const first = await ana.create();
  await other.home();
  await expect(links(other)).toHaveText(new RegExp(first));
  const second = await ana.create();
  await look(other.page);
  await expect(links(other)).toHaveText([new RegExp(second), new RegExp(first)]);
  await ana.leave();
  expect(await kept(ana.page)).not.toContain(second);
  await expect(links(ana)).toHaveText(new RegExp(first));
  await look(other.page);
  await expect(links(other)).toHaveText(new RegExp(first));
  // By the server alone: no page of this browser sees it.
  await ana.context.request.post(`${server.url}/api/leave_room`, { form: { code: first, sure: 'yes' } });
  await look(other.page);
  await expect(list(other)).toHaveCount(0);
  expect(await kept(other.page)).toBeNull();
});

test('a room that is left without a connection is forgotten with its page', async ({ person, guard }) => {
  const ana = await person('Ana');
  const bo = await person('Bo');
  const code = await ana.create();
  await bo.join(code);
  await ana.sees(['Ana', 'Bo']);
  await expect.poll(() => kept(ana.page)).toMatch(code);
  const other = await ana.tab();
  await other.home();
  await guard.expectRefusedSockets();
  guard.expectLost(/leave_room|\/api\/my_rooms|favicon/);
  await ana.context.setOffline(true);
  await expect(ana.status).toHaveText(/^You are offline/);
  await ana.press("Let's leave!");
  await expect(ana.status).toHaveText(/^You leave as soon as there is a connection/);
  await ana.page.goto('about:blank');
  expect(await kept(other.page)).toBeNull();
});

test('a browser that lost its session keeps no rooms, and finds none', async ({ person }) => {
  const ana = await person('Ana');
  const code = await ana.create();
  await goHome(ana);
  await expect(links(ana)).toHaveText(new RegExp(code));
  await ana.context.clearCookies();
  await ana.openLink(code);
  await expect(ana.page.getByRole('button', { name: /^Join/ })).toBeVisible();
  await expect.poll(() => kept(ana.page)).toBeNull();
});

test('lines that are no rooms are removed and never sent', async ({ person }) => {
  const ana = await person('Ana');
  const code = await ana.create();
  await goHome(ana);
  await expect(links(ana)).toHaveText(new RegExp(code));
  await ana.page.evaluate(() => {
    const odd = ['nonsense', 'kxq4-7m2p 0000000000000001 5', `KXQ4-7M2P ${'1'.repeat(300_000)} 5`];
    localStorage.setItem('flasky.rooms', [...odd, localStorage.getItem('flasky.rooms')].join('\n'));
  });
  await ana.page.reload();
  await expect(links(ana)).toHaveText(new RegExp(code));
  await expect.poll(() => kept(ana.page)).toMatch(new RegExp(`^${code} \\S+ \\d+$`));
});

test('two tabs of a room agree on what was read', async ({ person, server }) => {
  const ana = await person('Ana');
  const { code } = await Member.enter(ana);
  const bo = await Member.enter({ name: 'Bo', origin: server.url }, { code });
  await ana.openLink(code);
  await ana.inRoom(code);
  const other = await ana.tab();
  await other.openLink(code);
  await other.inRoom(code);
  await bo.say('seen by one of them');
  await other.hears('seen by one of them');
  await goHome(other);
  await expect(links(other)).toHaveText(new RegExp(`^${code}\\s*2 inside$`));
  await goHome(ana);
  await expect(links(ana)).toHaveText(new RegExp(`^${code}\\s*2 inside$`));
});

test('what is new is said also where nobody counted it', async ({ person }) => {
  const ana = await person('Ana');
  const code = await ana.create();
  // A hundred who came, and perhaps messages after them.
  await ana.page.route('**/api/my_rooms', (route) => route.fulfill({ json: [{ code, inside: 2, unread: 0, more: true }] }));
  await goHome(ana);
  await expect(links(ana)).toHaveText(new RegExp(`^${code}\\s*2 inside\\s*new$`));
});

test('home asks once for all that is gone, one call at a time, and only when its rooms changed', async ({ person }) => {
  const ana = await person('Ana');
  const other = await ana.tab();
  const code = await ana.create();
  await ana.page.evaluate(() => {
    const rooms = localStorage.getItem('flasky.rooms');
    const gone = ['KXQ4-7M2P', 'KXQ4-7M2Q', 'KXQ4-7M2R'].map((code) => `${code} 0000000000000001 5`);
    localStorage.setItem('flasky.rooms', [rooms, ...gone].join('\n'));
  });
  const held: (() => void)[] = [];
  let hold = false;
  let calls = 0;
  await other.page.route('**/api/my_rooms', async (route) => {
    calls += 1;
    if (hold) await new Promise<void>((go) => held.push(go));
    await route.continue();
  });
  await other.home();
  await expect(links(other)).toHaveText(new RegExp(code));
  await expect.poll(() => kept(other.page)).toMatch(/^\S+ \S+ \d+$/);
  await other.page.waitForTimeout(300);
  expect(calls, 'once for all, and once when the others are forgotten').toBeLessThanOrEqual(2);

  calls = 0;
  await ana.page.evaluate(() => {
    for (const look of ['light', 'auto', 'dark']) localStorage.setItem('flasky.look', look);
  });
  await expect(other.page.locator('html[data-theme=dark]')).toBeAttached();
  expect(calls, 'for what is none of its business').toBe(0);

  hold = true;
  for (let i = 0; i < 4; i++) await look(other.page);
  await expect.poll(() => held.length).toBe(1);
  await other.page.waitForTimeout(300);
  expect(calls, 'one at a time').toBe(1);
  hold = false;
  held.pop()?.();
  await expect.poll(() => calls).toBe(2);
  await other.page.waitForTimeout(300);
  expect(calls, 'and one for all that asked meanwhile').toBe(2);
});
