import { fileURLToPath } from 'node:url';

/** Where the pictures in a language go. */
export function folder(locale = 'en'): string {
  return fileURLToPath(new URL(`out/${locale}`, import.meta.url));
}

/** How a page may look. */
export const THEMES = {
  light: { colorScheme: 'light', forcedColors: 'none' },
  dark: { colorScheme: 'dark', forcedColors: 'none' },
  // As Windows' contrast themes do it: light text on black.
  forced: { colorScheme: 'dark', forcedColors: 'active' },
} as const;
