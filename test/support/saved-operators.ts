import { concat, type Observable, type Subscription } from 'rxjs';
import { type OperatorHome, type PipelineScope, within } from '../../src/operators/pipeline-scope.js';
import { KeyedState } from '../../src/snapshots/keyed-state.js';
import { restoreState } from '../../src/snapshots/load-state.js';
import type { StateCodec, Values } from '../../src/snapshots/state-codec.js';
import type { StateFile } from '../../src/snapshots/state-file.js';
import type { StateKey } from '../../src/snapshots/state-key.js';
import { writeState } from '../../src/snapshots/write-state.js';
import { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import { toCanonicalJson } from '../../src/wal/canonical-json.js';
import { type Hash, loadHash } from '../../src/wal/hash.js';
import { now, run } from '../storage/support.js';

const DIRECTORY = '/state';

let hash: Hash;

/** Loads the hash function, once for all tests of a file. */
export async function prepareSaving(): Promise<void> {
  hash = await run(loadHash());
}

const context = () => ({ hash, databaseId: new Uint8Array(16) });

// biome-ignore lint/suspicious/noExplicitAny: states of any keys and values
type AnyState = KeyedState<any, any, any>;

/** What a mill is to the operators of one run. */
class Scope implements PipelineScope {
  readonly states = new Map<string, AnyState>();
  readonly shapes: string[] = [];
  readonly callbacks: (() => void)[] = [];
  readonly beforeSave: (() => void)[] = [];
  isSubscribing = true;

  constructor(private readonly timeColumn: string | null) {}

  operator(name: string, shape: unknown): OperatorHome {
    if (!this.isSubscribing) throw new Error(`${name} is subscribed to inside a turn`);
    const path = `${this.shapes.length}-${name}`;
    this.shapes.push(`${name} ${toCanonicalJson(shape)}`);
    let isLoaded = false;
    this.callbacks.push(() => {
      isLoaded = true;
    });
    const guarded = <S extends object>(state: S): S =>
      new Proxy(state, {
        get: (target, property) => {
          if (!isLoaded && property !== 'codec') throw new Error(`${path} uses its state before it is loaded`);
          const value = Reflect.get(target, property, target);
          return typeof value === 'function' ? value.bind(target) : value;
        },
      });
    return {
      timeColumn: this.timeColumn,
      inputs: 1,
      input: 0,
      readFrom: (subscribe) => subscribe(),
      whenLoaded: (callback) => this.callbacks.push(callback),
      beforeSave: (callback) => this.beforeSave.push(callback),
      keyed: <K extends StateKey, V, A extends Values>(part: string, codec: StateCodec<V, A>, isIndexed?: boolean) => {
        const state = new KeyedState<K, V, A>(`${path}/${part}`, codec, isIndexed);
        this.states.set(state.name, state);
        return guarded(state);
      },
    };
  }
}

/** What happened in the runs of a pipeline: its rows by turn, and how it ended. */
export interface Seen {
  readonly rows: unknown[];
  error: unknown;
  isComplete: boolean;
}

/**
 * A pipeline with a mill that saves and loads what its operators keep. Rows are copied as they come: as a mill stores them.
 *
 * @example
 * const saved = new SavedOperators(() => source.pipe(scan(sum, 0)));
 * saved.turn(() => source.next(1));
 * saved.save();
 * saved.restart();
 */
export class SavedOperators {
  readonly seen: Seen = { rows: [], error: null, isComplete: false };
  /** Rows that came outside of turns. */
  readonly outside: unknown[] = [];
  private readonly storage = new SimulatedStorage();
  private files = new Map<string, readonly StateFile[]>();
  private shapes: string | null = null;
  private scope!: Scope;
  private subscription!: Subscription;
  private isInTurn = false;

  constructor(
    private readonly pipeline: () => Observable<unknown>,
    private readonly timeColumn: string | null = null,
  ) {
    now(this.storage.makeDirectory(DIRECTORY));
    this.start();
  }

  /** As they would be saved now. */
  get states(): ReadonlyMap<string, AnyState> {
    for (const callback of this.scope.beforeSave) callback();
    return this.scope.states;
  }

  /** Its operators, with their shapes. */
  get shape(): string {
    return this.shapes ?? '';
  }

  turn(work: () => void): void {
    this.isInTurn = true;
    within(this.scope, work);
    this.isInTurn = false;
  }

  /** A checkpoint; `meanwhile` runs when everything is captured and nothing is written. */
  save(meanwhile: () => void = () => {}): void {
    const captures = [...this.states].map(([name, state]) => ({ name, state, captured: state.capture() }));
    meanwhile();
    for (const { name, captured } of captures) {
      const file = `${name.replaceAll('/', '-')}-${captured.number}`;
      now(writeState(this.storage, DIRECTORY, file, captured, { ...context(), entriesMax: 5 }));
    }
    for (const { captured } of captures) captured.succeeded();
    this.files = new Map(captures.map(({ name, state }) => [name, state.files]));
  }

  /** The process ends, and begins again with what was saved last. */
  restart(): void {
    this.subscription.unsubscribe();
    this.start();
  }

  private start(): void {
    const scope = (this.scope = new Scope(this.timeColumn));
    const { seen } = this;
    within(scope, () => {
      this.subscription = this.pipeline().subscribe({
        next: (row) => (this.isInTurn ? seen.rows : this.outside).push(copyOf(row)),
        error: (error) => {
          seen.error = error;
        },
        complete: () => {
          seen.isComplete = true;
        },
      });
    });
    scope.isSubscribing = false;
    const shapes = scope.shapes.join(', ');
    if (shapes !== (this.shapes ??= shapes)) throw new Error(`the pipeline was ${this.shapes}, and is ${shapes}`);
    const restores = [...scope.states.values()].map((state) =>
      restoreState(this.storage, DIRECTORY, this.files.get(state.name) ?? [], state, context()),
    );
    now(concat(...restores));
    within(scope, () => {
      for (const callback of scope.callbacks) callback();
    });
  }
}

/** What is changed later must not change what was seen. */
function copyOf<T>(row: T): T {
  return structuredClone(row);
}
