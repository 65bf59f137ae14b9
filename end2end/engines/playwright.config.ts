import base from '../playwright.config.ts';
import { ENGINES, type Engine } from './engine.ts';

/** `make engines`: Playwright runs the journeys and counts; WebDriver drives the browsers. */
export default {
  ...base,
  testDir: '.',
  testMatch: 'journeys.ts',
  outputDir: '../test-results/engines',
  // A journey has two browsers already.
  workers: 1,
  timeout: 120_000,
  reporter: [['list'], ['./lines.ts']],
  use: {},
  projects: (Object.keys(ENGINES) as Engine[]).map((engine) => ({
    name: engine,
    use: { engine },
    // Its driver leaves a command without an answer now and then, once in some hundred journeys.
    retries: engine === 'webkit' ? 1 : 0,
  })),
};
