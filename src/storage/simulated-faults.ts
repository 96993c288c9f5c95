import { normalize } from './simulated-disk.js';

/** What is counted in `operations` and can be made to fail. `release` is that of a lock. */
export type OperationName =
  | 'open'
  | 'list'
  | 'makeDirectory'
  | 'rename'
  | 'remove'
  | 'syncDirectory'
  | 'lock'
  | 'release'
  | 'size'
  | 'read'
  | 'write'
  | 'sync'
  | 'truncate'
  | 'close';

export interface Fault {
  /** Any operation where it is missing. */
  readonly operation?: OperationName;
  /** The path that the operation names (a rename: either), or a pattern for it. Any path where it is missing. */
  readonly path?: string | RegExp;
  /** The first matching operation that fails, counted from 1 and from now. */
  readonly nth: number;
  /** How many matching operations fail from there on: 1 by default, `Infinity` for ever. */
  readonly times?: number;
  /** The system's code: `EIO`, `ENOSPC`, … */
  readonly code: string;
}

/** The faults that a test ordered. */
export class SimulatedFaults {
  readonly #faults = new Set<{ readonly fault: Fault; seen: number }>();

  /** Returns a function that lifts the fault. */
  add(fault: Fault): () => void {
    const path = typeof fault.path === 'string' ? normalize(fault.path) : fault.path;
    const entry = { fault: { ...fault, path }, seen: 0 };
    this.#faults.add(entry);
    return () => this.#faults.delete(entry);
  }

  /** The code that this operation fails with; every fault that matches counts it. */
  next(operation: OperationName, paths: readonly string[]): string | undefined {
    let code: string | undefined;
    for (const entry of this.#faults) {
      if (!matches(entry.fault, operation, paths)) continue;
      const { nth, times = 1 } = entry.fault;
      const seen = ++entry.seen;
      if (seen >= nth && seen < nth + times) code ??= entry.fault.code;
    }
    return code;
  }
}

function matches({ operation, path }: Fault, name: OperationName, paths: readonly string[]): boolean {
  if (operation !== undefined && operation !== name) return false;
  if (path === undefined) return true;
  // `search` ignores the `lastIndex` of a global pattern.
  return paths.some((candidate) => (typeof path === 'string' ? candidate === path : candidate.search(path) >= 0));
}
