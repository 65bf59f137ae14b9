import type { Browser, CDPSession, Locator } from '@playwright/test';
import type { Guard } from './guard.ts';
import { expect, type Page, Person } from './room.ts';
import type { Server } from './server.ts';

/** A person whose phone has no mouse. */
export async function phone({ browser, server, guard }: { browser: Browser; server: Server; guard: Guard }): Promise<Person> {
  const context = await browser.newContext({
    baseURL: server.url,
    viewport: { width: 390, height: 844 },
    hasTouch: true,
    isMobile: true,
  });
  await guard.watch(context, true);
  return new Person(await context.newPage(), 'Ana', true, server.url);
}

const sessions = new WeakMap<Page, Promise<CDPSession>>();

/** One session for all of a touch. */
export async function touch(page: Page, type: 'touchStart' | 'touchMove' | 'touchEnd', at?: { x: number; y: number }): Promise<void> {
  const session = sessions.get(page) ?? page.context().newCDPSession(page);
  sessions.set(page, session);
  await (await session).send('Input.dispatchTouchEvent', { type, touchPoints: at ? [at] : [] });
}

async function middle(element: Locator): Promise<{ x: number; y: number }> {
  await element.scrollIntoViewIfNeeded();
  const box = await element.boundingBox();
  if (!box) throw new Error('it is not drawn');
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
}

/** The sheet of a message's actions. */
export const sheet = (page: Page): Locator => page.getByRole('dialog', { name: 'Message actions' });

/** An action of the sheet. */
export const item = (page: Page, name: string): Locator => sheet(page).getByRole('button', { name, exact: true });

/** Rests on a message until the sheet comes, and lifts the finger again. */
export async function longPress(ana: Person, text: string): Promise<Locator> {
  await touch(ana.page, 'touchStart', await middle(ana.message(text).locator('.message')));
  await expect(sheet(ana.page)).toBeVisible();
  await touch(ana.page, 'touchEnd');
  await expect(sheet(ana.page)).toBeVisible();
  return sheet(ana.page);
}
