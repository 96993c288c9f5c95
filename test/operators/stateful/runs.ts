import fc from 'fast-check';
import { type Observable, Subject } from 'rxjs';
import { SavedOperators, type Seen } from '../../support/saved-operators.js';

/** An event of one of the inputs. */
export type Event<E> = readonly [input: number, event: E];

/** What happens to a mill: events, checkpoints (and how many events come while one is written), ends of the process. */
export type Step<E> = Event<E> | { readonly save: number } | 'restart';

export const isEvent = <E>(step: Step<E>): step is Event<E> => Array.isArray(step);

export function stepsOf<E>(event: fc.Arbitrary<E>, inputs: fc.Arbitrary<number>): fc.Arbitrary<Step<E>[]> {
  const step = fc.oneof(
    { weight: 12, arbitrary: fc.tuple(inputs, event) },
    { weight: 2, arbitrary: fc.record({ save: fc.nat({ max: 3 }) }) },
    { weight: 2, arbitrary: fc.constant('restart' as const) },
  );
  return fc.array<Step<E>>(step, { maxLength: 60, size: 'max' });
}

/** The same with a time: the latest one rises slowly, and some events are late. */
export function timedSteps<E extends object>(event: fc.Arbitrary<E>): fc.Arbitrary<Step<E & { ts: number }>[]> {
  const offset = fc.integer({ min: -8, max: 4 });
  return stepsOf(fc.tuple(event, offset), fc.constant(0)).map((steps) => {
    let latest = 0;
    return steps.map((step) => {
      if (!isEvent(step)) return step;
      const [input, [of, offsetOf]] = step;
      const ts = latest + offsetOf;
      latest = Math.max(latest, ts);
      return [input, { ...of, ts }];
    });
  });
}

/**
 * A pipeline in a mill in which all these steps happen: after an end of the process it takes the events since the last
 * checkpoint again, and what it gave for them before is forgotten.
 */
export class Run<E> {
  private readonly saved: SavedOperators;
  private readonly inputs = [new Subject<E>(), new Subject<E>()] as const;
  /** Since the last checkpoint. */
  private events: Event<E>[] = [];
  private atSave = { rows: 0, isComplete: false };

  constructor(build: (...inputs: readonly Observable<E>[]) => Observable<unknown>, timeColumn: string | null = null) {
    this.saved = new SavedOperators(() => build(...this.inputs), timeColumn);
  }

  get seen(): Seen {
    return this.saved.seen;
  }

  /** Everything that it keeps, in the order in which it would be written. */
  get kept(): unknown {
    return [...this.saved.states].map(([name, state]) => [name, ...state]);
  }

  take(all: readonly Step<E>[]): this {
    for (let at = 0; at < all.length; at++) {
      const step = all[at]!;
      if (isEvent(step)) this.event(step);
      else if (step === 'restart') this.restart();
      else {
        const next = all.slice(at + 1, at + 1 + step.save);
        const other = next.findIndex((one) => !isEvent(one));
        const meanwhile = next.slice(0, other < 0 ? next.length : other) as Event<E>[];
        this.save(meanwhile);
        at += meanwhile.length;
      }
    }
    expect(this.saved.outside).toEqual([]);
    return this;
  }

  private event(event: Event<E>): void {
    const [input, value] = event;
    this.events.push(event);
    this.saved.turn(() => this.inputs[input as 0 | 1].next(value));
  }

  private save(meanwhile: readonly Event<E>[]): void {
    const { seen } = this.saved;
    const happen = (): void => {
      for (const event of meanwhile) this.event(event);
    };
    // A mill does not save what has failed.
    if (seen.error !== null) {
      happen();
      return;
    }
    this.events = [];
    this.atSave = { rows: seen.rows.length, isComplete: seen.isComplete };
    this.saved.save(happen);
  }

  private restart(): void {
    const { saved, atSave } = this;
    saved.seen.rows.length = atSave.rows;
    saved.seen.error = null;
    saved.seen.isComplete = false;
    saved.restart();
    expect(saved.seen.isComplete).toBe(atSave.isComplete);
    for (const event of this.events.splice(0)) this.event(event);
  }
}
