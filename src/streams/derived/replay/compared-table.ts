import { EMPTY, type Observable } from 'rxjs';
import type { KeyedState } from '../../../snapshots/keyed-state.js';
import { type Identity, identityOf, type StateKey } from '../../../snapshots/state-key.js';
import { toCanonicalJson } from '../../../wal/canonical-json.js';
import type { Slices } from '../../history/slices.js';
import { TableOutput } from '../table-output.js';
import type { KeyDifference } from './report.js';

type Rows = KeyedState<StateKey, unknown, unknown[]>;

const KEYS_AT_ONCE = 1_000;

/** Keeps the rows of a table as a replay gives them, to be compared with those that are stored. */
export class ComparedTable {
  readonly output: TableOutput<unknown>;
  /** The first one that was found. */
  difference: KeyDifference | null = null;
  /** Keys that are as they should be. */
  equal = 0;
  /** Keys that changed since the lsn from which on they can be compared. */
  private readonly changed = new Set<Identity>();

  /** @param since keys that did not change since this lsn are not compared */
  constructor(
    name: string,
    key: readonly string[],
    private readonly since: number,
  ) {
    this.output = new TableOutput<unknown>(name, key, (change) => {
      if (since > 0 && change.lsn >= since) this.changed.add(identityOf(change.key));
    });
  }

  compare(stored: Rows, slices: Slices): Observable<never> {
    const keys = this.keys(stored);
    return slices.steps(() => {
      for (let at = 0; at < KEYS_AT_ONCE && this.difference === null; at++) {
        const { value: key, done } = keys.next();
        if (done) return null;
        this.compareKey(key, stored);
      }
      return this.difference === null ? EMPTY : null;
    });
  }

  private *keys(stored: Rows): Generator<StateKey, void> {
    const derived = this.output.state;
    for (const [key] of stored) if (this.isCompared(key)) yield key;
    for (const [key] of derived) if (this.isCompared(key) && !stored.has(key)) yield key;
  }

  private isCompared(key: StateKey): boolean {
    return this.since === 0 || this.changed.has(identityOf(key));
  }

  private compareKey(key: StateKey, rows: Rows): void {
    const [stored, derived] = [rows.get(key), this.output.state.get(key)];
    const isSame =
      stored !== undefined && derived !== undefined && toCanonicalJson(stored) === toCanonicalJson(derived);
    if (isSame) this.equal++;
    else this.difference = { kind: 'key', key, stored, derived };
  }
}
