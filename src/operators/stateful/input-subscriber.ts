import { Subscriber } from 'rxjs';

export interface InputHandlers<T> {
  readonly next: (event: T) => void;
  /** Default: the rows complete. */
  readonly complete?: () => void;
}

/** One input of an operator: what is thrown while an event is taken is an error of the operator's rows, as an input's own error is. */
export class InputSubscriber<T> extends Subscriber<T> {
  constructor(
    private readonly rows: Subscriber<never>,
    private readonly handlers: InputHandlers<T>,
  ) {
    super(rows);
  }

  protected override _next(event: T): void {
    try {
      this.handlers.next(event);
    } catch (error) {
      this.rows.error(error);
    }
  }

  protected override _complete(): void {
    try {
      if (this.handlers.complete === undefined) this.rows.complete();
      else this.handlers.complete();
    } catch (error) {
      this.rows.error(error);
    } finally {
      this.unsubscribe();
    }
  }
}
