import { from, type ObservableInput, type Subscriber } from 'rxjs';
import { type InputHandlers, InputSubscriber } from './input-subscriber.js';

let isSide = false;

/**
 * Subscribes to an input whose values are kept for those of another one: what it has at first may come before the first turn, as
 * no row follows from it.
 */
export function subscribeToSide(
  input: ObservableInput<unknown>,
  rows: Subscriber<never>,
  handlers: InputHandlers<unknown>,
): void {
  const outer = isSide;
  isSide = true;
  try {
    from(input).subscribe(new InputSubscriber(rows, handlers));
  } finally {
    isSide = outer;
  }
}

/** Whether what is being subscribed to is such an input. */
export function isSideInput(): boolean {
  return isSide;
}
