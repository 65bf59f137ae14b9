import { heard, listen } from '../support/heard.ts';
import { Member } from '../support/member.ts';
import { expect, type Page, type Person, test } from '../support/room.ts';
import { open } from '../support/states.ts';

/** What a room does while a chunk of the program does not come. */

/** Keeps a chunk from coming until the answer is called. */
async function withoutChunk(page: Page, name: string): Promise<() => Promise<void>> {
  const files = `**/split_${name}.wasm`;
  await page.route(files, (route) => route.abort());
  return () => page.unroute(files);
}

/** Takes a seat beside Bo. */
async function enter(ana: Person): Promise<Member> {
  const bo = await Member.enter({ name: 'Bo', origin: ana.origin });
  await Member.enter(ana, { code: bo.code });
  return bo;
}

test.beforeEach(async ({ person, guard }) => {
  // Nobody listens to a chunk that fails while the loader of cargo-leptos waits for another one.
  guard.expectThrown(/^TypeError: Failed to fetch\n.*__wasm_split/);
  const one = await person('One');
  await one.page.goto('/');
  test.skip((await one.page.locator('link[href="/pkg/flasky.css"]').count()) > 0, 'a debug build has no files of chunks');
});

test('while the tools do not come, messages are counted aloud; then all is there', async ({ person, guard }) => {
  const ana = await person('Ana');
  const bo = await enter(ana);
  const isOver = guard.expectLost(/split_tools/);
  const letCome = await withoutChunk(ana.page, 'tools');
  await ana.page.goto(`/room/${bo.code}`);
  await expect(ana.page.locator('html[data-live]')).toBeAttached();
  await ana.page.evaluate(listen);
  await bo.say('Anybody here?');
  await expect.poll(() => heard(ana.page)).toEqual(['1 new message']);
  await letCome();
  await ana.live();
  await isOver();
  await bo.say('And now?');
  await expect.poll(() => heard(ana.page)).toEqual(['1 new message', 'Bo: And now?']);
  await ana.message('And now?').hover();
  await expect(ana.page.getByRole('toolbar')).toBeVisible();
});

test('who leaves while the next page does not come reads why, undisturbed, and then where they are', async ({ person, guard }) => {
  const ana = await person('Ana');
  const bo = await enter(ana);
  const isOver = guard.expectLost(/split_outside/);
  const letCome = await withoutChunk(ana.page, 'outside');
  await open(ana, bo.code);
  await ana.press("Let's leave!");
  const heading = ana.page.getByRole('heading', { level: 1 });
  await expect(heading).toHaveText('There is a new version');
  const link = ana.page.getByRole('link', { name: 'Reload' });
  await link.focus();
  // It is asked for again every five seconds.
  await ana.page.waitForEvent('requestfailed');
  await expect(link).toBeFocused();
  await letCome();
  await expect(heading).toHaveText(`You left ${bo.code}`, { timeout: 15_000 });
  await isOver();
});
