import { roomOfHundred } from '../support/bytes.ts';
import { record } from '../support/figures.ts';
import { test } from '../support/room.ts';
import { open, STAGE_ENV } from '../support/states.ts';

/** How often the processor is to be slower. */
const SLOWER = 4;
const LOADS = 9;

test.use({ serverEnv: STAGE_ENV });

test('hydration of a room with 100 messages', async ({ person }) => {
  const [ana, code] = await roomOfHundred(person);
  const cdp = await ana.context.newCDPSession(ana.page);
  await cdp.send('Emulation.setCPUThrottlingRate', { rate: SLOWER });
  const times: number[] = [];
  for (let load = 0; load < LOADS; load++) {
    await open(ana, code);
    times.push(...(await ana.page.evaluate(() => performance.getEntriesByName('hydrate').map(({ duration }) => duration))));
  }
  const sorted = times.toSorted((a, b) => a - b);
  // An older program does not say.
  if (sorted.length > 0) {
    const [p50 = 0, max = 0] = [sorted[Math.floor(sorted.length / 2)], sorted.at(-1)];
    record(`hydrate(), room with 100 messages, ms at ${SLOWER}x`, { p50, max });
  }
});
