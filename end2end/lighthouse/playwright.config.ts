import base from '../playwright.config.ts';

/** `make lighthouse`: one page after the other, since they share the machine. */
export default {
  ...base,
  testDir: '.',
  testMatch: 'lighthouse.ts',
  outputDir: '../test-results/lighthouse',
  workers: 1,
  timeout: 300_000,
};
