import { Member } from '../support/member.ts';
import { expect, test } from '../support/room.ts';
import { STAGE_ENV } from '../support/states.ts';
import { item, longPress, phone } from '../support/touch.ts';

test.use({ serverEnv: STAGE_ENV });

test('everything can be done by touch', async ({ browser, server, guard }) => {
  test.setTimeout(90_000);
  const ana = await phone({ browser, server, guard });
  const { page } = ana;
  // What the phone's own keyboard types.
  const { keyboard } = page;
  const dialog = (name: string | RegExp) => page.getByRole('dialog', { name });
  const button = (name: string | RegExp) => page.getByRole('button', { name });
  const send = () => page.getByRole('button', { name: 'Send', exact: true }).tap();
  let bo!: Member;

  await test.step('create a room with six seats', async () => {
    await ana.home();
    await ana.nameField.tap();
    await keyboard.type('Ana');
    await page.getByText('Options', { exact: true }).tap();
    await page.getByRole('textbox', { name: 'Maximum number of people' }).tap();
    await keyboard.type('6');
    await button('Create a room').tap();
    const code = await ana.inRoom();
    bo = await Member.enter({ name: 'Bo', origin: ana.origin }, { code });
  });

  await test.step('copy the link', async () => {
    await ana.context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.getByTestId('code').tap();
    await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toBe(`${ana.origin}/room/${bo.code}`);
  });

  await test.step('write', async () => {
    await ana.composer.tap();
    await keyboard.type('Hello');
    await keyboard.press('Enter');
    await keyboard.type('Bo');
    await send();
    await ana.hears('Hello');
    await expect(ana.composer).toHaveValue('');
    await bo.say('Hello, Ana');
    await ana.hears('Hello, Ana');
  });

  await test.step('reply, and think better of it', async () => {
    await longPress(ana, 'Hello, Ana');
    await item(page, 'Reply').tap();
    await expect(page.getByText(/^Reply to/)).toBeVisible();
    await button('Cancel').tap();
    await expect(page.getByText(/^Reply to/)).toBeHidden();
    await longPress(ana, 'Hello, Ana');
    await item(page, 'Reply').tap();
    await expect(ana.composer).toBeFocused();
    await keyboard.type('A reply');
    await send();
    await expect(ana.message('A reply')).toContainText('Hello, Ana');
  });

  await test.step('react, with any emoji, and take it back', async () => {
    await bo.say('How is it going?');
    const reaction = ana.message('How is it going?').getByRole('button', { name: '😁' });
    await longPress(ana, 'How is it going?');
    await item(page, 'React').tap();
    await dialog('Emoji').getByRole('button', { name: 'beaming' }).tap();
    await reaction.tap();
    await expect(reaction).toHaveCount(0);
  });

  await test.step('edit and delete', async () => {
    await longPress(ana, 'A reply');
    await item(page, 'Edit').tap();
    await expect(ana.composer).toHaveValue('A reply');
    await ana.composer.tap();
    await keyboard.type(', changed');
    await button('Save').tap();
    await expect(ana.message('A reply, changed')).toContainText('edited');
    await longPress(ana, 'A reply, changed');
    await item(page, 'Delete').tap();
    await item(page, 'Delete?').tap();
    await expect(ana.log.getByText('Message deleted')).toBeVisible();
  });

  await test.step('mention', async () => {
    await ana.composer.tap();
    await keyboard.type('Thanks, @b');
    await page.getByRole('option', { name: 'Bo' }).tap();
    await expect(ana.composer).toHaveValue('Thanks, @Bo ');
    await send();
    await ana.hears('Thanks, @Bo');
  });

  await test.step('emoji', async () => {
    await button(/^Emoji$/).tap();
    await dialog('Emoji').getByRole('button', { name: 'party popper' }).tap();
    await expect(ana.composer).toHaveValue('🎉');
    await send();
    await ana.hears('🎉');
  });

  await test.step('invite', async () => {
    await button('More').tap();
    await button('Invite').tap();
    await button('Full screen').tap();
    await expect(page.getByText('Scan to join')).toBeVisible();
    await button('Close').last().tap();
    await expect(page.getByText('Scan to join')).toBeHidden();
    if (await dialog('Invite to this room').isVisible()) await button('Close').tap();
    await expect(dialog('Invite to this room')).toBeHidden();
  });

  await test.step('notices and look', async () => {
    await button('More').tap();
    await button('Notifications: off').tap();
    await page.getByLabel('Messages that mention you').tap();
    await button('Close').tap();
    await button('More').tap();
    await expect(button('Notifications: mentions')).toBeVisible();
    for (const look of ['light', 'dark', 'automatic']) {
      await button(/^Theme/).tap();
      await expect(button(`Theme: ${look}`)).toBeVisible();
    }
    await page.touchscreen.tap(30, 500);
    await expect(button(/^Theme/)).toBeHidden();
  });

  await test.step('search, and save the talk', async () => {
    await button('More').tap();
    await button('Search and save').tap();
    await page.getByRole('searchbox', { name: 'Search what was said' }).tap();
    await keyboard.type('thanks');
    await expect(dialog('Search and save').getByRole('status')).toHaveText('1 of 1');
    const saved = page.waitForEvent('download');
    await button('Markdown').tap();
    expect((await saved).suggestedFilename()).toMatch(/\.md$/);
    await button('Close').tap();
    await expect(dialog('Search and save')).toBeHidden();
  });

  await test.step('who is here', async () => {
    await button(/^People/).tap();
    await expect(ana.people.locator('bdi', { hasText: 'Bo' })).toBeVisible();
    await expect(ana.people.getByRole('heading')).toHaveText('Here now, 2 of 6');
    await page.touchscreen.tap(195, 200);
    await expect(ana.people.locator('bdi', { hasText: 'Bo' })).toBeHidden();
  });

  await test.step('jump to the latest', async () => {
    for (let i = 1; i <= 30; i++) await bo.say(`Line ${i}`);
    await ana.hears('Line 30');
    // Swiping is the browser's own, and a tap would only stop what still moves.
    await page.locator('.log').evaluate((log) => log.scrollTo(0, -log.scrollHeight));
    await bo.say('The latest');
    await button(/jump to latest/i).tap();
    await expect(ana.message('The latest')).toBeInViewport();
  });

  await test.step('leave, and join again by code', async () => {
    await button("Let's leave!").tap();
    await ana.hasLeft(bo.code);
    await page.getByRole('link', { name: 'Start a new room' }).tap();
    await ana.isHome();
    await ana.codeField.tap();
    await keyboard.type(bo.code);
    await page.getByRole('button', { name: 'Join', exact: true }).tap();
    await ana.inRoom(bo.code);
  });

  await test.step('leave as the last one, who is asked', async () => {
    await bo.leave();
    await expect(ana.line('Bo left')).toBeVisible();
    await button("Let's leave!").tap();
    await button('Stay').tap();
    await expect(ana.log).toBeVisible();
    await button("Let's leave!").tap();
    await button('Delete and leave').tap();
    await ana.hasLeft(bo.code);
  });
  await guard.seal();
  await ana.context.close();
});
