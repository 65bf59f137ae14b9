import { Member } from '../support/member.ts';
import { expect, type Page, type Person, test } from '../support/room.ts';
import { open, STAGE_ENV } from '../support/states.ts';

test.use({ serverEnv: STAGE_ENV });

/** What is visible of it and told of it. */
const said = (page: Page, words: string | RegExp) => page.getByRole('status').filter({ hasText: words });

async function copyFrom(ana: Person, text: string): Promise<void> {
  await ana.message(text).hover();
  await ana.page.getByRole('toolbar').getByRole('button', { name: 'Copy' }).click();
}

test('copying says that it worked, each time', async ({ person }) => {
  const ana = await person('Ana');
  await ana.context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await ana.create();
  await ana.say('The first words');
  await ana.say('Other words');
  await ana.page.evaluate(() => {
    const heard: string[] = [];
    Object.assign(window, { heard });
    new MutationObserver((records) => {
      for (const { target, addedNodes } of records) {
        const region = (target instanceof Element ? target : target.parentElement)?.closest('[role=status]');
        for (const { textContent } of region ? Array.from(addedNodes) : []) if (textContent?.trim()) heard.push(textContent.trim());
      }
    }).observe(document, { subtree: true, childList: true, characterData: true });
  });
  for (const text of ['The first words', 'Other words']) {
    await copyFrom(ana, text);
    await expect(said(ana.page, 'Copied')).toBeVisible();
    expect(await ana.page.evaluate(() => navigator.clipboard.readText())).toBe(text);
  }
  const heard = () => ana.page.evaluate(() => (window as unknown as { heard: string[] }).heard);
  await expect.poll(heard).toEqual(['Copied', 'Copied']);
  await expect(said(ana.page, 'Copied')).toHaveCount(0);
});

test('without a clipboard, as on plain http, it is copied from a selection, of which nothing is left', async ({ person }) => {
  const ana = await person('Ana');
  await ana.context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await ana.page.addInitScript(() => {
    const { clipboard } = navigator;
    Object.assign(window, { pasted: () => clipboard.readText() });
    Object.defineProperty(navigator, 'clipboard', { value: undefined });
  });
  await ana.create();
  await ana.type('Words on plain http\nof two lines');
  await ana.sent('Words on plain http');
  await copyFrom(ana, 'Words on plain http');
  await expect(said(ana.page, 'Copied')).toBeVisible();
  const pasted = () => ana.page.evaluate(() => (window as unknown as { pasted: () => Promise<string> }).pasted());
  expect(await pasted()).toBe('Words on plain http\nof two lines');
  await expect(ana.page.locator('textarea')).toHaveCount(1);
});

test('where nothing can be copied, it says so', async ({ person }) => {
  const ana = await person('Ana');
  await ana.page.addInitScript(() => {
    Object.defineProperty(navigator, 'clipboard', { value: undefined });
    document.execCommand = () => false;
  });
  await ana.create();
  await ana.say('Words');
  await copyFrom(ana, 'Words');
  await expect(said(ana.page, /not copied/i)).toBeVisible();
});

test('several messages are copied with names, times and words, and without the words of buttons', async ({ person }) => {
  const ana = await person('Ana');
  await ana.context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const { code } = await Member.enter(ana);
  const bo = await Member.enter({ name: 'Bo', origin: ana.origin }, { code });
  const first = await bo.say('The first');
  await bo.say('```rust\nfn main() {}\n```');
  await bo.say('The second', first);
  await bo.react(first, '👍');
  await open(ana, code);
  await ana.say('Mine');
  await expect(ana.log.getByRole('button', { name: '👍' })).toBeVisible();
  await ana.message('The first').first().hover();
  await ana.page.evaluate(() => {
    const rows = document.querySelector('.rows');
    if (rows) getSelection()?.selectAllChildren(rows);
  });
  await ana.page.keyboard.press('Control+c');
  const copied = await ana.page.evaluate(() => navigator.clipboard.readText());
  for (const words of ['Bo', 'The first', 'fn main() {}', 'The second', 'Mine']) expect(copied).toContain(words);
  expect(copied).toMatch(/Bo\s+\d{1,2}:\d\d/);
  expect(copied).not.toMatch(/Copy|👍|React|Reply/);
  // The letter of an avatar is a picture.
  expect(copied.split('\n')).not.toContain('B');
});
