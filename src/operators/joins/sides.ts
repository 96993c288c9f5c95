import { type Identity, identityOf } from '../../snapshots/state-key.js';
import type { OperatorHome } from '../pipeline-scope.js';
import { keyReader, timeReader } from '../stateful/key-reader.js';
import type { InputBranch } from '../stateful/side-input.js';
import type { ResolvedSides } from './options.js';

/** What a join reads of an event of one side. */
export interface SideReader {
  /** @throws MillraceError `INVALID_ARGUMENT` for an event without a key */
  readonly keyOf: (event: unknown) => Identity;
  /** Milliseconds. @throws MillraceError `INVALID_ARGUMENT` for an event without a time */
  readonly timeOf: (event: unknown) => number;
}

/** To be made when the home has loaded. @throws MillraceError `INVALID_OPTION` where nobody knows the time column */
export function leftReader(operator: string, { by, time }: ResolvedSides, home: OperatorHome): SideReader {
  return { keyOf: identityReader(operator, by), timeOf: timeReader(operator, time, home) };
}

/** The same. @param branch where the right side was subscribed to */
export function rightReader(operator: string, of: ResolvedSides, home: OperatorHome, branch: InputBranch): SideReader {
  const known = home.timeColumnOf === undefined ? home.timeColumn : home.timeColumnOf(branch);
  const time = of.rightTime ?? known ?? of.time;
  return { keyOf: identityReader(operator, of.rightBy), timeOf: timeReader(operator, time, home, 'rightTime') };
}

function identityReader(operator: string, by: readonly string[]): (event: unknown) => Identity {
  const keyOf = keyReader(operator, by);
  return (event) => identityOf(keyOf(event));
}
