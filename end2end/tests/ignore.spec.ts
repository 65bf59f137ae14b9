import { expect, type Person, test } from '../support/room.ts';
import { setHidden } from '../support/states.ts';

const ignore = (who: Person, name: string) => who.people.getByRole('button', { name: `Ignore ${name}` });

test('whom one ignores is not read, not counted and not seen typing, on this device and until it is taken back', async ({ person }) => {
  const [ana, bo, cy] = await Promise.all([person('Ana'), person('Bo'), person('Cy')]);
  const code = await ana.create();
  for (const one of [bo, cy]) await one.join(code);
  await bo.say('from Bo');
  await cy.say('from Cy');
  await ana.has(['from Bo', 'from Cy']);

  await ignore(ana, 'Bo').click();
  await expect(ignore(ana, 'Bo')).toHaveAttribute('aria-pressed', 'true');
  await expect(ana.people.getByRole('listitem').filter({ hasText: 'Bo' })).toContainText('ignored, only on this device');
  await ana.has(['from Cy']);
  await cy.has(['from Bo', 'from Cy']);

  await setHidden(ana.page, true);
  await bo.say('again from Bo');
  await cy.say('again from Cy');
  await expect(ana.page).toHaveTitle(/^\(1\)/);
  await setHidden(ana.page, false);
  await ana.has(['from Cy', 'again from Cy']);

  await ana.page.reload();
  await ana.inRoom(code);
  await ana.has(['from Cy', 'again from Cy']);
  const tab = await ana.tab();
  await tab.openLink(code);
  await tab.inRoom(code);
  await tab.has(['from Cy', 'again from Cy']);
  await tab.page.close();

  await ignore(ana, 'Bo').focus();
  await ana.page.keyboard.press('Enter');
  await ana.has(['from Bo', 'from Cy', 'again from Bo', 'again from Cy']);

  await ignore(ana, 'Bo').click();
  expect(await ana.page.evaluate(() => localStorage.getItem('flasky.ignored'))).toContain(' ');
  await ana.leave();
  expect(await ana.page.evaluate(() => localStorage.getItem('flasky.ignored'))).toBeNull();
});
