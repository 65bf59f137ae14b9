import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What `make dist` makes. */
const DIST = resolve(fileURLToPath(new URL('../../', import.meta.url)), process.env.SERVER ?? 'dist/flasky');

/** Settings under which the limits per address bound no test: everybody has the address 127.0.0.1. */
const GENEROUS = {
  WRONG_CODES: '1000000,1000000',
  NEW_ROOMS: '1000000,1000000',
  JOINS: '1000000,1000000',
  FORMS: '1000000,1000000',
  SOCKETS_PER_ADDRESS: '1000000',
};

/**
 * A port nobody listens on, below the range that outgoing connections are given: one that is free now
 * must still be free after a restart.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    const probe = createServer();
    const free = await new Promise<boolean>((done) => {
      probe.once('error', () => done(false));
      probe.listen(port, '127.0.0.1', () => probe.close(() => done(true)));
    });
    if (free) return port;
  }
}

/** The program with a store of its own; it can be killed and started again on both. */
export class Server {
  readonly output: string[] = [];
  private process: ChildProcess | undefined;

  private constructor(
    readonly port: number,
    readonly directory: string,
    private readonly program: string,
    private readonly env: Record<string, string>,
  ) {}

  static async launch(env: Record<string, string>): Promise<Server> {
    const directory = await mkdtemp(join(tmpdir(), 'flasky-'));
    return Server.on(directory, DIST, { PATH: process.env.PATH ?? '', HOST: '127.0.0.1', ...GENEROUS, ...env });
  }

  /** As `env -i ./flasky` in an empty directory: the one file, and nothing it could find or be told. */
  static async alone(): Promise<Server> {
    const directory = await mkdtemp(join(tmpdir(), 'flasky-'));
    const program = join(directory, 'flasky');
    await copyFile(DIST, program);
    return Server.on(directory, program, {});
  }

  private static async on(directory: string, program: string, env: Record<string, string>): Promise<Server> {
    for (let attempt = 1; ; attempt += 1) {
      const server = new Server(await freePort(), directory, program, env);
      try {
        await server.start();
        return server;
      } catch (error) {
        // Between the look at a port and its use another worker may have taken it.
        await server.kill();
        if (attempt === 3 || !/in use/i.test(String(error))) throw error;
      }
    }
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Resolves when this server, and no other, has said that it is here, and answers. */
  async start(): Promise<void> {
    const before = this.output.length;
    const child = spawn(this.program, ['--port', String(this.port)], {
      cwd: this.directory,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: this.env,
    });
    this.process = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => this.output.push(text));
    }
    let failure = '';
    child.once('error', (error) => (failure = error.message));
    child.once('exit', (code, signal) => (failure = `exited with ${signal ?? code}`));

    const deadline = Date.now() + 30_000;
    while (!this.output.slice(before).join('').includes(this.url) || !(await this.answers())) {
      if (failure || Date.now() > deadline) {
        throw new Error(`the server ${failure || 'does not answer'}:\n${this.output.join('')}`);
      }
      await new Promise((again) => setTimeout(again, 25));
    }
  }

  /** SIGKILL: no farewell, nothing flushed. */
  async kill(): Promise<void> {
    const child = this.process;
    this.process = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  async dispose(): Promise<void> {
    await this.kill();
    await rm(this.directory, { recursive: true, force: true });
  }

  private async answers(): Promise<boolean> {
    try {
      const response = await fetch(this.url, { signal: AbortSignal.timeout(1_000) });
      await response.arrayBuffer();
      return response.status === 200;
    } catch {
      return false;
    }
  }
}
