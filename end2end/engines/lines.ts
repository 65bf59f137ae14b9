import type { FullConfig, Reporter, Suite } from '@playwright/test/reporter';

/** At the end a line for each engine: its version, and how many of the journeys it made. */
export default class Lines implements Reporter {
  private suite: Suite | undefined;

  onBegin(_config: FullConfig, suite: Suite): void {
    this.suite = suite;
  }

  onEnd(): void {
    for (const engine of this.suite?.suites ?? []) {
      const journeys = engine.allTests();
      const notes = journeys.flatMap(({ results }) => results.flatMap(({ annotations }) => annotations));
      const name = notes.find(({ type }) => type === 'engine')?.description ?? engine.title;
      const made = journeys.filter((journey) => journey.ok()).length;
      const again = journeys.filter((journey) => journey.outcome() === 'flaky').length;
      console.log(`${name}: ${made} of ${journeys.length} journeys${again ? `, ${again} of them at the second attempt` : ''}`);
    }
  }
}
