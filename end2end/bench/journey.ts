import { record } from '../support/figures.ts';
import { Member } from '../support/member.ts';
import { expect, test } from '../support/room.ts';
import { STAGE_ENV } from '../support/states.ts';

test.use({ serverEnv: STAGE_ENV });

/** Home, create, talk, leave, join by code, Back. */
test('one journey', async ({ person, server }) => {
  const ana = await person('Ana');
  let [documents, requests] = [0, 0];
  ana.page.on('request', (request) => {
    requests += 1;
    if (request.isNavigationRequest() && request.frame() === ana.page.mainFrame()) documents += 1;
  });
  // By the wall clock, which goes on from one document to the next.
  await ana.page.addInitScript(() => {
    const note = (name: string) => sessionStorage.setItem(`bench.${name}`, String(Date.now()));
    addEventListener('click', () => note('click'), true);
    new MutationObserver(() => {
      if (document.documentElement.hasAttribute('data-live')) note('live');
    }).observe(document, { subtree: true, attributes: true, attributeFilter: ['data-live'] });
  });

  await ana.home();
  await ana.nameField.fill('Ana');
  await ana.press('Create a room');
  const code = await ana.inRoom();
  const ms = await ana.page.evaluate(() => {
    const at = (name: string) => Number(sessionStorage.getItem(`bench.${name}`));
    return at('live') - at('click');
  });
  await Member.enter({ name: 'Bo', origin: server.url }, { code });
  await ana.say('Hello');
  await ana.leave();
  await ana.nameField.fill('Ana');
  await ana.codeField.fill(code);
  await ana.press('Join');
  await ana.inRoom(code);
  await ana.page.goBack();
  await ana.isHome();
  expect(ms).toBeGreaterThan(0);
  record('home, create, talk, leave, join by code, Back', { documents, requests });
  record('from pressing Create to live, ms', { ms });
});
