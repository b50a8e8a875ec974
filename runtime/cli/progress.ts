import type { RunStatus } from '../control/port.js';
import { DAY, HOUR, MINUTE, SECOND } from '../kernel/units.js';
import type { Clock } from '../kernel/clock.js';
import { formatCount } from '../spec/units.js';
import type { Output } from './io.js';

/** A terminal's line is drawn anew at most every so many ms. */
const REDRAW_MS = 200;
/** Elsewhere a live run says a line this often, ms. */
const LINE_MS = 10 * SECOND;
/** Elsewhere a rehearsal says a line after each such share of the run. */
const LINE_SHARE = 0.1;
/** A rehearsal brings thousands of samples a second, one for each of its own: this many times it is looked closer. */
const LOOKS = 500;
/** Samples from one look to the next at most. */
const MOST_UNSEEN = 64;
/** Widest bar; it gives way to the text where the terminal is narrow. */
const BAR_WIDTH = 24;
const CLEAR_LINE = '\r\u001b[2K';

/** Shows how far a run is: one line that is redrawn on a terminal, now and then a line elsewhere. */
export class Progress {
  private readonly startedAt: number;
  private readonly samplesPerLook: number;
  private samples = 0;
  private drawnAt = -Infinity;
  private nextShare = LINE_SHARE;
  private shown = false;

  constructor(
    private readonly out: Output,
    private readonly clock: Clock,
    private readonly status: () => RunStatus,
    private readonly target: 'rehearsal' | 'local',
  ) {
    this.startedAt = clock.now();
    const samples = status().durationMs / SECOND;
    this.samplesPerLook = target === 'local' ? 1 : Math.max(1, Math.min(MOST_UNSEEN, Math.floor(samples / LOOKS)));
  }

  /** To be called with every sample of the run. */
  sampled(): void {
    this.samples += 1;
    if (this.samples % this.samplesPerLook !== 0) return;
    const now = this.clock.now();
    if (this.out.terminal) {
      if (now - this.drawnAt >= REDRAW_MS) this.draw(now);
      return;
    }
    if (this.target === 'local') {
      if (now - this.drawnAt < LINE_MS) return;
      this.drawnAt = now;
      this.out.write(`${progressLine(this.status(), now - this.startedAt)}\n`);
      return;
    }
    const status = this.status();
    const share = status.elapsedMs / status.durationMs;
    if (share < this.nextShare) return;
    while (this.nextShare <= share) this.nextShare += LINE_SHARE;
    this.out.write(`${progressLine(status, now - this.startedAt)}\n`);
  }

  /** Says something without tearing the line. */
  note(text: string): void {
    this.clear();
    this.out.write(`${text}\n`);
  }

  /** Takes the line away: what follows is the result. */
  finish(): void {
    this.clear();
  }

  private draw(now: number): void {
    this.drawnAt = now;
    const status = this.status();
    const room = this.out.columns - 1;
    const text = progressLine(status, now - this.startedAt);
    const width = Math.max(0, Math.min(BAR_WIDTH, room - text.length - 2));
    const line = width < 4 ? text : `${bar(shareOf(status), width)}  ${text}`;
    this.out.write(`${CLEAR_LINE}${line.slice(0, Math.max(1, room))}`);
    this.shown = true;
  }

  private clear(): void {
    if (this.shown) this.out.write(CLEAR_LINE);
    this.shown = false;
  }
}

/** ` 45%  1d 08:24 of 3d 00:00  ×9,120  1,043,221 tasks  P99 1.2 s  200/200 agents  running`. */
export function progressLine(status: RunStatus, wallMs: number): string {
  const { elapsedMs, durationMs, counts, latest, state, target, alertsFiring } = status;
  const parts = [
    `${String(Math.floor(shareOf(status) * 100)).padStart(3)}%`,
    `${clockText(elapsedMs, durationMs)} of ${clockText(durationMs, durationMs)}`,
    ...(target === 'rehearsal' && wallMs > 0 ? [`×${formatCount(elapsedMs / wallMs)}`] : []),
    `${formatCount(counts.completed)} tasks`,
    ...(latest === null ? [] : [`P99 ${secondsText(latest.performance.latency.p99)}`]),
    ...(latest === null ? [] : [`${latest.agents.active}/${latest.agents.target} agents`]),
    state,
    ...(alertsFiring.length === 0 ? [] : [`alert: ${alertsFiring.join(', ')}`]),
  ];
  return parts.join('  ');
}

/** How much of the run is over, 0–1. */
export function shareOf({ elapsedMs, durationMs }: Pick<RunStatus, 'elapsedMs' | 'durationMs'>): number {
  return durationMs === 0 ? 1 : Math.min(1, elapsedMs / durationMs);
}

/** `████░░░░`; empty for a share that is no number. */
export function bar(share: number, width: number): string {
  const filled = Number.isFinite(share) ? Math.round(Math.min(1, Math.max(0, share)) * width) : 0;
  return '█'.repeat(filled) + '░'.repeat(width - filled);
}

/** `1d 08:24` in a run of days, `08:24:10` in one of hours, `24:10` in one of minutes. */
export function clockText(ms: number, durationMs: number): string {
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  const hours = two((ms % DAY) / HOUR);
  const minutes = two((ms % HOUR) / MINUTE);
  const seconds = two((ms % MINUTE) / SECOND);
  if (durationMs >= DAY) return `${Math.floor(ms / DAY)}d ${hours}:${minutes}`;
  return durationMs >= HOUR ? `${hours}:${minutes}:${seconds}` : `${minutes}:${seconds}`;
}

/** `1.2 s`, `–` where nothing was measured. */
export function secondsText(ms: number): string {
  if (!Number.isFinite(ms)) return '–';
  return ms < SECOND ? `${Math.round(ms)} ms` : `${(ms / SECOND).toFixed(1)} s`;
}
