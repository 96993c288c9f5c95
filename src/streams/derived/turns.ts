import type { Catalog } from '../catalog.js';
import type { Derivation } from './derivation.js';

/** One input of a derivation: its rows are given, or come from another derivation in the same turn. */
interface Feed {
  readonly input: number;
  readonly upstream: Derivation | null;
}

interface Step {
  readonly derivation: Derivation;
  readonly feeds: readonly Feed[];
}

/** The derivations that have a turn with the events of one stream, in the order of their declaration. */
export type Route = readonly Step[];

/** Finds the number of the stream with the rows of an input; for input -1, with those of the derivation itself. */
export type StreamNumber = (derivation: Derivation, input: number) => number;

/** The inputs of a derivation in the order in which rows of one turn come, with the numbers of their streams. */
export function inputsInOrder(derivation: Derivation, numberOf: StreamNumber): { input: number; number: number }[] {
  const { inputs, reads } = derivation.pipeline;
  return inputs
    .map((_, input) => ({ input, number: numberOf(derivation, input) }))
    .toSorted((a, b) => reads.depthOf(b.input) - reads.depthOf(a.input) || a.number - b.number);
}

/** The numbers of the streams that a catalog knows. */
export function streamNumbers({ streams }: Catalog): StreamNumber {
  const numbers = new Map<string, number>(streams.map(({ name, id }) => [name, id]));
  return (derivation, input) => numbers.get(input < 0 ? derivation.name : derivation.inputs[input]!.name)!;
}

/**
 * Who has a turn with a row of a stream: whoever reads it, and whoever reads what they give. Of one derivation's inputs, those
 * beside others come first, as the table of a lookup, then the one that was declared first.
 */
export function routeOf(stream: number, derivations: readonly Derivation[], numberOf: StreamNumber): Route {
  const steps = new Map<Derivation, Step>();
  for (const derivation of derivations) {
    const feeds = inputsInOrder(derivation, numberOf).flatMap(({ input, number }): Feed[] => {
      if (number === stream) return [{ input, upstream: null }];
      const upstream = derivation.upstream.find((other) => numberOf(other, -1) === number) ?? null;
      return upstream !== null && steps.has(upstream) ? [{ input, upstream }] : [];
    });
    if (feeds.length > 0) steps.set(derivation, { derivation, feeds });
  }
  return [...steps.values()];
}

/** Gives a row its turn: through every pipeline, then to those who listen to what they give. */
export function takeTurn(route: Route, row: unknown, lsn: number, isTold: boolean): void {
  for (let step = 0; step < route.length; step++) {
    const { derivation, feeds } = route[step]!;
    for (let at = 0; at < feeds.length; at++) {
      const { input, upstream } = feeds[at]!;
      if (upstream === null) derivation.push(input, row, lsn);
      else for (const derived of upstream.rowsOf(lsn)) derivation.push(input, derived, lsn);
    }
  }
  for (let step = 0; step < route.length; step++) route[step]!.derivation.endTurn(lsn, isTold);
}

/** The derivations that have a turn with each event as it is committed. */
export class Turns {
  private readonly live = new Set<Derivation>();
  private routes = new Map<number, Route>();
  numberOf: StreamNumber = () => 0;

  /** To be called when a commit was applied. */
  afterCommit: () => void = () => {};

  /** Streams are known by their numbers from now on. */
  connect(numberOf: StreamNumber): void {
    this.numberOf = numberOf;
  }

  /** These have turns from the next commit on. */
  attach(derivations: readonly Derivation[]): void {
    for (const derivation of derivations) {
      if (derivation.state === 'stopped') continue;
      derivation.state = 'live';
      this.live.add(derivation);
    }
    this.routes = new Map();
  }

  /** Who has a turn with events of a stream; `null` for nobody. */
  of(stream: number): Route | null {
    if (this.live.size === 0) return null;
    let route = this.routes.get(stream);
    if (route === undefined) {
      const inOrder = [...this.live].toSorted((a, b) => a.ordinal - b.ordinal);
      this.routes.set(stream, (route = routeOf(stream, inOrder, this.numberOf)));
    }
    return route.length > 0 ? route : null;
  }

  /** A commit was applied; the next one begins with this lsn. */
  passed(nextLsn: number): void {
    if (this.live.size === 0) return;
    for (const derivation of this.live) derivation.passed(nextLsn);
    this.afterCommit();
  }
}
