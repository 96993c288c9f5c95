import { CorruptLogError } from '../../errors.js';
import type { Storage } from '../../storage/storage.js';
import { Catalog } from '../../streams/catalog.js';
import { participantsOf } from '../../streams/create.js';
import type { Commit } from '../../wal/commit.js';
import { CommitCursor } from '../../wal/commit-cursor.js';
import { FILE_HEADER_BYTES, FRAME_HEADER_BYTES } from '../../wal/format.js';
import { readHeader } from '../../wal/frame.js';
import { FrameScanner, inAlignedMemory, type ScannedFile } from '../../wal/frame-scanner.js';
import { type Hash, loadHash } from '../../wal/hash.js';
import { CURRENT, logDirectory, readFileHeader } from '../../wal/log-file.js';
import { type Survey, survey } from '../../wal/survey.js';
import { done, manifestIn, openForReading } from '../log-files.js';

/** Where a pass over the log stands: behind this commit, and where the next frame begins in each file. */
interface Place {
  readonly commit: number;
  readonly offsets: readonly number[];
}

/**
 * Reads the log of a mill that another process may be writing to, or may have left behind in a crash. It takes no lock
 * and changes nothing.
 *
 * It gives only commits that are known to be durable: those at or below the `durable` of some valid frame. The last ones
 * of a log may be torn, or in the page cache only, and a recovery may cut them; what was shown once must not be gone
 * afterwards. So there are two passes: the first goes ahead as far as frames can be read, to learn what is durable; the
 * second gives the commits up to there. Reading twice costs less than to hold in memory what is not known to be durable yet.
 */
export class LogReader {
  readonly catalog = new Catalog();
  private ahead: Place;
  private given: Place;
  private durable: number;

  private constructor(
    private readonly files: readonly ScannedFile[],
    private readonly hash: Hash,
    base: number,
  ) {
    this.given = { commit: base, offsets: files.map(() => FILE_HEADER_BYTES) };
    this.ahead = this.given;
    this.durable = base;
  }

  /** @throws MillraceError `NOT_A_MILL`, `CORRUPT_MANIFEST`, `CORRUPT_LOG` */
  static async open(storage: Storage, directory: string): Promise<LogReader> {
    const hash = await done(loadHash());
    const manifest = await manifestIn(storage, directory, hash);
    const files: ScannedFile[] = [];
    for (const participant of participantsOf(manifest.vgroups)) {
      const file = await openForReading(storage, `${directory}/${logDirectory(participant)}/${CURRENT}`);
      const { seed } = await done(readFileHeader(file, hash));
      files.push({ file, participant, seed });
    }
    return new LogReader(files, hash, manifest.commit);
  }

  /** The commits that became known to be durable since the last call, in order. */
  async *commits(): AsyncGenerator<Commit> {
    await this.lookAhead();
    const cursor = this.cursorAt(this.given, this.ahead.offsets);
    while (cursor.commit < this.durable && (await isAtCommit(cursor))) {
      const commit = cursor.decode();
      cursor.advance();
      this.given = placeOf(cursor);
      for (const record of commit.records) if (record.kind === 'stream') this.catalog.remember(record);
      yield commit;
    }
  }

  /**
   * Looks at the end of what can be read. It may be torn, or just being written; but where frames behind it say that
   * commits there were durable, the log is damaged, and this says how. What is known to be durable can be given all the same.
   */
  async findLoss(): Promise<CorruptLogError | null> {
    await this.lookAhead();
    for (const at of this.files.keys()) {
      const { commit } = this.ahead;
      const { durable } = await this.surveyed(at);
      if (durable <= commit) continue;
      // A writer may have gone on in the meantime; then the same place can be read now.
      await this.lookAhead();
      if (this.ahead.commit > commit) continue;
      this.durable = Math.max(this.durable, durable);
    }
    return this.durable > this.ahead.commit ? this.lossIn(await this.culprit()) : null;
  }

  /** The file that lacks the next commit's frame: one that has something else there, rather than one that just ends. */
  private async culprit(): Promise<number> {
    const lacking: number[] = [];
    for (const at of this.files.keys()) {
      const cursor = this.cursorAt(this.ahead, await Promise.all(this.files.map(({ file }) => done(file.size()))));
      const scanner = cursor.scanners[at]!;
      for (let found = scanner.look(); found === 'more'; found = scanner.look()) await done(scanner.fill());
      if (scanner.look() === 'frame') continue;
      if ((await this.surveyed(at)).dirtyFrom !== null) return at;
      lacking.push(at);
    }
    return lacking[0] ?? 0;
  }

  private lossIn(at: number): CorruptLogError {
    const { path } = this.files[at]!.file;
    const { commit, offsets } = this.ahead;
    const message =
      `${path} cannot be read at byte ${offsets[at]}, but commits up to ${this.durable} were durable; what is shown ends with commit ${commit}. ` +
      'To look at what is there, run `millrace inspect` on the file.';
    return new CorruptLogError(message, { path, offset: offsets[at], commit: commit + 1 });
  }

  /** What lies in a file behind the commits that can be read. */
  private async surveyed(at: number): Promise<Survey> {
    const source = this.files[at]!;
    return done(survey(source, this.ahead.offsets[at]!, await done(source.file.size()), this.hash));
  }

  private async lookAhead(): Promise<void> {
    if (await this.lookFrom(this.ahead)) return;
    // A recovery may have cut what was seen here and was not durable, and others may have written in its place.
    const isWaiting = this.ahead.commit > this.given.commit && this.given.commit >= this.durable;
    if (isWaiting) await this.lookFrom(this.given);
  }

  /** Goes on from a place as far as there are whole commits. Gives whether there was one. */
  private async lookFrom(place: Place): Promise<boolean> {
    const cursor = this.cursorAt(place, await Promise.all(this.files.map((_, at) => this.limitOf(at, place))));
    while (await isAtCommit(cursor)) {
      this.durable = Math.max(this.durable, cursor.header.durable);
      cursor.advance();
    }
    if (cursor.commit === place.commit) return false;
    this.ahead = placeOf(cursor);
    return true;
  }

  /** Up to where a file may be read: only its next header where that is not there yet, so that waiting costs little. */
  private async limitOf(at: number, { offsets }: Place): Promise<number> {
    const { file } = this.files[at]!;
    const bytes = await done(file.read(offsets[at]!, FRAME_HEADER_BYTES));
    const isThere = bytes.length === FRAME_HEADER_BYTES && readHeader(inAlignedMemory(bytes), 0) !== null;
    return isThere ? done(file.size()) : offsets[at]!;
  }

  private cursorAt({ commit, offsets }: Place, limits: readonly number[]): CommitCursor {
    const scanners = this.files.map((source, at) => new FrameScanner(source, this.hash, offsets[at]!, limits[at]!));
    return new CommitCursor(scanners, commit);
  }
}

async function isAtCommit(cursor: CommitCursor): Promise<boolean> {
  let found = cursor.look();
  for (; found === 'more'; found = cursor.look()) await done(cursor.fill());
  return found === 'commit';
}

function placeOf({ commit, scanners }: CommitCursor): Place {
  return { commit, offsets: scanners.map(({ position }) => position) };
}
