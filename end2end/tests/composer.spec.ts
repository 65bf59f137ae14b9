import { expect, holdWasm, type Page, Person, test } from '../support/room.ts';

/** What the box is for, when it is for no new message. */
const about = (page: Page) => page.locator('#about');
const picker = (page: Page) => page.getByRole('dialog', { name: 'Emoji' });
const offer = (page: Page) => page.getByRole('listbox', { name: 'People' });
const shapeOf = (one: Person) =>
  one.composer.evaluate((box) => {
    const place = (element: Element | null) => {
      const { x, y, width, height } = element?.getBoundingClientRect() ?? new DOMRect();
      return { x, y, width, height };
    };
    return [place(box), place(box.closest('form')), place(document.querySelector('.hint'))];
  });

test.describe('keys', () => {
  test('Enter sends, Shift+Enter breaks the line, and the focus stays', async ({ person }) => {
    const ana = await person('Ana');
    await ana.create();
    await ana.composer.pressSequentially('one');
    await ana.composer.press('Shift+Enter');
    await ana.composer.pressSequentially('two');
    await expect(ana.composer).toHaveValue('one\ntwo');
    await ana.composer.press('Enter');
    await expect.poll(() => ana.said()).toEqual(['one\ntwo']);
    await expect(ana.composer).toHaveValue('');
    await expect(ana.composer).toBeFocused();
  });

  test('the Enter of an input method is not ours', async ({ person }) => {
    const ana = await person('Ana');
    await ana.create();
    await ana.composer.fill('にほん');
    for (const init of [
      { key: 'Enter', isComposing: true },
      { key: 'Enter', keyCode: 229 },
    ]) {
      const prevented = await ana.composer.evaluate(
        (box, init) => !box.dispatchEvent(new KeyboardEvent('keydown', { ...init, bubbles: true, cancelable: true })),
        init,
      );
      expect(prevented, JSON.stringify(init)).toBe(false);
    }
    await expect(ana.composer).toHaveValue('にほん');
    await ana.say('にほん');
    expect(await ana.said()).toEqual(['にほん']);
  });

  test('where fingers type, Enter breaks the line and the button sends', async ({ browser, server, guard }) => {
    const context = await browser.newContext({ baseURL: server.url, hasTouch: true, isMobile: true });
    await guard.watch(context, true);
    const ana = new Person(await context.newPage(), 'Ana', true, server.url);
    await ana.create();
    await expect(ana.composer).toHaveAttribute('enterkeyhint', 'enter');
    await ana.composer.pressSequentially('one');
    await ana.composer.press('Enter');
    await ana.composer.pressSequentially('two');
    await expect(ana.composer).toHaveValue('one\ntwo');
    await ana.press('Send');
    await expect.poll(() => ana.said()).toEqual(['one\ntwo']);
    // A tablet can have a keyboard.
    await ana.composer.fill('three');
    await ana.composer.press('Control+Enter');
    await expect.poll(() => ana.said()).toEqual(['one\ntwo', 'three']);
    await guard.seal();
    await context.close();
  });
});

test.describe('the box', () => {
  const LINES = Array.from({ length: 60 }, (_, line) => `line ${line}`);

  async function growsAndShrinks(ana: Person): Promise<void> {
    const height = () => ana.composer.evaluate((box) => box.clientHeight);
    const empty = await height();
    await ana.composer.fill(LINES.slice(0, 3).join('\n'));
    await expect.poll(height).toBe(empty + 2 * 24);
    await ana.composer.fill(LINES.join('\n'));
    await expect.poll(height).toBeLessThanOrEqual((ana.page.viewportSize()?.height ?? 0) * 0.4);
    expect(await ana.composer.evaluate((box) => box.scrollHeight > box.clientHeight)).toBe(true);
    await ana.composer.fill('');
    await expect.poll(height).toBe(empty);
  }

  test('grows to a cap, then scrolls', async ({ person }) => {
    const ana = await person('Ana');
    await ana.create();
    await growsAndShrinks(ana);
  });

  test('grows where styles cannot say it', async ({ person }) => {
    const ana = await person('Ana');
    await ana.page.addInitScript(() => {
      const supports = CSS.supports.bind(CSS);
      CSS.supports = (...condition: [string, string?]) =>
        condition[0] !== 'field-sizing' && supports(...(condition as [string]));
    });
    await ana.create();
    await ana.composer.evaluate((box) => box.style.setProperty('field-sizing', 'fixed'));
    await growsAndShrinks(ana);
  });

  test('says how much space is left near the limit', async ({ person }) => {
    const ana = await person('Ana');
    await ana.create();
    const counter = ana.page.locator('.counter');
    await ana.composer.fill('x'.repeat(3_799));
    await expect(counter).toBeHidden();
    await ana.composer.fill('x'.repeat(3_990));
    await expect(counter).toHaveText('10 left');
    await ana.composer.fill('x'.repeat(4_002));
    await expect(counter).toHaveText('2 too many');
  });

  test('nothing moves when script comes', async ({ person }) => {
    const ana = await person('Ana');
    await ana.create();
    const letWasmCome = await holdWasm(ana.page);
    await ana.page.reload({ waitUntil: 'commit' });
    await expect(ana.composer).toBeVisible();
    await expect(ana.page.getByRole('button', { name: 'Emoji' })).toBeHidden();
    const before = await shapeOf(ana);
    letWasmCome();
    await ana.live();
    await expect(ana.page.getByRole('button', { name: 'Emoji' })).toBeVisible();
    expect(await shapeOf(ana)).toEqual(before);
  });
});

test.describe('changing a message', () => {
  test('Up takes my last message into the box, Enter saves it', async ({ person }) => {
    const ana = await person('Ana');
    const bo = await person('Bo');
    await bo.join(await ana.create());
    await ana.say('first');
    await ana.say('secnd');
    await bo.say('mine');
    await ana.hears('mine');
    await ana.composer.press('ArrowUp');
    await expect(about(ana.page)).toContainText('Editing');
    await expect(ana.composer).toHaveValue('secnd');
    await ana.composer.fill('second');
    await ana.composer.press('Enter');
    await expect.poll(() => bo.said()).toEqual(['first', 'second', 'mine']);
    await expect(about(ana.page)).toHaveCount(0);
    await expect(ana.composer).toHaveValue('');
    await expect(ana.composer).toBeFocused();
  });

  test('only in an empty box', async ({ person }) => {
    const ana = await person('Ana');
    await ana.create();
    await ana.composer.press('ArrowUp');
    await expect(about(ana.page)).toHaveCount(0);
    await ana.say('said');
    await ana.composer.fill('typed');
    await ana.composer.press('ArrowUp');
    await expect(about(ana.page)).toHaveCount(0);
    await expect(ana.composer).toHaveValue('typed');
  });

  test('Esc and the button give up, an edit to nothing does not', async ({ person }) => {
    const ana = await person('Ana');
    await ana.create();
    await ana.say('kept');
    for (const giveUp of [() => ana.composer.press('Escape'), () => ana.press('Cancel')]) {
      await ana.composer.press('ArrowUp');
      await expect(ana.composer).toHaveValue('kept');
      await ana.composer.fill('');
      await ana.composer.press('Enter');
      await expect(ana.alert).toHaveText(/cannot become empty/);
      await expect(about(ana.page)).toBeVisible();
      await giveUp();
      await expect(about(ana.page)).toHaveCount(0);
      await expect(ana.alert).toHaveCount(0);
      await expect(ana.composer).toHaveValue('');
      await expect(ana.composer).toBeFocused();
    }
    expect(await ana.said()).toEqual(['kept']);
  });

  test('the draft is not the change', async ({ person }) => {
    const ana = await person('Ana');
    const code = await ana.create();
    await ana.say('kept');
    await ana.composer.press('ArrowUp');
    await ana.composer.fill('half changed');
    await ana.page.reload();
    await ana.inRoom(code);
    await expect(about(ana.page)).toContainText('Editing');
    await expect(ana.composer).toHaveValue('half changed');
    await ana.composer.press('Escape');
    await expect(ana.composer).toHaveValue('');
    await ana.composer.fill('half written');
    await ana.page.reload();
    await ana.inRoom(code);
    await expect(about(ana.page)).toBeHidden();
    await expect(ana.composer).toHaveValue('half written');
  });

  test('an answer, and the last of two changes, are there again after a reload', async ({ person }) => {
    const ana = await person('Ana');
    const code = await ana.create();
    await ana.say('one');
    await ana.say('two');
    const act = async (message: string, verb: string) => {
      await ana.message(message).hover();
      await ana.page.getByRole('toolbar').getByRole('button', { name: verb }).click();
    };
    await act('one', 'Edit');
    await ana.composer.fill('one changed');
    await act('one', 'Edit');
    await expect(ana.composer).toHaveValue('one changed');
    await act('two', 'Edit');
    await expect(ana.composer).toHaveValue('two');
    await ana.page.reload();
    await ana.inRoom(code);
    await expect(ana.composer).toHaveValue('two');
    await ana.composer.press('Escape');
    await act('one', 'Reply');
    await ana.composer.fill('an answer');
    await ana.page.reload();
    await ana.inRoom(code);
    await expect(about(ana.page)).toContainText('Reply to Ana');
    await ana.say('an answer');
    await expect(ana.message('an answer').locator('.quote')).toContainText('one');
  });

  test('a change whose message is gone after a reload is a new message, once', async ({ person }) => {
    const ana = await person('Ana');
    const code = await ana.create();
    await ana.say('short-lived');
    await ana.composer.press('ArrowUp');
    await ana.composer.fill('half');
    const other = await ana.tab();
    await other.openLink(code);
    await other.inRoom(code);
    await other.message('short-lived').hover();
    await other.press('Delete');
    await other.press('Delete?');
    await expect(ana.log).toContainText('Message deleted');
    await ana.page.reload();
    await ana.inRoom(code);
    await expect(ana.composer).toHaveValue('half');
    await expect(ana.alert).toContainText('would be sent as a new message');
    await ana.say('half');
    await ana.page.reload();
    await ana.inRoom(code);
    await expect(ana.composer).toHaveValue('');
    await expect(ana.alert).toHaveCount(0);
  });

  test('what is on its way is not passed over for an older one', async ({ person, line, guard }) => {
    const ana = await person('Ana', line.url);
    await ana.create();
    await ana.say('the older one');
    const answered = await guard.expectRefusedSockets();
    await line.cut();
    await expect(ana.page.locator('html[data-live]')).not.toBeAttached();
    await ana.composer.fill('the tpyo');
    await ana.composer.press('Enter');
    await expect(ana.message('the tpyo')).toBeVisible();
    await ana.composer.press('ArrowUp');
    await expect(ana.composer).toHaveValue('');
    await line.mend();
    answered();
    await ana.live();
    await ana.sent('the tpyo');
    await ana.composer.press('ArrowUp');
    await expect(ana.composer).toHaveValue('the tpyo');
    await ana.composer.press('Escape');
  });

  test('a change of what is gone is said to be one, and holds up nobody', async ({ person }) => {
    const ana = await person('Ana');
    const bo = await person('Bo');
    const code = await ana.create();
    await bo.join(code);
    await ana.say('short-lived');
    const other = await ana.tab();
    await other.openLink(code);
    await other.inRoom(code);
    await ana.composer.press('ArrowUp');
    await ana.composer.fill('changed too late');
    const row = other.message('short-lived');
    await row.hover();
    await other.press('Delete');
    await other.press('Delete?');
    await expect(ana.log).toContainText('Message deleted');
    await ana.composer.press('Enter');
    await expect(ana.alert).toContainText('The message that this changes is gone');
    await expect(ana.page.getByRole('button', { name: 'Retry' })).toHaveCount(0);
    await ana.say('and on');
    await bo.hears('and on');
    await ana.composer.press('ArrowUp');
    await expect(ana.composer).toHaveValue('and on');
    await ana.composer.press('Escape');
    await ana.press('Edit');
    await expect(ana.composer).toHaveValue('changed too late');
    await ana.composer.press('Enter');
    await bo.hears('changed too late');
  });
});

test.describe('answering', () => {
  const act = async (one: Person, message: string, verb: string) => {
    await one.message(message).hover();
    await one.page.getByRole('toolbar').getByRole('button', { name: verb, exact: true }).click();
  };

  test('an answer carries what it answers, and what was typed stays', async ({ person }) => {
    const ana = await person('Ana');
    const bo = await person('Bo');
    await bo.join(await ana.create());
    await ana.say('who brings the cake?');
    await bo.hears('who brings the cake?');
    await bo.composer.fill('me');
    await act(bo, 'who brings the cake?', 'Reply');
    await expect(about(bo.page)).toHaveText('Reply to Anawho brings the cake?');
    await expect(bo.composer).toBeFocused();
    await expect(bo.composer).toHaveValue('me');
    await bo.composer.press('Enter');
    await expect(about(bo.page)).toHaveCount(0);
    const answer = ana.log.locator('[data-message]').filter({ has: ana.page.locator('.quote') });
    await expect(answer.locator('.quote')).toHaveText('Ana who brings the cake?');
    await expect(answer).toContainText('me');

    // The next one answers nothing.
    await bo.say('really');
    await ana.hears('really');
    await expect(ana.page.locator('.quote')).toHaveCount(1);
  });

  test('what is answered follows its author', async ({ person }) => {
    const ana = await person('Ana');
    const bo = await person('Bo');
    await bo.join(await ana.create());
    await ana.say('frist');
    await bo.hears('frist');
    await act(bo, 'frist', 'Reply');
    await expect(about(bo.page)).toContainText('frist');
    await ana.composer.press('ArrowUp');
    await ana.composer.fill('first');
    await ana.composer.press('Enter');
    await expect(about(bo.page)).toContainText('first');
    await act(ana, 'first', 'Delete');
    await ana.page.getByRole('toolbar').getByRole('button', { name: 'Delete?' }).click();
    await expect(about(bo.page)).toContainText('Message deleted');
    await bo.composer.press('Escape');
    await expect(about(bo.page)).toHaveCount(0);
  });

  test('an emoji from the picker is a reaction, and again takes it away', async ({ person }) => {
    const ana = await person('Ana');
    const bo = await person('Bo');
    await bo.join(await ana.create());
    await ana.say('done');
    await bo.hears('done');
    const reaction = ana.message('done').getByRole('button', { name: /🧪/ });
    for (const count of [1, 0]) {
      await act(bo, 'done', 'React');
      const box = await picker(bo.page).boundingBox();
      const view = bo.page.viewportSize();
      expect(box && view && box.x >= 0 && box.y >= 0 && box.x + box.width <= view.width).toBe(true);
      await picker(bo.page).getByRole('button', { name: 'test tube' }).first().click();
      await expect(picker(bo.page)).toBeHidden();
      await expect(reaction).toHaveCount(count);
    }
    await expect(bo.composer).toHaveValue('');
  });
});

test.describe('mentions', () => {
  test('an @ offers the others, and the keys choose', async ({ person }) => {
    const ana = await person('Ana');
    const bo = await person('Bob');
    const cy = await person('Cy Bo');
    const code = await ana.create();
    await bo.join(code);
    await cy.join(code);
    await ana.sees(['Ana', 'Bob', 'Cy Bo']);

    await ana.composer.pressSequentially('hi @');
    await expect(offer(ana.page).getByRole('option')).toHaveText([/Bob/, /Cy Bo/]);
    const marked = offer(ana.page).getByRole('option', { selected: true });
    await ana.composer.press('ArrowDown');
    await expect(marked).toHaveText(/Bob/);
    await expect(ana.composer).toHaveAttribute('aria-activedescendant', (await marked.getAttribute('id')) ?? '');
    await ana.composer.press('ArrowUp');
    await expect(marked).toHaveText(/Cy Bo/);
    await ana.composer.press('Enter');
    await expect(ana.composer).toHaveValue('hi @Cy Bo ');
    await expect(offer(ana.page)).toHaveCount(0);
    await expect(ana.composer).not.toHaveAttribute('aria-activedescendant');

    await ana.composer.pressSequentially('and @BO');
    await expect(offer(ana.page).getByRole('option')).toHaveCount(2);
    await ana.composer.press('Tab');
    await expect(ana.composer).toHaveValue('hi @Cy Bo and @Bob ');
    await expect(ana.composer).toBeFocused();
    await ana.composer.press('Enter');
    await bo.hears('hi @Cy Bo and @Bob');
  });

  test('Esc closes the list and leaves the text, a click takes a name', async ({ person }) => {
    const ana = await person('Ana');
    const bo = await person('Bo');
    await bo.join(await ana.create());
    await ana.sees(['Ana', 'Bo']);
    await ana.composer.pressSequentially('@');
    await expect(offer(ana.page)).toBeVisible();
    await ana.composer.press('Escape');
    await expect(offer(ana.page)).toHaveCount(0);
    await ana.composer.pressSequentially('b');
    await expect(ana.composer).toHaveValue('@b');
    await expect(offer(ana.page)).toHaveCount(0);
    await ana.composer.press('Enter');
    await bo.hears('@b');

    await ana.composer.pressSequentially('@b, not you');
    for (let i = 0; i < ', not you'.length; i++) await ana.composer.press('ArrowLeft');
    await ana.composer.press('Backspace');
    await offer(ana.page).getByRole('option', { name: 'Bo' }).click();
    await expect(ana.composer).toHaveValue('@Bo , not you');
    await expect(ana.composer).toBeFocused();
  });

  test('nobody is offered me, or anybody in an address', async ({ person }) => {
    const ana = await person('Ana');
    const bo = await person('Bo');
    await bo.join(await ana.create());
    await ana.sees(['Ana', 'Bo']);
    await ana.composer.pressSequentially('me@b @Ana');
    await expect(ana.composer).toHaveValue('me@b @Ana');
    await expect(offer(ana.page)).toHaveCount(0);
  });
});

test.describe('emoji', () => {
  test('the keys move in the picker, and Enter puts one at the caret', async ({ person }) => {
    const ana = await person('Ana');
    await ana.create();
    await ana.composer.fill('so good');
    await ana.composer.press('Home');
    await ana.composer.press('ArrowRight');
    await ana.composer.press('ArrowRight');
    await ana.page.getByRole('button', { name: 'Emoji' }).press('Enter');
    await expect(picker(ana.page)).toBeVisible();
    const first = picker(ana.page).getByRole('button').first();
    await expect(first).toBeFocused();
    await first.press('ArrowLeft');
    await expect(first).toBeFocused();
    await first.press('ArrowRight');
    await expect(picker(ana.page).getByRole('button', { name: 'happy' })).toBeFocused();
    // Four rows down is the next group; its column is the same.
    for (let row = 0; row < 4; row++) await ana.page.keyboard.press('ArrowDown');
    await expect(picker(ana.page).getByRole('button', { name: 'thumbs down' })).toBeFocused();
    await ana.page.keyboard.press('ArrowLeft');
    await ana.page.keyboard.press('Enter');
    await expect(picker(ana.page)).toBeHidden();
    await expect(ana.composer).toBeFocused();
    await expect(ana.composer).toHaveValue('so👍 good');
    await ana.composer.pressSequentially('!');
    await expect(ana.composer).toHaveValue('so👍! good');
  });

  test('Esc closes the picker and gives the focus back', async ({ person }) => {
    const ana = await person('Ana');
    await ana.create();
    const button = ana.page.getByRole('button', { name: 'Emoji' });
    await button.click();
    await expect(picker(ana.page).getByRole('button').first()).toBeFocused();
    expect(await picker(ana.page).getByRole('button').count()).toBeGreaterThanOrEqual(100);
    await ana.page.keyboard.press('Escape');
    await expect(picker(ana.page)).toBeHidden();
    await expect(button).toBeFocused();
    await button.click();
    await picker(ana.page).getByRole('button', { name: 'test tube' }).click();
    await expect(ana.composer).toHaveValue('🧪');
  });

  test('the button closes what it opened', async ({ person }) => {
    const ana = await person('Ana');
    await ana.create();
    const button = ana.page.getByRole('button', { name: 'Emoji' });
    await button.click();
    await expect(picker(ana.page)).toBeVisible();
    await button.click();
    await expect(picker(ana.page)).toBeHidden();
  });
});

test('others see who types, and nothing moves for it', async ({ person }) => {
  const ana = await person('Ana');
  const bo = await person('Bo');
  const cy = await person('Cy');
  const code = await ana.create();
  await bo.join(code);
  await cy.join(code);
  await ana.sees(['Ana', 'Bo', 'Cy']);
  const typing = ana.page.locator('.typing');
  await expect(typing).toHaveText('');
  const before = await shapeOf(ana);
  await bo.composer.pressSequentially('h');
  await expect(typing).toHaveText('Bo is typing…');
  await expect(typing).toHaveAttribute('aria-hidden', 'true');
  await cy.composer.pressSequentially('h');
  await expect(typing).toHaveText('Bo and Cy are typing…');
  expect(await shapeOf(ana)).toEqual(before);
  await bo.say('hello');
  await ana.hears('hello');
  await expect(typing).toHaveText('Cy is typing…');
  // It ends by itself.
  await expect(typing).toHaveText('');

  await bo.composer.press('ArrowUp');
  await bo.composer.pressSequentially('!');
  await bo.composer.press('Enter');
  await ana.hears('hello!');
  await expect(typing).toHaveText('');
});

test('while leaving, the box is closed', async ({ person, line, guard }) => {
  const ana = await person('Ana', line.url);
  await ana.create();
  await ana.composer.fill('too late');
  const answered = await guard.expectRefusedSockets();
  await line.cut();
  await expect(ana.page.locator('html[data-live]')).not.toBeAttached();
  await ana.press("Let's leave!");
  await ana.answer('Delete and leave');
  await expect(ana.page.locator('form.composer')).toHaveAttribute('inert');
  await expect(ana.composer).not.toBeFocused();
  await line.mend();
  answered();
  await ana.hasLeft();
});
