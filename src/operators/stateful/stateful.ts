import { Observable, type OperatorFunction, type Subscriber } from 'rxjs';
import { MillraceError } from '../../errors.js';
import { currentScope, type OperatorHome, openOperator } from '../pipeline-scope.js';
import { described, descriptionOf } from '../row-description.js';
import { InputSubscriber } from './input-subscriber.js';

/** What an operator does, once it is open. */
export interface Opened<T> {
  /** Takes an event. Its state is there. */
  readonly next: (event: T) => void;
  /** The source has completed; that may be before the state is there. Default: the rows complete. */
  readonly complete?: () => void;
  /** Runs when the source was subscribed to: for other inputs that come after it. */
  readonly subscribed?: () => void;
}

export interface StatefulOperator<T, R> {
  /** As its user knows it. */
  readonly name: string;
  /** What of its options decides whether state that was saved still fits, as plain data. */
  readonly shape: unknown;
  /** RxJS's own operator, which is what runs outside of a mill. Where there is none, the operator keeps its state in memory there. */
  readonly plain?: OperatorFunction<T, R>;
  /** Whether what comes out are rows of the source, as they were. */
  readonly passesRows?: boolean;
  /** Opens the operator for one subscription. State may be asked for here, to be used in `whenLoaded` at the earliest. */
  open(home: OperatorHome, rows: Subscriber<R>): Opened<T>;
}

/**
 * An operator whose state a checkpoint can save. Its home is opened before the source is subscribed to, so that operators downstream
 * are told first that their state is there.
 *
 * @example
 * stateful({ name: 'skip', shape: { count }, plain: skip(count), open: (home, rows) => { … return { next: (event) => … }; } });
 */
export function stateful<T, R>(operator: StatefulOperator<T, R>): OperatorFunction<T, R> {
  const { plain, passesRows = false } = operator;
  return (source) => {
    const inMemory = plain?.(source);
    const rows = new Observable<R>((subscriber) =>
      inMemory !== undefined && currentScope() === null
        ? inMemory.subscribe(subscriber)
        : subscribe(operator, source, subscriber),
    );
    const description = passesRows ? descriptionOf(source) : null;
    return description === null ? rows : described(rows, description);
  };
}

function subscribe<T, R>(operator: StatefulOperator<T, R>, source: Observable<T>, rows: Subscriber<R>): void {
  const { name, shape } = operator;
  const home = openOperator(name, shape);
  let isLoaded = false;
  home.whenLoaded(() => {
    isLoaded = true;
  });
  const opened = operator.open(home, rows);
  const next = (event: T): void => {
    if (!isLoaded) throw tooEarly(name);
    opened.next(event);
  };
  source.subscribe(new InputSubscriber<T>(rows, { ...opened, next }));
  opened.subscribed?.();
}

/** An input gives something when it is subscribed to: after a restart it would give it again. */
export function tooEarly(name: string): MillraceError {
  const message = `${name} was given an event before its state was loaded. In a pipeline of a mill events come from streams, in turns: an Observable such as of(…), or RxJS's startWith, would give its values again at every start. Take startWith from millrace.`;
  return new MillraceError('INVALID_ARGUMENT', message);
}
