import { CorruptLogError } from '../../errors.js';
import type { Manifest } from '../../snapshots/manifest.js';
import { logsOf } from '../../streams/start.js';
import type { Commit } from '../../wal/commit.js';
import { CommitCursor } from '../../wal/commit-cursor.js';
import { FILE_HEADER_BYTES, FRAME_HEADER_BYTES } from '../../wal/format.js';
import { readHeader } from '../../wal/frame.js';
import { FrameChain } from '../../wal/frame-chain.js';
import { FrameScanner, inAlignedMemory } from '../../wal/frame-scanner.js';
import type { LogFile } from '../../wal/log-file.js';
import { openLogs, type ParticipantLog } from '../../wal/open-logs.js';
import { sourceOf } from '../../wal/replay.js';
import type { LogPlace } from '../../wal/rotation.js';
import { settleAll } from '../../wal/settle-all.js';
import { assertNothingPromisedIsLost, surveyTails, type Tail } from '../../wal/tails.js';
import { done } from '../log-files.js';

/** Where a pass over the log stands: behind this commit, and where the next frame begins in each file. */
interface Place {
  readonly commit: number;
  readonly offsets: ReadonlyMap<LogFile, number>;
}

/**
 * Reads the log files of a mill that another process may be writing to, or may have left behind in a crash: those that go on
 * where a manifest ends. It takes no lock and changes nothing.
 *
 * It gives only commits that are known to be durable: those at or below the `durable` of some valid frame. The last ones
 * of a log may be torn, or in the page cache only, and a recovery may cut them; what was shown once must not be gone
 * afterwards. So there are two passes: the first goes ahead as far as frames can be read, to learn what is durable; the
 * second gives the commits up to there. Reading twice costs less than to hold in memory what is not known to be durable yet.
 */
export class LogReader {
  private ahead: Place;
  private given: Place;

  private constructor(
    private readonly place: LogPlace,
    private readonly logs: readonly ParticipantLog[],
    private readonly base: number,
    /** The last commit that is known to be durable. */
    public durable: number,
  ) {
    const files = logs.flatMap((log) => log.files);
    this.given = { commit: base, offsets: new Map(files.map((file) => [file, FILE_HEADER_BYTES])) };
    this.ahead = this.given;
  }

  /** @throws CorruptLogError where a file is missing, perhaps because a checkpoint goes on just now */
  static async open(place: LogPlace, manifest: Manifest, durable: number): Promise<LogReader> {
    const opened: LogFile[] = [];
    try {
      const logs = await done(openLogs(place, logsOf(manifest), opened));
      return new LogReader(place, logs, manifest.commit, Math.max(manifest.commit, durable));
    } catch (error) {
      await closeAll(opened);
      throw error;
    }
  }

  /** The newest file number of each participant. */
  get numbers(): readonly number[] {
    return this.logs.map(({ files }) => files.at(-1)!.header.fileNumber);
  }

  close(): Promise<void> {
    return closeAll(this.logs.flatMap(({ files }) => files));
  }

  /** The commits that became known to be durable since the last call, in order. */
  async *commits(): AsyncGenerator<Commit> {
    await this.lookAhead();
    const cursor = this.cursorAt(this.given, this.ahead.offsets);
    while (cursor.commit < this.durable && (await isAtCommit(cursor))) {
      const commit = cursor.decode();
      cursor.advance();
      this.given = this.placeOf(cursor);
      yield commit;
    }
  }

  /**
   * Looks at the end of what can be read. It may be torn, or just being written; but where frames behind it say that
   * commits there were durable, the log is damaged, and this says how. What is known to be durable can be given all the same.
   */
  async findLoss(): Promise<CorruptLogError | null> {
    await this.lookAhead();
    const { commit } = this.ahead;
    const cursor = await this.cursorAtEnd();
    await isAtCommit(cursor);
    const tails = await done(surveyTails(cursor, this.place.hash));
    const durable = Math.max(this.durable, ...tails.map(({ seen }) => seen.durable));
    const loss = lossIn(commit, durable, tails);
    if (loss === null) return null;
    // A writer may have gone on in the meantime; then the same place can be read now.
    await this.lookAhead();
    if (this.ahead.commit > commit) return null;
    this.durable = durable;
    return loss;
  }

  private async cursorAtEnd(): Promise<CommitCursor<FrameChain>> {
    const sizes = new Map<LogFile, number>();
    for (const file of this.ahead.offsets.keys()) sizes.set(file, await done(file.file.size()));
    return this.cursorAt(this.ahead, sizes);
  }

  private async lookAhead(): Promise<void> {
    if (await this.lookFrom(this.ahead)) return;
    // A recovery may have cut what was seen here and was not durable, and others may have written in its place.
    const isWaiting = this.ahead.commit > this.given.commit && this.given.commit >= this.durable;
    if (isWaiting) await this.lookFrom(this.given);
  }

  /** Goes on from a place as far as there are whole commits. Gives whether there was one. */
  private async lookFrom(place: Place): Promise<boolean> {
    const limits = new Map<LogFile, number>();
    for (const [file, offset] of place.offsets) limits.set(file, await limitOf(file, offset));
    const cursor = this.cursorAt(place, limits);
    while (await isAtCommit(cursor)) {
      this.durable = Math.max(this.durable, cursor.header.durable);
      cursor.advance();
    }
    if (cursor.commit === place.commit) return false;
    this.ahead = this.placeOf(cursor);
    return true;
  }

  private cursorAt({ commit, offsets }: Place, limits: ReadonlyMap<LogFile, number>): CommitCursor<FrameChain> {
    const scannerOf = (file: LogFile) =>
      new FrameScanner(sourceOf(file), this.place.hash, offsets.get(file)!, limits.get(file)!);
    const chains = this.logs.map(({ files }) => new FrameChain(files.map(scannerOf), this.base));
    return new CommitCursor(chains, commit);
  }

  private placeOf({ commit, scanners: chains }: CommitCursor<FrameChain>): Place {
    const offsets = chains.flatMap(({ scanners }, log) =>
      scanners.map(({ position }, at): [LogFile, number] => [this.logs[log]!.files[at]!, position]),
    );
    return { commit, offsets: new Map(offsets) };
  }
}

function lossIn(commit: number, durable: number, tails: readonly Tail[]): CorruptLogError | null {
  try {
    assertNothingPromisedIsLost({ commit, durable }, tails);
    return null;
  } catch (error) {
    if (error instanceof CorruptLogError) return error;
    throw error;
  }
}

/** Up to where a file may be read: only its next header where that is not there yet, so that waiting costs little. */
async function limitOf({ file }: LogFile, offset: number): Promise<number> {
  const bytes = await done(file.read(offset, FRAME_HEADER_BYTES));
  const isThere = bytes.length === FRAME_HEADER_BYTES && readHeader(inAlignedMemory(bytes), 0) !== null;
  return isThere ? done(file.size()) : offset;
}

async function isAtCommit(cursor: CommitCursor<FrameChain>): Promise<boolean> {
  let found = cursor.look();
  for (; found === 'more'; found = cursor.look()) await done(cursor.fill());
  return found === 'commit';
}

function closeAll(files: readonly LogFile[]): Promise<void> {
  return done(settleAll(files.map(({ file }) => file.close())));
}
