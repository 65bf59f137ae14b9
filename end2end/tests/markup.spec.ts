import { Member } from '../support/member.ts';
import { expect, type Page, test } from '../support/room.ts';
import { open, STAGE_ENV } from '../support/states.ts';

test.use({ serverEnv: STAGE_ENV });

const PARSER = '**/split_markup.wasm';

/** How often the page has asked for the parser. */
function asked(page: Page): { times: number } {
  const count = { times: 0 };
  page.on('request', (request) => void (count.times += Number(/split_markup/.test(request.url()))));
  return count;
}

test('what the server wrote stays in the page, and is read only when it changes', async ({ person }) => {
  const ana = await person('Ana');
  const bo = await Member.enter({ name: 'Bo', origin: ana.origin });
  const own = await Member.enter(ana, { code: bo.code });
  const bold = await bo.say('Some **bold** words\n- and\n- a list');
  await own.say('Of *course*', bold);
  const parser = asked(ana.page);
  await open(ana, bo.code);
  const strong = await ana.message('bold words').locator('strong').elementHandle();
  const stays = () => strong?.evaluate((node) => node.isConnected);

  await bo.react(bold, '👍');
  await expect(ana.message('bold words').getByRole('button', { name: /👍/ })).toBeVisible();
  // Bo's group ends elsewhere now.
  await bo.say('Next');
  await ana.hears('Next');
  expect(await stays()).toBe(true);
  expect(parser.times).toBe(0);
  expect(await ana.said()).toEqual([expect.stringContaining('Some bold words'), expect.stringContaining('Of course'), 'Next']);

  await bo.edit(bold, 'Some **other** words');
  await expect(ana.message('other words').locator('.message > p > strong')).toHaveText('other');
  await expect(ana.message('Of course').locator('.quote')).toContainText('Some other words');
  await expect(ana.message('Of course').locator('em')).toHaveText('course');
  expect(parser.times).toBe(1);
});

test('without the parser a message stands as it was typed, and the next one asks again', async ({ person, guard }) => {
  const ana = await person('Ana');
  const bo = await Member.enter({ name: 'Bo', origin: ana.origin });
  await Member.enter(ana, { code: bo.code });
  await open(ana, bo.code);
  const parser = asked(ana.page);
  const isBack = guard.expectLost(/split_markup/);
  await ana.page.route(PARSER, (route) => route.abort());
  const lost = ana.page.waitForEvent('requestfailed');
  await bo.say('A **bold**\n> step');
  await expect(ana.message('step').locator('.message')).toHaveText('A **bold**> step');
  await expect(ana.message('step').locator('.message br')).toHaveCount(1);
  await lost;
  await ana.page.unroute(PARSER);
  await isBack();
  await bo.say('and a **second**');
  await expect(ana.log.locator('strong')).toHaveText(['bold', 'second']);
  await expect(ana.log.locator('blockquote')).toHaveText('step');
  expect(parser.times).toBe(2);
});

test('the parser comes while a message is written that needs it', async ({ person }) => {
  const ana = await person('Ana');
  const bo = await Member.enter({ name: 'Bo', origin: ana.origin });
  await Member.enter(ana, { code: bo.code });
  await open(ana, bo.code);
  const parser = asked(ana.page);
  await ana.composer.pressSequentially('plain ');
  expect(parser.times).toBe(0);
  const came = ana.page.waitForResponse(PARSER);
  await ana.composer.pressSequentially('**bold**');
  await came;
  await ana.composer.press('Enter');
  await expect(ana.log.locator('strong')).toHaveText('bold');
  expect(parser.times).toBe(1);
});
