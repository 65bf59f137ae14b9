import { COLOURS, findings } from '../support/axe.ts';
import { expect, test } from '../support/room.ts';
import { DEVICES, pageForAxe, STAGE_ENV, STATES } from '../support/states.ts';

test.use({ contextOptions: { reducedMotion: 'reduce' }, serverEnv: STAGE_ENV });

for (const [group, states] of Object.entries(STATES)) {
  test.describe(group, () => {
    for (const state of states) {
      const { isPhone: _, ...device } = DEVICES[state.phone ? '390' : '1280'] ?? { viewport: null };

      test.describe(() => {
        test.use(device);
        test(`axe finds nothing: ${state.name}`, async ({ browser, server, guard, person }) => {
          const stage = { browser, server, guard, person };
          const page = await pageForAxe(state, (await state.enter(stage)).page, stage);
          // A thousand messages take axe as long as everything else together: once will do.
          if (state.name === 'thousand') test.setTimeout(180_000);
          const wide = await findings(page);
          if (state.name === 'thousand') return expect(wide).toEqual([]);
          await page.emulateMedia({ colorScheme: 'dark' });
          const dark = await findings(page, COLOURS);
          await page.emulateMedia({ forcedColors: 'active' });
          const forced = await findings(page, COLOURS);
          await page.emulateMedia({ colorScheme: null, forcedColors: null });
          await page.setViewportSize({ width: 390, height: 844 });
          const narrow = await findings(page);
          expect({ wide, dark, forced, narrow }).toEqual({ wide: [], dark: [], forced: [], narrow: [] });
        });
      });
    }
  });
}
