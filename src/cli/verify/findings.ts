import { type ErrorCode, MillraceError } from '../../errors.js';
import { StorageError } from '../../storage/storage.js';
import { inWords } from '../report.js';

/** Something that is not as it was written, with the place and what to do. For `--json` as it is. */
export interface Damage {
  readonly code: ErrorCode;
  readonly message: string;
  readonly path?: string;
  readonly offset?: number;
  readonly commit?: number;
}

/** What a verification finds. */
export class Findings {
  readonly damages: Damage[] = [];
  /** What is worth knowing, but no damage. */
  readonly notes: string[] = [];

  damage({ code, message, path, offset, commit }: MillraceError): void {
    this.damages.push({ code, message, path, offset, commit });
  }

  /** Something in the manifest that cannot be. */
  nonsense(path: string, what: string): void {
    const message = `${path}: ${what}. Put a manifest back from a backup of this directory.`;
    this.damage(new MillraceError('CORRUPT_MANIFEST', message, { path }));
  }

  /**
   * Does something; what is damaged, or cannot be read, is found. Gives `null` then.
   *
   * @throws MillraceError `UNSUPPORTED_VERSION`
   */
  async attempt<T>(action: () => Promise<T>): Promise<T | null> {
    try {
      return await action();
    } catch (error) {
      if (error instanceof MillraceError && error.code !== 'UNSUPPORTED_VERSION') this.damage(error);
      else if (error instanceof StorageError) this.damage(unreadable(error));
      else throw error;
      return null;
    }
  }
}

function unreadable(error: StorageError): MillraceError {
  const { path } = error;
  const message = `${inWords(error)}. Look at the disk, or put ${path} back from a backup of this directory.`;
  return new MillraceError('IO', message, { path, cause: error });
}
