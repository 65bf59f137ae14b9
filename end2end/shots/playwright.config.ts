import base from '../playwright.config.ts';

/** `make shots`: pictures of every state, then the sheets of them, also when a state was not reached. */
export default {
  ...base,
  testDir: '.',
  outputDir: '../test-results/shots',
  projects: [
    { name: 'shots', testMatch: 'shots.ts', teardown: 'sheets' },
    { name: 'sheets', testMatch: 'sheets.ts' },
  ],
};
