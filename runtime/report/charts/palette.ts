/**
 * Colours of the charts. A chart is drawn once and shown light and dark, so it is drawn with placeholder colours,
 * which become CSS variables (`var(--c-blue)`) that the style sheet sets for each scheme. Series colours follow Okabe
 * and Ito's palette for colour-blind readers (2008), darkened for thin lines on white, lightened for dark ground.
 */
export const COLORS = {
  blue: { light: '#0072b2', dark: '#56b4e9' },
  orange: { light: '#c8590a', dark: '#f0a04b' },
  green: { light: '#00825f', dark: '#35c29a' },
  purple: { light: '#a4508b', dark: '#dd8fc0' },
  amber: { light: '#a87900', dark: '#e8c547' },
  grey: { light: '#7b8794', dark: '#8b98a7' },
  red: { light: '#c23b22', dark: '#ff8a70' },
  ink: { light: '#1c2126', dark: '#e6e9ed' },
  muted: { light: '#5b6570', dark: '#9ba6b2' },
  axis: { light: '#b9c0c8', dark: '#46505c' },
  grid: { light: '#e7eaee', dark: '#272d35' },
  card: { light: '#ffffff', dark: '#171b21' },
} as const;

export type ColorName = keyof typeof COLORS;

const NAMES = Object.keys(COLORS) as ColorName[];

/** The colour a chart is drawn with before {@link themed} turns it into a variable. */
export function placeholder(name: ColorName): string {
  return `#fe01${NAMES.indexOf(name).toString(16).padStart(2, '0')}`;
}

/** Replaces every placeholder in the SVG by its variable. */
export function themed(svg: string): string {
  return svg.replace(/#fe01([0-9a-f]{2})/g, (color, index: string) => {
    const name = NAMES[Number.parseInt(index, 16)];
    return name === undefined ? color : `var(--c-${name})`;
  });
}

/** Declarations of the variables for one scheme. */
export function colorVariables(scheme: 'light' | 'dark'): string {
  return NAMES.map((name) => `--c-${name}:${COLORS[name][scheme]}`).join(';');
}
