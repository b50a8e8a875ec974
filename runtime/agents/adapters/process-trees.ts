import { readdirSync, readFileSync } from 'node:fs';
import type { Clock, Timer } from '../../kernel/clock.js';

/** How often what an ended tree has left behind is looked for. */
const REAP_MS = 250;

/** How often memory is looked at. */
const MEMORY_MS = 500;

/** Looked for in vain this often after the end of a tree, nothing of it is left. */
const ROUNDS_WITHOUT = 2;

/** Killed this often, a process that is still there will not go (it hangs in the kernel). */
const MOST_ROUNDS = 40;

/** What was seen longer ago than this is not believed any more: pids come round again. */
const KNOWN_FOR_MS = 5_000;

/** A process as /proc showed it when it was seen first. */
interface ProcessInfo {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** Tells apart processes that had the same pid. */
  readonly startTicks: string;
  readonly mark: string | null;
}

/** A process and all it has started, directly or not. */
export interface ProcessTree {
  /** Leader of a session and group of its own. */
  readonly pid: number;
  /** Stands in the environment of each of its processes as {@link MARKER}. */
  readonly mark: string;
  /** Most resident memory of all its processes together; null = not watched. */
  readonly memoryBytes: number | null;
  readonly onMemory: (bytes: number) => void;
}

/** Environment variable by which a process is known as part of a tree, wherever it has forked to. */
export const MARKER = 'AGENT_EXPERIMENT_PROCESS';

/**
 * Knows the process trees of running commands: signals all of a tree, watches its memory, and clears away what its end
 * has left behind. A process belongs to a tree by its session, its group, its ancestors, or, where it has left all of
 * them (a daemon), by the mark in its environment. That needs Linux; elsewhere only the group is reached.
 */
export class ProcessTrees {
  private readonly trees = new Set<ProcessTree>();
  /** Ended trees, and for how many rounds nothing was found of each, and how many there were. */
  private readonly ended = new Map<ProcessTree, { clean: number; rounds: number }>();
  /** Who belongs nowhere at first never will: every process is read once, or a look would take milliseconds. */
  private known = new Map<number, ProcessInfo>();
  private knownAt = -Infinity;
  private memoryTimer: Timer | null = null;
  private reapTimer: Timer | null = null;

  constructor(
    private readonly clock: Clock,
    private readonly onError: (error: unknown) => void,
  ) {}

  add(tree: ProcessTree): void {
    this.trees.add(tree);
    if (tree.memoryBytes === null || this.memoryTimer !== null) return;
    this.memoryTimer = this.clock.every(MEMORY_MS, () => {
      this.watchMemory();
    });
  }

  /** Sends a signal to every process of the tree. */
  signal(tree: ProcessTree, signal: NodeJS.Signals): void {
    // The group at once, so that nobody in it forks away between look and kill.
    send(-tree.pid, signal);
    for (const { pid } of this.membersOf(tree, this.look())) send(pid, signal);
  }

  /** The tree's first process is gone: what it has left behind is killed, now and as it turns up. */
  end(tree: ProcessTree): void {
    if (!this.trees.delete(tree)) return;
    if (this.trees.size === 0) {
      this.memoryTimer?.cancel();
      this.memoryTimer = null;
    }
    send(-tree.pid, 'SIGKILL');
    this.ended.set(tree, { clean: 0, rounds: 0 });
    this.reapTimer ??= this.clock.every(REAP_MS, () => {
      this.reap();
    });
  }

  /** Kills everything of every tree; nothing is left running when this returns, as far as it can be seen. */
  close(): void {
    for (const tree of this.trees) this.ended.set(tree, { clean: 0, rounds: 0 });
    this.trees.clear();
    this.memoryTimer?.cancel();
    this.reapTimer?.cancel();
    this.memoryTimer = null;
    this.reapTimer = null;
    for (let round = 0; round < ROUNDS_WITHOUT && this.ended.size > 0; round += 1) this.reap();
    this.ended.clear();
  }

  private reap(): void {
    const processes = this.look();
    for (const [tree, state] of this.ended) {
      const members = this.membersOf(tree, processes);
      for (const { pid } of members) send(pid, 'SIGKILL');
      state.clean = members.length === 0 ? state.clean + 1 : 0;
      state.rounds += 1;
      if (state.clean >= ROUNDS_WITHOUT) this.ended.delete(tree);
      else if (state.rounds >= MOST_ROUNDS) {
        this.ended.delete(tree);
        const pids = members.map(({ pid }) => pid).join(', ');
        this.onError(new Error(`processes of an ended command cannot be killed: ${pids}`));
      }
    }
    if (this.ended.size > 0) return;
    this.reapTimer?.cancel();
    this.reapTimer = null;
  }

  private watchMemory(): void {
    const watched = [...this.trees].filter(({ memoryBytes }) => memoryBytes !== null);
    if (watched.length === 0) return;
    const processes = this.look();
    for (const tree of watched) {
      const bytes = this.membersOf(tree, processes).reduce((sum, { pid }) => sum + residentBytes(pid), 0);
      if (bytes > (tree.memoryBytes ?? Infinity)) tree.onMemory(bytes);
    }
  }

  private membersOf(tree: ProcessTree, processes: readonly ProcessInfo[]): ProcessInfo[] {
    const members = new Set<number>();
    const belongs = ({ pid, parent, group, session, mark }: ProcessInfo): boolean =>
      pid === tree.pid || group === tree.pid || session === tree.pid || members.has(parent) || mark === tree.mark;
    // Parents may stand behind their children in the list: looked through until nobody is added.
    for (let before = -1; before !== members.size;) {
      before = members.size;
      for (const one of processes) if (!members.has(one.pid) && belongs(one)) members.add(one.pid);
    }
    return processes.filter((one) => members.has(one.pid) && this.stillThere(one));
  }

  /** The pid may be somebody else's by now. */
  private stillThere({ pid, startTicks }: ProcessInfo): boolean {
    if (stateOf(pid)?.startTicks === startTicks) return true;
    this.known.delete(pid);
    return false;
  }

  /** All living processes but ourselves; none where there is no /proc. */
  private look(): ProcessInfo[] {
    const now = this.clock.now();
    if (now - this.knownAt > KNOWN_FOR_MS) this.known.clear();
    this.knownAt = now;
    const processes = pids().flatMap((pid) => {
      const info = pid === process.pid ? null : (this.known.get(pid) ?? seen(pid));
      return info === null ? [] : [info];
    });
    this.known = new Map(processes.map((info) => [info.pid, info]));
    return processes;
  }
}

/** Whether processes can be found by their descent and mark, and their memory be seen. */
export function seesProcesses(): boolean {
  return stateOf(process.pid) !== null;
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone already, or (a program that has changed its user) not ours to end.
  }
}

function pids(): number[] {
  try {
    return readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));
  } catch {
    return [];
  }
}

function seen(pid: number): ProcessInfo | null {
  const state = stateOf(pid);
  return state === null ? null : { ...state, mark: markOf(pid) };
}

/** Null for a process that is gone, or is a zombie. */
function stateOf(pid: number): Omit<ProcessInfo, 'mark'> | null {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === null) return null;
  // The name, in parentheses, may hold anything; what follows it does not.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, parent, group, session] = fields;
  if (state === 'Z' || state === 'X') return null;
  return {
    pid,
    parent: Number(parent),
    group: Number(group),
    session: Number(session),
    startTicks: fields[19] ?? '',
  };
}

function markOf(pid: number): string | null {
  const found = read(`/proc/${pid}/environ`)
    ?.split('\0')
    .find((entry) => entry.startsWith(`${MARKER}=`));
  return found === undefined ? null : found.slice(MARKER.length + 1);
}

function residentBytes(pid: number): number {
  const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`) ?? '') ?? [];
  return Number(kib ?? 0) * 1_024;
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return null;
  }
}
