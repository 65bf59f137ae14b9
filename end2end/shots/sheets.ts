import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@playwright/test';
import { DEVICES, STATES } from '../support/states.ts';
import { folder, THEMES } from './out.ts';

const DOCS = fileURLToPath(new URL('../../docs', import.meta.url));

/** One picture of all states of a device and theme, side by side. */
for (const device of Object.keys(DEVICES)) {
  for (const theme of Object.keys(THEMES)) {
    test(`${device} ${theme}`, async ({ page, locale }) => {
      const figures = Object.values(STATES)
        .flat()
        .map(({ name }) => ({ name, path: `${folder(locale)}/${name}-${device}-${theme}.png` }))
        .filter(({ path }) => existsSync(path))
        .map(({ name, path }) => {
          const image = readFileSync(path).toString('base64');
          return `<figure><figcaption>${name}</figcaption><img src="data:image/png;base64,${image}"></figure>`;
        });
      const width = Number.parseInt(device, 10) > 600 ? 640 : 320;
      await page.setViewportSize({ width: width * (width > 600 ? 4 : 8) + 32, height: 800 });
      await page.setContent(
        `<style>
          body { display: flex; flex-wrap: wrap; margin: 8px; font: 14px sans-serif; background: #888 }
          figure { margin: 4px; width: ${width - 8}px } img { width: 100% } figcaption { padding: 2px }
        </style>${figures.join('')}`,
      );
      await page.screenshot({ path: `${folder(locale)}/sheet-${device}-${theme}.png`, fullPage: true });
      expect(figures.length).toBeGreaterThan(0);
    });
  }
}

test('the pictures of the README', ({ locale }) => {
  test.skip(locale !== 'en');
  for (const [state, name] of [
    ['talk-1280-light', 'room'],
    ['talk-1280-dark', 'room-dark'],
    ['talk-390-light', 'room-phone'],
    ['home-390-light', 'home-phone'],
  ]) {
    copyFileSync(`${folder()}/${state}.png`, `${DOCS}/${name}.png`);
  }
});
