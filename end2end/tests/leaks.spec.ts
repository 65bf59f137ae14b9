import type { CDPSession } from '@playwright/test';
import config from '../playwright.config.ts';
import { Member } from '../support/member.ts';
import { expect, type Page, type Person, test } from '../support/room.ts';
import { loadAll, STAGE_ENV } from '../support/states.ts';

const launch = config.use?.launchOptions;

// Without its compilers for hot code: what they make of the page's scripts grows the heap for a hundred rounds, by more
// than is allowed here, and is no leak. WASM has compilers of its own.
test.use({
  serverEnv: STAGE_ENV,
  launchOptions: { ...launch, args: [...(launch?.args ?? []), '--js-flags=--no-sparkplug --no-maglev --no-turbofan'] },
});

/** What a tab holds. */
interface Held {
  sockets: number;
  listeners: number;
  nodes: number;
  heap: number;
  wasm: number;
}

/** Notes the memory of every instance of a WASM program. */
function noteMemories(): void {
  const memories: WebAssembly.Memory[] = [];
  Object.assign(window, { memories });
  const instantiate = WebAssembly.instantiate as (...given: unknown[]) => Promise<unknown>;
  Object.assign(WebAssembly, {
    instantiate: async (...given: unknown[]) => {
      const made = (await instantiate(...given)) as WebAssembly.Instance | WebAssembly.WebAssemblyInstantiatedSource;
      const { exports } = 'instance' in made ? made.instance : made;
      if (exports.memory) memories.push(exports.memory as WebAssembly.Memory);
      return made;
    },
  });
}

/** Empties the list of rooms on the home page, which two of three ways out leave one room longer. */
async function forgetRooms(page: Page): Promise<void> {
  await page.evaluate(() => {
    localStorage.removeItem('flasky.rooms');
    dispatchEvent(new Event('storage'));
  });
  await expect(page.getByRole('heading', { name: 'Your rooms' })).toHaveCount(0);
}

async function measure(page: Page, cdp: CDPSession): Promise<Omit<Held, 'sockets'>> {
  // Twice: objects that the first collection finalizes may have kept others alive.
  for (let round = 0; round < 2; round++) await cdp.send('HeapProfiler.collectGarbage');
  const { metrics } = await cdp.send('Performance.getMetrics');
  const figure = (name: string) => metrics.find((metric) => metric.name === name)?.value ?? Number.NaN;
  const wasm = await page.evaluate(() => {
    const { memories } = window as unknown as { memories: WebAssembly.Memory[] };
    return memories.reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
  });
  return { listeners: figure('JSEventListeners'), nodes: figure('Nodes'), heap: figure('JSHeapUsedSize'), wasm };
}

/** Uses what adds nodes, listeners and parts of the program to a room: an older page, markup, the picker, lists, a dialog. */
async function useEverything(ana: Person, bo: Member): Promise<void> {
  const { page } = ana;
  await loadAll(ana);
  await ana.type('**Bold** and `code`');
  await ana.hears('Bold and code');
  await bo.react(await bo.say('Hello, *Ana*'), '👍');
  await expect(ana.message('Hello, Ana')).toContainText('👍');
  await page.getByRole('button', { name: 'Emoji' }).click();
  await page.getByRole('dialog', { name: 'Emoji' }).getByRole('button', { name: 'test tube' }).first().click();
  await ana.composer.fill('@');
  await expect(page.getByRole('listbox')).toBeVisible();
  await ana.composer.fill('');
  await page.getByRole('button', { name: 'Invite', exact: true }).click();
  await expect(page.getByRole('dialog', { name: 'Invite' })).toBeVisible();
  await page.keyboard.press('Escape');
}

test('a tab that has been in twenty rooms holds no more than after five', async ({ person }, info) => {
  test.setTimeout(240_000);
  const ana = await person('Ana');
  const { page } = ana;
  let sockets = 0;
  page.on('websocket', (socket) => {
    sockets += 1;
    socket.on('close', () => (sockets -= 1));
  });
  await page.addInitScript(noteMemories);
  const cdp = await ana.context.newCDPSession(page);
  await cdp.send('Performance.enable');
  const waysOut = [
    () => ana.leave(),
    () => page.getByRole('link', { name: 'Flasky Chat', exact: true }).click(),
    () => page.goBack(),
  ];
  await ana.home();
  const held: Held[] = [];
  for (let entry = 1; entry <= 20; entry++) {
    const bo = await Member.enter({ name: 'Bo', origin: ana.origin });
    for (let i = 1; i <= 110; i++) await bo.say(i % 10 === 1 ? `Message ${i}: **bold**` : `Message ${i}`);
    await ana.nameField.fill('Ana');
    await ana.codeField.fill(bo.code);
    await ana.press('Join');
    await ana.inRoom(bo.code);
    await useEverything(ana, bo);
    await waysOut[entry % waysOut.length]?.();
    await ana.isHome();
    await expect.poll(() => sockets).toBe(0);
    await forgetRooms(page);
    held.push({ sockets, ...(await measure(page, cdp)) });
  }
  info.annotations.push({ type: 'held', description: JSON.stringify([held[4], held[19]]) });
  // Both went the same way out.
  const [fifth, last] = [held[4], held[19]];
  if (!fifth || !last) throw new Error('nothing was measured');
  expect(last.listeners).toBe(fifth.listeners);
  expect(last.nodes).toBeLessThanOrEqual(fifth.nodes * 1.05);
  expect(last.heap).toBeLessThanOrEqual(fifth.heap * 1.05);
  expect(fifth.wasm).toBeGreaterThan(0);
  expect(last.wasm - fifth.wasm).toBeLessThanOrEqual(65_536);
});
