import type { Browser, Locator, Page, WebSocketRoute } from '@playwright/test';
import { openSettings } from './desktop.ts';
import type { Guard } from './guard.ts';
import { golden, Member, seat } from './member.ts';
import { expect, NOWHERE, Person } from './room.ts';
import type { Server } from './server.ts';

/** What a state is set up with: the fixtures of its test. */
export interface Stage {
  browser: Browser;
  server: Server;
  guard: Guard;
  person: (name: string, origin?: string) => Promise<Person>;
}

/** A screen as somebody may find it. */
export interface State {
  name: string;
  /** Brings a page into it, and answers who sees it. */
  enter: (stage: Stage) => Promise<Person>;
  /** Only on a phone. */
  phone?: true;
}

/** Settings of a server that states are set up on: quick to fill, and nobody goes while they are looked at. */
export const STAGE_ENV = {
  APPENDS_PER_SECOND: '100000',
  APPEND_BURST: '100000',
  ARRIVAL_MS: '600000',
  GRACE_MS: '600000',
  REPORT: 'mailto:abuse@chat.example',
};

// --- Home and its neighbours ---

async function home(stage: Stage, name = 'Ana'): Promise<Person> {
  const ana = await stage.person(name);
  await ana.home();
  return ana;
}

async function refused(stage: Stage, field: 'nameField' | 'codeField', name: string, code: string): Promise<Person> {
  const ana = await home(stage);
  await ana.nameField.fill(name);
  await ana.codeField.fill(code);
  await ana.press(ana.words(code ? 'join' : 'create'));
  await ana.isRefused(ana[field]);
  return ana;
}

async function privacy(stage: Stage, reader?: Person): Promise<Person> {
  const ana = reader ?? (await stage.person('Ana'));
  await ana.page.goto(`${ana.origin}/privacy`);
  await expect(ana.page.getByRole('heading', { level: 1 })).toHaveText(ana.words('privacy'));
  await expect(ana.page.getByRole('link', { name: 'abuse@chat.example' })).toBeVisible();
  return ana;
}

/** Six rooms of this browser, with and without a name and news. */
async function homeWithRooms({ person, server }: Stage): Promise<Person> {
  const ana = await person('Ana');
  const names = ['', 'Book club', '', LONG_NAME.repeat(2), 'قراءة', ''];
  for (const [i, roomName] of names.entries()) {
    const { code } = await Member.enter(ana, { roomName });
    const bo = await Member.enter({ name: 'Bo', origin: server.url }, { code });
    await open(ana, code);
    await ana.home();
    for (let n = 0; n < i * 21; n++) await bo.say(`news ${n}`);
  }
  await ana.home();
  await expect(ana.page.getByRole('region', { name: ana.words('my-rooms') }).getByRole('link')).toHaveCount(names.length);
  return ana;
}

async function withOptions(stage: Stage): Promise<Person> {
  const ana = await home(stage);
  await ana.page.getByText(ana.words('options'), { exact: true }).click();
  return ana;
}

async function refusedCapacity(stage: Stage): Promise<Person> {
  const ana = await withOptions(stage);
  const capacity = ana.page.getByRole('textbox', { name: ana.words('how-many') });
  await ana.nameField.fill('Ana');
  await capacity.fill('1');
  await ana.press(ana.words('create'));
  await ana.isRefused(capacity);
  return ana;
}

async function door({ person, server }: Stage, room: { capacity?: number } = {}): Promise<Person> {
  const { code } = await Member.enter({ name: 'Bo', origin: server.url }, room);
  await seat(server.url, code, ['Chidi']);
  const ana = await person('Ana');
  await ana.openLink(code);
  await ana.hydrated();
  return ana;
}

async function full(stage: Stage): Promise<Person> {
  const ana = await door(stage, { capacity: 2 });
  await expect(ana.page.getByText(ana.words('full'))).toBeVisible();
  return ana;
}

async function lockedDoor({ person, server }: Stage): Promise<Person> {
  const bo = await Member.enter({ name: 'Bo', origin: server.url });
  await bo.manage('lock', 'on');
  const ana = await person('Ana');
  await ana.openLink(bo.code);
  await expect(ana.page.getByRole('heading', { name: ana.words('room-is-locked') })).toBeVisible();
  await ana.hydrated();
  return ana;
}

/** The name is known on this device. */
async function knownName(stage: Stage): Promise<Person> {
  const ana = await left(stage);
  // In another tab: this one may still be asking how many are in.
  const tab = await ana.tab();
  await tab.page.goto(ana.page.url());
  await expect(tab.page.getByRole('button', { name: tab.words('join-as', { name: 'Ana' }) })).toBeVisible();
  await tab.hydrated();
  return tab;
}

async function left(stage: Stage): Promise<Person> {
  const ana = await door(stage);
  await ana.nameField.fill('Ana');
  await ana.press(ana.words('join-room'));
  await ana.inRoom();
  await ana.press(ana.words('leave'));
  await ana.hasLeft();
  return ana;
}

async function unknown({ person, guard }: Stage): Promise<Person> {
  const ana = await person('Ana');
  guard.expectUnknownRoom(NOWHERE);
  await ana.openLink(NOWHERE);
  await expect(ana.page.getByRole('heading', { name: ana.words('no-room') })).toBeVisible();
  await ana.hydrated();
  return ana;
}

// --- The end of a stay ---

/** What the server says on a page's sockets, passed on by hand. */
async function between(page: Page, pass: (frame: Record<string, unknown>, socket: WebSocketRoute) => void) {
  await page.routeWebSocket(/\/ws\//, (socket) => {
    socket.connectToServer().onMessage((text) => pass(JSON.parse(String(text)), socket));
  });
}

/** Says goodbye as soon as the room is shown. */
async function dismissed({ person }: Stage, bye: Record<string, unknown>, heading: string): Promise<Person> {
  const ana = await person('Ana');
  const { code } = await Member.enter(ana);
  await between(ana.page, (frame, socket) => {
    socket.send(JSON.stringify(frame));
    if (frame.type !== 'events') return;
    socket.send(JSON.stringify(bye));
    void socket.close({ code: Number(bye.code), reason: String(bye.reason) });
  });
  await ana.openLink(code);
  await expect(ana.page.getByRole('heading', { name: ana.words(heading) })).toBeVisible();
  return ana;
}

const ended = (stage: Stage) => dismissed(stage, golden('bye'), 'room-ended');
const removed = (stage: Stage) =>
  dismissed(stage, { ...golden('bye'), code: 4504, reason: 'removed' }, 'removed');
const awayTooLong = (stage: Stage) =>
  dismissed(stage, { ...golden('bye'), code: 4501, reason: 'no seat' }, 'away-too-long');

// --- The connection ---

async function offline(stage: Stage): Promise<Person> {
  const { reader } = await talk(stage);
  await reader.context.setOffline(true);
  await expect(reader.banner).toContainText(reader.words('offline'));
  return reader;
}

/** The server asks to come back later: nothing is refused, so nothing is logged, and the countdown is a long one. */
async function reconnecting(stage: Stage): Promise<Person> {
  const { reader, cast } = await staged(stage);
  let sockets = 0;
  const bye = { ...golden('bye_come_back'), code: 4005, reason: 'store unavailable', retry_ms: 14_000 };
  await reader.page.routeWebSocket(/\/ws\//, (socket) => {
    const server = socket.connectToServer();
    const again = ++sockets > 1;
    server.onMessage((text) => {
      if (!again) socket.send(text);
      if (JSON.parse(String(text)).type !== 'events') return;
      socket.send(JSON.stringify(bye));
      void socket.close({ code: 4005 });
    });
  });
  await reader.openLink(cast.code);
  await expect(reader.banner).toContainText(/\d/);
  return reader;
}

/** A line that broke, mended, with three messages in between. */
async function returned(stage: Stage): Promise<Person> {
  const { reader, cast } = await staged(stage);
  let cut: (() => void) | undefined;
  let hold = false;
  await reader.page.routeWebSocket(/\/ws\//, (socket) => {
    // Not connected at all while it is held: a socket that closes while it connects is a word on the console.
    if (hold) return void socket.close({ code: 4005 });
    const server = socket.connectToServer();
    cut = () => void socket.close({ code: 4005 }).then(() => server.close());
  });
  await open(reader, cast.code);
  hold = true;
  cut?.();
  await expect(reader.page.getByRole('button', { name: reader.words('try-now') })).toBeVisible();
  for (const body of ['Are you there?', 'Never mind', 'Found it']) await cast.bo.say(body);
  hold = false;
  // Whether or not it is on its way back by itself already: then there is nothing to see and to press any more.
  await reader.banner.getByRole('button', { name: reader.words('try-now'), includeHidden: true }).dispatchEvent('click');
  await expect(reader.page.getByText(reader.words('reconnected', { missed: 3 })).first()).toBeVisible();
  return reader;
}

// --- Talk ---

const LONG_NAME = 'Wolfeschlegelsteinhausenberger K';
const ARABIC = 'مرحبا بالجميع، هل نبدأ في ٣:٣٠؟';

interface Cast {
  code: string;
  bo: Member;
  chidi: Member;
}

/**
 * A talk with everything in it, of people who are there and one who is away. The reader has a seat and said part of
 * it, but has not opened the page yet.
 */
async function staged({ person, server }: Stage): Promise<{ reader: Person; cast: Cast }> {
  const reader = await person('Ana');
  const ana = await Member.enter(reader);
  const { code } = ana;
  const guest = (name: string) => Member.enter({ name, origin: server.url }, { code });
  const [bo, chidi, darya] = [await guest('Bo'), await guest('Chidi'), await guest('Дарья')];
  const moved = await bo.say('Deploy window moved to 15:30, the migration is still copying.');
  const eta = await bo.say('ETA from `pg_stat_progress`:\n```\nphase    | copying rows\ndone     | 61 %\neta      | 00:23:10\n```');
  for (const one of [ana, chidi, darya]) await one.react(eta, '👍');
  await chidi.react(eta, '🫡');
  const fine = await ana.say('Fine by me. @Chidi can you hold the **read replicas** until then?', moved);
  await chidi.say('On it.');
  await chidi.say('🧪');
  const late = await darya.say('I can watch the dashbords. Which one has the lag graph, https://grafana.example/d/lag?');
  await darya.edit(late, 'I can watch the dashboards. Which one has the lag graph, https://grafana.example/d/lag?');
  const slip = await darya.say('wrong room, sorry');
  await darya.remove(slip);
  await darya.say('Also: whoever leaves last, say goodbye. The room goes with you.');
  await ana.react(fine, '❤️');
  await darya.goAway();
  await ana.goAway();
  return { reader, cast: { code, bo, chidi } };
}

async function talk(stage: Stage): Promise<{ reader: Person; cast: Cast }> {
  const { reader, cast } = await staged(stage);
  await open(reader, cast.code);
  return { reader, cast };
}

/** What strains the layout: long words and names, every kind of markup, text from right to left. */
async function strained({ person, server }: Stage): Promise<Person> {
  const reader = await person('Ana');
  const ana = await Member.enter(reader);
  const guest = (name: string) => Member.enter({ name, origin: server.url }, { code: ana.code });
  const [long, nur] = [await guest(LONG_NAME), await guest('نور')];
  await nur.say(ARABIC);
  const list = await long.say(
    '> What is left?\n\n1. copy the rows\n2. ~~warn everyone~~\n3. *switch*\n\n- [the plan](https://example.com/plans/2026/deploy)\n- mail ops@example.com',
  );
  await ana.say('Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft'.repeat(3), list);
  await long.say(`\`\`\`\n${'a_very_long_line_of_code(that, scrolls, in, itself); '.repeat(4)}\n\`\`\``);
  await nur.say('@Ana شكرا', list);
  for (const emoji of ['👍', '❤️', '😂', '😮', '😢', '🙏', '🎉', '🚀', '👀', '🔥', '💯', '✅']) await nur.react(list, emoji);
  await long.say('🎉🎉🎉');
  return open(reader, ana.code);
}

/** Marks the page as hidden or seen, since a headless browser's tabs are always seen. */
export async function setHidden(page: Page, hidden: boolean): Promise<void> {
  await page.evaluate((hidden) => {
    Object.defineProperty(document, 'visibilityState', { value: hidden ? 'hidden' : 'visible', configurable: true });
    Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
    document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
  }, hidden);
}

async function unread(stage: Stage): Promise<Person> {
  const { reader, cast } = await talk(stage);
  await setHidden(reader.page, true);
  await cast.bo.say('Copied. Switching now.');
  await cast.bo.say('Done.');
  await reader.hears('Done.');
  await setHidden(reader.page, false);
  await expect(reader.log.getByText(reader.words('new-messages', { count: 2 }), { exact: true })).toBeVisible();
  return reader;
}

async function jump(stage: Stage): Promise<Person> {
  const { reader, cast } = await talk(stage);
  for (let i = 1; i <= 20; i++) await cast.chidi.say(`Row ${i} of 20 million`);
  await reader.hears('Row 20 of');
  await reader.message('Row 1 of').first().evaluate((row) => row.scrollIntoView({ block: 'center' }));
  // Only who has been seen to look elsewhere is told how many came.
  await expect(reader.page.getByRole('button', { name: reader.words('jump', { below: 0 }) })).toBeVisible();
  for (const body of ['Still copying', 'Nearly there', 'Done']) await cast.bo.say(body);
  await expect(reader.page.getByRole('button', { name: reader.words('jump', { below: 3 }) })).toBeVisible();
  return reader;
}

/** The server refuses what the client let through. */
async function notSent(stage: Stage): Promise<Person> {
  const { reader, cast } = await staged(stage);
  await reader.page.routeWebSocket(/\/ws\//, (socket) => {
    const server = socket.connectToServer();
    socket.onMessage((text) => {
      const frame = JSON.parse(String(text));
      if (frame.type === 'append') socket.send(JSON.stringify({ ...golden('rejected'), id: frame.id }));
      else server.send(text);
    });
  });
  await open(reader, cast.code);
  await reader.type('And ping me when it dips under a second');
  await reader.type('One more');
  await expect(reader.log.getByRole('alert')).toBeVisible();
  await expect(reader.log.getByText(reader.words('held'))).toBeVisible();
  return reader;
}

async function empty({ person }: Stage): Promise<Person> {
  const ana = await person('Ana');
  return open(ana, (await Member.enter(ana)).code);
}

/** The room's page, for somebody who has a seat. */
export async function open(reader: Person, code: string): Promise<Person> {
  await reader.openLink(code);
  await reader.inRoom(code);
  return reader;
}

/** Most messages that a room keeps, beside two who joined. */
const MOST = 998;

/** A room with very much in it, and its last page open. */
export async function thousand({ person, server }: Stage, count = MOST): Promise<{ reader: Person; bo: Member }> {
  const reader = await person('Ana');
  const ana = await Member.enter(reader);
  const bo = await Member.enter({ name: 'Bo', origin: server.url }, { code: ana.code });
  for (let i = 1; i <= count; i++) await (i % 20 < 10 ? bo : ana).say(`Message ${i}: **bold** and \`code\``);
  await open(reader, ana.code);
  return { reader, bo };
}

/** All of it on the screen, not only the last page. */
async function wholeThousand(stage: Stage): Promise<Person> {
  const { reader } = await thousand(stage);
  await loadAll(reader);
  return reader;
}

/** Scrolls up until there is nothing older. */
export async function loadAll(reader: Person): Promise<void> {
  await expect(async () => {
    await reader.log.evaluate((log) => (log.closest('section') ?? log).scrollTo(0, -1e6));
    await expect(reader.message('Message 1: bold')).toHaveCount(1, { timeout: 250 });
  }).toPass();
}

async function crowd({ person, server }: Stage): Promise<Person> {
  const reader = await person('Ana');
  const { code } = await Member.enter(reader);
  const names = ['Bo', 'Chidi', 'Дарья', 'Émile', '李雷', 'نور', LONG_NAME];
  await seat(server.url, code, Array.from({ length: 49 }, (_, i) => names[i] ?? `Guest ${i + 2}`));
  await open(reader, code);
  await expect(reader.page.getByText(reader.words('here-now', { count: 50, seats: 50 }))).toBeAttached();
  return reader;
}

// --- What opens over a talk ---

async function rosterSheet(stage: Stage): Promise<Person> {
  const { reader } = await talk(stage);
  await reader.page.getByRole('button', { name: reader.words('people') }).click();
  await expect(reader.people).toBeVisible();
  return reader;
}

/** The header's buttons that a phone has no space for. */
async function more(stage: Stage): Promise<Person> {
  const { reader } = await talk(stage);
  await reader.press(reader.words('more'));
  await expect(reader.page.getByRole('button', { name: reader.words('invite') })).toBeVisible();
  return reader;
}

async function invite(stage: Stage): Promise<Person> {
  const { reader } = await talk(stage);
  const button = reader.page.getByRole('button', { name: reader.words('invite') });
  if (!(await button.isVisible())) await reader.press(reader.words('more'));
  await button.click();
  const code = reader.page.getByRole('dialog').getByRole('img');
  await expect(code).toBeVisible();
  await expect.poll(() => code.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBeGreaterThan(0);
  return reader;
}

async function projector(stage: Stage): Promise<Person> {
  const reader = await invite(stage);
  await reader.press(reader.words('full-screen'));
  await expect(reader.page.getByRole('dialog', { name: reader.words('scan') })).toBeVisible();
  return reader;
}

async function lastOne(stage: Stage): Promise<Person> {
  const reader = await empty(stage);
  await reader.press(reader.words('leave'));
  await expect(reader.page.getByRole('alertdialog')).toBeVisible();
  return reader;
}

async function help(stage: Stage): Promise<Person> {
  const { reader } = await talk(stage);
  await reader.log.focus();
  await reader.page.keyboard.press('?');
  await expect(reader.page.getByRole('dialog', { name: reader.words('help-heading') })).toBeVisible();
  return reader;
}

async function notices(stage: Stage): Promise<Person> {
  const { reader } = await talk(stage);
  await openSettings(reader);
  await reader.page.getByLabel(reader.words('notices-mentions-only')).click();
  await expect(reader.page.getByRole('dialog').getByRole('status')).toHaveText(reader.words('notices-denied'));
  return reader;
}

/** Opens the panel that searches and saves. */
export async function openFind(reader: Person): Promise<void> {
  const button = reader.page.getByRole('button', { name: reader.words('find') });
  if (!(await button.isVisible())) await reader.press(reader.words('more'));
  await button.click();
  await expect(reader.page.getByRole('dialog', { name: reader.words('find') })).toBeVisible();
}

async function find(stage: Stage, words = 'the'): Promise<Person> {
  const { reader } = await talk(stage);
  await openFind(reader);
  await reader.page.getByRole('searchbox', { name: reader.words('search') }).fill(words);
  await expect(reader.page.getByRole('dialog', { name: reader.words('find') }).getByRole('status')).not.toBeEmpty();
  return reader;
}

async function compact(stage: Stage): Promise<Person> {
  const { reader } = await talk(stage);
  await openFind(reader);
  await reader.page.getByRole('checkbox', { name: reader.words('compact') }).check();
  await reader.page.keyboard.press('Escape');
  await expect(reader.page.getByRole('dialog', { name: reader.words('find') })).toBeHidden();
  return reader;
}

async function emoji(stage: Stage): Promise<Person> {
  const { reader } = await talk(stage);
  await reader.press(reader.words('emoji'));
  await expect(reader.page.getByRole('dialog', { name: reader.words('emoji') })).toBeVisible();
  return reader;
}

/** People who could be taken for each other, in a room with a long name. */
async function named({ person, server }: Stage): Promise<Person> {
  const reader = await person('Ana');
  const ana = await Member.enter(reader, { roomName: `Book club, ${LONG_NAME}` });
  for (const name of ['Ana', '\u0410na', 'Ana Maria', '🦊 Fox']) {
    const one = await Member.enter({ name, origin: server.url }, { code: ana.code });
    await one.say(`I am ${name}`);
  }
  return open(reader, ana.code);
}

async function renaming(stage: Stage): Promise<Person> {
  const reader = await named(stage);
  await reader.rename('x'.repeat(33));
  await reader.isRefused(reader.page.getByRole('dialog').getByRole('textbox'));
  return reader;
}

async function namingRoom(stage: Stage): Promise<Person> {
  const reader = await named(stage);
  const button = reader.page.getByRole('button', { name: reader.words('name-room') });
  if (!(await button.isVisible())) await reader.press(reader.words('more'));
  await button.click();
  await expect(reader.page.getByRole('dialog', { name: reader.words('name-room') })).toBeVisible();
  return reader;
}

/** What can be done with a message: a bar beside it, or on a phone a sheet. */
async function menu(stage: Stage): Promise<Person> {
  const { reader } = await talk(stage);
  await actionsOf(reader, 'Fine by me');
  return reader;
}

async function actionsOf(reader: Person, text: string): Promise<Locator> {
  const bubble = reader.message(text).locator('.message');
  const isTouch = await reader.page.evaluate(() => matchMedia('(pointer: coarse)').matches);
  if (isTouch) await bubble.dispatchEvent('pointerdown', { pointerType: 'touch' });
  else await bubble.hover();
  const actions = reader.page.getByRole(isTouch ? 'dialog' : 'toolbar', { name: reader.words('actions') });
  await expect(actions).toBeVisible();
  if (isTouch) await bubble.dispatchEvent('pointerup', { pointerType: 'touch' });
  return actions;
}

async function replying(stage: Stage): Promise<Person> {
  const { reader } = await talk(stage);
  const actions = await actionsOf(reader, 'Fine by me');
  await actions.getByRole('button', { name: reader.words('reply') }).click();
  await reader.composer.fill('Yes, until 16:00');
  return reader;
}

async function editing(stage: Stage): Promise<Person> {
  const { reader } = await talk(stage);
  await reader.composer.press('ArrowUp');
  await expect(reader.composer).toHaveValue(/Fine by me/);
  return reader;
}

async function mentioning(stage: Stage): Promise<Person> {
  const { reader } = await talk(stage);
  await reader.composer.pressSequentially('Thanks, @');
  await expect(reader.page.getByRole('listbox')).toBeVisible();
  return reader;
}

async function typing(stage: Stage): Promise<Person> {
  const { reader, cast } = await talk(stage);
  // Said again until both are heard within five seconds: nobody promises that a signal arrives.
  await expect(async () => {
    cast.bo.typing();
    cast.chidi.typing();
    await expect(reader.page.getByText(reader.words('two-type', { names: '' }))).toBeVisible({ timeout: 2_000 });
  }).toPass();
  return reader;
}

/** What a member reads of what the host decides. */
async function managed({ person, server }: Stage): Promise<Person> {
  const bo = await Member.enter({ name: 'Bo', origin: server.url });
  const ana = await person('Ana');
  const { code } = await Member.enter(ana, { code: bo.code });
  await open(ana, code);
  await bo.manage('slow', '30000');
  await bo.manage('capacity', '20');
  await bo.manage('renew_code');
  await bo.manage('host_only', 'on');
  await bo.manage('lock', 'on');
  await expect(ana.page.getByTitle(ana.words('locked'))).toBeVisible();
  await expect(ana.line(ana.words('locked-now'))).toHaveCount(1);
  return ana;
}

async function managing(stage: Stage): Promise<Person> {
  const { reader } = await talk(stage);
  await reader.manage();
  return reader;
}

// --- Without script ---

async function noScript(stage: Stage): Promise<Person> {
  const { reader, cast } = await staged(stage);
  const plain = await withoutScript(stage, reader);
  await plain.openLink(cast.code);
  await plain.inRoom(cast.code);
  return plain;
}

async function managingNoScript(stage: Stage): Promise<Person> {
  const plain = await noScript(stage);
  const link = plain.page.getByRole('link', { name: plain.words('manage-room') });
  if (!(await link.isVisible())) await plain.press(plain.words('more'));
  await link.click();
  await expect(plain.page.getByRole('heading', { level: 1 })).toHaveText(plain.words('manage-room'));
  return plain;
}

/** The reader's browser, with script turned off. */
async function withoutScript(stage: Stage, reader: Person): Promise<Person> {
  const context = await stage.browser.newContext({
    baseURL: stage.server.url,
    javaScriptEnabled: false,
    storageState: await reader.context.storageState(),
  });
  await stage.guard.watch(context, false);
  return new Person(await context.newPage(), 'Ana', false, stage.server.url, reader.locale);
}

/** The state's page for axe, which cannot run where script is off: there it is the same document, less its scripts. */
export async function pageForAxe(state: State, page: Page, stage: Stage): Promise<Page> {
  if (!state.name.endsWith('no-script')) return page;
  const body = (await page.content()).replace(/<script[^]*?<\/script>/g, '');
  const copy = (await stage.person('Ana')).page;
  await copy.route(page.url(), (route) => route.fulfill({ contentType: 'text/html', body }));
  await copy.goto(page.url());
  return copy;
}

const reader = (enter: (stage: Stage) => Promise<{ reader: Person }>) => async (stage: Stage) => (await enter(stage)).reader;

/** Every screen and state, in groups that share nothing. */
export const STATES: Record<'home' | 'ends' | 'talk' | 'open', State[]> = {
  home: [
    { name: 'home', enter: home },
    { name: 'home-options', enter: withOptions },
    { name: 'home-rooms', enter: homeWithRooms },
    { name: 'home-refused-name', enter: (stage) => refused(stage, 'nameField', '', '') },
    { name: 'home-refused-code', enter: (stage) => refused(stage, 'codeField', 'Ana', 'what?') },
    { name: 'home-refused-capacity', enter: refusedCapacity },
    { name: 'door', enter: door },
    { name: 'door-full', enter: full },
    { name: 'door-locked', enter: lockedDoor },
    { name: 'door-known', enter: knownName },
    { name: 'left', enter: left },
    { name: 'unknown', enter: unknown },
    { name: 'privacy', enter: (stage) => privacy(stage) },
    { name: 'privacy-no-script', enter: async (stage) => privacy(stage, await withoutScript(stage, await stage.person('Ana'))) },
  ],
  ends: [
    { name: 'ended', enter: ended },
    { name: 'removed', enter: removed },
    { name: 'away-too-long', enter: awayTooLong },
    { name: 'offline', enter: offline },
    { name: 'reconnecting', enter: reconnecting },
    { name: 'returned', enter: returned },
    { name: 'no-script', enter: noScript },
  ],
  talk: [
    { name: 'empty', enter: empty },
    { name: 'talk', enter: reader(talk) },
    { name: 'strained', enter: strained },
    { name: 'unread', enter: unread },
    { name: 'jump', enter: jump },
    { name: 'not-sent', enter: notSent },
    { name: 'typing', enter: typing },
    { name: 'compact', enter: compact },
    { name: 'managed', enter: managed },
    { name: 'named', enter: named },
    { name: 'crowd', enter: crowd },
    { name: 'thousand', enter: wholeThousand },
  ],
  open: [
    { name: 'invite', enter: invite },
    { name: 'projector', enter: projector },
    { name: 'last-one', enter: lastOne },
    { name: 'help', enter: help },
    { name: 'notices', enter: notices },
    { name: 'find', enter: find },
    { name: 'find-nothing', enter: (stage) => find(stage, 'nobody says this') },
    { name: 'emoji', enter: emoji },
    { name: 'menu', enter: menu },
    { name: 'replying', enter: replying },
    { name: 'editing', enter: editing },
    { name: 'mentioning', enter: mentioning },
    { name: 'renaming', enter: renaming },
    { name: 'naming-room', enter: namingRoom },
    { name: 'managing', enter: managing },
    { name: 'managing-no-script', enter: managingNoScript },
    { name: 'more', enter: more, phone: true },
    { name: 'roster', enter: rosterSheet, phone: true },
  ],
};

/** What states are looked at with, by width in CSS pixels. */
export const DEVICES: Record<string, Device> = {
  '1280': { viewport: { width: 1280, height: 800 } },
  '390': { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, isPhone: true },
  // As narrow as WCAG 1.4.10 asks for, which is also 1280 at 400 %.
  '320': { viewport: { width: 320, height: 640 }, hasTouch: true, isMobile: true, isPhone: true },
};

export interface Device {
  viewport: { width: number; height: number };
  hasTouch?: boolean;
  isMobile?: boolean;
  isPhone?: true;
}
