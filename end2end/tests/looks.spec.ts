import { Member } from '../support/member.ts';
import { expect, type Person, test } from '../support/room.ts';
import { open } from '../support/states.ts';

test.use({ serverEnv: { APPENDS_PER_SECOND: '100000', APPEND_BURST: '100000' } });

/** A talk of two. */
async function pair(person: (name: string) => Promise<Person>, origin: string): Promise<{ ana: Person; bo: Member; own: Member }> {
  const ana = await person('Ana');
  const own = await Member.enter(ana);
  const bo = await Member.enter({ name: 'Bo', origin }, { code: own.code });
  return { ana, bo, own };
}

test.describe('the clock', () => {
  test('after midnight today is yesterday', async ({ person, server }) => {
    const { ana, bo, own } = await pair(person, server.url);
    await ana.page.clock.install({ time: new Date().setHours(24, 0, 0, 0) - 300_000 });
    await bo.say('late');
    await open(ana, own.code);
    const day = ana.log.locator('.day');
    await expect(day).toHaveText('Today');
    await ana.page.clock.fastForward(240_000);
    await expect(day).toHaveText('Today');
    await ana.page.clock.fastForward(60_000);
    await expect(day).toHaveText('Yesterday');
  });

  test('times and days follow the zone', async ({ person, server }) => {
    const { ana, bo, own } = await pair(person, server.url);
    await ana.page.clock.install();
    const chrome = await ana.context.newCDPSession(ana.page);
    const travel = (timezoneId: string) => chrome.send('Emulation.setTimezoneOverride', { timezoneId });
    await travel('UTC');
    await bo.say('where are you');
    await open(ana, own.code);
    const time = ana.message('where are you').locator('time');
    const said = new Date((await time.getAttribute('datetime')) ?? '');
    const at = (timeZone: string) =>
      new Intl.DateTimeFormat('en-US', { hour: 'numeric', minute: '2-digit', timeZone }).format(said);
    const day = (hours: number) => new Date(said.getTime() + hours * 3_600_000).toISOString().slice(0, 10);
    await expect(time).toHaveText(at('UTC'));
    for (const [timeZone, hours] of [['Pacific/Kiritimati', 14], ['Pacific/Pago_Pago', -11]] as const) {
      await travel(timeZone);
      await ana.page.clock.fastForward(61_000);
      await expect(time).toHaveText(at(timeZone));
      await expect(ana.log.locator('.day time')).toHaveAttribute('datetime', day(hours));
    }
  });
});

