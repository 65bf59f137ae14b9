import { test as base, type BrowserContext, expect, type Locator, type Page } from '@playwright/test';
import { Guard } from './guard.ts';
import { Line } from './line.ts';
import { Server } from './server.ts';
import { type Words, wordsOf } from './words.ts';

export { expect, type Line, type Page };

/** A code as the server spells it, for a room that does not exist. */
export const NOWHERE = 'ZZZZ-ZZZZ';

/** One tab of somebody's browser. */
export class Person {
  readonly log: Locator;
  readonly lines: Locator;
  readonly people: Locator;
  readonly composer: Locator;
  readonly nameField: Locator;
  readonly codeField: Locator;
  readonly alert: Locator;
  /** What is told aloud of the connection, and the buttons beside it. */
  readonly status: Locator;
  readonly banner: Locator;
  /** What the page shows as never sent. */
  readonly unsent: Locator;
  /** What this browser's language says. */
  readonly words: Words;

  constructor(
    readonly page: Page,
    readonly name: string,
    private readonly scripts: boolean,
    readonly origin: string,
    readonly locale = 'en',
  ) {
    const words = wordsOf(locale);
    this.words = words;
    this.log = page.getByRole('log', { name: words('messages') });
    this.lines = this.log.locator('.line');
    const people = { name: words('people'), exact: true };
    this.people = page.getByRole('complementary', people).or(page.getByRole('region', people));
    this.composer = page.getByRole('textbox', { name: words('message') });
    this.nameField = page.getByRole('textbox', { name: words('your-name') });
    this.codeField = page.getByRole('textbox', { name: words('room-code') });
    this.alert = page.getByRole('alert').filter({ hasText: /\S/ });
    const status = (id: string) => page.getByRole('status').filter({ hasText: words(id) });
    this.status = status('offline').or(status('disconnected')).or(status('leaving'));
    this.banner = page.locator('.banner');
    this.unsent = page.locator('.unsent .message');
  }

  get context(): BrowserContext {
    return this.page.context();
  }

  /** Another tab of the same browser. */
  async tab(): Promise<Person> {
    return new Person(await this.context.newPage(), this.name, this.scripts, this.origin, this.locale);
  }

  // --- Home ---

  async home(): Promise<void> {
    await this.page.goto(`${this.origin}/`);
    await this.isHome();
  }

  async isHome(): Promise<void> {
    await expect(this.page).toHaveURL(`${this.origin}/`);
    await expect(this.page.getByRole('heading', { level: 1 })).toHaveText(`${this.words('pitch-first')} ${this.words('pitch-second')}`);
    await this.hydrated();
  }

  /**
   * Before this, a click is the browser's own form post, and a test could not say which of the two it saw. The page is
   * the one that the server rendered, and not one that had to be drawn anew.
   */
  async hydrated(): Promise<void> {
    if (this.scripts) await expect(this.page.locator('html[data-hydrated]:not([data-redrawn])')).toBeAttached();
  }

  /** The page is live, though others had changed what the server rendered. */
  async redrawn(): Promise<void> {
    await expect(this.page.locator('html[data-hydrated][data-redrawn]')).toBeAttached();
  }

  /** Creates a room and answers its code. */
  async create(options: { capacity?: number; roomName?: string } = {}): Promise<string> {
    await this.home();
    await this.nameField.fill(this.name);
    if (Object.keys(options).length > 0) await this.page.getByText(this.words('options'), { exact: true }).click();
    if (options.roomName !== undefined) await this.page.getByRole('textbox', { name: this.words('room-name') }).fill(options.roomName);
    if (options.capacity !== undefined) await this.page.getByRole('textbox', { name: this.words('how-many') }).fill(String(options.capacity));
    await this.press(this.words('create'));
    return this.inRoom();
  }

  async join(code: string): Promise<void> {
    await this.home();
    await this.nameField.fill(this.name);
    await this.codeField.fill(code);
    await this.press(this.words('join'));
    await this.inRoom(code);
  }

  async openLink(code: string): Promise<void> {
    await this.page.goto(`${this.origin}/room/${code}`);
    await this.hydrated();
  }

  async joinByLink(code: string): Promise<void> {
    await this.openLink(code);
    // The name that this device remembers is on the button, and not in a field.
    const other = this.page.getByRole('button', { name: this.words('other-name') });
    if (await other.isVisible()) await other.click();
    await this.nameField.fill(this.name);
    await this.press(this.words('join-room'));
    await this.inRoom(code);
  }

  async press(button: string): Promise<void> {
    await this.page.getByRole('button', { name: button, exact: true }).click();
  }

  /** The form stands as it was, with the error at this field. */
  async isRefused(field: Locator, error?: RegExp): Promise<void> {
    await expect(this.alert).toHaveCount(1);
    if (error) await expect(this.alert).toHaveText(error);
    await expect(field).toHaveAttribute('aria-invalid', 'true');
    if (this.scripts) await expect(field).toBeFocused();
  }

  // --- Room ---

  /** Waits until this tab is in the room, its socket live, and answers the room's code. */
  async inRoom(code?: string): Promise<string> {
    const shown = this.page.getByTestId('code');
    await expect(shown).toHaveText(code ?? /^[0-9A-Z]{4}-[0-9A-Z]{4}$/);
    await expect(this.log).toBeVisible();
    await this.live();
    const found = (await shown.innerText()).trim();
    await expect(this.page).toHaveURL(`${this.origin}/room/${found}`);
    return found;
  }

  /** Waits until the socket is live and the chunk of tools has come, which brings the list of shortcuts. */
  async live(): Promise<void> {
    if (!this.scripts) return;
    await expect(this.page.locator('html[data-live]')).toBeAttached({ timeout: RECOVERY });
    await expect(this.page.locator('#help')).toBeAttached({ timeout: RECOVERY });
  }

  /** Everything said, as this tab shows it. */
  async said(): Promise<string[]> {
    return this.log.locator('[data-message] .message').allInnerTexts();
  }

  message(text: string | RegExp): Locator {
    return this.log.locator('[data-message]').filter({ has: this.page.locator('.message', { hasText: text }) });
  }

  async type(text: string): Promise<void> {
    await this.composer.fill(text);
    // Where fingers type, Enter breaks the line.
    const sends = this.scripts && !(await this.page.evaluate(() => matchMedia('(pointer: coarse)').matches));
    if (sends) await this.composer.press('Enter');
    else await this.press(this.words('send'));
  }

  /** Sends and waits until it is stored: before that, only this page has it. */
  async say(text: string): Promise<void> {
    await this.type(text);
    await this.hears(text);
    await expect(this.composer).toHaveValue('');
    await this.sent(text);
  }

  async sent(text: string): Promise<void> {
    await expect(this.message(text).locator('.state')).toHaveCount(0);
  }

  /** Every message that this tab shows, and no other, in this order and stored. */
  async has(messages: string[]): Promise<void> {
    await expect.poll(() => this.said(), { timeout: RECOVERY }).toEqual(messages);
    await expect(this.log.locator('[data-message] .state')).toHaveCount(0);
  }

  async hears(text: string): Promise<void> {
    await expect(this.message(text)).toHaveCount(1);
  }

  line(text: string | RegExp): Locator {
    return this.lines.filter({ hasText: text });
  }

  async sees(names: string[], capacity = 50): Promise<void> {
    await expect(this.people).toContainText(this.words('here-now', { count: names.length, seats: capacity }));
    const items = this.people.getByRole('listitem');
    await expect(items).toHaveCount(names.length);
    for (const name of names) await expect(items.filter({ hasText: name })).toHaveCount(1);
  }

  /** Names the room, whose host this is. */
  async nameRoom(name: string): Promise<void> {
    const button = this.page.getByRole('button', { name: this.words('name-room') });
    if (!(await button.isVisible())) await this.press(this.words('more'));
    await button.click();
    await this.changeName('name-room', 'room-name', name);
  }

  /** Opens the dialog of the host, who this is. */
  async manage(): Promise<Locator> {
    const link = this.page.getByRole('link', { name: this.words('manage-room') });
    if (!(await link.isVisible())) await this.press(this.words('more'));
    await link.click();
    const dialog = this.page.getByRole('dialog', { name: this.words('manage-room') });
    await expect(dialog).toBeVisible();
    return dialog;
  }

  /** Takes another name. */
  async rename(name: string): Promise<void> {
    const button = this.page.getByRole('button', { name: this.words('rename') });
    if (!(await button.isVisible())) await this.page.getByRole('button', { name: this.words('people') }).click();
    await button.click();
    await this.changeName('rename', 'your-name', name);
  }

  private async changeName(dialog: string, field: string, name: string): Promise<void> {
    const shown = this.page.getByRole('dialog', { name: this.words(dialog) });
    await shown.getByRole('textbox', { name: this.words(field) }).fill(name);
    await shown.getByRole('button', { name: this.words('save') }).click();
  }

  /** Answers the question before something is given up. */
  async answer(button: string): Promise<void> {
    await this.page.getByRole('alertdialog').getByRole('button', { name: button, exact: true }).click();
  }

  /** The page says so. The room's own heading has the code in it as well, so the whole line is compared. */
  async hasLeft(code = new URL(this.page.url()).pathname.replace('/room/', '')): Promise<void> {
    await expect(this.page.getByRole('heading', { level: 1 })).toHaveText(this.words('left', { code }));
  }

  /** Leaves the room, also as the last one, and goes home. */
  async leave(): Promise<void> {
    await this.press(this.words('leave'));
    const sure = this.page.getByRole('button', { name: this.words('delete-and-leave') });
    const next = this.page.getByRole('link', { name: this.words('start-new') });
    await expect(sure.or(next)).toBeVisible();
    if (await sure.isVisible()) await sure.click();
    await this.hasLeft();
    await this.hydrated();
    await next.click();
    await this.isHome();
  }
}

/** Long enough for the longest wait between two attempts, 15 s, and for a loaded machine. */
export const RECOVERY = 40_000;

/** From the next load on, closes each socket this page opens while `blocked` is true. Pages and forms go through. */
export async function blockSockets(page: Page): Promise<{ blocked: boolean }> {
  const sockets = { blocked: true };
  await page.routeWebSocket(/\/ws\//, (socket) => {
    if (sockets.blocked) void socket.close({ code: 4003 });
    else socket.connectToServer();
  });
  return sockets;
}

/** Keeps the WASM of this page back until the answer is called. */
export async function holdWasm(page: Page): Promise<() => void> {
  let release = () => {};
  const released = new Promise<void>((done) => (release = done));
  await page.route('**/*.wasm', async (route) => {
    await released;
    await route.continue();
  });
  return release;
}

type Fixtures = {
  /** Settings of this test's server, beside those every test has. */
  serverEnv: Record<string, string>;
  /** This test's own server and store. */
  server: Server;
  guard: Guard;
  /** A person with a browser of their own. */
  person: (name: string, origin?: string) => Promise<Person>;
  /** A line to the server that can be cut; give its `url` to `person`. */
  line: Line;
};

export const test = base.extend<Fixtures>({
  serverEnv: [{}, { option: true }],

  server: async ({ serverEnv }, use, info) => {
    const server = await Server.launch(serverEnv);
    await use(server);
    await server.dispose();
    if (info.status !== info.expectedStatus) {
      await info.attach('server', { body: server.output.join(''), contentType: 'text/plain' });
    }
  },

  baseURL: async ({ server }, use) => use(server.url),

  guard: [
    async ({}, use) => {
      const guard = new Guard();
      await use(guard);
      expect(guard.verdict(), 'what the pages complained about').toEqual([]);
    },
    { auto: true },
  ],

  context: async ({ context, guard, javaScriptEnabled }, use) => {
    await guard.watch(context, javaScriptEnabled !== false);
    await use(context);
    await guard.seal();
  },

  person: async ({ browser, server, guard, javaScriptEnabled, locale }, use) => {
    const scripts = javaScriptEnabled !== false;
    const contexts: BrowserContext[] = [];
    await use(async (name, origin = server.url) => {
      const context = await browser.newContext({ baseURL: origin, javaScriptEnabled: scripts });
      contexts.push(context);
      await guard.watch(context, scripts);
      return new Person(await context.newPage(), name, scripts, origin, locale);
    });
    await guard.seal();
    await Promise.all(contexts.map((context) => context.close()));
  },

  line: async ({ server, guard }, use) => {
    const line = await Line.to(server.port);
    await use(line);
    // A page may still be fetching its icon.
    await guard.seal();
    await line.cut();
  },
});
