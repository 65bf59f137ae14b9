import { findings } from '../support/axe.ts';
import { expect, test } from '../support/room.ts';
import { DEVICES, pageForAxe, STAGE_ENV, STATES } from '../support/states.ts';
import { folder, THEMES } from './out.ts';

/** Fixed elements, dialogs among them, that are not whole on a screen of this size: they make no page wider. */
function cutOff({ width, height }: { width: number; height: number }): string[] {
  const fixed = Array.from(document.querySelectorAll('body *')).filter(
    (one) => getComputedStyle(one).position === 'fixed' && one.checkVisibility(),
  );
  return fixed.flatMap((one) => {
    const { left, right, top, bottom } = one.getBoundingClientRect();
    // Halves of a pixel are rounded, and what is one pixel large is for screen readers.
    const isSeen = right > left + 1 && bottom > top + 1;
    const isOut = left < -1 || top < -1 || right > width + 1 || bottom > height + 1;
    const isWide = one.scrollWidth > one.clientWidth;
    return isSeen && (isOut || isWide) ? [`${one.tagName} ${one.id || one.className}: ${[left, right, top, bottom, one.scrollWidth]}`] : [];
  });
}

for (const [device, use] of Object.entries(DEVICES)) {
  const { isPhone, ...options } = use;
  test.describe(device, () => {
    test.use({ ...options, serverEnv: STAGE_ENV });
    for (const state of Object.values(STATES).flat()) {
      if (state.phone && !isPhone) continue;

      test(state.name, async ({ browser, server, guard, locale, person }) => {
        // A thousand messages take axe long.
        if (state.name === 'thousand') test.setTimeout(180_000);
        const stage = { browser, server, guard, person };
        const { page } = await state.enter(stage);
        for (const [theme, media] of Object.entries(THEMES)) {
          await page.emulateMedia({ ...media, reducedMotion: 'reduce' });
          const path = `${folder(locale)}/${state.name}-${device}-${theme}.png`;
          const picture = await page.screenshot({ path, animations: 'disabled', caret: 'hide' });
          expect(picture.length).toBeGreaterThan(0);
        }
        await page.emulateMedia({ ...THEMES.light, reducedMotion: 'reduce' });
        // WCAG 1.4.10: nothing is wider than the screen. A phone's own width grows with a page that is.
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        expect(wide, 'the page scrolls sideways').toBeLessThanOrEqual(use.viewport.width);
        expect(await page.evaluate(cutOff, use.viewport), 'lies outside of the screen').toEqual([]);
        // Languages differ in words and direction, and not in colours: those axe sees in English (access.spec.ts).
        if (device === (state.phone ? '390' : '1280')) {
          expect(await findings(await pageForAxe(state, page, stage))).toEqual([]);
        }
      });
    }
  });
}
