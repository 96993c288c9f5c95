import type { Observable } from 'rxjs';
import { normalize } from './simulated-disk.js';
import type { OperationRunner } from './simulated-operations.js';
import type { StorageLock } from './storage.js';

export class SimulatedLock implements StorageLock {
  #held = true;

  constructor(
    private readonly path: string,
    private readonly runner: OperationRunner,
    private readonly forget: () => void,
  ) {}

  release(): Observable<void> {
    return this.runner.run<void>(() => ({
      name: 'release',
      paths: [normalize(this.path)],
      effect: () => this.free(),
    }));
  }

  /** A second release must not free the lock of whoever took it since. */
  free(): void {
    if (this.#held) this.forget();
    this.#held = false;
  }
}
