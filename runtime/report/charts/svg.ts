import * as echarts from 'echarts';

import { escapeHtml } from '../html/markup.js';
import { themed } from './palette.js';

/** A drawing area in CSS pixels. `id` makes the element ids of its SVGs unique in the page. */
export interface Size {
  readonly id: 'wide' | 'narrow';
  readonly width: number;
  readonly height: number;
}

/**
 * Every chart is drawn twice and the style sheet shows one: a wide drawing shrunk to a phone would have letters of
 * five pixels.
 */
export const SIZES: readonly Size[] = [
  { id: 'wide', width: 576, height: 264 },
  { id: 'narrow', width: 320, height: 236 },
];

/** The plot inside a {@link Size}: the same for every chart with a time axis, so that they can be compared by eye. */
export interface Plot {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  /** Room under the plot for axis labels and the strip of marks. */
  readonly bottom: number;
}

export interface Description {
  /** Unique in the page, without the size. */
  readonly id: string;
  readonly title: string;
  readonly text: string;
}

/**
 * Draws a chart with echarts on the server and returns an `<svg>` element to be put into a page: coloured by CSS
 * variables, named and described for screen readers, without styles or scripts of its own. `overlay` is SVG put on top.
 */
export function drawSvg(option: echarts.EChartsCoreOption, size: Size, about: Description, overlay: string): string {
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: size.width, height: size.height });
  try {
    chart.setOption({ animation: false, ...option });
    return adapt(chart.renderToSVGString(), size, about, overlay);
  } finally {
    // Without it echarts keeps timers and the process never ends.
    chart.dispose();
  }
}

function adapt(svg: string, size: Size, about: Description, overlay: string): string {
  const id = `${about.id}-${size.id}`;
  const body = svg
    .replace(/^[^]*?<svg[^>]*>/, '')
    .replace(/<\/svg>\s*$/, '')
    // Hover styles, event switches and metadata serve echarts' own script, which is not there.
    .replace(/<style[^]*?<\/style>/g, '')
    .replace(/ (?:class|ecmeta_\w+|pointer-events|xml:space)="[^"]*"/g, '')
    // Only clip paths are black, and their colour means nothing.
    .replaceAll(' fill="#000"', '')
    // echarts numbers its charts through the life of the process; the same report must give the same page.
    .replace(/zr\d+-c/g, `${id}-c`)
    .replace(/<rect [^>]*fill="none"><\/rect>/, '')
    .replace(/font-family:inherit;?/g, '')
    .replace(/<path d="[^"]*" fill="transparent"[^>]*><\/path>/g, '')
    .replace(/\n+/g, '\n');
  const head =
    `<svg class="${size.id}" viewBox="0 0 ${size.width} ${size.height}" role="img" ` +
    `aria-labelledby="${id}-title" aria-describedby="${id}-desc">` +
    `<title id="${id}-title">${escapeHtml(about.title)}</title><desc id="${id}-desc">${escapeHtml(about.text)}</desc>`;
  return themed(`${head}${body}${overlay}</svg>`);
}
