import { readdir, readFile } from 'node:fs/promises';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test as base } from '../support/room.ts';
import { Server } from '../support/server.ts';

const test = base.extend({
  server: async ({}, use) => {
    const server = await Server.alone();
    await use(server);
    await server.dispose();
  },
});

type Answer = { status: number | undefined; headers: IncomingMessage['headers']; bytes: number };

/** Not `fetch`: that takes encodings off again. */
async function ask(url: string, headers: Record<string, string> = {}): Promise<Answer> {
  const [answer] = (await once(get(url, { headers }), 'response')) as [IncomingMessage];
  let bytes = 0;
  for await (const chunk of answer) bytes += (chunk as Buffer).length;
  return { status: answer.statusCode, headers: answer.headers, bytes };
}

test('the one file alone is the whole app', async ({ person, server }) => {
  const ana = await person('Ana');
  const bo = await person('Bo');
  const loaded = new Set<string>();
  ana.page.on('response', (response) => void loaded.add(response.url()));
  await bo.join(await ana.create());
  await ana.say('Hello, Bo');
  await bo.hears('Hello, Bo');

  const program = [...loaded].filter((url) => /\.(js|wasm|css)$/.test(url));
  expect(new Set(program.map((url) => url.split('.').pop()))).toEqual(new Set(['css', 'js', 'wasm']));
  for (const url of program) {
    const plain = await ask(url);
    expect(plain.status).toBe(200);
    for (const encoding of ['br', 'gzip']) {
      const small = await ask(url, { 'accept-encoding': encoding });
      expect(small.headers['content-encoding'], url).toBe(encoding);
      expect(small.headers['content-type'], url).toBe(plain.headers['content-type']);
      expect(small.headers['cache-control'], url).toContain('immutable');
      expect(small.bytes, url).toBeLessThan(plain.bytes);
      for (const [name, value] of [['if-none-match', small.headers.etag], ['if-modified-since', small.headers['last-modified']]]) {
        const again = await ask(url, { 'accept-encoding': encoding, [name!]: value ?? '' });
        expect([again.status, again.bytes], `${url} ${name}`).toEqual([304, 0]);
        for (const kept of ['cache-control', 'vary']) {
          expect(again.headers[kept], `${kept} of ${url} ${name}`).toBe(small.headers[kept]);
        }
      }
    }
  }
  // Nothing was unpacked beside it, and all that it keeps is the store.
  const files = (await readdir(server.directory)).filter((file) => !file.startsWith('flasky.db'));
  expect(files).toEqual(['flasky']);
});

test('it holds no path of the machine that built it', async ({ server }) => {
  const program = await readFile(join(server.directory, 'flasky'));
  const project = fileURLToPath(new URL('../../', import.meta.url));
  const found = [`${homedir()}/`, project, '/registry/src/'].filter((path) => program.includes(path));
  expect(found).toEqual([]);
});

test('icons, manifest and sound are in it, and asked for again in vain', async ({ server }) => {
  const manifest = await (await fetch(`${server.url}/manifest.webmanifest`)).json();
  const icons = manifest.icons.map(({ src }: { src: string }) => src);
  expect(icons.length).toBeGreaterThan(0);
  for (const path of [...icons, '/favicon.svg', '/apple-touch-icon.png', '/sound-chime.wav', '/robots.txt']) {
    const url = new URL(path, server.url).href;
    const { status, headers, bytes } = await ask(url);
    expect(status, path).toBe(200);
    expect(bytes, path).toBeGreaterThan(0);
    const again = await ask(url, { 'if-none-match': headers.etag ?? '' });
    expect([again.status, again.bytes], path).toEqual([304, 0]);
  }
  const part = await ask(`${server.url}/sound-chime.wav`, { range: 'bytes=0-3' });
  expect([part.status, part.bytes]).toEqual([206, 4]);
});

test('it is alive and ready, and has nothing to warn of', async ({ server }) => {
  for (const [path, words] of [['healthz', 'alive'], ['readyz', 'ready']]) {
    const answer = await fetch(`${server.url}/${path}`);
    expect([answer.status, (await answer.text()).trim()]).toEqual([200, words]);
  }
  const lines = server.output.join('').trim().split('\n').map((line) => JSON.parse(line));
  expect(lines.map(({ level, message }) => [level, message])).toEqual([['INFO', 'listening'], ['INFO', 'limits']]);
  expect(lines[0].store).toBe('sqlite://flasky.db');
});
