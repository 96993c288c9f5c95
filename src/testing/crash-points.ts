import type { CrashOptions } from './crash-options.js';
import type { WholeRun } from './crash-run.js';
import { noCrashPoint } from './misuse.js';

const CRASH_POINTS_MAX = 250;

/**
 * The operations of the disk at which crashes are tried.
 *
 * @throws MillraceError `INVALID_ARGUMENT` where there are none
 */
export function pointsOf({ operations, eventEnds }: WholeRun, options: CrashOptions): readonly number[] {
  const { points = 'operations', crashPointsMax = CRASH_POINTS_MAX, crashAt } = options;
  if (crashAt !== undefined) return asked(typeof crashAt === 'number' ? [crashAt] : crashAt, operations);
  if (points !== 'operations' && points !== 'events')
    throw noCrashPoint(`option points must be 'operations' or 'events', not ${String(points)}`, operations);
  if (!(crashPointsMax >= 1)) throw noCrashPoint(`option crashPointsMax is ${crashPointsMax}`, operations);
  const all = points === 'events' ? eventEnds : Array.from({ length: operations }, (_, at) => at + 1);
  return spread([...new Set(all)], Math.floor(crashPointsMax));
}

function asked(points: readonly number[], operations: number): readonly number[] {
  const wrong = points.find((point) => !Number.isInteger(point) || point < 1 || point > operations);
  if (wrong !== undefined) throw noCrashPoint(`crashAt has ${wrong}`, operations);
  if (points.length === 0) throw noCrashPoint('crashAt is empty', operations);
  return points;
}

/** So many of them, with the first and the last. */
function spread(points: readonly number[], max: number): readonly number[] {
  if (points.length <= max) return points;
  return Array.from({ length: max }, (_, at) => points[Math.round((at * (points.length - 1)) / Math.max(1, max - 1))]!);
}
