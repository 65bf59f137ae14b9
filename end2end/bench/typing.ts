import { record } from '../support/figures.ts';
import { expect, test } from '../support/room.ts';
import { loadAll, STAGE_ENV, thousand } from '../support/states.ts';

/** How often the processor is to be slower. */
const SLOWER = 4;
const KEYS = 200;
const KEYS_PER_SECOND = 8;
const MESSAGES_PER_SECOND = 20;

test.use({ serverEnv: STAGE_ENV });

/** Runs `act` as often as said, each at its time or as soon as the one before is over. */
async function paced(times: number, perSecond: number, act: (i: number) => Promise<unknown>): Promise<void> {
  const begun = performance.now();
  for (let i = 0; i < times; i++) {
    const ahead = begun + (i * 1_000) / perSecond - performance.now();
    if (ahead > 0) await new Promise((due) => setTimeout(due, ahead));
    await act(i);
  }
}

function at(sample: number[], share: number): number {
  const sorted = sample.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

const spread = (sample: number[]) => ({ p50: at(sample, 0.5), p95: at(sample, 0.95), max: at(sample, 1) });

test('typing while a full room talks', async ({ browser, server, guard, person }) => {
  const { reader, bo } = await thousand({ browser, server, guard, person });
  await loadAll(reader);
  await reader.log.evaluate((log) => (log.closest('section') ?? log).scrollTo(0, 0));
  const cdp = await reader.context.newCDPSession(reader.page);
  // The garbage of loading a thousand messages is not of typing: collected later, it would stop a key for 40 to 140 ms.
  await cdp.send('HeapProfiler.collectGarbage');
  await cdp.send('Emulation.setCPUThrottlingRate', { rate: SLOWER });
  await reader.page.evaluate(() => {
    const [frames, handlers]: [number[], number[]] = [[], []];
    Object.assign(window, { keys: { frames, handlers } });
    // From when the browser had the key, so that what kept it waiting counts as well.
    addEventListener(
      'keydown',
      ({ timeStamp }) => requestAnimationFrame(() => frames.push(performance.now() - timeStamp)),
      true,
    );
    // The last to hear of it: everything the page does at a key is done.
    addEventListener('keydown', ({ timeStamp }) => handlers.push(performance.now() - timeStamp));
  });

  const shown = await reader.log.locator('[data-message]').count();
  await reader.composer.focus();
  const text = 'the quick brown fox jumps over the lazy dog ';
  const seconds = KEYS / KEYS_PER_SECOND;
  await Promise.all([
    paced(KEYS, KEYS_PER_SECOND, (i) => reader.page.keyboard.press(text[i % text.length] === ' ' ? 'Space' : (text[i % text.length] ?? 'x'))),
    paced(seconds * MESSAGES_PER_SECOND, MESSAGES_PER_SECOND, (i) => bo.say(`News ${i}: **bold** and \`code\``)),
  ]);

  const { frames, handlers } = await reader.page.evaluate(async () => {
    await new Promise(requestAnimationFrame);
    return (window as unknown as { keys: { frames: number[]; handlers: number[] } }).keys;
  });
  record(`key to next frame, ${shown} messages and ${MESSAGES_PER_SECOND} more a second, ms at ${SLOWER}x`, spread(frames));
  record(`key to end of its handlers, ms at ${SLOWER}x`, spread(handlers));
  expect(frames).toHaveLength(KEYS);
  await expect(reader.composer).toHaveValue(text.repeat(5).slice(0, KEYS));
});
