import { en, type Phrases } from './findings-phrases.en.js';
import { ja } from './findings-phrases.ja.js';
import type { Language } from './i18n.js';

/** The sentences findings are written with. */
export const PHRASES: Readonly<Record<Language, Phrases>> = { en, ja };
