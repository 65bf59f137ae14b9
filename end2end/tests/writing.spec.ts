import { expect, type Page, Person, test } from '../support/room.ts';

/** What a person can do in the box and with the keys, beside what `composer.spec.ts` holds. */

const about = (page: Page) => page.locator('#about');
const picker = (page: Page) => page.getByRole('dialog', { name: 'Emoji' });
const offer = (page: Page) => page.getByRole('listbox', { name: 'People' });
const note = (page: Page) => page.locator('#body-note');

/** Presses a button of the bar beside a message. */
async function act(one: Person, message: string, verb: string): Promise<void> {
  await one.message(message).hover();
  await one.page.getByRole('toolbar').getByRole('button', { name: verb, exact: true }).click();
}

/** Pastes or drops this into the box; the answer says if the page did something of its own with it. */
function transfer(one: Person, how: 'paste' | 'drop', data: { text?: string; files?: string[] }): Promise<boolean> {
  return one.composer.evaluate(
    (box, { how, text, files = [] }) => {
      const data = new DataTransfer();
      if (text !== undefined) data.setData('text/plain', text);
      for (const name of files) data.items.add(new File(['x'], name, { type: 'image/png' }));
      const init = { bubbles: true, cancelable: true, composed: true };
      if (how === 'paste') return !box.dispatchEvent(new ClipboardEvent(how, { ...init, clipboardData: data }));
      const over = new DragEvent('dragover', { ...init, dataTransfer: data });
      box.dispatchEvent(over);
      return !box.dispatchEvent(new DragEvent(how, { ...init, dataTransfer: data })) && over.defaultPrevented;
    },
    { how, ...data },
  );
}

test.describe('undo', () => {
  /** Presses this until the text in the box stays as it is, and answers each one that it had. */
  async function steps(ana: Person, key: string): Promise<string[]> {
    const seen: string[] = [];
    for (let text = await ana.composer.inputValue(); ; ) {
      await ana.page.keyboard.press(key);
      const now = await ana.composer.inputValue();
      if (now === text) return seen;
      seen.push((text = now));
    }
  }

  /** Goes back and forth, and answers each text that the box had. */
  async function texts(ana: Person): Promise<string[]> {
    return [...(await steps(ana, 'Control+z')), ...(await steps(ana, 'Control+Shift+z'))];
  }

  test('an emoji and a completed mention are steps of it', async ({ person }) => {
    const ana = await person('Ana');
    const bo = await person('Bo');
    await bo.join(await ana.create());
    await ana.sees(['Ana', 'Bo']);
    await ana.composer.pressSequentially('hello world');
    await ana.page.getByRole('button', { name: 'Emoji' }).click();
    await picker(ana.page).getByRole('button', { name: 'squinting laugh' }).click();
    await expect(ana.composer).toHaveValue('hello world😆');
    await ana.composer.pressSequentially(' @b');
    await ana.composer.press('Enter');
    await expect(ana.composer).toHaveValue('hello world😆 @Bo ');
    // How much of what was typed is one step is the browser's to say.
    const ours = ['hello world😆 @Bo ', 'hello world😆 @b', 'hello world😆', 'hello world', ''];
    const back = await steps(ana, 'Control+z');
    expect(back.filter((text) => ours.includes(text))).toEqual(ours.slice(1));
    expect(back.filter((text) => !'hello world😆 @b'.startsWith(text))).toEqual([]);
    expect(await steps(ana, 'Control+Shift+z')).toEqual([...back.slice(0, -1).reverse(), ours[0]]);
    // What undo leaves is what is sent.
    await ana.page.keyboard.press('Control+z');
    await ana.composer.press('Escape');
    await ana.composer.press('Enter');
    await bo.hears('hello world😆 @b');
  });

  test('sending, and an edit given up, double nothing', async ({ person }) => {
    const ana = await person('Ana');
    await ana.create();
    for (const words of ['one', 'two']) {
      await ana.composer.pressSequentially(words);
      await ana.composer.press('Enter');
      await ana.hears(words);
      await ana.sent(words);
    }
    await ana.composer.press('ArrowUp');
    await expect(ana.composer).toHaveValue('two');
    await ana.composer.pressSequentially(' or three');
    await ana.page.keyboard.press('Control+z');
    await expect(ana.composer).toHaveValue('two');
    await ana.composer.press('Escape');
    await expect(ana.composer).toHaveValue('');
    const typed = ['', 'one', 'two', 'two or three'];
    expect((await texts(ana)).filter((text) => !typed.includes(text))).toEqual([]);
    expect(await ana.said()).toEqual(['one', 'two']);
  });

  test('a long text of many lines comes into the box at once', async ({ person }) => {
    const ana = await person('Ana');
    await ana.create();
    const lines = Array.from({ length: 1_000 }, (_, i) => i % 10).join('\n');
    await ana.composer.fill(lines);
    await ana.composer.press('Enter');
    await expect(ana.composer).toHaveValue('');
    await expect(ana.log.locator('.state')).toHaveCount(0);
    await ana.composer.pressSequentially('mine');
    await ana.composer.fill('');
    const begun = Date.now();
    await ana.composer.press('ArrowUp');
    await expect(ana.composer).toHaveValue(lines);
    expect(Date.now() - begun).toBeLessThan(2_000);
    await ana.composer.press('Escape');
    await expect(ana.composer).toHaveValue('');
    expect((await texts(ana)).filter((text) => text.length > lines.length)).toEqual([]);
  });
});

test.describe('typing anywhere', () => {
  test('what is typed goes into the box, wherever the focus is', async ({ person }) => {
    const ana = await person('Ana');
    await ana.create();
    await ana.say('a message');
    await ana.composer.pressSequentially('hel');
    await act(ana, 'a message', 'React with 👍');
    await expect(ana.composer).not.toBeFocused();
    await ana.page.keyboard.type('lo, ok? a/b');
    await expect(ana.composer).toHaveValue('hello, ok? a/b');
    await expect(ana.page.getByRole('dialog', { name: 'Keys' })).toBeHidden();
    // On a button of the page, and with nothing in focus.
    await ana.page.getByRole('button', { name: 'Notifications: off' }).focus();
    await ana.page.keyboard.type('!');
    await ana.composer.blur();
    await ana.page.keyboard.type(' /?');
    await expect(ana.composer).toHaveValue('hello, ok? a/b! /?');
  });

  test('controls keep Space and Enter, and nothing is typed with Ctrl or Alt', async ({ person }) => {
    const ana = await person('Ana');
    await ana.create();
    await ana.say('a message');
    const look = ana.page.locator('button.look');
    await look.focus();
    for (const [key, theme] of [['Space', 'light'], ['Enter', 'dark']] as const) {
      await ana.page.keyboard.press(key);
      await expect(ana.page.locator('html')).toHaveAttribute('data-theme', theme);
      await expect(look).toBeFocused();
    }
    for (const key of ['Control+b', 'Alt+q', 'Meta+j', 'F2', 'ArrowDown', 'Shift']) {
      await ana.page.keyboard.press(key);
      await expect(look, key).toBeFocused();
    }
    await expect(ana.composer).toHaveValue('');
    // The third level of a keyboard is typed with what looks like Ctrl and Alt.
    const isTaken = await look.evaluate((button) => {
      const init = { key: '€', ctrlKey: true, altKey: true, modifierAltGraph: true, bubbles: true };
      button.dispatchEvent(new KeyboardEvent('keydown', init));
      return document.activeElement?.id === 'body';
    });
    expect(isTaken).toBe(true);
  });

  test('not from another field, a dialog, the picker, or an input method', async ({ person }) => {
    const ana = await person('Ana');
    await ana.create();
    await ana.page.getByRole('button', { name: 'Invite' }).click();
    const dialog = ana.page.getByRole('dialog', { name: 'Invite to this room' });
    await ana.page.keyboard.type('a');
    await dialog.getByRole('button').first().focus();
    await ana.page.keyboard.type('b');
    await ana.page.keyboard.press('Escape');
    await ana.page.getByRole('button', { name: 'Emoji' }).click();
    await ana.page.keyboard.type('c');
    await ana.page.keyboard.press('Escape');
    await ana.page.keyboard.press('Escape');
    await expect(picker(ana.page)).toBeHidden();
    const field = ana.page.locator('#elsewhere');
    await ana.page.evaluate(() => {
      const field = Object.assign(document.createElement('input'), { id: 'elsewhere' });
      document.body.append(field);
      field.focus();
      for (const init of [{ isComposing: true }, { keyCode: 229 }]) {
        document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'a', bubbles: true, ...init }));
      }
    });
    await ana.page.keyboard.type('d');
    await expect(field).toHaveValue('d');
    await expect(ana.composer).toHaveValue('');
  });

  test('"/" and "?" are keys of the log, and can be switched off', async ({ person }) => {
    const ana = await person('Ana');
    const code = await ana.create();
    await ana.say('a message');
    const keys = ana.page.getByRole('dialog', { name: 'Keys' });
    const toggle = keys.getByRole('checkbox', { name: /Among the messages, / });
    await ana.log.focus();
    await ana.page.keyboard.press('?');
    await expect(keys).toBeVisible();
    await expect(toggle).toBeChecked();
    await ana.page.keyboard.press('Escape');
    await ana.log.focus();
    await ana.page.keyboard.press('ArrowUp');
    await ana.page.keyboard.press('/');
    await expect(ana.composer).toBeFocused();
    await expect(ana.composer).toHaveValue('');

    await ana.page.getByRole('button', { name: 'All keys' }).click();
    await toggle.uncheck();
    await ana.page.reload();
    await ana.inRoom(code);
    await ana.log.focus();
    await ana.page.keyboard.type('/?');
    await expect(ana.composer).toHaveValue('/?');
    await expect(keys).toBeHidden();
    await ana.page.getByRole('button', { name: 'All keys' }).click();
    await expect(toggle).not.toBeChecked();
    await toggle.check();
    await ana.page.keyboard.press('Escape');
    await ana.log.focus();
    await ana.page.keyboard.press('?');
    await expect(keys).toBeVisible();
  });
});

test.describe('changes half typed', () => {
  test('are there again, for each message, also after a reload', async ({ person }) => {
    const ana = await person('Ana');
    const code = await ana.create();
    await ana.say('one');
    await ana.say('two');
    await ana.say('three');
    await ana.composer.pressSequentially('a draft');
    await act(ana, 'two', 'Edit');
    await ana.composer.fill('two, half');
    await act(ana, 'one', 'Edit');
    await expect(ana.composer).toHaveValue('one');
    await ana.composer.fill('one, half');
    await act(ana, 'three', 'Reply');
    await expect(ana.composer).toHaveValue('a draft');
    await ana.page.reload();
    await ana.inRoom(code);
    await expect(ana.composer).toHaveValue('a draft');
    await act(ana, 'two', 'Edit');
    await expect(ana.composer).toHaveValue('two, half');
    await act(ana, 'one', 'Edit');
    await expect(ana.composer).toHaveValue('one, half');
    await ana.composer.press('Enter');
    await ana.hears('one, half');
    await expect(ana.composer).toHaveValue('a draft');
    // Given up is given up, and saved is saved.
    await act(ana, 'two', 'Edit');
    await expect(ana.composer).toHaveValue('two, half');
    await ana.composer.press('Escape');
    await act(ana, 'two', 'Edit');
    await expect(ana.composer).toHaveValue('two');
    await act(ana, 'one, half', 'Edit');
    await expect(ana.composer).toHaveValue('one, half');
    await ana.composer.press('Escape');
    await expect(ana.composer).toHaveValue('a draft');
  });

  test('are asked about before they are left behind', async ({ person }) => {
    const ana = await person('Ana');
    await ana.create();
    await ana.say('one');
    await ana.say('two');
    await act(ana, 'two', 'Edit');
    await ana.composer.fill('two, half');
    await act(ana, 'one', 'Edit');
    await ana.composer.press('Escape');
    await expect(about(ana.page)).toHaveCount(0);
    await ana.press("Let's leave!");
    await expect(ana.page.getByRole('alertdialog')).toContainText('What you wrote is not sent yet');
  });
});

test.describe('mentions', () => {
  test('Enter sends a lone @, and takes a name that was begun or chosen', async ({ person }) => {
    const ana = await person('Ana');
    const bo = await person('Bob');
    const cy = await person('Cy Bo');
    const code = await ana.create();
    await bo.join(code);
    await cy.join(code);
    await ana.sees(['Ana', 'Bob', 'Cy Bo']);
    const marked = offer(ana.page).getByRole('option', { selected: true });

    await ana.composer.pressSequentially('@_@');
    await expect(offer(ana.page).getByRole('option')).toHaveCount(2);
    await expect(marked).toHaveCount(0);
    await ana.composer.press('Enter');
    await bo.hears('@_@');
    await expect(ana.composer).toHaveValue('');

    // In the middle of a name only: it is offered, and not taken.
    await ana.composer.pressSequentially('see @y');
    await expect(offer(ana.page).getByRole('option')).toHaveText([/Cy Bo/]);
    await ana.composer.press('Enter');
    await bo.hears('see @y');

    await ana.composer.pressSequentially('@c');
    await expect(marked).toHaveText(/Cy Bo/);
    await ana.composer.press('Enter');
    await expect(ana.composer).toHaveValue('@Cy Bo ');
    await ana.composer.pressSequentially('@');
    await ana.composer.press('ArrowDown');
    await expect(marked).toHaveText(/Bob/);
    await ana.composer.press('Enter');
    await expect(ana.composer).toHaveValue('@Cy Bo @Bob ');
  });
});

test.describe('pasting', () => {
  test('a text far above the limit is refused, and its beginning offered', async ({ person }) => {
    const ana = await person('Ana');
    await ana.create();
    await ana.composer.pressSequentially('look: ');
    const huge = 'aGVsbG8+'.repeat(131_072);
    expect(await transfer(ana, 'paste', { text: huge })).toBe(true);
    await expect(ana.composer).toHaveValue('look: ');
    await expect(note(ana.page)).toContainText('1,048,576 characters');

    const client = await ana.context.newCDPSession(ana.page);
    await client.send('Performance.enable');
    const layout = async () => {
      const { metrics } = await client.send('Performance.getMetrics');
      return 1_000 * (metrics.find(({ name }) => name === 'LayoutDuration')?.value ?? NaN);
    };
    await ana.page.getByRole('button', { name: 'Paste the first 3,994' }).click();
    await expect(ana.composer).toHaveValue(`look: ${huge.slice(0, 3_994)}`);
    await expect(ana.composer).toBeFocused();
    await expect(note(ana.page)).toHaveText('');
    const before = await layout();
    for (let key = 0; key < 5; key++) await ana.page.keyboard.press('Backspace');
    const perKey = ((await layout()) - before) / 5;
    test.info().annotations.push({ type: 'layout per key', description: `${perKey.toFixed(1)} ms` });
    expect(perKey).toBeLessThan(50);
    await ana.composer.press('Control+z');
    await ana.composer.press('Control+z');
    await expect(ana.composer).toHaveValue('look: ');
  });

  test('a text a little above the limit is there to be shortened', async ({ person }) => {
    const ana = await person('Ana');
    await ana.create();
    await ana.composer.focus();
    await ana.page.evaluate(() => document.execCommand('insertText', false, 'x'.repeat(5_000)));
    expect(await transfer(ana, 'paste', { text: 'y'.repeat(100) })).toBe(false);
    await expect(ana.page.locator('.counter')).toHaveText('1,000 too many');
    await expect(note(ana.page)).toHaveText('');
  });

  test('pictures and files are answered, and the page stays', async ({ person }) => {
    const ana = await person('Ana');
    const code = await ana.create();
    expect(await transfer(ana, 'paste', { files: ['picture.png'] })).toBe(true);
    await expect(note(ana.page)).toHaveAttribute('role', 'status');
    await expect(note(ana.page)).toContainText('Pictures and files cannot be sent');
    await ana.composer.pressSequentially('a');
    await expect(note(ana.page)).toHaveText('');
    // As from a spreadsheet: the browser pastes the text.
    expect(await transfer(ana, 'paste', { files: ['cells.png'], text: 'a\tb' })).toBe(false);
    await expect(note(ana.page)).toContainText('Only the text');

    expect(await transfer(ana, 'drop', { files: ['picture.png'] })).toBe(true);
    await expect(note(ana.page)).toContainText('Pictures and files cannot be sent');
    const elsewhere = await ana.log.evaluate((log) => {
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File(['x'], 'a.txt'));
      const init = { bubbles: true, cancelable: true, dataTransfer };
      return ['dragover', 'drop'].map((name) => !log.dispatchEvent(new DragEvent(name, init)));
    });
    expect(elsewhere).toEqual([true, true]);
    await expect(ana.page).toHaveURL(`${ana.origin}/room/${code}`);
    // Text alone is the browser's.
    expect(await transfer(ana, 'drop', { text: 'words' })).toBe(false);
  });
});

test.describe('emoji', () => {
  test('the picker leaves the box in sight, and Shift keeps it open', async ({ person }) => {
    const ana = await person('Ana');
    await ana.create();
    for (const view of [
      { width: 1280, height: 720 },
      { width: 390, height: 664 },
    ]) {
      await ana.page.setViewportSize(view);
      await ana.composer.fill('one\ntwo\nthree\n');
      await ana.page.getByRole('button', { name: 'Emoji' }).click();
      const [box, form] = [await picker(ana.page).boundingBox(), await ana.page.locator('#composer').boundingBox()];
      if (!box || !form) throw new Error('both are shown');
      expect(box.y).toBeGreaterThanOrEqual(0);
      expect(box.y + box.height).toBeLessThanOrEqual(form.y);
      await picker(ana.page).getByRole('button', { name: 'party popper' }).first().click({ modifiers: ['Shift'] });
      await ana.page.keyboard.press('Shift+Enter');
      await expect(picker(ana.page)).toBeVisible();
      await expect(ana.composer).toHaveValue('one\ntwo\nthree\n🎉🎉');
      await ana.page.keyboard.press('Enter');
      await expect(picker(ana.page)).toBeHidden();
      await expect(ana.composer).toBeFocused();
      await expect(ana.composer).toHaveValue('one\ntwo\nthree\n🎉🎉🎉');
    }
  });

  test('it finds by name, and remembers the last ones', async ({ person }) => {
    const ana = await person('Ana');
    const code = await ana.create();
    const search = picker(ana.page).getByRole('searchbox', { name: 'Search emoji' });
    const buttons = picker(ana.page).getByRole('button');
    const recent = picker(ana.page).getByRole('group', { name: 'Recent' });
    await ana.page.getByRole('button', { name: 'Emoji' }).click();
    await expect(recent).toHaveCount(0);
    // A letter on an emoji is for the search.
    await ana.page.keyboard.type('Heart');
    await expect(search).toBeFocused();
    await expect(search).toHaveValue('Heart');
    await expect(buttons.first()).toHaveAccessibleName('heart eyes');
    await expect(picker(ana.page).getByRole('button', { name: 'red heart' })).toBeVisible();
    await expect(picker(ana.page).getByRole('button', { name: 'dog' })).toHaveCount(0);
    await ana.page.keyboard.type('zz');
    await expect(picker(ana.page).getByRole('status')).toHaveText('No emoji has this name.');
    await ana.page.keyboard.press('Backspace');
    await ana.page.keyboard.press('Backspace');
    await ana.page.keyboard.press('ArrowDown');
    await expect(buttons.first()).toBeFocused();
    await ana.page.keyboard.press('ArrowUp');
    await expect(search).toBeFocused();
    await ana.page.keyboard.press('Enter');
    await expect(picker(ana.page)).toBeHidden();
    await expect(ana.composer).toHaveValue('😍');

    await ana.page.getByRole('button', { name: 'Emoji' }).click();
    await expect(search).toHaveValue('');
    await expect(recent.getByRole('button')).toHaveText(['😍']);
    await expect(recent.getByRole('button')).toBeFocused();
    // Down keeps its column, through a group that does not fill its row.
    await ana.page.keyboard.press('ArrowDown');
    await expect(picker(ana.page).getByRole('button', { name: 'grinning' })).toBeFocused();
    await ana.page.keyboard.press('ArrowUp');
    await expect(recent.getByRole('button')).toBeFocused();
    await ana.page.keyboard.press('Escape');
    await ana.page.reload();
    await ana.inRoom(code);
    await ana.page.getByRole('button', { name: 'Emoji' }).click();
    await picker(ana.page).getByRole('button', { name: 'fire' }).click();
    await ana.page.getByRole('button', { name: 'Emoji' }).click();
    await expect(recent.getByRole('button')).toHaveText(['🔥', '😍']);
  });

  test('where fingers pick, it stays open for several', async ({ browser, server, guard }) => {
    const context = await browser.newContext({ baseURL: server.url, hasTouch: true, isMobile: true, viewport: { width: 390, height: 664 } });
    await guard.watch(context, true);
    const ana = new Person(await context.newPage(), 'Ana', true, server.url);
    await ana.create();
    await ana.page.getByRole('button', { name: 'Emoji' }).tap();
    for (const name of ['party popper', 'balloon']) await picker(ana.page).getByRole('button', { name }).tap();
    await expect(picker(ana.page)).toBeVisible();
    await expect(ana.composer).toHaveValue('🎉🎈');
    await ana.composer.tap();
    await expect(picker(ana.page)).toBeHidden();
    await guard.seal();
    await context.close();
  });
});
