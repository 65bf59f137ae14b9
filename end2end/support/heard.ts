import type { Page } from '@playwright/test';

/** Takes down what a screen reader would say by itself: what is added to live regions that are not off or busy. */
export function listen(): void {
  const LIVE = '[aria-live], [role=log], [role=status], [role=alert], output';
  const heard: string[] = [];
  Object.assign(window, { heard });
  new MutationObserver((records) => {
    for (const { target, addedNodes, type } of records) {
      const region = (target instanceof Element ? target : target.parentElement)?.closest(LIVE);
      if (!region || region.getAttribute('aria-live') === 'off' || region.closest('[aria-busy=true]')) continue;
      for (const { textContent } of type === 'characterData' ? [target] : Array.from(addedNodes)) {
        if (textContent?.trim()) heard.push(textContent.trim());
      }
    }
  }).observe(document, { subtree: true, childList: true, characterData: true });
}

/** What it would have said so far. */
export function heard(page: Page): Promise<string[]> {
  return page.evaluate(() => (window as unknown as { heard: string[] }).heard);
}
