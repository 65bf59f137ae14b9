import { expect, type Page, type Person } from './room.ts';

/** A notification as the browser has it. */
export interface Notice {
  title: string;
  body: string;
  tag: string;
  silent: boolean;
  closed: boolean;
}

/** What the browser was asked to show, to play and to permit. */
export interface Desktop {
  shown: Notice[];
  played: string[];
  asked: number;
}

/** Answer of the person who is asked, or the browser: Chrome on Android has a constructor that throws, Safari on a phone none. */
export type Answer = 'granted' | 'denied' | 'throws' | 'missing';

/** Stands in for what a headless browser has not: a person who answers, a desktop, a loudspeaker. */
export async function pretend(page: Page, answer: Answer): Promise<void> {
  await page.addInitScript((answer) => {
    const desktop: Desktop = { shown: [], played: [], asked: 0 };
    // The permission is the browser's, and outlives a page.
    const permission = () => localStorage.getItem('permission') ?? 'default';
    class Shown {
      static get permission() {
        return permission();
      }
      static async requestPermission() {
        desktop.asked += 1;
        localStorage.setItem('permission', answer);
        return answer;
      }
      onclick: unknown;
      private readonly notice: Notice;
      constructor(title: string, { body, tag, silent }: Notice) {
        if (answer === 'throws') throw new TypeError('Illegal constructor');
        this.notice = { title, body, tag, silent, closed: false };
        if (permission() === 'granted') desktop.shown.push(this.notice);
      }
      close() {
        this.notice.closed = true;
      }
    }
    class Sound {
      constructor(private readonly source: string) {}
      async play() {
        desktop.played.push(this.source);
      }
    }
    Object.assign(window, { Notification: Shown, Audio: Sound, desktop });
    if (answer === 'missing') Reflect.deleteProperty(window, 'Notification');
  }, answer);
}

/** What a tab's browser was asked for so far. */
export function desktop({ page }: Person): Promise<Desktop> {
  return page.evaluate(() => (window as unknown as { desktop: Desktop }).desktop);
}

/** Words of the notifications that are open. */
export async function open(person: Person): Promise<string[]> {
  const { shown } = await desktop(person);
  return shown.filter(({ closed }) => !closed).map(({ body }) => body);
}

/** Opens the settings for notices. */
export async function openSettings(person: Person): Promise<void> {
  const { page, words } = person;
  const named = (id: string) => page.getByRole('button', { name: words(id), exact: true });
  const bell = named('notices-off').or(named('notices-mentions')).or(named('notices-all'));
  if (!(await bell.isVisible())) await person.press(words('more'));
  await bell.click();
  await expect(page.getByRole('dialog', { name: words('notices') })).toBeVisible();
}

/** Makes a choice in the settings for notices, and closes them. */
export async function choose(person: Person, ...choices: string[]): Promise<void> {
  await openSettings(person);
  for (const choice of choices) await person.page.getByLabel(choice).click();
  await person.page.keyboard.press('Escape');
  await expect(person.page.getByRole('dialog')).toBeHidden();
}
