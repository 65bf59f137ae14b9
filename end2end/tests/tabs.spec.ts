import { expect, test } from '../support/room.ts';

test('back and forward bring the room again, live', async ({ person }) => {
  const ana = await person('Ana');
  const bo = await person('Bo');
  const code = await ana.create();
  await bo.join(code);
  await bo.page.getByRole('link', { name: 'Flasky Chat' }).click();
  await bo.isHome();
  await ana.say('still there?');
  await bo.page.goBack();
  await bo.inRoom(code);
  await bo.hears('still there?');
  await bo.say('back');
  await ana.hears('back');
  await expect(ana.line('Bo left')).toHaveCount(0);
});

test('leaving in one tab is told in the other', async ({ person }) => {
  const ana = await person('Ana');
  const code = await ana.create();
  const other = await ana.tab();
  await other.openLink(code);
  await other.inRoom(code);
  await ana.leave();
  await expect(other.page.getByRole('heading', { name: 'You left this room' })).toBeVisible();
});
