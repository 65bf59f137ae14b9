import base from '../playwright.config.ts';

/** `make bench`: alone on the machine, as far as this can decide it. */
export default {
  ...base,
  testDir: '.',
  testMatch: 'bench.ts',
  outputDir: '../test-results/bench',
  workers: 1,
  timeout: 300_000,
  projects: [{ name: 'bench' }],
};
