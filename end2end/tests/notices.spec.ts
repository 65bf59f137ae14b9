import { Member } from '../support/member.ts';
import { expect, type Page, type Person, test } from '../support/room.ts';
import { open, setHidden, STAGE_ENV } from '../support/states.ts';

test.use({ serverEnv: STAGE_ENV });

/** A notification as the browser has it. */
type Shown = { tag: string; body: string; closed: boolean };

/** Stands in for a desktop that shows notifications, and has the page turned them on. */
async function pretend(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const shown: Shown[] = [];
    class Notice {
      static permission = 'granted';
      static requestPermission = async () => 'granted';
      onclick: unknown;
      private readonly here: Shown;
      constructor(_title: string, { body, tag }: { body: string; tag: string }) {
        this.here = { tag, body, closed: false };
        shown.push(this.here);
      }
      close() {
        this.here.closed = true;
      }
    }
    class Sound {
      async play() {
        Object.assign(window, { rung: ((window as unknown as { rung?: number }).rung ?? 0) + 1 });
      }
    }
    Object.assign(window, { Notification: Notice, Audio: Sound, shown });
    localStorage.setItem('flasky.notices', 'on');
  });
}

const shown = (one: Person) => one.page.evaluate(() => (window as unknown as { shown: Shown[] }).shown);
const openOnes = async (one: Person) => (await shown(one)).filter(({ closed }) => !closed).map(({ body }) => body);
const rung = (one: Person) => one.page.evaluate(() => (window as unknown as { rung?: number }).rung ?? 0);

async function hiddenReader({ person }: { person: (name: string) => Promise<Person> }): Promise<[Person, Member]> {
  const ana = await person('Ana');
  await pretend(ana.page);
  const { code } = await Member.enter(ana);
  const bo = await Member.enter({ name: 'Bo', origin: ana.origin }, { code });
  await open(ana, code);
  await expect(ana.page.getByRole('button', { name: 'Notifications: on' })).toBeAttached();
  await setHidden(ana.page, true);
  return [ana, bo];
}

test('a notification goes when the room is looked at', async ({ person }) => {
  const [ana, bo] = await hiddenReader({ person });
  await bo.say('Psst');
  await expect.poll(() => openOnes(ana)).toEqual(['Bo: Psst']);
  await setHidden(ana.page, false);
  await expect.poll(() => openOnes(ana)).toEqual([]);
});

test('a notification goes with its message', async ({ person }) => {
  const [ana, bo] = await hiddenReader({ person });
  const said = await bo.say('A secret');
  await expect.poll(() => openOnes(ana)).toEqual(['Bo: A secret']);
  await bo.react(said, '👍');
  await ana.hears('A secret');
  expect(await openOnes(ana)).toEqual(['Bo: A secret']);
  await bo.remove(said);
  await expect.poll(() => openOnes(ana)).toEqual([]);
});

test('several hidden tabs of one room ring once, and none rings while one is looked at', async ({ person }) => {
  const [ana, bo] = await hiddenReader({ person });
  const other = await ana.tab();
  await pretend(other.page);
  await open(other, bo.code);
  await setHidden(other.page, true);
  const both = async (what: (one: Person) => Promise<number>) => (await what(ana)) + (await what(other));
  await bo.say('Once');
  await expect.poll(() => both(async (one) => (await shown(one)).length)).toBe(1);
  await expect.poll(() => both(rung)).toBe(1);

  await setHidden(other.page, false);
  await expect.poll(() => openOnes(ana)).toEqual([]);
  await bo.say('While one looks');
  await other.hears('While one looks');
  await expect(ana.page).toHaveTitle(/^\(2\)/);
  await setHidden(other.page, true);
  await bo.say('Nobody looks');
  await expect.poll(() => both(rung)).toBe(2);
  const bodies = [...(await shown(ana)), ...(await shown(other))].map(({ body }) => body);
  expect(bodies.sort()).toEqual(['Bo: Nobody looks', 'Bo: Once']);
});
