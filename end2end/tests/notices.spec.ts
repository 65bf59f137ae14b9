import { type Answer, choose, desktop, open as openNotices, openSettings, pretend } from '../support/desktop.ts';
import { heard, listen } from '../support/heard.ts';
import { Member } from '../support/member.ts';
import { expect, type Page, type Person, test } from '../support/room.ts';
import { open, setHidden, STAGE_ENV } from '../support/states.ts';

test.use({ serverEnv: STAGE_ENV });

const ALL = 'All messages';
const MENTIONS = 'Messages that mention you';
const NOTHING = 'Nothing';

const bell = (page: Page) => page.getByRole('button', { name: /^Notifications: /, includeHidden: true });

/** Ana in a room with Bo, with this choice, looking elsewhere. */
async function hiddenReader(
  person: (name: string) => Promise<Person>,
  choice = ALL,
  answer: Answer = 'granted',
): Promise<[Person, Member]> {
  const ana = await person('Ana');
  await pretend(ana.page, answer);
  const { code } = await Member.enter(ana);
  const bo = await Member.enter({ name: 'Bo', origin: ana.origin }, { code });
  await open(ana, code);
  await choose(ana, choice);
  await setHidden(ana.page, true);
  return [ana, bo];
}

/** Another hidden tab of the same room. */
async function hiddenTab(ana: Person, code: string): Promise<Person> {
  const tab = await ana.tab();
  await pretend(tab.page, 'granted');
  await open(tab, code);
  await setHidden(tab.page, true);
  return tab;
}

/** What all tabs have shown and played together. */
async function together(tabs: Person[]): Promise<{ bodies: string[]; played: number }> {
  const all = await Promise.all(tabs.map(desktop));
  return {
    bodies: all.flatMap(({ shown }) => shown.map(({ body }) => body)).sort(),
    played: all.reduce((sum, { played }) => sum + played.length, 0),
  };
}

/** From a message in a hidden tab until it rings or does not: its claim, and a timer that is a second late (docs/decisions/0054). */
const CLAIM_IS_OVER = 250 + 1_000;

/**
 * The same once none of these tabs can ring any more for the messages that its title counts. A second ring comes after
 * the first, and a tab tells nobody that it stays silent: so time has to pass, by a timer of each tab, which is not
 * earlier than the one of its claim.
 */
async function inTheEnd(tabs: Person[], unseen: number): ReturnType<typeof together> {
  const isOver = async ({ page }: Person) => {
    await expect(page).toHaveTitle(new RegExp(`^\\(${unseen}\\)`));
    await page.evaluate((wait) => new Promise((over) => setTimeout(over, wait)), CLAIM_IS_OVER);
  };
  await Promise.all(tabs.map(isOver));
  return together(tabs);
}

test.describe('choices', () => {
  test('all: a message is shown and heard, and the browser is asked once', async ({ person }) => {
    const [ana, bo] = await hiddenReader(person);
    const { code } = bo;
    const said = await bo.say('**Hello**,\nAna');
    const shown = { title: code, body: 'Bo: Hello, Ana', tag: said, silent: true, closed: false };
    await expect.poll(() => desktop(ana)).toEqual({ shown: [shown], played: ['/sound-chime.wav'], asked: 1 });
    // Remembered, and not asked again.
    await setHidden(ana.page, false);
    await ana.page.reload();
    await ana.inRoom(code);
    await expect(bell(ana.page)).toHaveAccessibleName('Notifications: all messages');
    await setHidden(ana.page, true);
    await bo.say('@Ana, again');
    await expect.poll(() => openNotices(ana)).toEqual(['Bo mentioned you: @Ana, again']);
    expect((await desktop(ana)).asked).toBe(0);
  });

  test('mentions only: of three messages the one that mentions is shown', async ({ person }) => {
    const [ana, bo] = await hiddenReader(person, MENTIONS);
    await expect(bell(ana.page)).toHaveAccessibleName('Notifications: mentions');
    await bo.say('Not for `@Ana`');
    await bo.say('This is, @ana!');
    await bo.say('Nor this for @Anabel');
    await expect.poll(() => openNotices(ana)).toEqual(['Bo mentioned you: This is, @ana!']);
    expect(await inTheEnd([ana], 3)).toEqual({ bodies: ['Bo mentioned you: This is, @ana!'], played: 1 });
  });

  test('nothing: neither shown nor heard, from the beginning and again', async ({ person }) => {
    const [ana, bo] = await hiddenReader(person);
    await setHidden(ana.page, false);
    await choose(ana, NOTHING);
    await setHidden(ana.page, true);
    await bo.say('@Ana?');
    expect(await inTheEnd([ana], 1)).toEqual({ bodies: [], played: 0 });
    await setHidden(ana.page, false);
    await choose(ana, ALL);
    await setHidden(ana.page, true);
    await bo.say('Now');
    await expect.poll(() => together([ana])).toEqual({ bodies: ['Bo: Now'], played: 1 });
  });

  test('a room keeps its choice, a new one begins with the last, and a room that is left has none', async ({ person }) => {
    const [ana, bo] = await hiddenReader(person, MENTIONS);
    const kept = () =>
      ana.page.evaluate(() => Object.entries(localStorage).filter(([key]) => key.startsWith('flasky.notices')).sort());
    const second = await Member.enter(ana);
    await open(ana, second.code);
    await expect(bell(ana.page)).toHaveAccessibleName('Notifications: mentions');
    await choose(ana, NOTHING);
    await open(ana, bo.code);
    await expect(bell(ana.page)).toHaveAccessibleName('Notifications: mentions');
    const rooms = [[`flasky.notices.${bo.code}`, 'mentions'], [`flasky.notices.${second.code}`, 'off']];
    expect(await kept()).toEqual([['flasky.notices', 'off'], ...rooms.sort()]);
    await ana.leave();
    expect(await kept()).toEqual([['flasky.notices', 'off'], [`flasky.notices.${second.code}`, 'off']]);
    // A lost session: the room is there, and the seat is not.
    await ana.context.clearCookies();
    await ana.openLink(second.code);
    await expect.poll(kept).toEqual([['flasky.notices', 'off']]);
  });

  test('a room that ended meanwhile has no choice any more', async ({ person, guard }) => {
    const [ana, bo] = await hiddenReader(person);
    const { code } = bo;
    await ana.page.goto('about:blank');
    await bo.leave();
    await ana.context.request.post(`${ana.origin}/api/leave_room`, { form: { code, sure: 'yes' }, headers: { accept: 'application/json' } });
    guard.expectUnknownRoom(code);
    const tab = await ana.tab();
    await tab.openLink(code);
    await expect.poll(() => tab.page.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith('flasky.notices.')))).toEqual([]);
  });

  test('a sound is heard when it is chosen, and none is silent', async ({ person }) => {
    const [ana, bo] = await hiddenReader(person);
    await setHidden(ana.page, false);
    await choose(ana, 'Drop', 'Knock');
    expect((await desktop(ana)).played).toEqual(['/sound-drop.wav', '/sound-knock.wav']);
    await choose(ana, 'None');
    await setHidden(ana.page, true);
    await bo.say('Psst');
    await expect.poll(() => openNotices(ana)).toEqual(['Bo: Psst']);
    expect((await desktop(ana)).played).toHaveLength(2);
  });

  test('the sounds are there', async ({ page, server }) => {
    for (const name of ['chime', 'drop', 'knock']) {
      const answer = await page.request.get(`${server.url}/sound-${name}.wav`);
      expect([answer.status(), answer.headers()['content-type']]).toEqual([200, expect.stringMatching(/^audio\//)]);
    }
  });

  test('settings are equal in all tabs at once', async ({ person }) => {
    const [ana, bo] = await hiddenReader(person, NOTHING);
    const other = await hiddenTab(ana, bo.code);
    await setHidden(other.page, false);
    await openSettings(other);
    const choice = (name: string) => other.page.getByLabel(name);
    await expect(choice(NOTHING)).toBeChecked();
    await setHidden(ana.page, false);
    await choose(ana, MENTIONS, 'Drop', 'With a screen reader');
    for (const name of [MENTIONS, 'Drop', 'With a screen reader']) await expect(choice(name)).toBeChecked();
    await expect(bell(other.page)).toHaveText('Notifications: mentions');
    await choice(ALL).click();
    await expect(bell(ana.page)).toHaveAccessibleName('Notifications: all messages');
  });

  for (const [answer, words, asked] of [
    ['denied', 'this page may not show notifications', 1],
    ['throws', 'this browser lets no page show notifications', 0],
    ['missing', 'this browser lets no page show notifications', 0],
  ] as const) {
    test(`where the answer is "${answer}" there is the sound, and the settings say why`, async ({ person }) => {
      const [ana, bo] = await hiddenReader(person, ALL, answer);
      await setHidden(ana.page, false);
      await openSettings(ana);
      await expect(ana.page.getByRole('dialog').getByRole('status')).toContainText(words);
      await ana.page.keyboard.press('Escape');
      await setHidden(ana.page, true);
      await bo.say('Hello');
      await expect.poll(() => desktop(ana)).toEqual({ shown: [], played: ['/sound-chime.wav'], asked });
    });
  }

  test('everything by keyboard', async ({ person }) => {
    const ana = await person('Ana');
    await pretend(ana.page, 'granted');
    await ana.create();
    const { keyboard } = ana.page;
    await bell(ana.page).focus();
    await keyboard.press('Enter');
    const dialog = ana.page.getByRole('dialog', { name: 'Notifications' });
    await expect(dialog.getByLabel(NOTHING)).toBeChecked();
    await expect(dialog).toMatchAriaSnapshot(`
      - dialog "Notifications":
        - heading "Notifications" [level=2]
        - group "While you look elsewhere, notify you of":
          - radio "All messages"
          - radio "Messages that mention you"
          - radio "Nothing" [checked]
        - paragraph
        - status
        - group "Sound":
          - radio "Chime" [checked]
          - radio "Drop"
          - radio "Knock"
          - radio "None"
        - checkbox /^With a screen reader/
        - button "Close"
    `);
    await dialog.getByLabel(NOTHING).focus();
    await keyboard.press('ArrowUp');
    await expect(dialog.getByLabel(MENTIONS)).toBeChecked();
    await expect(dialog.getByRole('status')).toContainText('also on a lock screen');
    await keyboard.press('Tab');
    await expect(dialog.getByLabel('Chime')).toBeFocused();
    await keyboard.press('ArrowDown');
    await expect(dialog.getByLabel('Drop')).toBeChecked();
    await keyboard.press('Tab');
    await keyboard.press('Space');
    await expect(dialog.getByRole('checkbox')).toBeChecked();
    await keyboard.press('Escape');
    await expect(dialog).toBeHidden();
    await expect(bell(ana.page)).toBeFocused();
    await expect(bell(ana.page)).toHaveAccessibleName('Notifications: mentions');
  });
});

test.describe('several tabs', () => {
  test('of three hidden tabs one rings for a mention, and none for anything else', async ({ person }) => {
    const [ana, bo] = await hiddenReader(person, MENTIONS);
    const tabs = [ana, await hiddenTab(ana, bo.code), await hiddenTab(ana, bo.code)];
    await bo.say('Nothing of note');
    await bo.say('@Ana, look');
    await expect.poll(() => together(tabs)).toEqual({ bodies: ['Bo mentioned you: @Ana, look'], played: 1 });
    await bo.say('@Ana, again');
    const bodies = ['Bo mentioned you: @Ana, again', 'Bo mentioned you: @Ana, look'];
    await expect.poll(() => together(tabs)).toEqual({ bodies, played: 2 });
    expect(await inTheEnd(tabs, 3)).toEqual({ bodies, played: 2 });
    // The first is gone: a room has one notification at a time.
    expect((await Promise.all(tabs.map(openNotices))).flat()).toEqual(['Bo mentioned you: @Ana, again']);
  });

  test('rooms in other tabs ring once each', async ({ person }) => {
    const [ana, bo] = await hiddenReader(person);
    const { code } = await Member.enter(ana);
    const other = await Member.enter({ name: 'Chidi', origin: ana.origin }, { code });
    const tabs = [ana, await hiddenTab(ana, bo.code), await hiddenTab(ana, code)];
    await Promise.all([bo.say('Here'), other.say('There')]);
    const rung = { bodies: ['Bo: Here', 'Chidi: There'], played: 2 };
    await expect.poll(() => together(tabs)).toEqual(rung);
    expect(await inTheEnd(tabs, 1)).toEqual(rung);
  });

  test('none rings while one is looked at', async ({ person }) => {
    const [ana, bo] = await hiddenReader(person);
    const other = await hiddenTab(ana, bo.code);
    await setHidden(other.page, false);
    await bo.say('While one looks');
    await other.hears('While one looks');
    expect(await inTheEnd([ana], 1)).toEqual({ bodies: [], played: 0 });
    await setHidden(other.page, true);
    await bo.say('Nobody looks');
    const rung = { bodies: ['Bo: Nobody looks'], played: 1 };
    await expect.poll(() => together([ana, other])).toEqual(rung);
    await inTheEnd([ana], 2);
    await inTheEnd([other], 1);
    expect(await together([ana, other])).toEqual(rung);
  });

  test('of three hidden tabs none rings where the choice is nothing', async ({ person }) => {
    const [ana, bo] = await hiddenReader(person, NOTHING);
    const tabs = [ana, await hiddenTab(ana, bo.code), await hiddenTab(ana, bo.code)];
    await bo.say('@Ana?');
    expect(await inTheEnd(tabs, 1)).toEqual({ bodies: [], played: 0 });
  });

  test('a notification goes when its room is looked at, in this tab or another', async ({ person }) => {
    const [ana, bo] = await hiddenReader(person);
    await bo.say('Psst');
    await expect.poll(() => openNotices(ana)).toEqual(['Bo: Psst']);
    await setHidden(ana.page, false);
    await expect.poll(() => openNotices(ana)).toEqual([]);

    await setHidden(ana.page, true);
    await bo.say('Psst, again');
    await expect.poll(() => openNotices(ana)).toEqual(['Bo: Psst, again']);
    const other = await hiddenTab(ana, bo.code);
    expect(await openNotices(ana)).toEqual([]);
    await bo.say('And again');
    await expect.poll(async () => [...(await openNotices(ana)), ...(await openNotices(other))]).toEqual(['Bo: And again']);
    const [shower, reader] = (await openNotices(ana)).length ? [ana, other] : [other, ana];
    await setHidden(reader.page, false);
    await expect.poll(() => openNotices(shower)).toEqual([]);
  });

  test('a notification goes with its message', async ({ person }) => {
    const [ana, bo] = await hiddenReader(person);
    const said = await bo.say('A secret');
    await expect.poll(() => openNotices(ana)).toEqual(['Bo: A secret']);
    await bo.react(said, '👍');
    await ana.hears('A secret');
    expect(await openNotices(ana)).toEqual(['Bo: A secret']);
    await bo.remove(said);
    await expect.poll(() => openNotices(ana)).toEqual([]);
  });
});

test.describe('announcements of changes', () => {
  async function listening(person: (name: string) => Promise<Person>) {
    const ana = await person('Ana');
    const own = await Member.enter(ana);
    const bo = await Member.enter({ name: 'Bo', origin: ana.origin }, { code: own.code });
    const mine = await own.say('My **plan**');
    const said = await bo.say('See you at 5');
    await ana.page.addInitScript(`addEventListener('DOMContentLoaded', ${listen})`);
    await open(ana, own.code);
    return { ana, bo, mine, said };
  }

  test('unasked, reactions and edits change the log and are not announced', async ({ person }) => {
    const { ana, bo, mine, said } = await listening(person);
    await bo.react(mine, '👍');
    await bo.edit(said, 'See you at 6');
    await bo.say('Done');
    await expect.poll(() => heard(ana.page)).toEqual(['Bo: Done']);
    await expect(ana.log).toMatchAriaSnapshot(`
      - log "Messages":
        - article /^Ana, \\d/:
          - time
          - paragraph:
            - text: My
            - strong: plan
          - button "👍 1"
        - article /^Bo, \\d/:
          - text: Bo
          - time
          - paragraph: See you at 6
          - text: edited
        - article /^Bo, \\d/:
          - paragraph: Done
    `);
  });

  test('by choice, reactions to mine and edits of others are announced, until it is taken back', async ({ person }) => {
    const { ana, bo, mine, said } = await listening(person);
    await choose(ana, 'With a screen reader');
    await bo.react(said, '🎉');
    await bo.react(mine, '👍');
    await expect.poll(() => heard(ana.page)).toEqual(['Bo reacted with 👍 to: My plan']);
    await bo.edit(said, 'See **you** at 6');
    await expect.poll(() => heard(ana.page)).toEqual(['Bo reacted with 👍 to: My plan', 'Bo edited: See you at 6']);
    await ana.say('A message of mine');
    await bo.say('Still here');
    await expect.poll(() => heard(ana.page)).toContain('Bo: Still here');
    expect(await heard(ana.page)).toHaveLength(3);
    // Many at once are counted.
    for (const emoji of ['🙏', '🔥', '💯', '✅']) await bo.react(mine, emoji);
    const told = async () =>
      (await heard(ana.page)).slice(3).reduce((sum, words) => {
        const count = /^(\d) reactions and edits$/.exec(words)?.[1];
        return sum + (count ? Number(count) : words.split('reacted with').length - 1);
      }, 0);
    await expect.poll(told).toBe(4);
    const before = (await heard(ana.page)).length;
    await choose(ana, 'With a screen reader');
    await bo.edit(said, 'See you at 7');
    await bo.say('Bye');
    await expect.poll(async () => (await heard(ana.page)).slice(before)).toEqual(['Bo: Bye']);
  });

  test('two announcements that follow each other both leave the page with their messages', async ({ person }) => {
    const { ana, bo } = await listening(person);
    const told = ana.page.getByTestId('told');
    const first = await bo.say('A secret');
    await expect(told).toHaveText('Bo: A secret');
    const second = await bo.say('Another');
    await expect(told).toContainText('Bo: Another');
    await bo.remove(first);
    await bo.remove(second);
    await expect(told).toHaveText('', { timeout: 1_500 });
  });
});
