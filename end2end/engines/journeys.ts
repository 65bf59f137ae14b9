import { expect, holds, Key, type Person, test } from './person.ts';

const INVITE = 'button[commandfor=invite][command=show-modal]';
const HELP = 'button[commandfor=help][command=show-modal]';
const EMOJI = 'button[popovertarget=emoji]';
const PEOPLE = 'button[popovertarget=people]:not([popovertargetaction])';
const MENU = 'button[popovertarget=tools]';
const LOG = '[role=log]';
const FIRST = '[data-message]:nth-child(1 of [data-message])';
const LAST = '[data-message]:nth-last-child(1 of [data-message])';

/** Two people in one room. */
async function pair(person: (name: string, origin?: string) => Promise<Person>, origin?: string): Promise<[Person, Person, string]> {
  const ana = await person('Ana', origin);
  const code = await ana.create();
  const bo = await person('Bo');
  await bo.join(code);
  await ana.sees(['Ana', 'Bo']);
  return [ana, bo, code];
}

test('create a room, join it by its code and by its link, and leave', async ({ person }) => {
  const [ana, bo, code] = await pair(person);
  const cy = await person('Cy');
  await cy.joinByLink(code);
  await ana.sees(['Ana', 'Bo', 'Cy']);
  await cy.sees(['Cy', 'Ana', 'Bo']);
  await bo.click('button.leave');
  await ana.sees(['Ana', 'Cy']);
  await ana.shows('#log .line', /Bo left/);
});

test('talk both ways, with markup and a change', async ({ person }) => {
  const [ana, bo] = await pair(person);
  await ana.type('Hello, **Bo**');
  for (const one of [ana, bo]) await one.has(['Hello, Bo']);
  expect(await bo.texts('#log .message strong')).toEqual(['Bo']);
  await bo.type('Hello, schöne Ana');
  for (const one of [ana, bo]) await one.has(['Hello, Bo', 'Hello, schöne Ana']);
  await bo.keys(Key.ARROW_UP);
  await bo.valueIs('#body', 'Hello, schöne Ana');
  await bo.keys(Key.END, '!', Key.ENTER);
  for (const one of [ana, bo]) await one.has(['Hello, Bo', 'Hello, schöne Ana!']);
});

test('the box grows with what is written, and what is being read keeps its place', async ({ person }) => {
  const [ana, bo] = await pair(person);
  // Low, so that a few words are more than it shows.
  await ana.driver.manage().window().setRect({ width: 1280, height: 560 });
  const height = () => ana.driver.executeScript<number>(() => document.getElementById('body')?.clientHeight ?? 0);
  const one = await height();
  await ana.click('#body');
  for (let i = 0; i < 3; i++) await ana.chord(Key.SHIFT, Key.ENTER);
  await ana.keys('the fourth line');
  await holds(async () => expect(await height()).toBeGreaterThan(2 * one));
  await ana.keys(Key.ENTER);
  await holds(async () => expect(await height()).toBe(one));

  const long = [1, 2, 3, 4, 5, 6].map((i) => `${i}: ${'and so on '.repeat(25)}`.trim());
  for (const text of long) await bo.type(text);
  await ana.has(['the fourth line', ...long]);
  const top = (css: string) => ana.driver.executeScript<number>((css: string) => document.querySelector(css)?.getBoundingClientRect().top, css);
  await ana.tabTo(LOG, true);
  await ana.keys(Key.HOME);
  for (const steps of [0, 2]) {
    for (let i = 0; i < steps; i++) await ana.keys(Key.ARROW_DOWN);
    await ana.focusIsOn(`[data-message]:nth-child(${1 + steps} of [data-message])`);
    const before = await top(':focus');
    await bo.type(`The latest, ${steps}`);
    await holds(async () => expect((await ana.said()).at(-1)).toBe(`The latest, ${steps}`));
    expect(Math.abs((await top(':focus')) - before)).toBeLessThanOrEqual(1);
  }
});

test('the server goes away and comes back, and what was written meanwhile arrives once', async ({ person, server }) => {
  const [ana, bo, code] = await pair(person);
  await ana.type('one');
  for (const one of [ana, bo]) await one.has(['one']);
  await server.kill();
  for (const one of [ana, bo]) await one.shows('.banner', /Connection lost/);
  await ana.type('while it was down');
  await ana.shownAre(['one', 'while it was down']);
  await server.start();
  for (const one of [ana, bo]) {
    await one.has(['one', 'while it was down']);
    await one.live();
  }
  await bo.type('three');
  for (const one of [ana, bo]) {
    await one.has(['one', 'while it was down', 'three']);
    await one.isAt(`/room/${code}`);
    expect((await one.texts('#log .line')).join()).not.toMatch(/left/);
  }
});

test('a reload keeps the room, what is not sent, and the draft', async ({ person, line }) => {
  const [ana, bo, code] = await pair(person, line.url);
  await bo.type('one');
  await ana.has(['one']);
  await line.cut();
  line.holdsSockets = true;
  await line.mend();
  await ana.type('not yet');
  await ana.shownAre(['one', 'not yet']);
  await ana.fill('#body', 'half a sent');
  await ana.driver.navigate().refresh();
  await ana.hydrated();
  await ana.isAt(`/room/${code}`);
  await ana.shownAre(['one', 'not yet']);
  await ana.valueIs('#body', 'half a sent');
  line.holdsSockets = false;
  for (const one of [ana, bo]) await one.has(['one', 'not yet']);
  await ana.driver.navigate().refresh();
  await ana.inRoom(code);
  await ana.has(['one', 'not yet']);
  await ana.valueIs('#body', 'half a sent');
});

test('back and forward bring home and the room again, live', async ({ person }) => {
  const [ana, bo, code] = await pair(person);
  await bo.click('header a.mark');
  await bo.isAt('/');
  await ana.type('still there?');
  await bo.driver.navigate().back();
  await bo.inRoom(code);
  await bo.has(['still there?']);
  await bo.driver.navigate().forward();
  await bo.isAt('/');
  await bo.driver.navigate().back();
  await bo.inRoom(code);
  await bo.type('back');
  for (const one of [ana, bo]) await one.has(['still there?', 'back']);
});

test('dialogs open and close, and give the focus back', async ({ person }) => {
  const ana = await person('Ana');
  await ana.create();
  for (const [opener, dialog] of [
    [INVITE, '#invite'],
    [HELP, '#help'],
  ] as const) {
    for (const way of ['the button', 'Escape', 'beside it']) {
      await test.step(`${dialog} by ${way}`, async () => {
        await ana.click(opener);
        await ana.find(`${dialog}:modal`);
        if (way === 'the button') await ana.click(`${dialog} .close`);
        else if (way === 'Escape') await ana.keys(Key.ESCAPE);
        else await ana.clickAt(5, 400);
        await holds(async () => expect(await ana.count(`${dialog}[open]`)).toBe(0));
        await ana.focusIsOn(opener);
      });
    }
  }
  await test.step('emoji', async () => {
    await ana.click(EMOJI);
    await ana.find('#emoji button');
    await ana.keys(Key.ESCAPE);
    await holds(async () => expect(await ana.texts('#emoji')).toEqual([]));
    await ana.focusIsOn(EMOJI);
    await ana.click(EMOJI);
    await ana.click('#emoji button');
    await ana.focusIsOn('#body');
    await ana.valueIs('#body', /^\p{Emoji}/u);
  });
});

test('in a narrow window the menu and the people open and close, and give the focus back', async ({ person }) => {
  const ana = await person('Ana');
  await ana.driver.manage().window().setRect({ width: 500, height: 800 });
  await ana.create();
  await ana.click(PEOPLE);
  await ana.sees(['Ana']);
  await ana.keys(Key.ESCAPE);
  await holds(async () => expect(await ana.texts('#people')).toEqual([]));
  await ana.focusIsOn(PEOPLE);
  await ana.click(MENU);
  await ana.click(INVITE);
  await ana.find('#invite:modal');
  await ana.keys(Key.ESCAPE);
  await holds(async () => expect(await ana.count('#invite[open]')).toBe(0));
  await ana.focusIsOn(`${MENU}, ${INVITE}`);
  await ana.click('[role=log]');
  await holds(async () => expect(await ana.texts('#tools')).toEqual([]));
});

test('the engine gives everything its role and name', async ({ person }) => {
  const ana = await person('Ana');
  await ana.goto('/');
  const named = async (css: string, role: string, name: string) => {
    const element = await ana.find(css);
    expect([await element.getAriaRole(), await element.getAccessibleName()]).toEqual([role, name]);
  };
  await named('#name', 'textbox', 'Your name');
  await named('#code', 'textbox', 'Room code');
  await named('button[value=create]', 'button', 'Create a room');
  await ana.fill('#name', 'Ana');
  await ana.click('button[value=create]');
  await ana.inRoom();
  await named('[role=log]', 'log', 'Messages');
  await named('#people', 'complementary', 'People');
  await named('#body', 'textbox', 'Message');
  await named('.send', 'button', 'Send');
  await named(EMOJI, 'button', 'Emoji');
  await named(INVITE, 'button', 'Invite');
  await ana.click(INVITE);
  await named('#invite', 'dialog', 'Invite to this room');
  await named('#link', 'textbox', 'Link to this room');
  await named('#invite .close', 'button', 'Close');
});

test('by keyboard alone: create, write, walk through the log, act on a message, invite', async ({ person }) => {
  const ana = await person('Ana');
  await ana.goto('/');
  await ana.tabTo('#name');
  await ana.keys('Ana');
  await ana.tabTo('button[value=create]');
  await ana.keys(Key.ENTER);
  const code = await ana.inRoom();
  const bo = await person('Bo');
  await bo.joinByLink(code);

  await test.step('write', async () => {
    await ana.tabTo(LOG);
    await ana.keys('/');
    await ana.focusIsOn('#body');
    await ana.keys('Hello');
    await ana.chord(Key.SHIFT, Key.ENTER);
    await ana.keys('Bo', Key.ENTER);
    await ana.has(['Hello\nBo']);
    await ana.focusIsOn('#body');
    await bo.type('Hello, Ana');
    await ana.has(['Hello\nBo', 'Hello, Ana']);
  });

  await test.step('walk', async () => {
    await ana.tabTo(LOG, true);
    await ana.keys(Key.ARROW_UP);
    await ana.focusIsOn(LAST);
    await ana.keys(Key.HOME);
    await ana.focusIsOn(FIRST);
    await ana.keys(Key.ARROW_DOWN);
    await ana.focusIsOn(LAST);
    await ana.keys(Key.ESCAPE);
    await ana.focusIsOn('#body');
  });

  await test.step('react', async () => {
    await ana.tabTo(LOG, true);
    await ana.keys(Key.END);
    await ana.act('React with 👍');
    for (const one of [ana, bo]) await one.shows('[data-message] .reactions', /👍/);
    await ana.keys(Key.ESCAPE);
    await ana.focusIsOn('#body');
  });

  await test.step('reply', async () => {
    await ana.tabTo(LOG, true);
    await ana.keys(Key.END);
    await ana.act('Reply');
    await ana.focusIsOn('#body');
    await ana.shows('#about', /Reply to Bo/);
    await ana.keys(Key.ESCAPE);
    await holds(async () => expect(await ana.texts('#about')).toEqual([]));
    await ana.focusIsOn('#body');
  });

  await test.step('mention', async () => {
    await ana.keys('Thanks, @b');
    await ana.shows('[role=option]', /Bo/);
    await ana.keys(Key.ENTER);
    await ana.valueIs('#body', 'Thanks, @Bo ');
    await ana.keys(Key.ENTER);
    await bo.has(['Hello\nBo', 'Hello, Ana', 'Thanks, @Bo']);
  });

  await test.step('emoji', async () => {
    await ana.tabTo(EMOJI, true);
    await ana.keys(Key.ENTER);
    await ana.focusIsOn('#emoji button');
    await ana.keys(Key.ARROW_RIGHT, Key.ARROW_DOWN, Key.ENTER);
    await ana.valueIs('#body', /^\p{Emoji}/u);
    await ana.focusIsOn('#body');
  });

  await test.step('invite', async () => {
    await ana.tabTo(INVITE, true);
    await ana.keys(Key.ENTER);
    await ana.find('#invite:modal');
    for (let i = 0; i < 6; i++) {
      await ana.keys(Key.TAB);
      // Or the browser's own controls.
      expect(await ana.hasFocus('#invite *, #invite, body')).toBe(true);
    }
    await ana.keys(Key.ESCAPE);
    await holds(async () => expect(await ana.count('#invite[open]')).toBe(0));
    await ana.focusIsOn(INVITE);
  });
});
