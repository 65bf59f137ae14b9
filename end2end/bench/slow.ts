import { record } from '../support/figures.ts';
import { Member } from '../support/member.ts';
import { expect, test } from '../support/room.ts';
import { STAGE_ENV } from '../support/states.ts';

test.use({ serverEnv: STAGE_ENV });

/** DevTools' "Slow 3G": 400 kbit/s and 2 s to and fro. */
const SLOW_3G = { offline: false, latency: 2000, downloadThroughput: 50_000, uploadThroughput: 50_000 };

/** From opening a link to the first message at the other person, and to a live page; each step as soon as it can be done. */
test('a link on a slow line', async ({ person }) => {
  test.setTimeout(120_000);
  const ana = await person('Ana');
  const bo = await Member.enter({ name: 'Bo', origin: ana.origin });
  const { page } = ana;
  const session = await page.context().newCDPSession(page);
  await session.send('Network.enable');
  await session.send('Network.emulateNetworkConditions', SLOW_3G);
  await session.send('Emulation.setCPUThrottlingRate', { rate: 4 });
  const requests: string[] = [];
  const began = Date.now();
  const since = () => Date.now() - began;
  page.on('request', (request) => requests.push(`${since()} ${request.method()} ${new URL(request.url()).pathname}`));
  page.on('websocket', (socket) => requests.push(`${since()} WS ${new URL(socket.url()).pathname}`));

  await page.goto(`${ana.origin}/room/${bo.code}`, { waitUntil: 'commit' });
  await ana.nameField.fill('Ana');
  await ana.nameField.press('Enter');
  await ana.composer.fill('Hello');
  const typed = since();
  const said = bo.hears('Hello');
  await ana.composer.press('Enter');
  await said;
  const heard = since();
  await expect(page.locator('html[data-live]')).toBeAttached({ timeout: 60_000 });
  record('a link on Slow 3G at 4x, ms', { typed, heard, live: since() });
  test.info().annotations.push({ type: 'requests', description: requests.join('\n') });
  if (process.env.TRACE) console.log(requests.join('\n'));
});
