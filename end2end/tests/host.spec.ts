import type { Locator } from '@playwright/test';
import { expect, type Person, test } from '../support/room.ts';
import { DEVICES } from '../support/states.ts';

const { isPhone: _, ...PHONE } = DEVICES['390'] ?? { viewport: null };

/** Ways to press something. */
const WAYS = {
  mouse: (what: Locator) => what.click(),
  keyboard: async (what: Locator) => {
    await what.focus();
    await what.press((await what.getAttribute('type')) === 'checkbox' ? 'Space' : 'Enter');
  },
  touch: (what: Locator) => what.tap(),
};

const button = (where: Locator, name: string) => where.getByRole('button', { name, exact: true });
const member = (dialog: Locator, name: string) => dialog.getByRole('group', { name, exact: true });
/** Presses twice, and not in a double click or double tap, which is one press. */
async function confirm(press: (what: Locator) => Promise<void>, where: Locator, words: string, sure: string): Promise<void> {
  await press(button(where, words));
  await expect(async () => {
    await press(button(where, sure));
    await expect(button(where, sure)).toHaveCount(0, { timeout: 500 });
  }).toPass();
}

const heading = (who: Person, name: string) => who.page.getByRole('heading', { name, exact: true });
const hostLink = (who: Person) => who.page.getByRole('link', { name: who.words('manage-room'), includeHidden: true });

for (const [way, press] of Object.entries(WAYS)) {
  test.describe(`by ${way}`, () => {
    test.use(way === 'touch' ? PHONE : {});

    test('the host does everything that its dialog offers, and the others see it', async ({ person, guard }) => {
      const [ana, bo, cy, dee] = await Promise.all([person('Ana'), person('Bo'), person('Cy'), person('Dee')]);
      const old = await ana.create();
      for (const one of [bo, cy]) await one.join(old);
      await expect(hostLink(bo), 'Bo is no host').toHaveCount(0);
      const inside = [ana, bo, cy];
      const all = async (line: string, who = inside) => {
        for (const one of who) await expect(one.line(line)).toHaveCount(1);
      };
      const dialog = await ana.manage();

      await press(dialog.getByRole('checkbox', { name: ana.words('lock-room') }));
      await all(ana.words('locked-now'));
      for (const one of inside) await expect(one.page.getByTitle(one.words('locked'))).toBeVisible();
      await dee.openLink(old);
      await expect(heading(dee, dee.words('room-is-locked'))).toBeVisible();
      await bo.page.reload();
      await bo.inRoom(old);
      await press(dialog.getByRole('checkbox', { name: ana.words('lock-room') }));
      await all(ana.words('unlocked-now'));
      await expect(dee.nameField, 'the page looks again by itself').toBeVisible({ timeout: 40_000 });

      await press(dialog.getByRole('checkbox', { name: ana.words('only-host-writes') }));
      await all(ana.words('host-only-now'));
      await expect(bo.page.getByRole('status').filter({ hasText: bo.words('host-only-now') })).toBeVisible();
      await bo.type('May I?');
      await expect(bo.message('May I?')).toContainText(bo.words('host-only'));
      await press(dialog.getByRole('checkbox', { name: ana.words('only-host-writes') }));
      await all(ana.words('all-write-now'));
      await bo.message('May I?').getByRole('button', { name: bo.words('retry') }).click();
      await expect(cy.message('May I?')).toBeVisible();

      await dialog.getByRole('combobox', { name: ana.words('slow-mode') }).selectOption('60');
      await all(ana.words('slow-mode-now', { count: 60 }));
      await expect(bo.page.getByRole('status').filter({ hasText: bo.words('slow-mode-now', { count: 60 }) })).toBeVisible();
      for (const words of ['One', 'Two', 'Three']) await bo.type(words);
      await expect(cy.message('One')).toBeVisible();
      await expect(bo.message('Two')).toContainText(/Will be sent in \d+\ss/);
      await expect(bo.message('Three')).toContainText(bo.words('held'));
      await dialog.getByRole('combobox', { name: ana.words('slow-mode') }).selectOption('0');
      await all(ana.words('slow-mode-off'));
      await expect(cy.message('Three'), 'at once, not when the minute is over').toBeVisible();

      const seats = dialog.getByRole('textbox', { name: ana.words('seats') });
      await seats.fill('1');
      await press(button(dialog, ana.words('save')));
      await expect(ana.page.getByText(ana.words('seats-refused'))).toBeVisible();
      await expect(seats, 'what was typed stays').toHaveValue('1');
      await seats.fill('4');
      await press(button(dialog, ana.words('save')));
      await all(ana.words('seats-now', { count: 4 }));
      await expect(bo.page.getByText('/ 4'), 'in the header, once for each width').toHaveCount(2);

      const notices = (of: string) => bo.page.evaluate((room) => localStorage.getItem(`flasky.notices.${room}`), of);
      await bo.page.evaluate((room) => localStorage.setItem(`flasky.notices.${room}`, 'mentions'), old);
      await press(button(dialog, ana.words('renew-code')));
      await expect(ana.page.getByTestId('code')).not.toHaveText(old);
      const code = await ana.inRoom();
      for (const one of [bo, cy]) await one.inRoom(code);
      await all(ana.words('code-now'));
      await expect.poll(async () => [await notices(old), await notices(code)]).toEqual([null, 'mentions']);
      guard.expectUnknownRoom(old);
      await dee.openLink(old);
      await expect(heading(dee, dee.words('no-room'))).toBeVisible();

      const again = await ana.manage();
      await confirm(press, member(again, 'Cy'), ana.words('remove'), ana.words('press-again'));
      await expect(heading(cy, cy.words('removed'))).toBeVisible();
      await all('Cy was removed by the host', [ana, bo]);
      await cy.openLink(code);
      await expect(heading(cy, cy.words('removed'))).toBeVisible();
      await expect(cy.nameField).toHaveCount(0);

      await dee.joinByLink(code);
      await confirm(press, member(again, 'Dee'), ana.words('remove-and-lock'), ana.words('press-again'));
      await expect(heading(dee, dee.words('removed'))).toBeVisible();
      await all('Dee was removed by the host', [ana, bo]);
      await expect(bo.page.getByTitle(bo.words('locked'))).toBeVisible();

      await confirm(press, member(again, 'Bo'), ana.words('hand-over'), ana.words('press-again'));
      await expect(again).toBeHidden();
      await expect(hostLink(ana)).toHaveCount(0);
      await expect(bo.line(bo.words('you-host'))).toHaveCount(1);
      await expect(ana.line('Bo is now the host')).toHaveCount(1);

      const last = await bo.manage();
      await confirm(press, last, bo.words('end-room'), bo.words('end-room-sure'));
      for (const one of [ana, bo]) await expect(heading(one, one.words('room-ended'))).toBeVisible();
    });
  });
}

test('a former host who leaves makes the longest-present member the host', async ({ person }) => {
  const [ana, bo, cy] = await Promise.all([person('Ana'), person('Bo'), person('Cy')]);
  const code = await ana.create();
  for (const one of [bo, cy]) await one.join(code);
  await ana.leave();
  await expect(bo.line(bo.words('you-host'))).toHaveCount(1);
  await expect(cy.line('Bo is now the host')).toHaveCount(1);
  await expect(hostLink(cy)).toHaveCount(0);
  await bo.manage();
});

test('who keeps renaming can be removed, and a held key is one press', async ({ person }) => {
  const [ana, bo] = await Promise.all([person('Ana'), person('Bo')]);
  await bo.join(await ana.create());
  const dialog = await ana.manage();
  await button(member(dialog, 'Bo'), ana.words('remove')).focus();
  for (let nth = 0; nth < 5; nth++) await ana.page.keyboard.down('Enter');
  await ana.page.keyboard.up('Enter');
  await expect(button(member(dialog, 'Bo'), ana.words('press-again'))).toBeFocused();
  await bo.rename('Bob');
  await expect(button(member(dialog, 'Bob'), ana.words('press-again'))).toBeFocused();
  await ana.page.keyboard.press('Enter');
  await expect(heading(bo, bo.words('removed'))).toBeVisible();
});

test('what is refused is said in the dialog, beside what was typed', async ({ person }) => {
  const ana = await person('Ana');
  await ana.create();
  const dialog = await ana.manage();
  const seats = dialog.getByRole('textbox', { name: ana.words('seats') });
  await seats.fill('1');
  await seats.press('Enter');
  await expect(dialog.getByRole('alert')).toHaveText(ana.words('seats-refused'));
  await dialog.getByRole('checkbox', { name: ana.words('only-host-writes') }).click();
  await expect(ana.line(ana.words('host-only-now'))).toHaveCount(1);
  await expect(dialog.getByRole('alert')).toHaveCount(0);
  await expect(seats, 'typed while another rule changes').toHaveValue('1');
});
