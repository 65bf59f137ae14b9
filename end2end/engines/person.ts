import { test as base, expect } from '@playwright/test';
import { By, Key, type WebDriver, type WebElement } from 'selenium-webdriver';
import { Line } from '../support/line.ts';
import { Server } from '../support/server.ts';
import { Browser, type Engine, within } from './engine.ts';

export { expect, Key };

/** Long enough for the longest wait between two attempts to connect, 15 s, and for a loaded machine. */
const RECOVERY = 40_000;

/** Repeats this until it does not throw. */
export async function holds(check: () => Promise<void>, timeout = 15_000): Promise<void> {
  await expect(check).toPass({ timeout, intervals: [25, 50, 100, 250] });
}

/** Somebody with a browser of their own. */
export class Person {
  private constructor(
    readonly name: string,
    readonly origin: string,
    private readonly browser: Browser,
  ) {}

  static async open(engine: Engine, name: string, origin: string): Promise<Person> {
    const browser = await Browser.start(engine);
    await browser.driver.manage().window().setRect({ width: 1280, height: 800 });
    return new Person(name, origin, browser);
  }

  get driver(): WebDriver {
    return this.browser.driver;
  }

  version(): Promise<string> {
    return this.browser.version();
  }

  quit(): Promise<void> {
    return this.browser.quit();
  }

  // --- The page ---

  async goto(path: string): Promise<void> {
    await this.driver.get(`${this.origin}${path}`);
    await this.hydrated();
  }

  /** The program runs, on the page that the server rendered. From here on what it complains about is kept. */
  async hydrated(): Promise<void> {
    await holds(async () => {
      expect(await this.count('html[data-hydrated]')).toBe(1);
      expect(await this.count('html[data-redrawn]')).toBe(0);
    }, RECOVERY);
    await this.driver.executeScript(() => {
      const root = document.documentElement;
      if (root.hasAttribute('data-complaints')) return;
      root.setAttribute('data-complaints', '');
      const complain = (what: unknown) => root.setAttribute('data-complaints', `${root.getAttribute('data-complaints')}${what}\n`);
      addEventListener('error', ({ message }) => complain(message));
      addEventListener('unhandledrejection', ({ reason }) => complain(reason));
      addEventListener('securitypolicyviolation', ({ violatedDirective }) => complain(`CSP: ${violatedDirective}`));
    });
  }

  async complaints(): Promise<string> {
    return this.driver.executeScript(() => document.documentElement.getAttribute('data-complaints') ?? '');
  }

  async count(css: string): Promise<number> {
    return this.driver.executeScript((css: string) => document.querySelectorAll(css).length, css);
  }

  /** The words in each of these elements that are drawn. */
  async texts(css: string): Promise<string[]> {
    return this.driver.executeScript((css: string) => {
      const drawn = Array.from(document.querySelectorAll<HTMLElement>(css)).filter((element) => element.getClientRects().length > 0);
      return drawn.map((element) => element.innerText.trim());
    }, css);
  }

  async shows(css: string, text: string | RegExp): Promise<void> {
    await holds(async () => expect((await this.texts(css)).join('\n')).toMatch(text));
  }

  async isAt(path: string): Promise<void> {
    await holds(async () => expect(await this.driver.getCurrentUrl()).toBe(`${this.origin}${path}`));
  }

  // --- Hands ---

  async find(css: string): Promise<WebElement> {
    let found!: WebElement;
    await holds(async () => {
      found = await this.driver.findElement(By.css(css));
      expect(await found.isDisplayed()).toBe(true);
    });
    return found;
  }

  async click(css: string): Promise<void> {
    await (await this.find(css)).click();
  }

  /** Clicks at this place of the window, whatever is there. */
  async clickAt(x: number, y: number): Promise<void> {
    await this.driver.actions().move({ x, y }).click().perform();
  }

  async fill(css: string, text: string): Promise<void> {
    const field = await this.find(css);
    await field.clear();
    await field.sendKeys(text);
  }

  async valueIs(css: string, value: string | RegExp): Promise<void> {
    const read = () => this.driver.executeScript<string>((css: string) => document.querySelector<HTMLInputElement>(css)?.value ?? '', css);
    await holds(async () => expect(await read()).toMatch(typeof value === 'string' ? exactly(value) : value));
  }

  /** Presses each of these keys, wherever the focus is. */
  async keys(...keys: string[]): Promise<void> {
    await this.driver.actions().sendKeys(...keys).perform();
  }

  async chord(held: string, key: string): Promise<void> {
    await this.driver.actions().keyDown(held).sendKeys(key).keyUp(held).perform();
  }

  /** What has the focus is this. */
  async hasFocus(css: string): Promise<boolean> {
    return this.driver.executeScript((css: string) => document.activeElement?.matches(css) ?? false, css);
  }

  async focusIsOn(css: string): Promise<void> {
    const elsewhere = (css: string) => {
      const at = document.activeElement;
      return at?.matches(css) ? 'there' : at?.outerHTML.slice(0, 120);
    };
    await holds(async () => expect(await this.driver.executeScript(elsewhere, css), css).toBe('there'));
  }

  /** Goes on by Tab until this has the focus, at most once around the page; it must be seen to have it. */
  async tabTo(css: string, back = false): Promise<void> {
    for (let i = 0; i < 40; i++) {
      await (back ? this.chord(Key.SHIFT, Key.TAB) : this.keys(Key.TAB));
      if (await this.hasFocus(css)) {
        expect(await this.hasFocus(':focus-visible')).toBe(true);
        return;
      }
    }
    throw new Error(`Tab does not reach ${css}`);
  }

  /** In the bar of the message that has the focus: goes to the button of this name and presses it. */
  async act(name: string): Promise<void> {
    await this.keys(Key.ENTER);
    await this.focusIsOn('#actions button');
    for (let i = 0; i < 12 && !(await this.hasFocus(`#actions [aria-label="${name}"]`)); i++) await this.keys(Key.ARROW_RIGHT);
    await this.focusIsOn(`#actions [aria-label="${name}"]`);
    await this.keys(Key.ENTER);
  }

  // --- Rooms ---

  /** Creates a room and answers its code. */
  async create(): Promise<string> {
    await this.goto('/');
    await this.fill('#name', this.name);
    await this.click('button[value=create]');
    return this.inRoom();
  }

  async join(code: string): Promise<void> {
    await this.goto('/');
    await this.fill('#name', this.name);
    await this.fill('#code', code);
    await this.click('.join button[value=join]');
    await this.inRoom(code);
  }

  async joinByLink(code: string): Promise<void> {
    await this.goto(`/room/${code}`);
    await this.fill('#name', this.name);
    await this.click('button[value=join]');
    await this.inRoom(code);
  }

  /** Waits until this page is in the room, its socket live, and answers the room's code. */
  async inRoom(code?: string): Promise<string> {
    await this.shows('[data-testid=code]', code ?? /^[0-9A-Z]{4}-[0-9A-Z]{4}$/);
    const [shown = ''] = await this.texts('[data-testid=code]');
    await this.isAt(`/room/${shown}`);
    await this.live();
    return shown;
  }

  async live(): Promise<void> {
    await holds(async () => expect(await this.count('html[data-live]')).toBe(1), RECOVERY);
    // The chunk of tools has come.
    await holds(async () => expect(await this.count('#help')).toBe(1), RECOVERY);
    await this.hydrated();
  }

  async sees(names: string[]): Promise<void> {
    await holds(async () => {
      const people = await this.texts('#people li');
      expect(people.map((person) => names.find((name) => person.includes(name)))).toEqual(names);
    });
  }

  async type(text: string): Promise<void> {
    await this.fill('#body', text);
    await this.keys(Key.ENTER);
    await this.valueIs('#body', '');
  }

  said(): Promise<string[]> {
    return this.texts('#log [data-message] .message');
  }

  /** Every message that this page shows, and no other, in this order. */
  async shownAre(messages: string[]): Promise<void> {
    await holds(async () => expect(await this.said()).toEqual(messages), RECOVERY);
  }

  /** And each of them is stored. */
  async has(messages: string[]): Promise<void> {
    await this.shownAre(messages);
    await holds(async () => expect(await this.count('#log [data-message] .state')).toBe(0));
  }
}

function exactly(text: string): RegExp {
  return new RegExp(`^${text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`);
}

interface Fixtures {
  /** A server and store of this journey's own. */
  server: Server;
  /** A line to the server that can be cut; give its `url` to `person`. */
  line: Line;
  person: (name: string, origin?: string) => Promise<Person>;
}

export const test = base.extend<Fixtures & { engine: Engine }>({
  engine: ['chromium', { option: true }],

  server: async ({}, use, info) => {
    const server = await Server.launch({});
    await use(server);
    await server.dispose();
    if (info.status !== info.expectedStatus) {
      await info.attach('server', { body: server.output.join(''), contentType: 'text/plain' });
    }
  },

  line: async ({ server }, use) => {
    const line = await Line.to(server.port);
    await use(line);
    await line.cut();
  },

  person: async ({ engine, server }, use, info) => {
    const people: Person[] = [];
    await use(async (name, origin = server.url) => {
      const person = await Person.open(engine, name, origin);
      people.push(person);
      return person;
    });
    for (const [index, person] of people.entries()) {
      if (index === 0) info.annotations.push({ type: 'engine', description: await person.version() });
      if (info.status !== info.expectedStatus) {
        const picture = await within(5_000, person.driver.takeScreenshot());
        if (picture) await info.attach(person.name, { body: Buffer.from(picture, 'base64'), contentType: 'image/png' });
      } else {
        expect.soft(await person.complaints(), `what the page of ${person.name} complained about`).toBe('');
      }
    }
    await Promise.all(people.map((person) => person.quit()));
  },
});
