import { config } from 'rxjs';

export { Driver, Watched } from '../../src/testing/driver.js';

/** Something that must not happen. Its message says what and where; the seed that found it is added by who runs the trial. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

/** Errors that nobody took. RxJS reports them from a timer, so they are asked for after a trial. */
const unhandled: unknown[] = [];
config.onUnhandledError = (error) => unhandled.push(error);

export function takeUnhandled(): unknown[] {
  return unhandled.splice(0);
}
