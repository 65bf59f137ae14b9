import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrowserContext } from '@playwright/test';
import { expect, holdWasm, Person, test as base } from '../support/room.ts';
import { Server } from '../support/server.ts';
import { Tls } from '../support/tls.ts';

const HOST = 'chat.localhost';
const SIBLING = 'evil.chat.localhost';
const SENTENCE = /This site needs a cookie to know you again/;

type Fixtures = {
  /** A server that people reach over TLS. */
  tls: Tls;
  /** A person who comes over TLS, with a browser of their own. */
  visitor: (name: string) => Promise<Person>;
  /** A person whose browser is set to block all cookies, as its settings page does it. */
  cookieless: (name: string, origin: string, scripts: boolean) => Promise<Person>;
};

const test = base.extend<Fixtures>({
  tls: async ({}, use) => {
    const tls = await Tls.listen();
    const server = await Server.launch({ PUBLIC_URL: tls.url(HOST) });
    tls.target = server.port;
    await use(tls);
    await tls.close();
    await server.dispose();
  },

  visitor: async ({ browser, tls, guard }, use) => {
    const contexts: BrowserContext[] = [];
    await use(async (name) => {
      const context = await browser.newContext({ baseURL: tls.url(HOST), ignoreHTTPSErrors: true });
      contexts.push(context);
      await guard.watch(context, true);
      return new Person(await context.newPage(), name, true, tls.url(HOST));
    });
    try {
      await guard.seal();
    } finally {
      await Promise.all(contexts.map((context) => context.close()));
    }
  },

  cookieless: async ({ playwright, launchOptions, guard }, use) => {
    const opened: { context: BrowserContext; profile: string }[] = [];
    await use(async (name, origin, scripts) => {
      const profile = await mkdtemp(join(tmpdir(), 'flasky-profile-'));
      await mkdir(join(profile, 'Default'));
      const blocked = { profile: { default_content_setting_values: { cookies: 2 } } };
      await writeFile(join(profile, 'Default', 'Preferences'), JSON.stringify(blocked));
      const options = { ...launchOptions, baseURL: origin, javaScriptEnabled: scripts, ignoreHTTPSErrors: true };
      const context = await playwright.chromium.launchPersistentContext(profile, options);
      opened.push({ context, profile });
      await guard.watch(context, scripts);
      return new Person(await context.newPage(), name, scripts, origin);
    });
    try {
      await guard.seal();
    } finally {
      for (const { context, profile } of opened) {
        await context.close().finally(() => rm(profile, { recursive: true, force: true }));
      }
    }
  },
});

test('a cookie tossed by a sibling host is ignored', async ({ tls, visitor }) => {
  const eve = await visitor('Eve');
  const ana = await visitor('Ana');
  const code = await eve.create();
  const own = await eve.context.cookies(tls.url(HOST));
  expect(own.map(({ name, secure, httpOnly }) => ({ name, secure, httpOnly }))).toEqual([
    { name: '__Host-flasky', secure: true, httpOnly: true },
  ]);

  await ana.page.goto(tls.url(SIBLING));
  await ana.hydrated();
  const value = own[0]?.value ?? '';
  const names = ['__%48ost-flasky', '__Host%2dflasky', 'flasky', 'flasky-443', '__Host-flasky'];
  await ana.page.evaluate(
    ({ names, value, host }) => {
      for (const name of names) {
        for (const path of ['/', '/room']) {
          document.cookie = `${name}=${value}; Domain=${host}; Path=${path}; Secure`;
        }
      }
    },
    { names, value, host: HOST },
  );
  // The browser keeps the one that is spelt out away, and no other.
  const tossed = await ana.context.cookies(`${tls.url(HOST)}/room/${code}`);
  expect(new Set(tossed.map(({ name }) => name))).toEqual(new Set(names.slice(0, -1)));

  await ana.openLink(code);
  await expect(ana.page.getByText('1 person is inside')).toBeVisible();
  await ana.joinByLink(code);
  for (const one of [ana, eve]) await one.sees(['Ana', 'Eve']);
  await ana.page.reload();
  await ana.inRoom(code);
  await ana.sees(['Ana', 'Eve']);
});

for (const scripts of [true, false]) {
  test(`cookies blocked ${scripts ? 'with' : 'without'} script: the sentence, and no seat`, async ({
    tls,
    visitor,
    cookieless,
  }) => {
    const ana = await visitor('Ana');
    const code = await ana.create();
    const bo = await cookieless('Bo', tls.url(HOST), scripts);
    await bo.openLink(code);
    await expect(bo.page.getByText('1 person is inside')).toBeVisible();
    for (const attempt of ['first', 'second']) {
      await test.step(`${attempt} attempt`, async () => {
        await bo.nameField.fill('Bo');
        await bo.press('Join the room');
        await expect(bo.alert).toHaveText(SENTENCE);
        await expect(bo.nameField).toHaveValue('Bo');
      });
    }
    await bo.page.goto('/');
    await bo.hydrated();
    await bo.nameField.fill('Bo');
    await bo.codeField.fill(code);
    await bo.press('Join');
    await expect(bo.alert).toHaveText(SENTENCE);
    await expect(bo.codeField).toHaveValue(code);
    await expect(bo.codeField, 'the code is not what is wrong').not.toHaveAttribute('aria-invalid', 'true');
    expect(await bo.context.cookies()).toEqual([]);

    await ana.page.reload();
    await ana.inRoom(code);
    await ana.sees(['Ana']);
    await expect(ana.line(/Bo/)).toHaveCount(0);
  });
}

test('a form refused in place before the script has come: its page comes to life, and the form works', async ({
  tls,
  visitor,
  guard,
}) => {
  const bo = await visitor('Bo');
  const isLeft = guard.expectLost(/\.wasm$|__wasm_split/);
  const letWasmCome = await holdWasm(bo.page);
  await bo.page.goto('/');
  await bo.nameField.fill('Bo');
  await bo.context.clearCookies();
  await bo.press('Create a room');
  await expect(bo.page).toHaveURL(`${tls.url(HOST)}/`);
  await expect(bo.alert).toHaveText(SENTENCE);
  await expect(bo.nameField).toHaveValue('Bo');
  await expect(bo.page.locator('html[data-hydrated]')).not.toBeAttached();
  await isLeft();
  letWasmCome();
  await bo.hydrated();
  await expect(bo.alert).toHaveText(SENTENCE);
  await expect(bo.nameField).toHaveValue('Bo');
  await bo.press('Create a room');
  await bo.inRoom();
  await bo.sees(['Bo']);
});

test('two servers on one host leave each other alone', async ({ person }) => {
  const ana = await person('Ana');
  const code = await ana.create();
  const other = await Server.launch({});
  try {
    const tab = new Person(await ana.context.newPage(), 'Ana', true, other.url);
    const there = await tab.create();
    for (const [one, room] of [
      [ana, code],
      [tab, there],
    ] as const) {
      await one.page.reload();
      await one.inRoom(room);
      await one.sees(['Ana']);
    }
    const names = (await ana.context.cookies()).map(({ name }) => name).sort();
    expect(names).toEqual([`flasky-${new URL(ana.origin).port}`, `flasky-${other.port}`].sort());
    await tab.page.close();
  } finally {
    await other.dispose();
  }
});
