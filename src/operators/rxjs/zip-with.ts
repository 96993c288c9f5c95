import {
  type Cons,
  from,
  type ObservableInput,
  type ObservableInputTuple,
  type OperatorFunction,
  zipWith as plainZipWith,
  type Subscriber,
} from 'rxjs';
import { MillraceError } from '../../errors.js';
import type { KeyedState } from '../../snapshots/keyed-state.js';
import { jsonCodec } from '../../snapshots/state-codec.js';
import type { OperatorHome } from '../pipeline-scope.js';
import { type Cell, Cells } from '../stateful/cells.js';
import { InputSubscriber } from '../stateful/input-subscriber.js';
import { stateful, tooEarly } from '../stateful/stateful.js';

/** By how many events an input may be ahead of another one. */
const AHEAD_MAX = 65_536;

/**
 * RxJS's `zipWith`, whose state a mill keeps: emits the first events of all inputs together, then the second ones, and so on. Outside of
 * a mill it is RxJS's own.
 *
 * In a pipeline an input may be at most 65,536 events ahead of another one: they wait in the state.
 *
 * @throws MillraceError `INVALID_ARGUMENT`, as an error of the stream, where one is further ahead in a pipeline
 * @example
 * requests.pipe(zipWith(responses), map(([request, response]) => ({ ts: response.ts, took: response.ts - request.ts })));
 */
export function zipWith<T, A extends readonly unknown[]>(
  ...otherInputs: [...ObservableInputTuple<A>]
): OperatorFunction<T, Cons<T, A>> {
  const others = otherInputs as readonly ObservableInput<unknown>[];
  const inputs = others.length + 1;
  return stateful<T, Cons<T, A>>({
    name: 'zipWith',
    shape: { inputs },
    plain: plainZipWith(...otherInputs),
    open: (home, rows) => {
      const zipped = new Zipped(home, rows, inputs);
      return {
        next: (event) => zipped.take(0, event),
        complete: () => zipped.complete(0),
        subscribed: () => {
          for (const [at, input] of others.entries()) {
            const handlers = {
              next: (value: unknown) => zipped.take(at + 1, value),
              complete: () => zipped.complete(at + 1),
            };
            from(input).subscribe(new InputSubscriber(rows, handlers));
          }
        },
      };
    },
  });
}

/** The events that wait, by the number of their input and their own: all inputs go forward together. */
class Zipped {
  private readonly waiting: KeyedState<readonly [input: number, event: number], unknown, unknown[]>;
  private readonly emitted: Cell<number>;
  private isLoaded = false;
  /** How many events of each input wait, and which inputs have completed: both follow from the state and from the inputs. */
  private readonly ahead: number[];
  private readonly isOver: boolean[];

  constructor(
    home: OperatorHome,
    private readonly rows: Subscriber<never>,
    inputs: number,
  ) {
    this.waiting = home.keyed('waiting', jsonCodec());
    this.emitted = new Cells(home).cell('emitted');
    this.ahead = Array.from({ length: inputs }, () => 0);
    this.isOver = Array.from({ length: inputs }, () => false);
    home.whenLoaded(() => this.load());
  }

  private load(): void {
    this.isLoaded = true;
    for (const slot of this.waiting.slots()) this.ahead[this.waiting.key(slot)[0]]!++;
    this.completeWhereOver();
  }

  take(input: number, event: unknown): void {
    if (!this.isLoaded) throw tooEarly('zipWith');
    const { waiting, emitted, ahead } = this;
    if (ahead[input]! >= AHEAD_MAX) throw tooFarAhead(input);
    const number = emitted.get() ?? 0;
    waiting.set([input, number + ahead[input]!], event);
    ahead[input]!++;
    if (ahead.includes(0)) return;
    const row = ahead.map((_, at) => waiting.get([at, number]));
    for (const at of ahead.keys()) {
      waiting.delete([at, number]);
      ahead[at]!--;
    }
    emitted.set(number + 1);
    this.rows.next(row as never);
    this.completeWhereOver();
  }

  complete(input: number): void {
    this.isOver[input] = true;
    if (this.isLoaded) this.completeWhereOver();
  }

  /** Whether there can be no more rows. */
  private completeWhereOver(): void {
    if (this.isOver.some((isOver, input) => isOver && this.ahead[input] === 0)) this.rows.complete();
  }
}

function tooFarAhead(input: number): MillraceError {
  const message = `zipWith holds ${AHEAD_MAX} events of input ${input} for which another input has given none. Where events do not come in step, take a join.`;
  return new MillraceError('INVALID_ARGUMENT', message);
}
