import { concatMap, from, map, type Observable, toArray } from 'rxjs';
import { CorruptLogError } from '../errors.js';
import type { CommitCursor } from './commit-cursor.js';
import type { FrameChain } from './frame-chain.js';
import type { FrameScanner } from './frame-scanner.js';
import type { Hash } from './hash.js';
import { type Survey, survey } from './survey.js';

/** What lies in a log file behind the last whole commit. */
export interface Tail {
  readonly scanner: FrameScanner;
  readonly seen: Survey;
  /** Whether the participant's next frame is awaited in this file, or the log went on from it to the next one, or has not come to it. */
  readonly place: 'awaited' | 'passed' | 'ahead';
}

/** Looks behind the commit that a cursor has come to, in every file. */
export function surveyTails({ scanners: chains }: CommitCursor<FrameChain>, hash: Hash): Observable<Tail[]> {
  return from(chains.flatMap(({ scanners }) => scanners)).pipe(
    concatMap((scanner) =>
      survey(scanner.source, scanner.position, scanner.limit, hash).pipe(
        map((seen) => ({ scanner, seen, place: placeOf(scanner, chains) })),
      ),
    ),
    toArray(),
  );
}

function placeOf(scanner: FrameScanner, chains: readonly FrameChain[]): Tail['place'] {
  const { scanners, scanner: awaited } = chains.find((chain) => chain.scanners.includes(scanner))!;
  if (scanner === awaited) return 'awaited';
  return scanners.indexOf(scanner) < scanners.indexOf(awaited) ? 'passed' : 'ahead';
}

/** A commit that is missing or unreadable is corruption where anything says that it, or a later one, was durable. */
export function assertNothingPromisedIsLost(
  found: { readonly commit: number; readonly durable: number },
  tails: readonly Tail[],
): void {
  const lost = found.commit + 1;
  // Before the next file got its name, all of this one was durable: the log does not end in a file that has a next one.
  const damaged =
    tails.find(({ place, seen }) => place === 'passed' && seen.dirtyFrom !== null) ??
    tails.find((tail) => isUnreadableBefore(tail, found.durable));
  const isLost = found.durable >= lost;
  if (!isLost && damaged === undefined && !tails.some(({ place }) => place === 'ahead')) return;
  const culprit = damaged ?? culpritOf(tails, lost);
  const { path } = culprit.scanner.source.file;
  const offset = culprit.scanner.position;
  throw new CorruptLogError(
    `${path} is damaged at byte ${offset}: commit ${lost} cannot be read there, but ${isLost ? `commits up to ${found.durable} were` : 'what stands there was'} durable. ` +
      'Nothing was changed. Restore the mill from a backup; to look at what is there, run `millrace inspect` on the file.',
    { path, offset, commit: lost },
  );
}

/** Whether something cannot be read before a frame although all commits before that frame's were durable. They may be in the snapshot. */
function isUnreadableBefore({ seen: { first, dirtyFrom } }: Tail, durable: number): boolean {
  return first !== null && dirtyFrom !== null && dirtyFrom < first.offset && first.commit - 1 <= durable;
}

/**
 * The file to blame for a commit that cannot be read: one that the commit's other frames name. Where none of them can be
 * read, a file that does not go on with a frame: rather one that has something unreadable there than one that just ends, and
 * rather the participant's last one than one after which the next goes on.
 */
function culpritOf(all: readonly Tail[], lost: number): Tail {
  const tails = all.filter(({ place }) => place !== 'ahead');
  const frameIn = ({ scanner }: Tail) => (scanner.look() === 'frame' ? scanner.current.header : null);
  const named = tails.map((tail) => frameIn(tail)).find((header) => header?.commit === lost)?.participants;
  const lacking = tails.filter(
    (tail) =>
      frameIn(tail)?.commit !== lost &&
      (named === undefined || ((named >> BigInt(tail.scanner.source.participant)) & 1n) === 1n),
  );
  const silent = lacking.filter((tail) => frameIn(tail) === null);
  const unreadable = silent.find(({ seen }) => seen.dirtyFrom !== null);
  return unreadable ?? silent.find(({ place }) => place === 'awaited') ?? silent[0] ?? lacking[0] ?? tails[0]!;
}
