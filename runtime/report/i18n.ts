import { en, type MessageKey, type Messages } from './messages.en.js';
import { ja } from './messages.ja.js';

/** Languages a report can be written in. */
export type Language = 'en' | 'ja';

export type { MessageKey };

/** Names of the `{placeholders}` in a text. */
type Placeholders<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Placeholders<Rest>
  : never;

type Values<Key extends MessageKey> = [Placeholders<(typeof en)[Key]>] extends [never]
  ? []
  : [values: Readonly<Record<Placeholders<(typeof en)[Key]>, string | number>>];

/** Gives the text of a key; the compiler asks for the values of its placeholders. */
export type Translate = <Key extends MessageKey>(key: Key, ...values: Values<Key>) => string;

export const MESSAGES: Readonly<Record<Language, Messages>> = { en, ja };

/** The texts of one language. */
export function translator(language: Language): Translate {
  const messages = MESSAGES[language];
  return (key, ...[values]) => fill(messages[key], values);
}

/**
 * The text for a name that comes from data, such as a fault type: known names are translated (`fault.agent_kill`),
 * others are shown as they are, with spaces for underscores.
 */
export function translateName(language: Language, family: NameFamily, name: string): string {
  const key = `${family}.${name}`;
  return isKey(key) ? MESSAGES[language][key] : name.replaceAll('_', ' ');
}

type NameFamily = 'criterion' | 'fault' | 'scenario' | 'severity' | 'state' | 'type';

function isKey(key: string): key is MessageKey {
  return Object.hasOwn(en, key);
}

function fill(text: string, values: Readonly<Record<string, string | number>> | undefined): string {
  if (values === undefined) return text;
  return text.replace(/\{(\w+)\}/g, (placeholder, name: string) => String(values[name] ?? placeholder));
}
