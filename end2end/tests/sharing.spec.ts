import { Member } from '../support/member.ts';
import { blockSockets, expect, type Page, type Person, test } from '../support/room.ts';

const invitation = ({ page }: Person) => page.getByRole('group', { name: 'Invite to this room' });
const question = ({ page }: Person) => page.getByRole('alertdialog');
const heading = ({ page }: Person) => page.getByRole('heading', { level: 1 });

async function canShare(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const share = async (data: ShareData) => void Object.assign(window, { shared: data.url });
    Object.defineProperty(navigator, 'share', { value: share });
  });
}

test.describe('the empty room', () => {
  test('is there to be shared: its code, and what copies, shows and hands on its link', async ({ person }) => {
    const ana = await person('Ana');
    await canShare(ana.page);
    const code = await ana.create();
    await expect(invitation(ana).getByText(code)).toHaveCSS('font-size', '28px');
    await ana.context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await invitation(ana).getByRole('button', { name: 'Copy link' }).click();
    await expect(invitation(ana).getByRole('status')).toHaveText('Link copied');
    expect(await ana.page.evaluate(() => navigator.clipboard.readText())).toBe(`${ana.origin}/room/${code}`);
    await invitation(ana).getByRole('button', { name: 'Share' }).click();
    expect(await ana.page.evaluate(() => (window as unknown as { shared: string }).shared)).toBe(
      `${ana.origin}/room/${code}`,
    );
  });

  test('has no button for what the browser cannot do', async ({ person }) => {
    const ana = await person('Ana');
    await ana.create();
    await expect(invitation(ana).getByRole('button')).toHaveText([/Copy link/, /Show QR/]);
  });

  test('stops asking to be shared when somebody comes, and again when something is said', async ({ person }) => {
    const ana = await person('Ana');
    const code = await ana.create();
    await expect(invitation(ana)).toBeVisible();
    const bo = await Member.enter({ name: 'Bo', origin: ana.origin }, { code });
    await expect(invitation(ana)).toHaveCount(0);
    await expect(ana.page.getByText('Nobody has said anything yet')).toBeVisible();
    await bo.leave();
    await expect(invitation(ana)).toBeVisible();
    await ana.say('Alone again');
    await expect(invitation(ana)).toHaveCount(0);
  });

  test('shows its QR code on the whole screen, with code and address for those without a camera', async ({ person }) => {
    const ana = await person('Ana');
    const code = await ana.create();
    const show = invitation(ana).getByRole('button', { name: 'Show QR' });
    await show.click();
    const dialog = ana.page.getByRole('dialog', { name: 'Scan to join' });
    const picture = dialog.getByRole('img', { name: 'QR code of the link to this room' });
    await expect.poll(() => picture.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBeGreaterThan(0);
    const viewport = ana.page.viewportSize()!;
    await expect.poll(() => dialog.boundingBox()).toEqual({ x: 0, y: 0, ...viewport });
    expect((await picture.boundingBox())!.height).toBeGreaterThan(viewport.height / 2);
    await expect(dialog.getByText(code, { exact: true })).toBeInViewport({ ratio: 1 });
    const address = dialog.getByText(new URL(ana.origin).host);
    await expect(address).toHaveText(`${new URL(ana.origin).host}/room/${code}`);
    await expect(address).toBeInViewport({ ratio: 1 });
    await ana.page.keyboard.press('Escape');
    await expect(dialog).toBeHidden();
    await expect(show).toBeFocused();
  });
});

test('the invitation dialog shows its QR code on the whole screen, too', async ({ person }) => {
  const ana = await person('Ana');
  await ana.create();
  await ana.press('Invite');
  await ana.page.getByRole('dialog', { name: 'Invite to this room' }).getByRole('button', { name: 'Full screen' }).click();
  await expect(ana.page.getByRole('dialog', { name: 'Scan to join' })).toBeVisible();
});

test.describe('the page of a link', () => {
  test('says what this is and how many are inside, and nobody’s name', async ({ person, server }) => {
    const ana = await Member.enter({ name: 'Ana Lovelace', origin: server.url });
    const bo = await person('Bo');
    const dull = /No account\. Deleted from this server when the last person leaves\./;
    await bo.openLink(ana.code);
    await expect(bo.page.getByText(dull)).toContainText('1 person is inside.');
    await Member.enter({ name: 'Chidi', origin: bo.origin }, { code: ana.code });
    await bo.page.reload();
    await expect(bo.page.getByText(dull)).toContainText('2 people are talking.');
    expect(await bo.page.content()).not.toMatch(/Lovelace|Chidi/);
  });

  test('offers the name that this device knows as a button, and another one beside it', async ({ person, server }) => {
    const { code } = await Member.enter({ name: 'Ana', origin: server.url });
    const bo = await person('Bo');
    await bo.joinByLink(code);
    await bo.leave();
    await bo.openLink(code);
    await expect(bo.nameField).toBeHidden();
    await bo.press('Join as Bo');
    await bo.inRoom(code);
    await bo.sees(['Ana', 'Bo']);

    await bo.leave();
    await bo.openLink(code);
    await bo.press('Use another name');
    await expect(bo.nameField).toBeFocused();
    await expect(bo.nameField).toHaveValue('Bo');
    await bo.nameField.fill('Boris');
    await bo.press('Join the room');
    await bo.inRoom(code);
    await bo.sees(['Ana', 'Boris']);
  });

  test('a remembered name that is refused is there to be mended', async ({ person, server }) => {
    const { code } = await Member.enter({ name: 'Ana', origin: server.url });
    const bo = await person('Bo');
    await bo.page.addInitScript(() => localStorage.setItem('flasky.name', 'B'.repeat(40)));
    await bo.openLink(code);
    await bo.page.getByRole('button', { name: /^Join as / }).click();
    await bo.isRefused(bo.nameField, /too long/);
    await expect(bo.nameField).toHaveValue('B'.repeat(40));
  });

  test('of an unknown code has it in a field, to mend it and join', async ({ person, server, guard }) => {
    const { code } = await Member.enter({ name: 'Ana', origin: server.url });
    const bo = await person('Bo');
    const wrong = `${code.slice(0, 8)}${code.endsWith('7') ? '8' : '7'}`;
    guard.expectUnknownRoom(wrong);
    await bo.openLink(wrong);
    await expect(heading(bo)).toHaveText('There is no room with this code');
    await expect(bo.codeField).toHaveValue(wrong);
    await bo.nameField.fill('Bo');
    await bo.press('Join');
    await bo.isRefused(bo.codeField, /There is no room with this code/);
    await bo.codeField.fill(code);
    await bo.codeField.press('Enter');
    await bo.inRoom(code);
  });

  test('of what cannot be a code does so, too', async ({ person, guard }) => {
    const bo = await person('Bo');
    guard.expectUnknownRoom('KXQ4-7M2');
    await bo.openLink('KXQ4-7M2');
    await expect(bo.codeField).toHaveValue('KXQ4-7M2');
  });

  test('of a full room looks again by itself, and has the form when there is a seat', async ({ person }) => {
    const ana = await person('Ana');
    await ana.page.clock.install();
    const first = await Member.enter({ name: 'First', origin: ana.origin }, { capacity: 2 });
    const second = await Member.enter({ name: 'Second', origin: ana.origin }, { code: first.code });
    let asked = 0;
    ana.page.on('request', (request) => void (asked += Number(request.url().endsWith('/api/room_snapshot'))));
    await ana.openLink(first.code);
    await expect(ana.page.getByText('This room is full')).toBeVisible();
    await expect(ana.page.getByText('This page keeps checking')).toBeVisible();
    await ana.page.clock.runFor(60_000);
    await expect.poll(() => asked).toBeGreaterThan(0);
    // Three seconds, then twice as long each time: politely.
    expect(asked).toBeLessThan(6);
    await second.leave();
    await expect(async () => {
      await ana.page.clock.runFor(30_000);
      await expect(ana.nameField).toBeVisible({ timeout: 500 });
    }).toPass();
    await ana.nameField.fill('Ana');
    await ana.press('Join the room');
    await ana.inRoom(first.code);
  });
});

test('a room that fills up before the button is pressed is asked for again by the page', async ({ person }) => {
  const ana = await person('Ana');
  const first = await Member.enter({ name: 'First', origin: ana.origin }, { capacity: 2 });
  await ana.openLink(first.code);
  await ana.nameField.fill('Ana');
  const second = await Member.enter({ name: 'Second', origin: ana.origin }, { code: first.code });
  await ana.press('Join the room');
  await expect(ana.page.getByText('This page keeps checking')).toBeVisible();
  await second.leave();
  await expect(ana.page.getByRole('button', { name: 'Join as Ana' })).toBeVisible({ timeout: 20_000 });
});

test.describe('leaving', () => {
  test('who becomes the last one, or is it no more, while asked is told so', async ({ person }) => {
    const ana = await person('Ana');
    const code = await ana.create();
    await ana.say('one');
    const bo = await Member.enter({ name: 'Bo', origin: ana.origin }, { code });
    await ana.composer.fill('half a thought');
    await ana.press("Let's leave!");
    await expect(question(ana)).toHaveAccessibleName('Leave without sending?');
    await bo.leave();
    await expect(question(ana)).toHaveAccessibleName('You are the last one');
    await expect(question(ana).getByRole('button', { name: 'Delete and leave' })).toBeVisible();
    await Member.enter({ name: 'Chidi', origin: ana.origin }, { code });
    await expect(question(ana)).toHaveAccessibleName('Leave without sending?');
    await ana.page.keyboard.press('Escape');
    await ana.composer.fill('');
    await ana.press("Let's leave!");
    await expect(ana.page.getByText('1 person is still inside')).toBeVisible();
  });

  test('the last one is asked, and stays unless they say so', async ({ person }) => {
    const ana = await person('Ana');
    const code = await ana.create();
    for (const text of ['one', 'two', 'three']) await ana.say(text);
    const leave = ana.page.getByRole('button', { name: "Let's leave!" });
    await leave.click();
    await expect(question(ana)).toHaveAccessibleName('You are the last one');
    await expect(question(ana)).toHaveAccessibleDescription('3 messages will be deleted.');
    const stay = question(ana).getByRole('button', { name: 'Stay' });
    await expect(stay).toBeFocused();
    await ana.page.keyboard.press('Escape');
    await expect(question(ana)).toBeHidden();
    await expect(leave).toBeFocused();
    await leave.click();
    await stay.click();
    await expect(question(ana)).toBeHidden();
    await ana.say('four');

    await leave.click();
    await expect(question(ana)).toHaveAccessibleDescription('4 messages will be deleted.');
    await question(ana).getByRole('button', { name: 'Delete and leave' }).click();
    await expect(heading(ana)).toHaveText(`You left ${code}`);
    await expect(ana.page.getByText('Everybody has left')).toBeVisible();
    await ana.page.getByRole('link', { name: 'Start a new room' }).click();
    await ana.isHome();
  });

  test('the focus stays in the question', async ({ person }) => {
    const ana = await person('Ana');
    await ana.create();
    await ana.press("Let's leave!");
    const inside = () =>
      ana.page.evaluate(() => document.activeElement === document.body || !!document.activeElement?.closest('dialog'));
    for (let press = 0; press < 4; press += 1) {
      await ana.page.keyboard.press('Tab');
      expect(await inside()).toBe(true);
    }
  });

  test('the others leave at once, are told who is inside, and can come again', async ({ person }) => {
    const ana = await person('Ana');
    const code = await ana.create();
    const bo = await Member.enter({ name: 'Bo', origin: ana.origin }, { code });
    await Member.enter({ name: 'Chidi', origin: ana.origin }, { code });
    await ana.sees(['Ana', 'Bo', 'Chidi']);
    await ana.press("Let's leave!");
    await expect(heading(ana)).toHaveText(`You left ${code}`);
    await expect(ana.page).toHaveTitle(`You left ${code}, Flasky Chat`);
    await expect(ana.page.getByText('2 people are still inside.')).toBeVisible();
    await expect(ana.page).toHaveURL(`${ana.origin}/room/${code}`);
    await ana.press('Join again');
    await ana.inRoom(code);
    await ana.sees(['Ana', 'Bo', 'Chidi']);
    await bo.leave();

    await ana.press("Let's leave!");
    await expect(ana.page.getByText('1 person is still inside.')).toBeVisible();
    await ana.page.getByRole('link', { name: 'Start a new room' }).click();
    await ana.isHome();
  });

  test('what is not sent is asked about in the page’s own words', async ({ person }) => {
    const ana = await person('Ana');
    const { code } = await Member.enter({ name: 'Bo', origin: ana.origin });
    await ana.joinByLink(code);
    const native: string[] = [];
    ana.page.on('dialog', (dialog) => {
      native.push(dialog.message());
      void dialog.dismiss();
    });
    await ana.composer.fill('half a w');
    await ana.press("Let's leave!");
    await expect(question(ana)).toHaveAccessibleName('Leave without sending?');
    await question(ana).getByRole('button', { name: 'Stay' }).click();
    await expect(ana.composer).toHaveValue('half a w');
    await ana.press("Let's leave!");
    await question(ana).getByRole('button', { name: 'Leave', exact: true }).click();
    await expect(heading(ana)).toHaveText(`You left ${code}`);
    expect(native).toEqual([]);
  });

  test('pressed offline, it is done also from another page', async ({ person, guard }) => {
    const ana = await person('Ana');
    const bo = await person('Bo');
    await bo.join(await ana.create());
    const back = await guard.expectRefusedSockets();
    const found = guard.expectLost(/leave_room|\/api\/(home|my_rooms)|favicon/);
    await ana.context.setOffline(true);
    await expect(ana.status).toHaveText(/^You are offline/);
    await ana.press("Let's leave!");
    await expect(ana.status).toHaveText(/^You leave as soon as there is a connection/);
    await ana.page.getByRole('link', { name: 'Flasky Chat', exact: true }).click();
    await expect(ana.page).toHaveURL(`${ana.origin}/`);
    await bo.sees(['Ana', 'Bo']);
    await ana.context.setOffline(false);
    await expect(bo.line('Ana left')).toHaveCount(1);
    await bo.sees(['Bo']);
    await back();
    await found();
  });
});

test.describe('what was typed into a form', () => {
  test('is there again after a look at another page', async ({ person }) => {
    const ana = await person('Ana');
    const { code } = await Member.enter({ name: 'Bo', origin: ana.origin });
    const { page } = ana;
    await ana.openLink(code);
    await ana.nameField.fill('Ana of the link');
    await page.getByRole('link', { name: 'Flasky Chat' }).click();
    await ana.isHome();
    await ana.nameField.fill('Ana of home');
    await ana.codeField.fill('KXQ4-7M');
    await page.getByText('Options', { exact: true }).click();
    await page.getByRole('textbox', { name: 'Maximum number of people' }).fill('12');
    await page.goBack();
    await expect(ana.nameField).toHaveValue('Ana of the link');
    await page.goForward();
    await ana.isHome();
    await expect(ana.nameField).toHaveValue('Ana of home');
    await expect(ana.codeField).toHaveValue('KXQ4-7M');
    await expect(page.getByRole('textbox', { name: 'Maximum number of people' })).toBeVisible();
    await expect(page.getByRole('textbox', { name: 'Maximum number of people' })).toHaveValue('12');
  });
});

test('a question about what is not sent holds the way home, and a no keeps everything', async ({ person }) => {
  const ana = await person('Ana');
  const code = await ana.create();
  await blockSockets(ana.page);
  await ana.page.reload();
  await ana.hydrated();
  await ana.type('not yet');
  await ana.hears('not yet');
  const home = ana.page.getByRole('link', { name: 'Flasky Chat', exact: true });
  await home.click();
  await expect(question(ana)).toBeVisible();
  await ana.page.keyboard.press('Escape');
  await expect(question(ana)).toBeHidden();
  await expect(home).toBeFocused();
  await expect(ana.page).toHaveURL(`${ana.origin}/room/${code}`);
  await home.click();
  await question(ana).getByRole('button', { name: 'Leave', exact: true }).click();
  await ana.isHome();
});
