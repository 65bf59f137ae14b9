import { findings } from '../support/axe.ts';
import { Member } from '../support/member.ts';
import { blockSockets, expect, holdWasm, type Page, type Person, RECOVERY, test } from '../support/room.ts';
import { open, STAGE_ENV, STATES } from '../support/states.ts';
import { wordsOf } from '../support/words.ts';

test.use({ serverEnv: STAGE_ENV });

const language = (page: Page) => page.locator('html').getAttribute('lang');

/** Presses the button of another language, and waits for the page in it. */
async function choose(person: Person, name: string, tag: string): Promise<void> {
  const button = person.page.getByRole('button', { name, exact: true });
  if (!(await button.isVisible())) await person.press(person.words('more'));
  await button.click();
  await expect(person.page.locator(`html[lang="${tag}"]`)).toBeAttached();
  await person.hydrated();
}

test.describe('in German', () => {
  test.use({ locale: 'de-AT' });

  test('everything is said in German, and hydrated as the server drew it', async ({ person }) => {
    const [ana, bo] = [await person('Ana'), await person('Bo')];
    const code = await ana.create({ capacity: 7 });
    expect(await language(ana.page)).toBe('de');
    await expect(ana.page).toHaveTitle(`${code}, Flasky Chat`);
    await expect(ana.line('Du bist jetzt dabei')).toHaveCount(1);
    await bo.openLink(code);
    await expect(bo.page.getByText('1 Person ist drin. Kein Konto.')).toBeVisible();
    await bo.joinByLink(code);
    await ana.sees(['Ana', 'Bo'], 7);
    await expect(ana.line('Bo ist jetzt dabei')).toHaveCount(1);
    await bo.composer.pressSequentially('Hallo');
    await expect(ana.page.getByText('Bo schreibt …')).toBeVisible();
    await bo.composer.press('Enter');
    await ana.hears('Hallo');
    await expect(ana.log.locator('.day')).toHaveText('Heute');
    await bo.leave();
    await expect(ana.line('Bo ist gegangen')).toHaveCount(1);
    await ana.press('Lass uns gehen!');
    await expect(ana.page.getByRole('alertdialog')).toContainText('1 Nachricht wird gelöscht.');
    await ana.answer('Löschen und gehen');
    await ana.hasLeft(code);
  });

  for (const name of ['home', 'door', 'talk', 'ended']) {
    test(`axe finds nothing: ${name}`, async ({ browser, server, guard, person }) => {
      const state = Object.values(STATES).flat().find((state) => state.name === name);
      const shown = await state?.enter({ browser, server, guard, person });
      expect(shown && (await findings(shown.page))).toEqual([]);
    });
  }

  test('times and dates are in the language of the page, in the zone of the reader', async ({ person }) => {
    const ana = await person('Ana');
    const own = await Member.enter(ana);
    await own.say('Moin');
    await open(ana, own.code);
    const time = ana.page.locator('.by time');
    const said = new Date((await time.getAttribute('datetime')) ?? '');
    const written = (tag: string, options: Intl.DateTimeFormatOptions) =>
      ana.page.evaluate(([tag, options, at]) => new Intl.DateTimeFormat(tag, options).format(at), [tag, options, said.getTime()] as const);
    const clock = { hour: 'numeric', minute: '2-digit' } as const;
    const exact = { dateStyle: 'full', timeStyle: 'medium' } as const;
    await expect(time).toHaveText(await written('de', clock));
    await expect(time).toHaveAttribute('title', await written('de', exact));
    // Not that of the browser, where somebody has chosen another.
    await choose(ana, 'English', 'en');
    await expect(time).toHaveText(await written('en', clock));
    await expect(time).toHaveAttribute('title', await written('en', exact));
    await expect(ana.page.locator('.day')).toHaveText('Today');
  });
});

test('another language keeps what is being written and what is not sent', async ({ person }) => {
  const ana = await person('Ana');
  const own = await Member.enter(ana);
  await open(ana, own.code);
  const sockets = await blockSockets(ana.page);
  await ana.page.reload();
  await ana.hydrated();
  await ana.type('waits');
  await ana.composer.fill('half a thou');
  await choose(ana, 'Deutsch', 'de');
  const box = ana.page.getByRole('textbox', { name: 'Nachricht' });
  await expect(box).toHaveValue('half a thou');
  sockets.blocked = false;
  const sent = ana.page.getByRole('log', { name: 'Nachrichten' }).locator('[data-message]', { hasText: 'waits' });
  await expect(sent).toHaveCount(1);
  await expect(sent.locator('.state')).toHaveCount(0, { timeout: 40_000 });
  await expect(box).toHaveValue('half a thou');
});

test('a chosen language holds on every page, and is forgotten by none', async ({ person }) => {
  const ana = await person('Ana');
  await ana.home();
  expect(await language(ana.page)).toBe('en');
  await choose(ana, 'Deutsch', 'de');
  await expect(ana.page).toHaveURL(`${ana.origin}/`);
  await expect(ana.page.getByRole('heading', { level: 1 })).toHaveText('Jetzt reden. Weg, wenn ihr geht.');
  const { code } = await Member.enter({ name: 'Bo', origin: ana.origin });
  const other = await ana.tab();
  const { page } = other;
  await page.goto(`${ana.origin}/room/${code}`);
  await expect(page.getByRole('button', { name: 'Dem Raum beitreten' })).toBeVisible();
  await other.hydrated();
  await page.getByRole('button', { name: 'English' }).click();
  await expect(page).toHaveURL(`${ana.origin}/room/${code}`);
  await expect(page.getByRole('button', { name: 'Join the room' })).toBeVisible();
  await ana.page.reload();
  expect(await language(ana.page)).toBe('en');
});

test('without the server another language leads to no page of the browser, and what is typed stays', async ({ person, line, guard }) => {
  const ana = await person('Ana', line.url);
  const code = await ana.create();
  const isBack = await guard.expectRefusedSockets();
  const isAsked = guard.expectLost(/\/healthz/);
  await line.cut();
  await expect(ana.banner).toContainText(/Connection lost/);
  await ana.type('waits');
  await ana.composer.fill('half a thou');
  const asked = ana.page.waitForEvent('requestfailed', (request) => request.url().endsWith('/healthz'));
  await ana.press('Deutsch');
  await asked;
  await expect(ana.page).toHaveURL(`${line.url}/room/${code}`);
  await expect(ana.composer).toHaveValue('half a thou');
  await expect(ana.message('waits')).toHaveCount(1);
  await line.mend();
  await expect(ana.page.locator('html[data-live]')).toBeAttached({ timeout: RECOVERY });
  await isAsked();
  await isBack();
  await choose(ana, 'Deutsch', 'de');
  await expect(ana.page.getByRole('textbox', { name: 'Nachricht' })).toHaveValue('half a thou');
});

test('without the server another language is refused on home, with what is typed still there', async ({ person, line, guard }) => {
  const ana = await person('Ana', line.url);
  await ana.home();
  await ana.nameField.fill('Anabel');
  const isAsked = guard.expectLost(/\/healthz/);
  await line.cut();
  await ana.press('Deutsch');
  await expect(ana.page.getByRole('alert').filter({ hasText: 'The server cannot be reached' })).toBeVisible();
  await expect(ana.page).toHaveURL(`${line.url}/`);
  await expect(ana.nameField).toHaveValue('Anabel');
  await line.mend();
  await isAsked();
  await choose(ana, 'Deutsch', 'de');
  await expect(ana.page.getByRole('textbox', { name: wordsOf('de')('your-name') })).toHaveValue('Anabel');
});

test('another language keeps what was typed before the program is here', async ({ person, guard }) => {
  const ana = await person('Ana');
  const { page } = ana;
  guard.expectLost(/\/pkg\//);
  const letWasmCome = await holdWasm(page);
  await page.goto(ana.origin);
  await ana.nameField.fill('Anabel');
  await ana.codeField.fill('KXQ4');
  await ana.press('Deutsch');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Jetzt reden. Weg, wenn ihr geht.');
  letWasmCome();
  await ana.hydrated();
  const german = wordsOf('de');
  await expect(page.getByRole('textbox', { name: german('your-name') })).toHaveValue('Anabel');
  await expect(page.getByRole('textbox', { name: german('room-code') })).toHaveValue('KXQ4');
});

test('a remembered name that was taken out stays out in another language', async ({ person }) => {
  const ana = await person('Ana');
  await ana.page.addInitScript(() => localStorage.setItem('flasky.name', 'Anabel'));
  await ana.home();
  await expect(ana.nameField).toHaveValue('Anabel');
  await ana.nameField.fill('');
  await choose(ana, 'Deutsch', 'de');
  await expect(ana.page.getByRole('textbox', { name: wordsOf('de')('your-name') })).toHaveValue('');
});

test('the page asks again before it goes when another language did not come', async ({ person }) => {
  const ana = await person('Ana');
  const own = await Member.enter(ana);
  await open(ana, own.code);
  await blockSockets(ana.page);
  await ana.page.reload();
  await ana.hydrated();
  await ana.type('waits');
  const answered = ana.page.waitForResponse('**/api/language');
  // A browser stays on its page then, as after the press of "stop".
  await ana.page.route('**/api/language', (route) => route.fulfill({ status: 204 }));
  await ana.press('Deutsch');
  await answered;
  const asks = ana.page.waitForEvent('dialog');
  await ana.page.close({ runBeforeUnload: true });
  const dialog = await asks;
  expect(dialog.type()).toBe('beforeunload');
  await dialog.dismiss();
});

test('another language keeps what was typed into a form, and the address', async ({ person }) => {
  const ana = await person('Ana');
  const { page } = ana;
  const { code } = await Member.enter({ name: 'Bo', origin: ana.origin });
  const field = (words: Person['words'], id: string) => page.getByRole('textbox', { name: words(id) });
  const typed = { 'your-name': 'Anabel', 'room-name': 'Book club', 'how-many': '1', 'room-code': 'KXQ4' };
  await ana.home();
  await page.getByText(ana.words('options'), { exact: true }).click();
  for (const [id, text] of Object.entries(typed)) await field(ana.words, id).fill(text);
  await choose(ana, 'Deutsch', 'de');
  const german = wordsOf('de');
  for (const [id, text] of Object.entries(typed)) await expect(field(german, id)).toHaveValue(text);
  // Refused, without another key.
  await field(german, 'room-code').fill('');
  await ana.press(german('create'));
  await ana.isRefused(field(german, 'how-many'));
  await choose(ana, 'English', 'en');
  await expect(field(ana.words, 'how-many')).toHaveValue('1');
  await expect(field(ana.words, 'room-code')).toHaveValue('');
  expect(await page.evaluate(() => sessionStorage.getItem('flasky.typed')), 'for longer than that').toBeNull();

  await page.goto(`/room/${code}?left`);
  await ana.hydrated();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(ana.words('left', { code }));
  await page.getByRole('button', { name: ana.words('other-name') }).click();
  await ana.nameField.fill('Zoe');
  await choose(ana, 'Deutsch', 'de');
  await expect(page).toHaveURL(`${ana.origin}/room/${code}?left`);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(german('left', { code }));
  await expect(field(german, 'your-name')).toHaveValue('Zoe');
});
