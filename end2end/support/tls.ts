import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { freePort } from './server.ts';

/** A reverse proxy that ends TLS for `chat.localhost` and its siblings, all of which browsers look for on this machine. */
export class Tls {
  /** The server's port. */
  target = 0;
  private readonly sockets = new Set<Socket>();
  private readonly listener;

  private constructor(readonly port: number) {
    this.listener = createServer(selfSigned(), (near) => {
      const far = connect(this.target, '127.0.0.1');
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        this.sockets.add(one);
        one.pipe(other);
        one.on('error', () => other.destroy());
        one.on('close', () => {
          this.sockets.delete(one);
          other.destroy();
        });
      }
    });
  }

  static async listen(): Promise<Tls> {
    const tls = new Tls(await freePort());
    tls.listener.listen(tls.port, '127.0.0.1');
    await once(tls.listener, 'listening');
    return tls;
  }

  url(host: string): string {
    return `https://${host}:${this.port}`;
  }

  async close(): Promise<void> {
    const closed = once(this.listener, 'close');
    this.listener.close();
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }
}

/** A key and a certificate that nobody vouches for: the browsers are told to take it. */
function selfSigned(): { key: Buffer; cert: Buffer } {
  const directory = mkdtempSync(join(tmpdir(), 'flasky-tls-'));
  const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')];
  const names = 'subjectAltName=DNS:chat.localhost,DNS:*.chat.localhost';
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const subject = ['-subj', '/CN=chat.localhost', '-addext', names, '-days', '1'];
  try {
    execFileSync('openssl', ['req', '-x509', ...curve, ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' });
    return { key: readFileSync(key), cert: readFileSync(cert) };
  } finally {
    rmSync(directory, { recursive: true });
  }
}
