import { Member } from '../support/member.ts';
import { expect, type Person, test } from '../support/room.ts';
import { open, STAGE_ENV } from '../support/states.ts';

test.use({ serverEnv: { ...STAGE_ENV, FLASKY_EVENTS: '400' } });

/** A room in which the last message answers the first, with so many between. */
async function long(
  { person }: { person: (name: string) => Promise<Person> },
  between: number,
): Promise<{ ana: Person; bo: Member; first: string }> {
  const ana = await person('Ana');
  const { code } = await Member.enter(ana);
  const bo = await Member.enter({ name: 'Bo', origin: ana.origin }, { code });
  const first = await bo.say('Who brings the **cake**?');
  for (let i = 1; i <= between; i++) await bo.say(`Line ${i}`);
  await bo.say('I do, with candles', first);
  return { ana, bo, first };
}

const quote = (one: Person, text = 'I do, with candles') => one.message(text).locator('.quote');

test('a reply shows what it answers though that is not on the page, also without script', async ({ person, browser }) => {
  const { ana, bo } = await long({ person }, 150);
  const plain = await browser.newContext({ javaScriptEnabled: false, storageState: await ana.context.storageState() });
  const page = await plain.newPage();
  await page.goto(`${ana.origin}/room/${bo.code}`);
  await expect(page.locator('.quote')).toHaveText('Bo Who brings the cake?');
  await plain.close();
  await open(ana, bo.code);
  await expect(quote(ana)).toHaveText('Bo Who brings the cake?');
});

test('a reply that comes while the page is open shows what it answers, and follows its author', async ({ person }) => {
  const { ana, bo, first } = await long({ person }, 150);
  await open(ana, bo.code);
  const second = 'And another answer';
  await bo.say(second, first);
  await expect(quote(ana, second)).toHaveText('Bo Who brings the cake?');
  await bo.edit(first, 'Who brings the pie?');
  await expect(quote(ana, second)).toHaveText('Bo Who brings the pie?');
  await bo.remove(first);
  await expect(quote(ana, second)).toContainText('Message deleted');
  await expect(quote(ana)).toContainText('Message deleted');
});

test('one can jump to it: older pages come until it is there', async ({ person }) => {
  const { ana, bo } = await long({ person }, 250);
  await open(ana, bo.code);
  await expect(ana.message('Who brings the cake?').filter({ hasNot: ana.page.locator('.quote') })).toHaveCount(0);
  await quote(ana).click();
  const first = ana.message('Who brings the cake?').filter({ hasNot: ana.page.locator('.quote') });
  await expect(first).toBeInViewport();
  await expect(first).toBeFocused();
});

test('one that retention removed is said to be gone', async ({ person }) => {
  const { ana, bo } = await long({ person }, 450);
  await open(ana, bo.code);
  await expect(quote(ana)).toContainText('a message that is gone');
  await expect(quote(ana).and(ana.page.locator('button'))).toHaveCount(0);
});
