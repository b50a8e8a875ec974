import type { Translate } from '../i18n.js';
import { escapeHtml } from '../html/markup.js';
import { placeholder, themed } from './palette.js';
import type { Plot, Size } from './svg.js';
import type { Span, Timeline } from './timeline.js';

const LANE_PX = 12;
const GAP_PX = 6;
const MARK_PX = 8;
/** With more faults than this, lines through the plot would hide what they are to explain. */
const MOST_FAULT_LINES = 12;

export type Lane = 'faults' | 'scalings' | 'alerts' | 'pauses';

/** The kinds of marks a run has, in drawing order. Each has a lane and a shape of its own, so colour is not needed. */
export function lanesOf(timeline: Timeline): Lane[] {
  const lanes: readonly Lane[] = ['faults', 'scalings', 'alerts', 'pauses'];
  return lanes.filter((lane) => timeline[lane].length > 0);
}

export function stripHeight(timeline: Timeline): number {
  const lanes = lanesOf(timeline).length;
  return lanes === 0 ? 0 : GAP_PX + lanes * LANE_PX;
}

/** Reference to the marks, which are in the page once per size and not once per chart. */
export function stripReference(size: Size): string {
  return `<use href="#strip-${size.id}"/>`;
}

/** Definitions the references point to: the strip of marks under the plot, pauses and few faults also across it. */
export function stripDefinition(timeline: Timeline, size: Size, plot: Plot, t: Translate): string {
  const plotBottom = size.height - plot.bottom;
  const width = size.width - plot.left - plot.right;
  const x = (ms: number): number => plot.left + (ms / timeline.durationMs) * width;
  const lanes = lanesOf(timeline).map((lane, index) => {
    const top = plotBottom + GAP_PX + index * LANE_PX;
    const label = escapeHtml(t(`lane.${lane}`));
    const text = `<text x="${plot.left - 8}" y="${top + 8}" text-anchor="end" font-size="9" fill="${placeholder('muted')}">${label}</text>`;
    const ground = `<path d="M${plot.left} ${top + 4.5}h${width}" stroke="${placeholder('grid')}" fill="none"/>`;
    return ground + text + drawLane(lane, timeline, x, top);
  });
  const across = drawAcross(timeline, x, plot.top, plotBottom);
  return themed(`<g id="strip-${size.id}" aria-hidden="true">${across}${lanes.join('')}</g>`);
}

/** A mark on its own, for the legend: 16 × 10 px. */
export function markSample(lane: Lane): string {
  const one: Timeline = {
    durationMs: 16,
    unitMs: 1,
    unit: 's',
    faults: [2, 7, 10].map((at) => ({ from: at, to: at })),
    scalings: [
      { at: 4, up: true },
      { at: 12, up: false },
    ],
    alerts: [{ from: 2, to: 14, critical: true }],
    pauses: [{ from: 2, to: 14 }],
  };
  const mark = drawLane(lane, one, (ms) => ms, 1);
  return themed(`<svg class="sample" viewBox="0 0 16 10" width="16" height="10" aria-hidden="true">${mark}</svg>`);
}

/** Hatching of pauses; one definition per page. */
export function hatchDefinition(): string {
  return themed(
    '<pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">' +
      `<path d="M0 0v5" stroke="${placeholder('muted')}" stroke-width="2"/></pattern>`,
  );
}

function drawLane(lane: Lane, timeline: Timeline, x: (ms: number) => number, top: number): string {
  if (lane === 'faults') return drawFaults(timeline.faults, x, top);
  if (lane === 'scalings') return drawScalings(timeline.scalings, x, top);
  if (lane === 'alerts') return drawAlerts(timeline.alerts, x, top);
  const bars = timeline.pauses.map((pause) => bar(x(pause.from), x(pause.to), top, MARK_PX)).join('');
  return `<path d="${bars}" fill="url(#hatch)" stroke="${placeholder('muted')}" stroke-width="0.75"/>`;
}

/** Thin ticks, with a foot as long as the fault lasted. */
function drawFaults(faults: readonly Span[], x: (ms: number) => number, top: number): string {
  const ticks = faults.map(({ from, to }) => {
    const foot = x(to) - x(from);
    return `M${round(x(from))} ${top}v${MARK_PX}${foot >= 1 ? `h${round(foot)}` : ''}`;
  });
  // Hundreds of ticks must not run together into one bar.
  const spacing =
    faults.length < 2 ? Infinity : (x(faults.at(-1)?.from ?? 0) - x(faults[0]?.from ?? 0)) / (faults.length - 1);
  const width = round(Math.min(1.1, Math.max(spacing * 0.45, 0.3)));
  return `<path d="${ticks.join('')}" stroke="${placeholder('orange')}" stroke-width="${width}" fill="none"/>`;
}

/** Triangles that point up or down. */
function drawScalings(scalings: Timeline['scalings'], x: (ms: number) => number, top: number): string {
  const triangles = scalings.map(({ at, up }) => {
    const left = round(x(at) - 3.5);
    return up ? `M${left} ${top + MARK_PX}l3.5 -7l3.5 7Z` : `M${left} ${top + 1}l3.5 7l3.5 -7Z`;
  });
  return `<path d="${triangles.join('')}" fill="${placeholder('blue')}"/>`;
}

/** Bars as long as the alert fired: full height when critical, a thin line when a warning. */
function drawAlerts(alerts: Timeline['alerts'], x: (ms: number) => number, top: number): string {
  const bars = alerts.map(({ from, to, critical }) =>
    critical ? bar(x(from), x(to), top, MARK_PX) : bar(x(from), x(to), top + 2.5, 3),
  );
  return `<path d="${bars.join('')}" fill="${placeholder('red')}"/>`;
}

function drawAcross(timeline: Timeline, x: (ms: number) => number, top: number, bottom: number): string {
  const shades = timeline.pauses.map((pause) => bar(x(pause.from), x(pause.to), top, bottom - top)).join('');
  const pauses = shades === '' ? '' : `<path d="${shades}" fill="url(#hatch)" opacity="0.35"/>`;
  if (timeline.faults.length === 0 || timeline.faults.length > MOST_FAULT_LINES) return pauses;
  const lines = timeline.faults.map((fault) => `M${round(x(fault.from))} ${top}V${bottom}`).join('');
  return `${pauses}<path d="${lines}" stroke="${placeholder('orange')}" stroke-dasharray="1 3" fill="none"/>`;
}

function bar(from: number, to: number, top: number, height: number): string {
  const width = Math.max(round(to - from), 2);
  return `M${round(from)} ${top}h${width}v${height}h${-width}Z`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
