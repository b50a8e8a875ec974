/** Markup that is safe to put into a page as it is. Only {@link markup} and {@link trusted} make it. */
export class Markup {
  constructor(readonly text: string) {}

  toString(): string {
    return this.text;
  }
}

export type Content = Markup | string | number | null | undefined | false | readonly Content[];

/**
 * Template tag for HTML: everything put in is escaped unless it is {@link Markup} already, so text from tasks, faults
 * and flags cannot become markup. `null`, `undefined` and `false` become nothing, lists are joined.
 */
export function markup(strings: TemplateStringsArray, ...contents: readonly Content[]): Markup {
  const parts = strings.map((text, index) => text + (index < contents.length ? render(contents[index]) : ''));
  return new Markup(parts.join(''));
}

/** Declares text made by this program itself (style sheet, chart) to be markup. Never for text from a run. */
export function trusted(text: string): Markup {
  return new Markup(text);
}

const NONE = new Markup('');

/** The content when the condition holds, else nothing. */
export function when(condition: boolean, content: () => Markup): Markup {
  return condition ? content() : NONE;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text for element content and quoted attributes. Control characters, which no HTML may hold, are dropped. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => ENTITIES[sign] ?? sign).replace(FORBIDDEN, '');
}

/** C0 controls but tab, line feed and carriage return, and DEL. */
const FORBIDDEN = /[^\P{Cc}\t\n\r]/gu;

function render(content: Content): string {
  if (content === null || content === undefined || content === false) return '';
  if (content instanceof Markup) return content.text;
  if (typeof content === 'object') return content.map(render).join('');
  return escapeHtml(String(content));
}
