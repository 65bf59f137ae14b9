import type { BrowserContext, ConsoleMessage, Page, Request } from '@playwright/test';

/**
 * Fails a test for everything a page complains about: any console message, uncaught error, failed request,
 * answer of 400 or above, or violation of the content security policy. Four things may be announced, because
 * Chromium logs them however well the page copes with them. What a browser breaks off because it goes
 * elsewhere is no complaint, see `isMovingOn`.
 */
export class Guard {
  private readonly complaints: string[] = [];
  private readonly contexts: BrowserContext[] = [];
  /** Paths announced as unknown rooms, and whether they were asked for. */
  private readonly unknownRooms = new Map<string, boolean>();
  private serverIsDown = false;
  /** What may be asked for in vain: part of its address. */
  private lost: RegExp | undefined;
  /** What the page may throw: part of its words. */
  private thrown: RegExp | undefined;
  private sealed = false;

  /** Announce that the page of this room will be asked for, and answered with 404. */
  expectUnknownRoom(code: string): void {
    this.unknownRooms.set(`/room/${code}`, false);
  }

  /**
   * Announce that sockets will be refused; the answer takes it back, once all that was refused has been told. Waits
   * until every open room has fetched its chunks, which a server that is down would refuse, too.
   */
  async expectRefusedSockets(): Promise<() => Promise<void>> {
    await Promise.all(this.pages().map((page) => page.waitForFunction(hasItsChunks)));
    this.serverIsDown = true;
    return async () => {
      await this.settle();
      this.serverIsDown = false;
    };
  }

  /** Announce that what has this address will not come, or will be refused; the answer takes it back. */
  expectLost(address: RegExp): () => Promise<void> {
    this.lost = address;
    return async () => {
      await this.settle();
      this.lost = undefined;
    };
  }

  /** Announce that the page will throw this. */
  expectThrown(words: RegExp): void {
    this.thrown = words;
  }

  async watch(context: BrowserContext, scripts: boolean): Promise<void> {
    this.contexts.push(context);
    context.on('console', (message) => this.onConsole(message));
    context.on('weberror', (error) => {
      const words = String(error.error().stack ?? error.error());
      if (!this.thrown?.test(words)) this.complain(`uncaught: ${words}`);
    });
    context.on('requestfailed', (request) => {
      if (isMovingOn(request) || (this.serverIsDown && isFavicon(request)) || this.lost?.test(request.url())) return;
      this.complain(`failed request: ${request.method()} ${request.url()}: ${request.failure()?.errorText}`);
    });
    context.on('response', (response) => {
      if (response.status() < 400 || this.lost?.test(response.url())) return;
      const path = new URL(response.url()).pathname;
      const page = response.status() === 404 && response.request().isNavigationRequest();
      if (page && this.unknownRooms.has(path)) this.unknownRooms.set(path, true);
      else this.complain(`answer ${response.status()}: ${response.request().method()} ${response.url()}`);
    });
    if (scripts) {
      await context.addInitScript(() => {
        document.addEventListener('securitypolicyviolation', (event) => {
          console.error(`CSP: ${event.violatedDirective} forbids ${event.blockedURI || event.sample}`);
        });
      });
    }
  }

  /** What was said until now counts; the noise of closing browsers does not. */
  async seal(): Promise<void> {
    if (this.sealed) return;
    await this.settle();
    this.sealed = true;
  }

  /** Events come in order, so an answered question means that all earlier ones have arrived. */
  private async settle(): Promise<void> {
    await Promise.allSettled(this.pages().map((page) => page.title()));
  }

  private pages(): Page[] {
    return this.contexts.flatMap((context) => context.pages());
  }

  verdict(): string[] {
    const silent = [...this.unknownRooms]
      .filter(([, seen]) => !seen)
      .map(([path]) => `announced, but did not happen: 404 of ${path}`);
    return [...this.complaints, ...silent];
  }

  private onConsole(message: ConsoleMessage): void {
    const text = message.text();
    const { url } = message.location();
    // An error when it was refused, a warning when the page gave up waiting.
    if (this.serverIsDown && /^WebSocket connection to '\S+' failed/.test(text)) return;
    if (message.type() !== 'error') {
      this.complain(`console.${message.type()}: ${text} (${url})`);
      return;
    }
    if (/status of 404/.test(text) && URL.canParse(url) && this.unknownRooms.has(new URL(url).pathname)) return;
    // Said by the browser, and again by the loader of cargo-leptos.
    if (this.lost?.test(url) || (this.lost && text.startsWith('TypeError: Failed to fetch'))) return;
    this.complain(`console.error: ${text} (${url})`);
  }

  private complain(what: string): void {
    if (!this.sealed) this.complaints.push(what);
  }
}

/**
 * A page that is left breaks off its icon, which Chromium asks for last, and a navigation that another one
 * replaces. Scripts and styles do not count: a test that leaves before a page has started must wait for it.
 */
function isMovingOn(request: Request): boolean {
  const isAborted = request.failure()?.errorText === 'net::ERR_ABORTED';
  return isAborted && (isFavicon(request) || request.isNavigationRequest());
}

function isFavicon(request: Request): boolean {
  return ['/favicon.svg', '/favicon-news.svg'].includes(new URL(request.url()).pathname);
}

/** True on a page that is no open room, or one that has the chunks that a room fetches ahead, in whatever order they come. */
function hasItsChunks(): boolean {
  if (!document.querySelector('.room')) return true;
  const fetched = performance.getEntriesByType('resource').map(({ name }) => name);
  return ['tools', 'history', 'outside'].every((chunk) => fetched.some((url) => url.endsWith(`/split_${chunk}.wasm`)));
}
