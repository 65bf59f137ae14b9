import { findings } from '../support/axe.ts';
import { expect, test } from '../support/room.ts';
import { DEVICES, STATES, STAGE_ENV } from '../support/states.ts';
import { folder, THEMES } from './out.ts';

/** Pages that axe looks at in every language. */
const AXE = ['home', 'door', 'talk', 'ended'];

for (const [device, use] of Object.entries(DEVICES)) {
  const { isPhone, ...options } = use;
  test.describe(device, () => {
    test.use({ ...options, serverEnv: STAGE_ENV });
    for (const state of Object.values(STATES).flat()) {
      if (state.phone && !isPhone) continue;

      test(state.name, async ({ browser, server, guard, locale, person }) => {
        const { page } = await state.enter({ browser, server, guard, person });
        for (const [theme, media] of Object.entries(THEMES)) {
          await page.emulateMedia({ ...media, reducedMotion: 'reduce' });
          const path = `${folder(locale)}/${state.name}-${device}-${theme}.png`;
          const picture = await page.screenshot({ path, animations: 'disabled', caret: 'hide' });
          expect(picture.length).toBeGreaterThan(0);
        }
        // Languages differ in words and direction; in English axe looks at every state (access.spec.ts).
        if (locale !== 'en' && AXE.includes(state.name)) expect(await findings(page)).toEqual([]);
        // WCAG 1.4.10: nothing is wider than the screen.
        const [wide, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth] as const);
        expect(wide, 'the page scrolls sideways').toBeLessThanOrEqual(screen);
      });
    }
  });
}
