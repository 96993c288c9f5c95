import type { Subscription } from 'rxjs';
import type { DurableStream } from '../../src/index.js';
import type { Dice } from './simulation-dice.js';
import { Violation } from './simulation-driver.js';
import type { Row, StreamKind } from './simulation-events.js';
import type { DeclaredStream, SimulatedMill } from './simulation-mill.js';
import { Queries } from './simulation-queries.js';
import type { Found } from './simulation-run.js';

/** Reads a stream from some lsn on, for as long as the mill is open. */
interface Reader {
  readonly kind: StreamKind;
  readonly fromLsn: number;
  readonly rows: Found[];
}

/** Those who read a simulated mill's streams on and on. */
export class Readers {
  private readonly readers: Reader[] = [];

  constructor(private readonly sim: SimulatedMill) {}

  /** Everything that is kept, in the order of its lsns. Nothing may be written meanwhile. `null` where the disk fails. */
  async readAll(kinds: readonly StreamKind[]): Promise<readonly Found[] | null> {
    const all: Found[] = [];
    for (const name of this.sim.mill.streamNames) {
      const kind = kinds.find((one) => one.name === name);
      if (!kind) throw new Violation(`the log remembers a stream ${name} that was never declared`);
      const stream = this.sim.mill.stream(name) as DurableStream<Row>;
      const { retained } = this.sim;
      const count = await this.sim.result(stream.count(), `count of ${name}`);
      if (count === null) return null;
      const { rows, subscription } = this.read(kind, 0);
      const isThrough = () => rows.length >= count || this.sim.hasFailedReaders || this.sim.retained !== retained;
      await this.sim.until(isThrough, `a reading of ${count} events of ${name}`);
      subscription.unsubscribe();
      if (this.sim.isOver || this.sim.hasFailedReaders) return null;
      if (this.sim.retained !== retained) return this.readAll(kinds);
      if (rows.length !== count) throw new Violation(`${name} has ${count} events by count, ${rows.length} by reading`);
      all.push(...rows);
    }
    return all.sort((left, right) => left.lsn - right.lsn);
  }

  /** The same, while retention does not change it. */
  async readAllAtOnce(kinds: readonly StreamKind[]): Promise<readonly Found[] | null> {
    for (;;) {
      const before = this.sim.retained;
      const found = await this.readAll(kinds);
      if (found === null) return null;
      this.sim.noteRetention();
      if (this.sim.retained === before) return found;
    }
  }

  /** All that is kept, with its fingerprint. */
  async printed(kinds: readonly StreamKind[]) {
    for (;;) {
      const before = this.sim.retained;
      const found = await this.readAll(kinds);
      const fingerprint = found && (await this.sim.result(this.sim.mill.fingerprint(), 'a fingerprint'));
      if (found === null || fingerprint === null) return null;
      this.sim.noteRetention();
      if (this.sim.retained === before) return { found, state: this.sim.stateOf(found), fingerprint };
    }
  }

  /** A question about what a stream has now. */
  async ask(kind: StreamKind, dice: Dice): Promise<void> {
    const { model } = this.sim;
    this.sim.noteRetention();
    const rows = model.kept.filter(({ event }) => event.kind === kind);
    await new Queries(this.sim, dice, kind).ask(rows, (row) => {
      this.sim.noteRetention();
      return model.retention.isGone(row);
    });
  }

  /** Reads on until the mill is closed. What came is compared by `assertAgree`. */
  follow(kind: StreamKind, fromLsn: number): void {
    const { rows } = this.read(kind, fromLsn);
    this.readers.push({ kind, fromLsn, rows });
  }

  /** As `follow`, but the consumer takes its time. */
  async iterate({ kind, stream }: DeclaredStream, fromLsn: number, pause: () => number): Promise<void> {
    const rows: Found[] = [];
    this.readers.push({ kind, fromLsn, rows });
    try {
      for await (const record of stream.records(fromLsn)) {
        this.sim.heard(() => rows.push(this.sim.found(kind, record)));
        await this.sim.driver.pause(pause());
      }
    } catch (error) {
      this.sim.heard(() => this.sim.readFailed(error));
    }
  }

  read(kind: StreamKind, fromLsn: number): { rows: Found[]; subscription: Subscription } {
    const rows: Found[] = [];
    const stream = this.sim.mill.stream(kind.name) as DurableStream<Row>;
    const subscription = stream.records(fromLsn === 0 ? 'earliest' : fromLsn).subscribe({
      next: (record) => this.sim.heard(() => rows.push(this.sim.found(kind, record))),
      error: (error) => this.sim.heard(() => this.sim.readFailed(error)),
    });
    return { rows, subscription };
  }

  /** Waits until every reader has seen what there is. */
  async through(): Promise<void> {
    for (const reader of this.readers) {
      this.sim.noteRetention();
      const last = this.expected(reader)
        .filter((one) => !this.sim.model.retention.isGone(one))
        .at(-1);
      const isThrough = () => last === undefined || (reader.rows.at(-1)?.lsn ?? 0) >= last.lsn;
      await this.sim.until(() => this.sim.hasFailedReaders || isThrough(), `a reader of ${reader.kind.name}`);
      if (this.sim.isOver) return;
    }
    this.sim.noteRetention();
    this.assertAgree();
  }

  /** Readers have seen what subscribers saw, without gap or double, though perhaps not all of it, nor what retention took. */
  assertAgree(): void {
    for (const reader of this.readers) {
      const { kind, fromLsn, rows } = reader;
      const next = this.expected(reader)[Symbol.iterator]();
      for (const row of rows) {
        let one = next.next().value;
        while (one && one.lsn < row.lsn && this.sim.model.retention.isGone(one)) one = next.next().value;
        if (row.event !== one?.event || row.lsn !== one.lsn)
          throw new Violation(
            `a reader of ${kind.name} from ${fromLsn} got event ${row.event.id} for ${one?.event.id}`,
          );
      }
    }
  }

  private expected({ kind, fromLsn }: Reader): readonly Found[] {
    const history = [...this.sim.model.known, ...this.sim.model.seen];
    return history.filter(({ event, lsn }) => event.kind === kind && lsn >= fromLsn);
  }
}
