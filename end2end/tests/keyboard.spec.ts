import type { Locator } from '@playwright/test';
import { Member } from '../support/member.ts';
import { expect, type Person, test } from '../support/room.ts';
import { STAGE_ENV } from '../support/states.ts';

test.use({ serverEnv: STAGE_ENV });

/** Goes on by Tab until this has the focus, at most once around the page; it must be seen to have it. */
async function tabTo({ page }: Person, target: Locator, key: 'Tab' | 'Shift+Tab' = 'Tab'): Promise<void> {
  for (let i = 0; i < 40; i++) {
    await page.keyboard.press(key);
    if ((await target.count()) > 0 && (await target.evaluate((element) => element === document.activeElement))) {
      await expect(target).toBeInViewport();
      expect(await target.evaluate((element) => element.matches(':focus-visible'))).toBe(true);
      return;
    }
  }
  throw new Error(`Tab does not reach ${target}`);
}

/** In the bar of the message that has the focus: goes to this button and presses it. */
async function act({ page }: Person, name: string): Promise<void> {
  await page.keyboard.press('Enter');
  const button = page.getByRole('toolbar', { name: 'Message actions' }).getByRole('button', { name, exact: true });
  for (let i = 0; i < 12; i++) {
    if (await button.evaluate((element) => element === document.activeElement)) break;
    await page.keyboard.press('ArrowRight');
  }
  await expect(button).toBeFocused();
  await page.keyboard.press('Enter');
}

test('everything can be done by keyboard', async ({ person }) => {
  test.setTimeout(90_000);
  const ana = await person('Ana');
  const { page } = ana;
  const { keyboard } = page;
  const dialog = (name: string | RegExp) => page.getByRole('dialog', { name });
  const button = (name: string | RegExp) => page.getByRole('button', { name });
  let bo!: Member;

  await test.step('create a room', async () => {
    await ana.home();
    await tabTo(ana, ana.nameField);
    await keyboard.type('Ana');
    await tabTo(ana, button('Create a room'));
    await keyboard.press('Enter');
    const code = await ana.inRoom();
    bo = await Member.enter({ name: 'Bo', origin: ana.origin }, { code });
  });

  await test.step('write', async () => {
    await keyboard.type('Hello');
    await expect(ana.composer).toBeFocused();
    await keyboard.press('Shift+Enter');
    await keyboard.type('Bo');
    await keyboard.press('Enter');
    await ana.hears('Hello');
    await expect(ana.composer).toBeFocused();
    await expect(ana.composer).toHaveValue('');
    await bo.say('Hello, Ana');
    await ana.hears('Hello, Ana');
  });

  await test.step('reply', async () => {
    await tabTo(ana, ana.log, 'Shift+Tab');
    await keyboard.press('ArrowUp');
    await expect(ana.message('Hello, Ana')).toBeFocused();
    await act(ana, 'Reply');
    await expect(ana.composer).toBeFocused();
    await keyboard.type('A reply');
    await keyboard.press('Enter');
    await expect(ana.message('A reply')).toContainText('Hello, Ana');
  });

  await test.step('a reply can be thought better of', async () => {
    await tabTo(ana, ana.log, 'Shift+Tab');
    await keyboard.press('ArrowUp');
    await act(ana, 'Reply');
    await expect(page.getByText(/^Reply to/)).toBeVisible();
    await keyboard.press('Escape');
    await expect(page.getByText(/^Reply to/)).toBeHidden();
    await expect(ana.composer).toBeFocused();
  });

  await test.step('react, and take it back', async () => {
    const reaction = ana.message('Hello, Ana').first().getByRole('button', { name: /👍/ });
    for (const count of [1, 0]) {
      await tabTo(ana, ana.log, 'Shift+Tab');
      await keyboard.press('Home');
      await keyboard.press('ArrowDown');
      await act(ana, 'React with 👍');
      await expect(reaction).toHaveCount(count);
      await keyboard.press('Escape');
      await expect(ana.composer).toBeFocused();
    }
  });

  await test.step('react with any emoji', async () => {
    await tabTo(ana, ana.log, 'Shift+Tab');
    await keyboard.press('Home');
    await keyboard.press('ArrowDown');
    await act(ana, 'React');
    await expect(dialog('Emoji')).toBeVisible();
    await keyboard.press('ArrowRight');
    await keyboard.press('Enter');
    await expect(dialog('Emoji')).toBeHidden();
    await expect(ana.message('Hello, Ana').first().getByRole('button', { name: /😄/ })).toHaveCount(1);
    await expect(ana.message('Hello, Ana').first()).toBeFocused();
    await keyboard.press('Escape');
    await expect(ana.composer).toBeFocused();
  });

  await test.step('edit', async () => {
    await keyboard.press('ArrowUp');
    await expect(ana.composer).toHaveValue('A reply');
    await keyboard.press('End');
    await keyboard.type(', changed');
    await keyboard.press('Enter');
    await expect(ana.message('A reply, changed')).toContainText('edited');
    await expect(ana.composer).toHaveValue('');
  });

  await test.step('delete', async () => {
    await keyboard.type('A slip');
    await keyboard.press('Enter');
    await ana.hears('A slip');
    await tabTo(ana, ana.log, 'Shift+Tab');
    await keyboard.press('ArrowUp');
    await act(ana, 'Delete');
    await keyboard.press('Enter');
    await expect(ana.message('A slip')).toHaveCount(0);
    await expect(ana.log.getByText('Message deleted')).toBeVisible();
    await keyboard.press('Escape');
  });

  await test.step('mention', async () => {
    await expect(ana.composer).toBeFocused();
    await keyboard.type('Thanks, @b');
    await expect(page.getByRole('option', { name: 'Bo' })).toBeVisible();
    await keyboard.press('Enter');
    await expect(ana.composer).toHaveValue('Thanks, @Bo ');
    await keyboard.press('Enter');
    await ana.hears('Thanks, @Bo');
  });

  await test.step('emoji', async () => {
    await tabTo(ana, button(/^Emoji$/), 'Shift+Tab');
    await keyboard.press('Enter');
    await expect(dialog('Emoji')).toBeVisible();
    await keyboard.press('Escape');
    await expect(button(/^Emoji$/)).toBeFocused();
    await keyboard.press('Enter');
    await expect(dialog('Emoji').getByRole('button').first()).toBeFocused();
    await keyboard.press('ArrowDown');
    await keyboard.press('Enter');
    await expect(dialog('Emoji')).toBeHidden();
    await expect(ana.composer).toHaveValue(/^\p{Emoji}/u);
    await expect(ana.composer).toBeFocused();
    await keyboard.press('Enter');
    await expect(ana.composer).toHaveValue('');
  });

  await test.step('the keys', async () => {
    await tabTo(ana, ana.log, 'Shift+Tab');
    await keyboard.press('?');
    await expect(dialog('Keys')).toBeVisible();
    await keyboard.press('Escape');
    await expect(dialog('Keys')).toBeHidden();
    await expect(ana.log).toBeFocused();
  });

  await test.step('invite', async () => {
    await tabTo(ana, button('Invite'), 'Shift+Tab');
    await keyboard.press('Enter');
    await expect(dialog('Invite to this room')).toBeVisible();
    // The focus stays in the dialog, or goes to the browser's own controls.
    for (let i = 0; i < 8; i++) {
      await keyboard.press('Tab');
      expect(
        await page.evaluate(() => {
          const { activeElement } = document;
          return activeElement === document.body || activeElement?.closest('dialog') != null;
        }),
      ).toBe(true);
    }
    await keyboard.press('Escape');
    await expect(dialog('Invite to this room')).toBeHidden();
    await expect(button('Invite')).toBeFocused();
  });

  await test.step('notices and look', async () => {
    await tabTo(ana, button(/^Notifications/));
    await expect(button('Notifications: off')).toBeFocused();
    await keyboard.press('Enter');
    await expect(ana.page.getByRole('dialog', { name: 'Notifications' })).toBeVisible();
    await keyboard.press('Space');
    await keyboard.press('Escape');
    await expect(button('Notifications: all messages')).toBeFocused();
    await tabTo(ana, button(/^Theme/));
    for (const look of ['light', 'dark', 'automatic']) {
      await keyboard.press('Enter');
      await expect(button(`Theme: ${look}`)).toBeFocused();
    }
  });

  await test.step('jump to the latest', async () => {
    for (let i = 1; i <= 30; i++) await bo.say(`Line ${i}`);
    await ana.hears('Line 30');
    await tabTo(ana, ana.log);
    await keyboard.press('Home');
    await bo.say('The latest');
    await tabTo(ana, button(/jump to latest/i));
    await keyboard.press('Enter');
    await expect(ana.message('The latest')).toBeInViewport();
  });

  await test.step('who is here, on a narrow screen', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    await tabTo(ana, button(/^People/));
    await keyboard.press('Enter');
    await expect(ana.people.locator('bdi', { hasText: 'Bo' })).toBeVisible();
    await keyboard.press('Escape');
    await expect(ana.people.locator('bdi', { hasText: 'Bo' })).toBeHidden();
    await expect(button(/^People/)).toBeFocused();
    await page.setViewportSize({ width: 1280, height: 800 });
  });

  await test.step('leave', async () => {
    await tabTo(ana, button("Let's leave!"));
    await keyboard.press('Enter');
    await ana.hasLeft();
  });
});
