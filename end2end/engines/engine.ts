import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { Builder, Capabilities, type WebDriver } from 'selenium-webdriver';
import { freePort } from '../support/server.ts';

/** How an engine is driven: its driver's program, and what a session asks of it. */
interface Recipe {
  driver: string;
  options: (port: number) => string[];
  env?: Record<string, string>;
  /** It draws on a screen, and has one for itself: on a shared one only one of its windows would be active. */
  screen?: true;
  capabilities: () => Record<string, unknown>;
}

const ROOT: Record<string, string> = { WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1' };

/** The first of these programs that is installed. */
function installed(...names: string[]): string {
  for (const name of names) {
    try {
      return execFileSync('which', [name], { encoding: 'utf8' }).trim();
    } catch {
      // The next one.
    }
  }
  throw new Error(`not installed: ${names.join(', ')}`);
}

export const ENGINES = {
  chromium: {
    driver: 'chromedriver',
    options: (port) => [`--port=${port}`],
    capabilities: () => ({
      browserName: 'chrome',
      'goog:chromeOptions': {
        binary: process.env.CHROMIUM,
        args: ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'],
      },
    }),
  },
  firefox: {
    driver: 'geckodriver',
    // Its second port is for another protocol, and the same for all unless it is asked to choose.
    options: (port) => ['--port', String(port), '--websocket-port', '0'],
    capabilities: () => ({
      browserName: 'firefox',
      'moz:firefoxOptions': { binary: installed('firefox-esr', 'firefox'), args: ['-headless'] },
    }),
  },
  webkit: {
    driver: 'WebKitWebDriver',
    options: (port) => [`--port=${port}`],
    screen: true,
    // Its sandbox does not start for root.
    env: process.getuid?.() === 0 ? ROOT : undefined,
    capabilities: () => ({
      browserName: 'MiniBrowser',
      'webkitgtk:browserOptions': { binary: miniBrowser(), args: ['--automation'] },
    }),
  },
} satisfies Record<string, Recipe>;

export type Engine = keyof typeof ENGINES;

function miniBrowser(): string {
  const found = execFileSync('sh', ['-c', 'ls /usr/lib*/*/webkit2gtk-4.*/MiniBrowser /usr/libexec/webkit2gtk-4.*/MiniBrowser || true'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [first] = found.split('\n');
  if (!first) throw new Error('not installed: MiniBrowser');
  return first;
}

/** A browser with nothing in it, and the driver that it has for itself: two of the three serve one session only. */
export class Browser {
  private constructor(
    readonly driver: WebDriver,
    private readonly programs: Program[],
  ) {}

  static async start(engine: Engine): Promise<Browser> {
    const recipe: Recipe = ENGINES[engine];
    const programs: Program[] = [];
    try {
      const screen = recipe.screen && (await openScreen(programs));
      const env = { ...recipe.env, ...(screen && { DISPLAY: screen }) };
      const port = await freePort();
      const program = new Program(recipe.driver, recipe.options(port), env);
      programs.push(program);
      const url = `http://127.0.0.1:${port}`;
      while (!(await answers(`${url}/status`))) await program.wait();
      const driver = await new Builder().usingServer(url).withCapabilities(new Capabilities(recipe.capabilities())).build();
      return new Browser(driver, programs);
    } catch (error) {
      await endAll(programs);
      throw error;
    }
  }

  async version(): Promise<string> {
    const capabilities = await this.driver.getCapabilities();
    const name = capabilities.getBrowserName() ?? '';
    return `${NAMES[name] ?? name} ${capabilities.getBrowserVersion()}`;
  }

  /** Ends it; one that does not answer any more is killed. */
  async quit(): Promise<void> {
    await within(5_000, this.driver.quit());
    await endAll(this.programs);
  }
}

const NAMES: Record<string, string> = { chrome: 'Chromium', firefox: 'Firefox', MiniBrowser: 'WebKitGTK' };

/** What this comes to, or nothing when it fails or takes longer. */
export async function within<T>(ms: number, work: Promise<T>): Promise<T | undefined> {
  return Promise.race([work.catch(() => undefined), pause(ms, undefined, { ref: false })]);
}

const running = new Set<Program>();
process.once('exit', () => {
  for (const program of running) program.signal('SIGKILL');
});

/** A program in a group of its own, which is ended as a whole: with its driver also a browser that hangs. */
class Program {
  readonly process: ChildProcess;
  private readonly gone: Promise<unknown>;
  private readonly deadline = Date.now() + 30_000;
  private failure = '';

  constructor(
    private readonly name: string,
    options: string[],
    env: Record<string, string>,
  ) {
    this.process = spawn(name, options, {
      detached: true,
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
      env: { ...process.env, ...env },
    });
    running.add(this);
    this.gone = new Promise<void>((done) => {
      this.process.once('error', (error) => {
        this.failure = error.message;
        done();
      });
      this.process.once('exit', (code, signal) => {
        this.failure = `it ended with ${signal ?? code}`;
        done();
      });
    });
  }

  /** A moment, in which it may get ready; fails when it has ended, or had long enough. */
  async wait(): Promise<void> {
    if (this.failure || Date.now() > this.deadline) throw new Error(`${this.name}: ${this.failure || 'no answer'}`);
    await pause(25);
  }

  async end(): Promise<void> {
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      this.signal(signal);
      await within(2_000, this.gone);
    }
    running.delete(this);
  }

  signal(signal: NodeJS.Signals): void {
    try {
      if (this.process.pid) process.kill(-this.process.pid, signal);
    } catch {
      // Nothing of it is left.
    }
  }
}

async function endAll(programs: Program[]): Promise<void> {
  for (const program of programs.toReversed()) await program.end();
}

/** Opens a screen that nobody sees, and answers its name. */
async function openScreen(programs: Program[]): Promise<string> {
  const program = new Program('Xvfb', ['-displayfd', '3', '-screen', '0', '1400x1000x24', '-nolisten', 'tcp'], {});
  programs.push(program);
  let number = '';
  program.process.stdio[3]?.on('data', (text: Buffer) => (number += text));
  while (!number.endsWith('\n')) await program.wait();
  return `:${number.trim()}`;
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(1_000) });
    return (await response.json()).value.ready;
  } catch {
    return false;
  }
}
