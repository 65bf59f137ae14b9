import base from '../playwright.config.ts';
import { LANGUAGES, PSEUDO } from '../support/words.ts';

/** From right to left in a build with that language, or else in every language. */
const locales = process.env.PSEUDO_LOCALE ? [PSEUDO] : LANGUAGES;

/**
 * `make shots`: pictures of every state, then the sheets of them, also when a state was not reached. `ARGS="--project de"`
 * takes those of one language.
 */
export default {
  ...base,
  testDir: '.',
  outputDir: '../test-results/shots',
  globalTimeout: 90 * 60_000,
  projects: locales.flatMap((locale) => [
    { name: locale, testMatch: 'shots.ts', teardown: `${locale} sheets`, use: { locale } },
    { name: `${locale} sheets`, testMatch: 'sheets.ts', use: { locale } },
  ]),
};
