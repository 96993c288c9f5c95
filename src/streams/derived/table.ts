import { Observable, Subject } from 'rxjs';
import type { LookupTable } from '../../operators/lookup-join.js';
import { currentScope } from '../../operators/pipeline-scope.js';
import { KeyedState } from '../../snapshots/keyed-state.js';
import { type Identity, identityOf, type StateKey } from '../../snapshots/state-key.js';
import type { Derivation, DerivationStatus } from './derivation.js';
import type { DerivedStream } from './derived-stream.js';
import { notInTurn } from './misuse.js';
import { Pipeline } from './pipeline.js';
import type { DeadLetter, LateEvent } from './side-streams.js';
import { keyIn, type TableChange, type TableOutput } from './table-output.js';

/** What a table needs of its mill. */
export interface TableHost {
  /** @throws MillraceError `NOT_STARTED`, `CLOSED` */
  live(use: string): unknown;
}

/** The state of a table in one run of its mill. */
export interface RunningTable<V> {
  readonly output: TableOutput<V>;
  readonly derivation: Derivation;
}

/**
 * The latest row of each key, derived from streams by a pipeline: always exactly what the log says, before and after any crash.
 * Declared with `mill.table(name, { key, from })`. Rows are what the pipeline gave: plain data, not to be changed.
 *
 * @example
 * const balances = mill.table('balances', {
 *   key: 'account',
 *   from: bookings.pipe(fold({ by: 'account', init: () => ({ balance: 0 }), add: (state, { amount }) => ({ balance: state.balance + amount }) })),
 * });
 * balances.get('a1')?.balance;
 */
export class Table<V> implements LookupTable<V> {
  /** Changes as events are committed, from now on. */
  readonly changes: Observable<TableChange<V>>;
  /** Events that came too late for a window, where its option `late` says `side`; `null` elsewhere. */
  late: DerivedStream<LateEvent> | null = null;
  /** Events that made the pipeline throw, where the option `onError` is `'deadLetter'`; `null` elsewhere. */
  deadLetters: DerivedStream<DeadLetter> | null = null;
  private readonly changeSubject = new Subject<TableChange<V>>();
  private readonly byKey = new Map<Identity, Subject<TableChange<V>>>();
  private running: RunningTable<V> | null = null;

  /** @internal Use `mill.table()`. */
  constructor(
    readonly name: string,
    private readonly host: TableHost,
    private readonly key: readonly string[],
    /** Its pipeline, as it was declared: `lookupJoin` runs it inside another one. What subscribes to it elsewhere runs it anew. */
    readonly rows: Observable<V>,
  ) {
    this.changes = this.changeSubject.asObservable();
  }

  /** The key of a row: the value of the only key column, or the values of all as an array. */
  keyOf(row: V): StateKey {
    return keyIn(this.name, this.key, row);
  }

  /**
   * The row of a key; `undefined` where there is none. In the turn of a pipeline it is the row as it is then, and there is an error where
   * the table is not in the same turn: take `lookupJoin` there.
   *
   * @throws MillraceError `NOT_STARTED`, `CLOSED`; `INVALID_ARGUMENT` in a turn
   */
  get(key: StateKey): V | undefined {
    return this.state.get(key);
  }

  has(key: StateKey): boolean {
    return this.state.has(key);
  }

  /** How many keys there are. */
  get size(): number {
    return this.state.size;
  }

  /** All keys with their rows, in an order that is the same in every run. Do not change the table's streams meanwhile. */
  entries(): IterableIterator<[StateKey, V]> {
    return this.state.entries();
  }

  /** The row of a key now, if there is one, then each new one. */
  live(key: StateKey): Observable<V> {
    return new Observable((subscriber) => {
      const now = this.get(key);
      // What the turn that is told just now gave is in the table already.
      const { turnLsn } = this.running!.derivation;
      if (now !== undefined) subscriber.next(now);
      const identity = identityOf(key);
      const subject = this.byKey.get(identity) ?? new Subject();
      this.byKey.set(identity, subject);
      const subscription = subject.subscribe({
        next: ({ lsn, value }) => {
          if (lsn > turnLsn) subscriber.next(value);
        },
        complete: () => subscriber.complete(),
      });
      return () => {
        subscription.unsubscribe();
        if (!subject.observed && this.byKey.get(identity) === subject) this.byKey.delete(identity);
      };
    });
  }

  get status(): DerivationStatus {
    return this.running?.derivation.status ?? { state: 'new', processedTo: 0 };
  }

  /** @internal */
  run(running: RunningTable<V>): void {
    this.running = running;
  }

  /** @internal The state that readers have while a new version is built. */
  rowsBefore(): KeyedState<StateKey, V, unknown[]> {
    const { output } = this.running!;
    output.before = new KeyedState(output.state.name, output.state.codec);
    return output.before;
  }

  /** @internal */
  tell(change: TableChange<V>): void {
    this.changeSubject.next(change);
    if (this.byKey.size > 0) this.byKey.get(identityOf(change.key))?.next(change);
  }

  /** @internal */
  complete(): void {
    this.changeSubject.complete();
    for (const subject of this.byKey.values()) subject.complete();
  }

  private get state() {
    const pipeline = currentScope();
    // A pipeline reads it while the log is re-emitted, before the mill is live.
    if (pipeline === null || this.running === null) this.host.live(`read table "${this.name}"`);
    const { derivation, output } = this.running!;
    if (pipeline === null) return output.before ?? output.state;
    if (pipeline instanceof Pipeline) this.assertSameTurn(derivation, pipeline);
    return output.state;
  }

  /** A table keeps no history: in another turn than its own a pipeline would find what nobody finds there again. */
  private assertSameTurn(derivation: Derivation, { name, sink: { turns } }: Pipeline): void {
    if (turns === undefined) return;
    const { turnLsn, processedTo, state, catchUp } = derivation;
    const { turnLsn: lsn } = turns;
    if (turnLsn > lsn || processedTo > lsn + 1)
      throw notInTurn(this.name, name, lsn, `has had later events, up to lsn ${Math.max(turnLsn, processedTo - 1)}`);
    if (state === 'stopped') throw notInTurn(this.name, name, lsn, 'has stopped: see its status');
    const isInStep = state === 'live' || (turns.state !== 'live' && catchUp === turns.catchUp);
    if (!isInStep) throw notInTurn(this.name, name, lsn, 'still processes earlier events');
  }
}
