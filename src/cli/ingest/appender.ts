import { SchemaError } from '../../errors.js';
import type { DurableStream } from '../../streams/stream.js';
import type { SourceRow } from './source.js';

export type Event = Record<string, unknown>;

/**
 * Appends events in the order of the file, and counts what is durable. One append is under way while the next events are
 * being read, never two: after a failure, nothing that comes later in the file has been written.
 */
export class Appender {
  /** Events that are as safe as the level promises. */
  count = 0;
  firstLsn: number | null = null;
  lastLsn: number | null = null;
  private underWay: Promise<void> = Promise.resolve();

  constructor(
    private readonly stream: DurableStream<Event>,
    /** Hears of rows that the stream itself refuses. */
    private readonly refused: (row: SourceRow, reason: string) => void,
  ) {}

  /** Resolves when the events before these are durable. `rows` are those that the events were made of. */
  async add(events: readonly Event[], rows: readonly SourceRow[]): Promise<void> {
    await this.underWay;
    if (events.length === 0) return;
    this.underWay = this.append(events, rows);
    // A failure is thrown where it is awaited.
    this.underWay.catch(() => {});
  }

  /** Resolves when everything that was added is durable. */
  settled(): Promise<void> {
    return this.underWay;
  }

  private async append(events: readonly Event[], rows: readonly SourceRow[]): Promise<void> {
    try {
      const { firstLsn, lastLsn, count } = await this.stream.appendMany(events);
      this.count += count;
      this.firstLsn = Math.min(this.firstLsn ?? firstLsn, firstLsn);
      this.lastLsn = Math.max(this.lastLsn ?? lastLsn, lastLsn);
    } catch (error) {
      if (!(error instanceof SchemaError) || error.row === undefined) throw error;
      // Nothing of the array was written: the others are appended without the one that does not fit.
      const { row: at } = error;
      this.refused(rows[at]!, error.message);
      const others = events.filter((_, index) => index !== at);
      if (others.length > 0)
        await this.append(
          others,
          rows.filter((_, index) => index !== at),
        );
    }
  }
}
