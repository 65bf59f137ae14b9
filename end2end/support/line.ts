import { once } from 'node:events';
import { connect, createServer, type Server as Listener, type Socket } from 'node:net';
import { Transform } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from './server.ts';

/**
 * A TCP line to the server that can be cut. Playwright's own `setOffline` lets open sockets stall, where a
 * cut line drops them.
 */
export class Line {
  /** From the next connection on, its pages come in pieces. */
  inPieces = false;
  /** From the next connection on, sockets are asked for in vain: neither answered nor closed. */
  holdsSockets = false;
  private listener: Listener | undefined;
  private readonly sockets = new Set<Socket>();

  private constructor(
    readonly port: number,
    private readonly target: number,
  ) {}

  static async to(target: number): Promise<Line> {
    const line = new Line(await freePort(), target);
    await line.mend();
    return line;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async mend(): Promise<void> {
    const listener = createServer((near) => {
      const far = connect(this.target, '127.0.0.1');
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        this.sockets.add(one);
        const pipe = one === near ? this.hold() : this.inPieces ? pieces() : undefined;
        (pipe ? one.pipe(pipe) : one).pipe(other);
        one.on('error', () => other.destroy());
        one.on('close', () => {
          this.sockets.delete(one);
          other.destroy();
        });
      }
    });
    listener.listen(this.port, '127.0.0.1');
    await once(listener, 'listening');
    this.listener = listener;
  }

  private hold(): Transform | undefined {
    if (!this.holdsSockets) return undefined;
    return new Transform({
      transform: (chunk: Buffer, _encoding, done) => (chunk.includes('GET /ws/') ? undefined : done(null, chunk)),
    });
  }

  async cut(): Promise<void> {
    const listener = this.listener;
    this.listener = undefined;
    if (!listener) return;
    const closed = once(listener, 'close');
    listener.close();
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }
}

/** Pages in eight pieces, with some frames between them, in which a browser may paint what it has. */
function pieces(): Transform {
  return new Transform({
    async transform(chunk: Buffer, _encoding, done) {
      const size = chunk.includes('content-type: text/html') ? Math.ceil(chunk.length / 8) : chunk.length;
      for (let at = 0; at < chunk.length; at += size) {
        this.push(chunk.subarray(at, at + size));
        await pause(100);
      }
      done();
    },
  });
}
