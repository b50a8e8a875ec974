import type { ExperimentEvent } from '../observe/events.js';
import { formatDuration, formatRate } from '../spec/units.js';

/** An event in one line for people; null for what would only fill the screen. */
export function eventText(event: ExperimentEvent): string | null {
  const text = whatHappened(event);
  // The time of day here, as on the watcher's own clock.
  return text === null ? null : `${new Date(event.at).toTimeString().slice(0, 8)}  ${text.replace(/\p{Cc}+/gu, ' ')}`;
}

function whatHappened(event: ExperimentEvent): string | null {
  switch (event.type) {
    case 'run_state':
      return `${event.from} → ${event.to}: ${event.reason}`;
    case 'segment':
      return `load: ${event.label}, ${formatRate(event.ratePerMin)}`;
    case 'leader':
      return `leader: ${event.replica}${event.previous === null ? '' : `, was ${event.previous}`}`;
    case 'scaling': {
      const { from, to, reason } = event.decision;
      return from === to ? null : `scaling: ${from} → ${to} agents, ${reason}`;
    }
    case 'fault':
      return faultText(event);
    case 'alert':
      return `${event.severity} alert ${event.name}: ${event.state}`;
    case 'incident':
      return `incident (${event.incident.severity}): ${event.incident.description}`;
    case 'agents':
      return `${event.agents.length} agents ${event.change}: ${event.reason}`;
    case 'control':
      return `${event.command} by ${event.by}${event.detail === '' ? '' : `: ${event.detail}`}`;
    case 'monitor':
      return `${event.monitor}: ${event.finding}`;
    case 'diagnostics':
      return `diagnostics for ${event.alert} recorded`;
  }
}

function faultText({ stage, fault }: Extract<ExperimentEvent, { type: 'fault' }>): string | null {
  const name = `fault ${fault.id} ${fault.type}`;
  switch (stage) {
    case 'planned':
    case 'probed':
      return null;
    case 'injected':
      return `${name}: injected${fault.subjects.length === 0 ? '' : `, ${fault.subjects.length} hit`}`;
    case 'undone':
      return `${name}: over`;
    case 'recovered':
      return `${name}: service back${fault.serviceRecoveryMs === null ? '' : ` after ${formatDuration(Math.round(fault.serviceRecoveryMs))}`}`;
    case 'skipped':
      return `${name}: left out, ${fault.detail}`;
  }
}
