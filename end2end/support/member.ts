import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type APIRequestContext, expect, request } from '@playwright/test';
import WebSocket from 'ws';
import type { Person } from './room.ts';

const WIRE = new URL('../../crates/protocol/tests/fixtures/wire/', import.meta.url);

/** A frame as PROTOCOL.md shows it. */
export function golden(name: string): Record<string, unknown> {
  return JSON.parse(readFileSync(new URL(`${name}.json`, WIRE), 'utf8'));
}

/** A UUIDv7, which is what the protocol asks of an id. */
export function newId(): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(Date.now(), 0, 6);
  bytes.writeUInt8(0x70 | (bytes.readUInt8(6) & 0x0f), 6);
  bytes.writeUInt8(0x80 | (bytes.readUInt8(8) & 0x3f), 8);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

/** What a client may append, as the protocol writes it. */
export type Proposal =
  | { kind: 'message'; body: string; reply_to?: string }
  | { kind: 'edited'; target: string; body: string }
  | { kind: 'deleted'; target: string }
  | { kind: 'reacted'; target: string; emoji: string; on: boolean };

interface Waiting {
  done: () => void;
  failed: (why: Error) => void;
}

/**
 * Somebody who is in a room by the protocol alone: a state can be set up without its buttons, and in a fraction of
 * the time.
 */
export class Member {
  private readonly waiting = new Map<string, Waiting>();

  private constructor(
    readonly code: string,
    private readonly api: APIRequestContext,
    private readonly origin: string,
    private readonly socket: WebSocket,
  ) {
    socket.on('error', () => {}); // The server of a test that is over is gone.
    socket.on('close', (code) => {
      for (const { failed } of this.waiting.values()) failed(new Error(`closed with ${code}`));
    });
  }

  /** Makes a room, or joins the one of this code. A person does it with the browser's session, and may then open it. */
  static async enter(
    who: Person | { name: string; origin: string },
    room: { code?: string; capacity?: number; roomName?: string } = {},
  ): Promise<Member> {
    const api = 'context' in who ? who.context.request : await request.newContext();
    const code = await takeSeat(api, who.origin, who.name, room);
    const { cookies } = await api.storageState();
    const cookie = cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
    const address = `${who.origin.replace('http', 'ws')}/ws/${code}`;
    const socket = new WebSocket(address, 'flasky.v1', { headers: { cookie } });
    const member = new Member(code, api, who.origin, socket);
    await once(socket, 'open');
    socket.send(JSON.stringify(golden('hello')));
    await new Promise<void>((done, failed) => {
      member.waiting.set('welcome', { done, failed });
      socket.on('message', (text) => member.hear(JSON.parse(String(text))));
    });
    return member;
  }

  /** Answers the new event's id, once the log has it. */
  async append(event: Proposal): Promise<string> {
    const id = newId();
    await new Promise<void>((done, failed) => {
      this.waiting.set(id, { done, failed });
      this.socket.send(JSON.stringify({ type: 'append', id, event }));
    });
    return id;
  }

  say(body: string, reply_to?: string): Promise<string> {
    return this.append({ kind: 'message', body, ...(reply_to && { reply_to }) });
  }

  react(target: string, emoji: string): Promise<string> {
    return this.append({ kind: 'reacted', target, emoji, on: true });
  }

  edit(target: string, body: string): Promise<string> {
    return this.append({ kind: 'edited', target, body });
  }

  remove(target: string): Promise<string> {
    return this.append({ kind: 'deleted', target });
  }

  /** Does what the host of the room can do. */
  async manage(action: string, value = ''): Promise<void> {
    expect(await ask(this.api, `${this.origin}/api/manage_room`, { code: this.code, action, value })).toEqual({});
  }

  typing(): void {
    this.socket.send(JSON.stringify(golden('signal')));
  }

  /** Waits until somebody says this. */
  async hears(body: string): Promise<void> {
    await new Promise<void>((done, failed) => this.waiting.set(`says ${body}`, { done, failed }));
  }

  /** Closes the connection; the seat stays for the grace. */
  async goAway(): Promise<void> {
    this.socket.close();
    await once(this.socket, 'close');
  }

  /** Leaves the room, which ends with its last member. */
  async leave(): Promise<void> {
    this.socket.send(JSON.stringify(golden('leave')));
    await once(this.socket, 'close');
  }

  private hear(frame: { type: string; id?: string; error?: string; events?: { id: string; body?: string }[] }): void {
    if (frame.type === 'welcome') this.settle('welcome');
    if (frame.type === 'rejected' && frame.id) this.settle(frame.id, new Error(`rejected: ${frame.error}`));
    for (const { id, body } of frame.events ?? []) {
      this.settle(id);
      this.settle(`says ${body}`);
    }
  }

  private settle(id: string, problem?: Error): void {
    const waiting = this.waiting.get(id);
    this.waiting.delete(id);
    if (problem) waiting?.failed(problem);
    else waiting?.done();
  }
}

/** Takes seats for these names, without connections: they are kept as long as a new seat waits for its page. */
export async function seat(origin: string, code: string, names: string[]): Promise<void> {
  for (const name of names) {
    const api = await request.newContext();
    await takeSeat(api, origin, name, { code });
    await api.dispose();
  }
}

async function takeSeat(
  api: APIRequestContext,
  origin: string,
  name: string,
  { code, capacity, roomName }: { code?: string; capacity?: number; roomName?: string },
): Promise<string> {
  const form = {
    name,
    ...(code && { code }),
    ...(capacity && { capacity: String(capacity) }),
    ...(roomName && { room_name: roomName }),
  };
  const answer = await ask(api, `${origin}/api/enter`, form);
  expect(answer).toHaveProperty('code');
  return (answer as { code: string }).code;
}

async function ask(api: APIRequestContext, url: string, form: Record<string, string>): Promise<unknown> {
  const answer = await api.post(url, { form, headers: { accept: 'application/json' } });
  expect(answer.status(), url).toBe(200);
  return answer.json();
}
