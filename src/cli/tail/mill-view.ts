import { setTimeout as delay } from 'node:timers/promises';
import { MillraceError } from '../../errors.js';
import { SEGMENTS_DIRECTORY } from '../../snapshots/leftovers.js';
import {
  headsOfCopies,
  isMissing,
  type Manifest,
  type ManifestDerived,
  type Retained,
} from '../../snapshots/manifest.js';
import type { RowPosition } from '../../snapshots/row-position.js';
import { SegmentStore } from '../../snapshots/segment-store.js';
import { UnsavedEvents } from '../../snapshots/unsaved.js';
import { FileStorage } from '../../storage/file-storage.js';
import { ReadOnlyStorage } from '../../storage/read-only-storage.js';
import { Catalog, type RememberedStream } from '../../streams/catalog.js';
import { Scan, type ScannedStream, type ScanOptions } from '../../streams/history/scan.js';
import type { StreamPlace } from '../../streams/history/units.js';
import { type Row, RowCodec } from '../../streams/row-codec.js';
import { logsOf } from '../../streams/start.js';
import { streamIdOf } from '../../wal/batch.js';
import type { Commit } from '../../wal/commit.js';
import type { StreamLayout } from '../../wal/event-entry.js';
import { loadHash } from '../../wal/hash.js';
import { CURRENT, logDirectory, readFileHeader } from '../../wal/log-file.js';
import type { LogPlace } from '../../wal/rotation.js';
import { useFile } from '../../wal/use-file.js';
import { done, manifestIn } from '../log-files.js';
import { LogReader } from './log-reader.js';

/** A checkpoint of another process renames and removes files while they are looked for: then it is looked again. */
const ATTEMPTS_MAX = 20;
const ATTEMPT_MS = 25;

/** What was opened for one manifest. It is good until another manifest, or another log file, is there. */
interface Opened {
  readonly manifest: Manifest;
  /** By this a newer manifest is noticed. */
  readonly heads: string;
  readonly catalog: Catalog;
  readonly store: SegmentStore;
  readonly unsaved: UnsavedEvents;
  readonly log: LogReader;
}

/**
 * One stream of a mill that another process may hold: what is in segments, and what the log has after them and is known to be
 * durable. Takes no lock, and can change nothing. `refresh` looks for what is new.
 */
export class MillView implements ScannedStream<Row> {
  /** The lsn after the last event that is known to be durable. */
  nextLsn = 0;
  private opened!: Opened;
  private readonly codecs = new Map<string, RowCodec<Row>>();

  private constructor(
    private readonly mill: LogPlace,
    private readonly name: string,
  ) {}

  /** @throws MillraceError `NOT_A_MILL`, `CORRUPT_MANIFEST`, `CORRUPT_LOG` */
  static async open(directory: string, stream: string): Promise<MillView> {
    const storage = new ReadOnlyStorage(new FileStorage());
    const view = new MillView({ storage, directory, hash: await done(loadHash()) }, stream);
    view.opened = await view.whileItMoves(() => view.openAgain(0));
    return view;
  }

  /** What says that the log is damaged; `null` where nothing does. */
  findLoss(): Promise<MillraceError | null> {
    return this.whileItMoves(async () => {
      const loss = await this.opened.log.findLoss();
      // Where files were opened while a checkpoint renamed them, the newest one of a participant is not among them.
      if (loss !== null && (await this.hasMoved())) throw loss;
      return loss;
    });
  }

  /** Takes what became durable since the last time. */
  refresh(): Promise<void> {
    return this.whileItMoves(async () => {
      if (await this.hasMoved()) await this.reopen();
      const { log, catalog, unsaved } = this.opened;
      for await (const commit of log.commits()) this.take(commit, catalog, unsaved);
    });
  }

  /** Whether files were opened that may be gone: there is a newer manifest, or a rotation. */
  async hasMoved(): Promise<boolean> {
    const { heads, log, manifest } = this.opened;
    if ((await this.heads()) !== heads) return true;
    const { storage, directory, hash } = this.mill;
    for (const [at, { participant }] of logsOf(manifest).entries()) {
      const path = `${directory}/${logDirectory(participant)}/${CURRENT}`;
      const header = useFile(storage.open(path), (file) => readFileHeader(file, hash));
      // It is not there for a moment while files are renamed.
      const number = await done(header).then(({ fileNumber }) => fileNumber, ignoreMissing);
      if (number !== undefined && number !== log.numbers[at]) return true;
    }
    return false;
  }

  async close(): Promise<void> {
    await closed(this.opened);
  }

  private async reopen(): Promise<void> {
    const before = this.opened;
    this.opened = await this.openAgain(before.log.durable);
    await closed(before);
    const { databaseId } = before.manifest;
    if (this.opened.manifest.databaseId === databaseId) return;
    const message = `Another mill was put into ${this.mill.directory} meanwhile. Begin anew.`;
    throw new MillraceError('NOT_A_MILL', message, { path: this.mill.directory });
  }

  private async openAgain(durable: number): Promise<Opened> {
    const { storage, directory, hash } = this.mill;
    const heads = await this.heads();
    const manifest = await manifestIn(storage, directory, hash);
    const catalog = new Catalog(manifest.streams);
    const log = await LogReader.open(this.mill, manifest, durable);
    const place = { storage, folder: `${directory}/${SEGMENTS_DIRECTORY}`, hash };
    const store = new SegmentStore(place, (id, version) => catalog.layout(id, version), manifest.segments);
    this.nextLsn = Math.max(this.nextLsn, manifest.nextLsn);
    return { manifest, heads, catalog, store, unsaved: new UnsavedEvents(), log };
  }

  private heads(): Promise<string> {
    return done(headsOfCopies(this.mill.storage, this.mill.directory));
  }

  /** Only the events of the stream are held. */
  private take(commit: Commit, catalog: Catalog, unsaved: UnsavedEvents): void {
    const end = commit.firstLsn + commit.events;
    for (const record of commit.records) {
      if (record.kind === 'stream') catalog.passed(record);
      if (record.kind === 'retention') catalog.retain(record.id, { from: record.from, lsn: end });
    }
    const id = catalog.find(this.name)?.id;
    unsaved.add({ ...commit, entries: commit.entries.filter(({ bytes }) => streamIdOf(bytes) === id) });
    this.nextLsn = Math.max(this.nextLsn, end);
  }

  /** Tries again, from the files as they are then, what failed because they were renamed or removed. */
  private async whileItMoves<T>(action: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await action();
      } catch (error) {
        const isMoving = isMissing(error) || (error instanceof MillraceError && error.code === 'CORRUPT_LOG');
        if (!isMoving || attempt === ATTEMPTS_MAX) throw error;
        await delay(ATTEMPT_MS);
        if (this.opened !== undefined) await this.reopen().catch(() => {});
      }
    }
  }

  /** @throws MillraceError `UNKNOWN_STREAM` */
  get stream(): RememberedStream {
    const { catalog } = this.opened;
    const stream = catalog.find(this.name);
    if (stream !== undefined) return stream;
    if (this.derivation?.kind === 'table') throw isTable(this.name, this.mill.directory);
    const known = catalog.streams.map(({ name }) => name).sort();
    const message = `There is no stream "${this.name}" in ${this.mill.directory}; it has ${known.join(', ') || 'none'}.`;
    throw new MillraceError('UNKNOWN_STREAM', message, { stream: this.name });
  }

  /** What the manifest says of it, if it is derived. */
  private get derivation(): ManifestDerived | undefined {
    return this.opened.manifest.derived?.find(({ name }) => name === this.name);
  }

  /** Rows of a derived stream that come from this lsn or a later one are in no file yet; `null` where there can be none. */
  get unsavedFrom(): number | null {
    const processedTo = this.derivation?.processedTo ?? Infinity;
    return processedTo < this.nextLsn ? processedTo : null;
  }

  scan(position: RowPosition, options: ScanOptions = {}): Scan<Row> {
    return new Scan(this, options, position);
  }

  place(): StreamPlace {
    const { store, unsaved } = this.opened;
    const { id } = this.stream;
    return { segments: store.of(id), unsaved: unsaved.stream(id) };
  }

  retained(): Retained | null {
    return this.opened.catalog.retained(this.stream.id);
  }

  /** For the newest version of the schema; older events lack the columns that were added. */
  codec(columns?: readonly string[]): RowCodec<Row> {
    const { name, versions } = this.stream;
    const id = JSON.stringify([versions.length, columns]);
    let codec = this.codecs.get(id);
    if (codec === undefined) {
      const wanted = versions.at(-1)!.columns.filter((column) => columns?.includes(column.name) ?? true);
      this.codecs.set(id, (codec = new RowCodec(name, wanted)));
    }
    return codec;
  }

  layoutOf(entry: Uint8Array): StreamLayout {
    return this.opened.catalog.layoutOf(entry);
  }
}

function isTable(name: string, directory: string): MillraceError {
  const message = `"${name}" in ${directory} is a table, not a stream: its rows are in the process that has the mill open. The streams that it comes from can be shown; \`millrace inspect\` says how large it is.`;
  return new MillraceError('UNKNOWN_STREAM', message, { stream: name });
}

function ignoreMissing(error: unknown): undefined {
  if (!isMissing(error)) throw error;
}

async function closed({ store, log }: Opened): Promise<void> {
  await done(store.close());
  await log.close();
}
