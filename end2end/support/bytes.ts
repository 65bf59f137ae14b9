import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { Member } from './member.ts';
import { expect, type Page, type Person } from './room.ts';

/** The bytes that a browser which takes Brotli is sent for this address. */
export async function brotliBytes(url: string, cookie = ''): Promise<number> {
  const request = get(url, { headers: { 'accept-encoding': 'br', accept: 'text/html', cookie } });
  const [answer] = (await once(request, 'response')) as [IncomingMessage];
  let bytes = 0;
  for await (const chunk of answer) bytes += (chunk as Buffer).length;
  expect(answer.statusCode, url).toBe(200);
  expect(answer.headers['content-encoding'], url).toBe('br');
  return bytes;
}

/** Words of 2 to 9 letters, by chance but the same each time: prose does not compress like one line said 100 times. */
function* prose(messages: number): Generator<string> {
  let state = 1;
  const chance = (below: number) => (state = (state * 48_271) % 2_147_483_647) % below;
  const words = Array.from({ length: 400 }, () =>
    Array.from({ length: 2 + chance(8) }, () => 'etaoinshrdlucmfwypvbgk'[chance(22)]).join(''),
  );
  for (let i = 0; i < messages; i++) yield Array.from({ length: 4 + chance(14) }, () => words[chance(400)]).join(' ');
}

/** Somebody with a seat in a room, and the room's code. */
export async function emptyRoom(person: (name: string) => Promise<Person>): Promise<[Person, string]> {
  const reader = await person('Ana');
  return [reader, (await Member.enter(reader)).code];
}

/** The same with 100 messages, one in ten of them bold. */
export async function roomOfHundred(person: (name: string) => Promise<Person>): Promise<[Person, string]> {
  const reader = await person('Ana');
  const ana = await Member.enter(reader);
  const bo = await Member.enter({ name: 'Bo', origin: reader.origin }, { code: ana.code });
  let turn = 0;
  for (const body of prose(100)) await (turn++ % 3 ? bo : ana).say(turn % 10 ? body : `**${body}**`);
  return [reader, ana.code];
}

/** The addresses of the program and its styles, as this page fetches them. */
export function fetched(page: Page): Set<string> {
  const urls = new Set<string>();
  page.on('response', (response) => {
    if (/\.(js|wasm|css)$/.test(new URL(response.url()).pathname)) urls.add(response.url());
  });
  return urls;
}

/** The bytes of these files by their names, and how many they are together without the chunks, and the chunks alone. */
export async function weigh(urls: Iterable<string>): Promise<{ sizes: Record<string, number>; room: number; chunks: number }> {
  const sizes: Record<string, number> = {};
  const sums = { room: 0, chunks: 0 };
  for (const url of urls) {
    const name = new URL(url).pathname.split('/').pop() ?? url;
    sizes[name] = await brotliBytes(url);
    sums[/^(split|chunk)_/.test(name) ? 'chunks' : 'room'] += sizes[name];
  }
  return { sizes, ...sums };
}

/** Waits until a room's page has fetched the chunks that it may need. */
export async function hasAllChunks(urls: Set<string>): Promise<void> {
  await expect.poll(() => [...urls].some((url) => url.endsWith('/split_outside.wasm'))).toBe(true);
}

/** The bytes of the first HTML of this room, for somebody who is in it. */
export async function htmlBytes(reader: Person, code: string): Promise<number> {
  const { cookies } = await reader.context.storageState();
  const cookie = cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
  return brotliBytes(`${reader.origin}/room/${code}`, cookie);
}
