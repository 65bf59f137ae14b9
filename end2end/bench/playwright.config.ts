import base from '../playwright.config.ts';

/** `make bench`: alone on the machine, as far as this can decide it. */
export default {
  ...base,
  testDir: '.',
  testMatch: '*.ts',
  testIgnore: 'playwright.config.ts',
  outputDir: '../test-results/bench',
  workers: 1,
  timeout: 300_000,
  // A trace takes a picture of the whole document before and after each key: that would be what is measured.
  use: { ...base.use, trace: 'off' },
  projects: [{ name: 'bench' }],
};
