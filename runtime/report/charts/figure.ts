import { markup, trusted, when, type Markup } from '../html/markup.js';
import { placeholder, themed, type ColorName } from './palette.js';
import type { Description } from './svg.js';

/** One line (or band) of a chart, as its legend shows it. */
export interface LegendEntry {
  readonly name: string;
  readonly color: ColorName;
  /** Lengths of strokes and gaps, px; left out for a solid line. */
  readonly dash?: readonly number[];
  readonly area?: boolean;
  readonly thin?: boolean;
}

/** A chart with its title, unit, legend and its message in one sentence. `svgs` are the drawings by size. */
export function figure(
  about: Description,
  unit: string,
  legend: readonly LegendEntry[],
  svgs: readonly string[],
): Markup {
  return markup`<figure class="card chart" id="${about.id}">
<figcaption><h3>${about.title} <span class="unit">${unit}</span></h3><p>${about.text}</p></figcaption>
${when(legend.length > 0, () => markup`<ul class="legend">${legend.map((entry) => markup`<li>${sample(entry)}${entry.name}</li>`)}</ul>`)}
${svgs.map(trusted)}
</figure>`;
}

function sample({ color, dash, area, thin }: LegendEntry): Markup {
  const paint = placeholder(color);
  const mark =
    area === true
      ? `<path d="M1 2h18v7H1Z" fill="${paint}" fill-opacity="0.55" stroke="${paint}"/>`
      : `<path d="M1 5h18" stroke="${paint}" stroke-width="${thin === true ? 1.3 : 2.5}" stroke-dasharray="${(dash ?? []).join(' ')}" fill="none"/>`;
  return trusted(
    themed(`<svg class="sample" viewBox="0 0 20 10" width="20" height="10" aria-hidden="true">${mark}</svg>`),
  );
}
