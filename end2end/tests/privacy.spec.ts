import { expect, test } from '../support/room.ts';

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? 'with script' : 'without script', () => {
    test.use({ javaScriptEnabled, serverEnv: { REPORT: 'https://chat.example/report' } });

    test('home leads to the privacy page, which changes its language and leads back', async ({ person }) => {
      const ana = await person('Ana');
      await ana.home();
      await ana.page.getByRole('link', { name: 'Privacy' }).click();
      await expect(ana.page).toHaveURL(`${ana.origin}/privacy`);
      await expect(ana.page.getByRole('heading', { level: 1 })).toHaveText('Privacy');
      await expect(ana.page).toHaveTitle('Privacy, Flasky Chat');
      await expect(ana.page.getByRole('link', { name: 'chat.example' })).toHaveAttribute('href', 'https://chat.example/report');
      await ana.page.getByRole('button', { name: 'Deutsch' }).click();
      await expect(ana.page).toHaveURL(`${ana.origin}/privacy`);
      await expect(ana.page.getByRole('heading', { level: 1 })).toHaveText('Datenschutz');
      await ana.page.getByRole('button', { name: 'English' }).click();
      await expect(ana.page.getByRole('heading', { level: 1 })).toHaveText('Privacy');
      await ana.page.getByRole('link', { name: 'Flasky Chat' }).click();
      await ana.isHome();
    });

    test('a room leads to reporting it only where no script runs', async ({ person }) => {
      const ana = await person('Ana');
      await ana.create();
      const link = ana.page.getByRole('link', { name: 'Report a room' });
      if (javaScriptEnabled) return expect(link).toHaveCount(0);
      await link.click();
      await expect(ana.page).toHaveURL(`${ana.origin}/privacy#report`);
      await expect(ana.page.getByRole('heading', { name: 'Report a room' })).toBeInViewport();
    });
  });
}

test('the look that was chosen is that of the privacy page, too', async ({ person }) => {
  const ana = await person('Ana');
  await ana.home();
  await ana.page.evaluate(() => localStorage.setItem('flasky.look', 'dark'));
  await ana.page.goto('/privacy');
  await expect(ana.page.locator('html')).toHaveAttribute('data-theme', 'dark');
});
