import base from '../playwright.config.ts';

const launch = base.use?.launchOptions;

/** `make bench`: alone on the machine, as far as this can decide it. */
export default {
  ...base,
  testDir: '.',
  testMatch: 'bench.ts',
  outputDir: '../test-results/bench',
  workers: 1,
  timeout: 300_000,
  // A trace takes a picture of the whole document before and after each key: that would be what is measured.
  use: { ...base.use, trace: 'off' },
  projects: [
    { name: '60 Hz' },
    // Without the wait for the screen's next refresh, 0 to 16.7 ms that no program has a part in.
    {
      name: 'frames at once',
      use: { launchOptions: { ...launch, args: [...(launch?.args ?? []), '--disable-frame-rate-limit', '--disable-gpu-vsync'] } },
    },
  ],
};
