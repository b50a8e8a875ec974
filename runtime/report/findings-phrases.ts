import type { Language } from './i18n.js';
import { en } from './findings-phrases.en.js';
import { ja } from './findings-phrases.ja.js';

/** One sentence: takes its numbers, already written as the language writes them. */
type Phrase = (values: never) => string;

/** What a language has to provide: a sentence for each finding, with the same numbers in it. */
export type Phrases = { readonly [Key in keyof typeof en]: (typeof en)[Key] extends Phrase ? (typeof en)[Key] : never };

/** The sentences findings are written with. */
export const PHRASES: Readonly<Record<Language, Phrases>> = { en, ja };
