import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { record } from '../support/figures.ts';
import { Member } from '../support/member.ts';
import { type Person, test } from '../support/room.ts';
import { STAGE_ENV } from '../support/states.ts';

const LIGHTHOUSE = fileURLToPath(new URL('node_modules/.bin/lighthouse', import.meta.url));
const RUNS = 3;

test.use({ serverEnv: STAGE_ENV });

interface Report {
  categories: Record<string, { title: string; score: number; auditRefs: { id: string; weight: number }[] }>;
  audits: Record<string, { title: string; score: number | null; displayValue?: string; numericValue?: number }>;
}

/** One run with the mobile preset, which is Lighthouse's default. */
async function run(url: string, cookie: string): Promise<Report> {
  const args = [
    url,
    '--quiet',
    '--output=json',
    `--chrome-flags=--headless=new --no-sandbox --disable-gpu --disable-background-networking --no-first-run`,
    ...(cookie ? [`--extra-headers=${JSON.stringify({ cookie })}`] : []),
  ];
  const env = { ...process.env, CHROME_PATH: process.env.CHROMIUM };
  const { stdout } = await promisify(execFile)(LIGHTHOUSE, args, { env, maxBuffer: 64 * 1024 * 1024 });
  return JSON.parse(stdout);
}

const points = (score: number) => Math.round(score * 100);
const median = (scores: number[]) => scores.toSorted((a, b) => a - b)[Math.floor(scores.length / 2)] ?? Number.NaN;

async function measure(page: string, url: string, cookie = ''): Promise<void> {
  const reports: Report[] = [];
  for (let i = 0; i < RUNS; i++) reports.push(await run(url, cookie));
  const names = Object.keys(reports[0]?.categories ?? {});
  const scores = names.map((name) => [name, median(reports.map(({ categories }) => categories[name]?.score ?? 0))] as const);
  const numbers = { 'LCP ms': 'largest-contentful-paint', 'TBT ms': 'total-blocking-time', CLS: 'cumulative-layout-shift' };
  const audited = Object.entries(numbers).map(([name, id]) => [name, median(reports.map(({ audits }) => audits[id]?.numericValue ?? 0))]);
  record(`Lighthouse, ${page}, median of ${RUNS}`, Object.fromEntries([...scores.map(([name, score]) => [name, points(score)]), ...audited]));

  // Of the run in the middle by performance: what did not get all its points.
  const speed = ({ categories }: Report) => categories.performance?.score ?? 0;
  const middle = reports.toSorted((a, b) => speed(a) - speed(b))[Math.floor(RUNS / 2)];
  if (!middle) return;
  for (const name of names) {
    for (const { id, weight } of middle.categories[name]?.auditRefs ?? []) {
      const audit = middle.audits[id];
      if (weight === 0 || !audit || audit.score === null || audit.score === 1) continue;
      console.log(`  ${name}: ${audit.title} (${id}): ${points(audit.score)} ${audit.displayValue ?? ''}`);
    }
  }
}

async function cookieOf(person: Person): Promise<string> {
  const { cookies } = await person.context.storageState();
  return cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
}

test('home', async ({ server }) => {
  await measure('Home', server.url);
});

test('a room', async ({ server, person }) => {
  const ana = await person('Ana');
  const { code } = await Member.enter(ana);
  const bo = await Member.enter({ name: 'Bo', origin: server.url }, { code });
  for (let i = 1; i <= 20; i++) await bo.say(`Message ${i}: **bold** and \`code\``);
  await measure('Room', `${server.url}/room/${code}`, await cookieOf(ana));
});
