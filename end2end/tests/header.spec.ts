import { desktop, pretend } from '../support/desktop.ts';
import { Member } from '../support/member.ts';
import { expect, holdWasm, type Page, type Person, test } from '../support/room.ts';
import { setHidden } from '../support/states.ts';

const WIDE = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };
const NARROW = { width: 320, height: 568 };

const icon = (page: Page) => page.locator('link#icon').getAttribute('href');

test.describe('the link', () => {
  test('the code copies it', async ({ person }) => {
    const ana = await person('Ana');
    const code = await ana.create();
    await ana.context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await ana.page.getByTestId('code').click();
    await expect(ana.page.getByRole('banner').getByRole('status')).toHaveText('Link copied');
    expect(await ana.page.evaluate(() => navigator.clipboard.readText())).toBe(`${ana.origin}/room/${code}`);
    await expect(ana.page.getByRole('banner').getByRole('status')).toHaveText('');
    await ana.inRoom(code);
  });

  test('where nothing can be copied it is there to be copied by hand', async ({ person }) => {
    const ana = await person('Ana');
    await ana.page.addInitScript(() => {
      Object.defineProperty(navigator, 'clipboard', { value: undefined });
      document.execCommand = () => false;
    });
    const code = await ana.create();
    await ana.page.getByTestId('code').click();
    const link = ana.page.getByRole('textbox', { name: 'Link to this room' });
    await expect(link).toBeFocused();
    await expect(link).toHaveValue(`${ana.origin}/room/${code}`);
    expect(await link.evaluate((field: HTMLInputElement) => [field.selectionStart, field.selectionEnd])).toEqual([
      0,
      (await link.inputValue()).length,
    ]);
  });

  test('the dialog shows, copies and shares it, and gives back the focus', async ({ person }) => {
    const ana = await person('Ana');
    await ana.page.addInitScript(() => {
      const share = async (data: ShareData) => void Object.assign(window, { shared: data.url });
      Object.defineProperty(navigator, 'share', { value: share });
    });
    const code = await ana.create();
    // Chromium weighs it while the page loads, and complains when somebody is writing by then.
    await expect(ana.page.locator('dialog [autofocus]')).toHaveCount(0);
    await ana.context.grantPermissions(['clipboard-read', 'clipboard-write']);
    const button = ana.page.getByRole('button', { name: 'Invite' });
    await button.click();
    const dialog = ana.page.getByRole('dialog', { name: 'Invite to this room' });
    const picture = dialog.getByRole('img', { name: 'QR code of the link to this room' });
    await expect.poll(() => picture.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBeGreaterThan(0);
    await expect(dialog.getByRole('textbox')).toHaveValue(`${ana.origin}/room/${code}`);
    await expect(dialog.getByRole('textbox')).toBeFocused();
    await dialog.getByRole('button', { name: 'Copy link' }).click();
    await expect(dialog.getByRole('status')).toHaveText('Link copied');
    await dialog.getByRole('button', { name: 'Share' }).click();
    expect(await ana.page.evaluate(() => (window as unknown as { shared: string }).shared)).toBe(
      `${ana.origin}/room/${code}`,
    );
    await ana.page.keyboard.press('Escape');
    await expect(dialog).toBeHidden();
    await expect(button).toBeFocused();
  });

  test('what cannot be shared has no button', async ({ person }) => {
    const ana = await person('Ana');
    await ana.create();
    await ana.page.getByRole('button', { name: 'Invite' }).click();
    const dialog = ana.page.getByRole('dialog', { name: 'Invite to this room' });
    await expect(dialog.getByRole('button', { name: 'Copy link' })).toBeVisible();
    await expect(dialog.getByRole('button', { name: 'Share' })).toHaveCount(0);
  });
});

test.describe('the look', () => {
  const button = (page: Page) => page.getByRole('button', { name: /^Theme: / });
  const ground = (page: Page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);

  test('changes at once, is remembered, and is worn by every page before it is drawn', async ({ person }) => {
    const ana = await person('Ana');
    await ana.page.emulateMedia({ colorScheme: 'dark' });
    await ana.home();
    const dark = await ground(ana.page);
    await expect(button(ana.page)).toHaveAccessibleName('Theme: automatic');
    await button(ana.page).click();
    await expect(button(ana.page)).toHaveAccessibleName('Theme: light');
    const light = await ground(ana.page);
    expect(light).not.toBe(dark);

    const letWasmCome = await holdWasm(ana.page);
    await ana.page.reload({ waitUntil: 'domcontentloaded' });
    expect(await ground(ana.page)).toBe(light);
    // The page wears it without WASM. The button would do nothing yet, and is not there.
    await expect(button(ana.page)).toHaveCount(0);
    letWasmCome();
    await button(ana.page).click();
    await expect(button(ana.page)).toHaveAccessibleName('Theme: dark');
    expect(await ground(ana.page)).toBe(dark);

    await ana.nameField.fill('Ana');
    await ana.press('Create a room');
    await ana.inRoom();
    await expect(button(ana.page)).toHaveAccessibleName('Theme: dark');
    await button(ana.page).click();
    await expect(button(ana.page)).toHaveAccessibleName('Theme: automatic');
  });

  test('the browser’s own bars wear it, too', async ({ person }) => {
    const ana = await person('Ana');
    await ana.page.emulateMedia({ colorScheme: 'light' });
    await ana.home();
    const bars = () =>
      ana.page.evaluate(() =>
        Array.from(document.querySelectorAll<HTMLMetaElement>('meta[name=theme-color]'))
          .filter((bar) => matchMedia(bar.media).matches)
          .map((bar) => bar.content),
      );
    const [light] = await bars();
    await button(ana.page).click();
    expect(await bars()).toEqual([light]);
    await button(ana.page).click();
    const dark = await bars();
    expect(dark).toHaveLength(1);
    expect(dark).not.toEqual([light]);
  });
});

test.describe('while nobody looks', () => {
  async function two(person: (name: string) => Promise<Person>) {
    const ana = await person('Ana');
    const bo = await person('Bo');
    await pretend(ana.page, 'granted');
    const code = await ana.create();
    await bo.join(code);
    await ana.line('Bo joined').waitFor();
    return { ana, bo, code };
  }

  test('title and sign say how many came; nothing else happens unasked', async ({ person }) => {
    const { ana, bo, code } = await two(person);
    await expect(ana.page).toHaveTitle(`${code}, Flasky Chat`);
    await bo.say('seen');
    await ana.hears('seen');
    await setHidden(ana.page, true);
    await expect(ana.page).toHaveTitle(`${code}, Flasky Chat`);
    await bo.say('one');
    await bo.say('two');
    await expect(ana.page).toHaveTitle(`(2) ${code}, Flasky Chat`);
    expect(await icon(ana.page)).toBe('/favicon-news.svg');
    await setHidden(ana.page, false);
    await expect(ana.page).toHaveTitle(`${code}, Flasky Chat`);
    expect(await icon(ana.page)).toBe('/favicon.svg');
    expect(await desktop(ana)).toEqual({ shown: [], played: [], asked: 0 });
  });

  test('a page opened in the background counts, too', async ({ person }) => {
    const { ana, bo, code } = await two(person);
    await ana.page.addInitScript(() => Object.defineProperty(document, 'visibilityState', { value: 'hidden' }));
    await ana.page.reload();
    await ana.inRoom(code);
    await bo.say('one');
    await expect(ana.page).toHaveTitle(`(1) ${code}, Flasky Chat`);
  });
});

test.describe('who is here', () => {
  test('I come first, the others as they came, and what they do is said in words', async ({ person }) => {
    const ana = await person('Ana');
    const bo = await person('Bo');
    const code = await ana.create();
    await bo.join(code);
    await bo.sees(['Ana', 'Bo']);
    await expect(bo.people.getByRole('listitem')).toHaveText([/^Bo\s*Bo\s*you$/, /^An\s*Ana\s*host$/]);
    const anas = bo.people.getByRole('listitem').filter({ hasText: 'Ana' });

    await ana.composer.pressSequentially('He');
    await expect(anas).toContainText('typing…');
    await expect(anas).not.toContainText('typing…'); // five seconds later

    await ana.page.goto('about:blank');
    await expect(anas).toContainText('away');
    await ana.openLink(code);
    await ana.inRoom(code);
    await expect(anas).not.toContainText('away');
  });

  test('of two people with the same name the one is typing who is', async ({ person }) => {
    const ana = await person('Ana');
    const { code } = await Member.enter(ana);
    const [first, second] = [await person('Bo'), await person('Bo')];
    await Member.enter(first, { code });
    const bo = await Member.enter(second, { code });
    await ana.openLink(code);
    await ana.inRoom(code);
    const bos = ana.people.getByRole('listitem').filter({ hasText: 'Bo' });
    await expect(async () => {
      bo.typing();
      await expect(bos.nth(1)).toContainText('typing…', { timeout: 2_000 });
    }).toPass();
    await expect(bos.nth(0)).not.toContainText('typing…');
  });

  for (const javaScriptEnabled of [true, false]) {
    test.describe(javaScriptEnabled ? 'on a phone' : 'on a phone without script', () => {
      test.use({ javaScriptEnabled });

      test('a sheet', async ({ person }) => {
        const ana = await person('Ana');
        await ana.page.setViewportSize(PHONE);
        await ana.create();
        await expect(ana.people).toBeHidden();
        const button = ana.page.getByRole('button', { name: 'People' });
        await expect(button).toContainText('1 / 50');
        await button.click();
        await ana.sees(['Ana']);
        await expect(ana.people).toBeVisible();
        await ana.people.getByRole('button', { name: 'Close' }).click();
        await expect(ana.people).toBeHidden();
        await button.click();
        await ana.page.keyboard.press('Escape');
        await expect(ana.people).toBeHidden();
      });
    });
  }
});

test('on a phone the rest is in a menu', async ({ person }) => {
  const ana = await person('Ana');
  await ana.page.setViewportSize(PHONE);
  await ana.create();
  const more = ana.page.getByRole('button', { name: 'More' });
  const invite = ana.page.getByRole('button', { name: 'Invite' });
  await expect(invite).toBeHidden();
  await more.click();
  await ana.page.getByRole('button', { name: 'Theme: automatic' }).click();
  await ana.page.getByRole('button', { name: 'Theme: light' }).click();
  await invite.click();
  await expect(ana.page.getByRole('dialog', { name: 'Invite to this room' })).toBeVisible();
  await ana.page.keyboard.press('Escape');
  await expect(more).toBeFocused();
});

test('nothing is cut off on the narrowest screens', async ({ person }) => {
  const ana = await person('Ana');
  await ana.page.setViewportSize(NARROW);
  await ana.home();
  const overflow = () => ana.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect(await overflow()).toBe(0);
  await ana.create({ capacity: 1000 });
  expect(await overflow()).toBe(0);
  const controls = ana.page.getByRole('banner').locator('a, button').filter({ visible: true });
  const boxes = await Promise.all((await controls.all()).map((control) => control.boundingBox()));
  let end = 0;
  for (const box of boxes) {
    expect(box).not.toBeNull();
    if (!box) continue;
    expect(box.x, 'no control lies on another').toBeGreaterThanOrEqual(end);
    end = box.x + box.width;
  }
  expect(end).toBeLessThanOrEqual(NARROW.width);
});

test('the first Tab leads past the header', async ({ person }) => {
  const ana = await person('Ana');
  const code = await ana.create();
  await ana.page.reload();
  await ana.inRoom(code);
  await ana.page.keyboard.press('Tab');
  const skip = ana.page.getByRole('link', { name: 'Skip to writing' });
  await expect(skip).toBeFocused();
  await ana.page.keyboard.press('Enter');
  await expect(ana.composer).toBeFocused();
  await ana.say('still live');
  await expect(ana.page.getByRole('heading', { level: 1 })).toHaveText(`Room ${code}`);
  await expect(ana.page.getByRole('main')).toHaveCount(1);
});

test.describe('without script', () => {
  test.use({ javaScriptEnabled: false });

  test('no control is there that does nothing, and nothing moves when it comes', async ({ person, browser }) => {
    const ana = await person('Ana');
    const code = await ana.create();
    await expect(ana.page.getByRole('banner').getByRole('button')).toHaveText(['Deutsch', "Let's leave!"]);
    const state = await ana.context.storageState();
    const scripted = await browser.newContext({ javaScriptEnabled: true, storageState: state, viewport: WIDE });
    const page = await scripted.newPage();
    await page.goto(`${ana.origin}/room/${code}`);
    await expect(page.locator('html[data-live]')).toBeAttached();
    await ana.page.setViewportSize(WIDE);
    for (const place of ['.chip.code', '.leave', '.people', '.composer']) {
      const [without, withScript] = await Promise.all([
        ana.page.locator(place).boundingBox(),
        page.locator(place).boundingBox(),
      ]);
      expect(without, place).toEqual(withScript);
    }
    await scripted.close();
  });
});

test('the keys are explained, by key and by button', async ({ person }) => {
  const ana = await person('Ana');
  await ana.create();
  const dialog = ana.page.getByRole('dialog', { name: 'Keys' });
  const button = ana.page.getByRole('button', { name: 'All keys' });
  await button.click();
  await expect(dialog.getByRole('row', { name: 'Shift Enter New line' })).toBeVisible();
  await dialog.getByRole('button', { name: 'Close' }).click();
  await expect(dialog).toBeHidden();
  await expect(button).toBeFocused();
  await ana.log.focus();
  await ana.page.keyboard.press('?');
  await expect(dialog).toBeVisible();
  await ana.page.keyboard.press('Escape');
  await expect(dialog).toBeHidden();
});

test('what an app to install and a crawler need', async ({ page, server }) => {
  await page.goto(server.url);
  const manifest = await page.locator('link[rel=manifest]').getAttribute('href');
  const answer = await page.request.get(`${server.url}${manifest}`);
  expect(answer.headers()['content-type']).toBe('application/manifest+json');
  expect(answer.headers()['cache-control']).toBe('no-cache');
  const { icons } = (await answer.json()) as { icons: { src: string; sizes: string; purpose?: string }[] };
  expect(icons.filter(({ purpose }) => purpose === 'maskable')).toHaveLength(1);
  for (const { src, sizes } of [...icons, { src: '/og.png', sizes: '1200x630' }]) {
    const size = await page.evaluate(async (src) => {
      const image = new Image();
      image.src = src;
      await image.decode();
      return `${image.naturalWidth}x${image.naturalHeight}`;
    }, src);
    expect(size, src).toBe(sizes);
  }
  const touch = await page.locator('link[rel=apple-touch-icon]').getAttribute('href');
  expect((await page.request.get(`${server.url}${touch}`)).headers()['content-type']).toBe('image/png');
  await expect(page.locator('meta[name=description]')).toHaveAttribute('content', /rooms/);
  const robots = await page.request.get(`${server.url}/robots.txt`);
  expect(robots.headers()['content-type']).toContain('text/plain');
  expect(await robots.text()).toContain('Disallow: /room/');
});
