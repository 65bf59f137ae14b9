import { expect, type Page, type Person, test } from '../support/room.ts';

/** What a page does when the server has become another release, or is not there. */

/** From the next load on, sockets are welcomed by this build, unless it is undefined. */
async function welcomedBy(page: Page, build: { name?: string }): Promise<void> {
  await page.routeWebSocket(/\/ws\//, (socket) => {
    const server = socket.connectToServer();
    server.onMessage((message) => {
      const frame = JSON.parse(String(message));
      if (frame.type === 'welcome' && build.name) frame.build = build.name;
      socket.send(JSON.stringify(frame));
    });
  });
}

const reload = (one: Person) => one.banner.getByRole('button', { name: 'Reload' });

test('a page of another release offers to reload, and keeps what is typed and unsent', async ({ person }) => {
  const ana = await person('Ana');
  const build: { name?: string } = {};
  await welcomedBy(ana.page, build);
  const code = await ana.create();
  await ana.say('one');
  await expect(reload(ana)).toHaveCount(0);

  build.name = '9.9.9+0123456789abcdef';
  await ana.page.reload();
  await ana.inRoom(code);
  await expect(reload(ana)).toBeVisible();
  await expect(ana.banner).toContainText('There is a new version');
  await expect(ana.page.getByRole('status').filter({ hasText: 'There is a new version' })).toHaveCount(1);
  // Everything goes on meanwhile.
  await ana.say('two');
  await ana.composer.pressSequentially('half a w');
  build.name = undefined;
  await reload(ana).click();
  await expect(reload(ana)).toHaveCount(0);
  await ana.inRoom(code);
  await expect(ana.composer).toHaveValue('half a w');
});

test('what is on its way is sent after that reload, and nobody is asked', async ({ person }) => {
  const ana = await person('Ana');
  const build: { name?: string } = { name: '9.9.9' };
  let holds = false;
  await ana.page.routeWebSocket(/\/ws\//, (socket) => {
    const server = socket.connectToServer();
    socket.onMessage((message) => {
      if (!holds) server.send(message);
    });
    server.onMessage((message) => {
      const frame = JSON.parse(String(message));
      if (frame.type === 'welcome' && build.name) frame.build = build.name;
      socket.send(JSON.stringify(frame));
    });
  });
  const code = await ana.create();
  await expect(reload(ana)).toBeVisible();
  holds = true;
  await ana.type('unsent');
  await ana.hears('unsent');
  holds = false;
  build.name = undefined;
  let asked = false;
  ana.page.on('dialog', (question) => {
    asked = true;
    void question.accept();
  });
  await reload(ana).click();
  await expect(reload(ana)).toHaveCount(0);
  await ana.inRoom(code);
  await ana.has(['unsent']);
  expect(asked).toBe(false);
});

test('a page of another release asks once for a part of its own that is gone', async ({ person, guard }) => {
  const ana = await person('Ana');
  const bo = await person('Bo');
  await welcomedBy(ana.page, { name: '9.9.9' });
  let asked = 0;
  const isOver = guard.expectLost(/split_markup/);
  await ana.page.route('**/split_markup.wasm', (route) => {
    asked += 1;
    return route.abort();
  });
  const code = await ana.create();
  test.skip((await ana.page.locator('link[href="/pkg/flasky.css"]').count()) > 0, 'a debug build has no parts');
  await expect(reload(ana)).toBeVisible();
  await bo.join(code);
  for (const words of ['**one**', '**two**', '**three**']) await bo.type(words);
  for (const words of ['**one**', '**two**', '**three**']) await ana.hears(words);
  expect(asked).toBe(1);
  await isOver();
});

test('while the server is down, "Refresh" stays in the room', async ({ person, line, guard }) => {
  test.setTimeout(90_000);
  const ana = await person('Ana', line.url);
  const code = await ana.create();
  await ana.composer.pressSequentially('half a w');
  const answered = await guard.expectRefusedSockets();
  const isOver = guard.expectLost(/\/healthz/);
  await line.cut();
  const refresh = ana.banner.getByRole('link', { name: 'Refresh' });
  await expect(refresh).toBeVisible({ timeout: 40_000 });
  await refresh.click();
  await expect(ana.page).toHaveURL(`${ana.origin}/room/${code}`);
  await expect(ana.composer).toHaveValue('half a w');
  await expect(ana.log).toBeVisible();
  await line.mend();
  await answered();
  await isOver();
  // Pressed once more, or by itself, it is back.
  await ana.live();
  await expect(ana.composer).toHaveValue('half a w');
});

test('drafts that another version has stored are shown as texts', async ({ person }) => {
  const ana = await person('Ana');
  const code = await ana.create();
  await ana.page.evaluate(
    (code) => {
      const later = { drafts: [{ what: 'later', body: 'one' }, { is: { a: [{ body: 'two' }] } }, { body: 1 }], v: 9 };
      sessionStorage.setItem(`flasky.outbox.${sessionStorage.getItem(`flasky.room.${code}`)}`, JSON.stringify(later));
    },
    code,
  );
  await ana.page.reload();
  await ana.inRoom(code);
  await expect(ana.composer).toHaveValue('one\ntwo');
  await ana.composer.fill('');
  for (const nonsense of ['{', '[]', 'null', '1']) {
    await ana.page.evaluate(
      ([code, text]) => sessionStorage.setItem(`flasky.outbox.${sessionStorage.getItem(`flasky.room.${code}`)}`, text ?? ''),
      [code, nonsense],
    );
    await ana.page.reload();
    await ana.inRoom(code);
    await expect(ana.composer).toHaveValue('');
  }
});
