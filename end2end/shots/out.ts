import { fileURLToPath } from 'node:url';

/** Where the pictures go. */
export const SHOTS = fileURLToPath(new URL('out', import.meta.url));

export const THEMES = ['light', 'dark'] as const;
