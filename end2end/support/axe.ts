import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';

const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
/** What colours alone decide: all that can be found anew when only they change. */
export const COLOURS = ['color-contrast', 'link-in-text-block'];

/** What axe finds on a page, with these rules or with all. */
export async function findings(page: Page, rules?: string[]): Promise<string[]> {
  // Legacy mode does all of it in this page, and opens no second one.
  const axe = new AxeBuilder({ page }).setLegacyMode(true);
  const { violations } = await (rules ? axe.withRules(rules) : axe.withTags(TAGS)).analyze();
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${help}\n  ${target.join(' ')}\n  ${failureSummary}`),
  );
}
