import fc from 'fast-check';
import { defer, EMPTY } from 'rxjs';
import { columnarCodec } from '../../src/snapshots/columnar-codec.js';
import { KeyedState } from '../../src/snapshots/keyed-state.js';
import { jsonCodec, type StateCodec, type Values } from '../../src/snapshots/state-codec.js';
import type { StateFile } from '../../src/snapshots/state-file.js';
import type { StateKey } from '../../src/snapshots/state-key.js';
import { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import { now } from '../storage/support.js';
import { type AnyState, context, DIRECTORY, load, makeDirectory, prepareHash, write } from './keyed-state-support.js';

beforeAll(prepareHash);

/** Sets or deletes every `step`-th of `count` keys. */
interface Change {
  readonly kind: 'set' | 'delete';
  readonly first: number;
  readonly count: number;
  readonly step: number;
  readonly value: number;
}

/** How a checkpoint ends. A fault or power cut comes at its `at`-th operation; if that is too late, it goes well. */
type Outcome =
  | { readonly kind: 'ok' | 'manifest fails' }
  | { readonly kind: 'fault' | 'power cut'; readonly at: number };

interface Action {
  readonly changes: readonly Change[];
  readonly next: 'nothing' | 'restart' | 'power cut' | 'checkpoint';
  readonly outcome: Outcome;
  /** One after each slice of the checkpoint. */
  readonly meanwhile: readonly Change[];
}

const aChange: fc.Arbitrary<Change> = fc.record({
  kind: fc.constantFrom('set', 'set', 'delete'),
  first: fc.nat(600),
  count: fc.oneof(fc.nat(5), fc.nat(400)),
  step: fc.integer({ min: 1, max: 5 }),
  value: fc.nat(1_000),
});
const anOutcome: fc.Arbitrary<Outcome> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('ok', 'manifest fails') }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constantFrom('fault', 'power cut'), at: fc.integer({ min: 1, max: 20 }) }),
  },
);
const anAction: fc.Arbitrary<Action> = fc.record({
  changes: fc.array(aChange, { maxLength: 3 }),
  next: fc.constantFrom('nothing', 'restart', 'power cut', 'checkpoint', 'checkpoint', 'checkpoint'),
  outcome: anOutcome,
  meanwhile: fc.array(aChange, { maxLength: 6 }),
});

/** Keys of every kind, each number another one. */
function keyOf(number: number): StateKey {
  const kinds = [`device-${number}`, number, BigInt(number), ['site', number, number % 8 === 3]] as const;
  return kinds[number % 4]!;
}

/** A state and a plain Map that should be equal to it, now and as they were in the last durable manifest. */
class Run<V, A extends Values> {
  private state: AnyState<V, A>;
  private model = new Map<number, number>();
  private manifest: { files: readonly StateFile[]; model: Map<number, number> } = { files: [], model: new Map() };

  constructor(
    private storage: SimulatedStorage,
    private readonly codec: StateCodec<V, A>,
    private readonly toValue: (value: number) => V,
  ) {
    this.state = new KeyedState('counts', codec);
  }

  act({ changes, next, outcome, meanwhile }: Action): void {
    for (const change of changes) this.change(change);
    if (next === 'power cut') this.storage = this.storage.crash();
    if (next === 'power cut' || next === 'restart') this.reload();
    if (next === 'checkpoint') this.checkpoint(outcome, [...meanwhile]);
    this.compare();
  }

  private change({ kind, first, count, step, value }: Change): void {
    for (let at = first; at < first + count; at += step) {
      if (kind === 'set') {
        this.state.set(keyOf(at), this.toValue(value));
        this.model.set(at, value);
      } else expect(this.state.delete(keyOf(at))).toBe(this.model.delete(at));
    }
  }

  private checkpoint(outcome: Outcome, meanwhile: Change[]): void {
    const { storage } = this;
    const captured = this.state.capture();
    const model = new Map(this.model);
    let lift = () => {};
    let hasFailed = false;
    let isWritten = false;
    if (outcome.kind === 'power cut') storage.crashAt(storage.operations + outcome.at);
    if (outcome.kind === 'fault') lift = storage.failAt({ nth: outcome.at, code: 'EIO' });
    const pause = defer(() => {
      const change = meanwhile.shift();
      if (change) this.change(change);
      return EMPTY;
    });
    write(storage, captured, pause).subscribe({ error: () => (hasFailed = true), complete: () => (isWritten = true) });
    lift();
    if (outcome.kind === 'power cut') {
      this.storage = storage.crash();
      this.reload();
    } else if (hasFailed || outcome.kind === 'manifest fails') captured.failed();
    else {
      expect(isWritten).toBe(true);
      now(storage.syncDirectory(DIRECTORY));
      this.manifest = { files: captured.files, model };
      captured.succeeded();
      this.removeLeftovers();
    }
  }

  private removeLeftovers(): void {
    const names = new Set(this.manifest.files.map(({ name }) => name));
    for (const name of now(this.storage.list(DIRECTORY))) {
      if (!names.has(name)) now(this.storage.remove(`${DIRECTORY}/${name}`));
    }
  }

  private reload(): void {
    this.model = new Map(this.manifest.model);
    this.state = load(this.storage, this.manifest.files, this.codec);
  }

  private compare(): void {
    const { hash } = context();
    expect(this.state.size).toBe(this.model.size);
    const expected = new KeyedState<StateKey, V, A>('counts', this.codec);
    for (const [number, value] of this.model) expected.set(keyOf(number), this.toValue(value));
    expect(this.state.sum(hash)).toBe(expected.sum(hash));
    for (const [number, value] of [...this.model].slice(-20))
      expect(this.state.get(keyOf(number))).toEqual(this.toValue(value));
    for (let number = 0; number < 1_000; number += 7)
      expect(this.state.has(keyOf(number))).toBe(this.model.has(number));
    expect(this.state.files).toEqual(this.manifest.files);
    expect(this.state.files.length).toBeLessThanOrEqual(9);
  }
}

function behavesLikeItsModel<V, A extends Values>(codec: StateCodec<V, A>, toValue: (value: number) => V): void {
  const property = fc.property(fc.nat(), fc.array(anAction, { minLength: 1, maxLength: 15 }), (seed, actions) => {
    const run = new Run(makeDirectory(new SimulatedStorage({ seed })), codec, toValue);
    for (const action of actions) run.act(action);
  });
  fc.assert(property, { numRuns: 20 });
}

describe('keyed state behaves like a Map that is saved, over changes, checkpoints, faults, restarts and power cuts', () => {
  it('with JSON values', () => {
    behavesLikeItsModel(jsonCodec<unknown>(), (value) => ({ count: value, half: value / 2, big: BigInt(value) }));
  });

  it('with columns', () => {
    behavesLikeItsModel(columnarCodec(3), (value) => Float64Array.of(value, -value, value / 3));
  });
});
