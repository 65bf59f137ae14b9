import { readdirSync, readFileSync } from 'node:fs';
import { FluentBundle, FluentResource, type FluentVariable } from '@fluent/bundle';

const FILES = new URL('../../app/locales/', import.meta.url);

/** The language from right to left that only a build for pictures has: see `PSEUDO_LOCALE` in app/build.rs. */
export const PSEUDO = 'ar-XB';
/** The languages of the pages, by their files, English first. */
export const LANGUAGES = readdirSync(FILES)
  .map((file) => file.replace('.ftl', ''))
  .sort((a, b) => Number(b === 'en') - Number(a === 'en') || a.localeCompare(b));

/** A message of app/locales as the Fluent project's own library says it. */
export type Words = (id: string, variables?: Record<string, FluentVariable>) => string;

/** The words of a language; of a locale with a region, such as `en-US`, those of its language. */
export function wordsOf(locale: string): Words {
  const tag = [locale, locale.split('-')[0]].find((tag) => tag === PSEUDO || LANGUAGES.includes(tag ?? '')) ?? 'en';
  const isPseudo = tag === PSEUDO;
  const turned = (words: string) => words.replace(/\p{Alphabetic}+/gu, '\u202e$&\u202c');
  const file = isPseudo ? 'en' : tag;
  const bundle = new FluentBundle(file, { useIsolating: false, ...(isPseudo && { transform: turned }) });
  const problems = bundle.addResource(new FluentResource(readFileSync(new URL(`${file}.ftl`, FILES), 'utf8')));
  if (problems.length) throw problems[0];
  return (id, variables) => {
    const pattern = bundle.getMessage(id)?.value;
    if (!pattern) throw new Error(`${tag} has no ${id}`);
    // What is written in several lines is one.
    return bundle.formatPattern(pattern, variables).replaceAll('\n', ' ');
  };
}
