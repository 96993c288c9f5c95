import { lastValueFrom, toArray } from 'rxjs';
import type { DurableStream } from '../../src/index.js';
import type { Dice } from './simulation-dice.js';
import { Violation } from './simulation-driver.js';
import { differingColumn, type Row, type StreamKind, timeOf } from './simulation-events.js';
import type { SimulatedMill } from './simulation-mill.js';
import type { Found } from './simulation-run.js';

/** A query, and what a plain array says to it. */
interface Query {
  readonly options: {
    readonly from?: Date | number;
    readonly to?: Date | number;
    readonly where?: Row;
    readonly columns?: readonly string[];
    readonly limit?: number;
    readonly order?: 'asc' | 'desc';
  };
  readonly expected: readonly Found[];
}

type Rows = readonly Found[];

/** Asks a stream in every way what it has, and compares with an array of all that it should have, in order. */
export class Queries {
  private readonly stream: DurableStream<Row>;
  private readonly keys: readonly string[];
  private readonly columns: readonly string[];

  constructor(
    private readonly sim: SimulatedMill,
    private readonly dice: Dice,
    private readonly kind: StreamKind,
  ) {
    this.stream = sim.mill.stream(kind.name) as DurableStream<Row>;
    this.columns = this.stream.columns.map(({ name }) => name);
    this.keys = this.stream.columns.filter(({ role }) => role === 'key').map(({ name }) => name);
  }

  /** One question. Rows that `mayLack` says may be missing; none other may be missing, and none may be too many. */
  async ask(rows: Rows, mayLack: (row: Found) => boolean = () => false): Promise<void> {
    const roll = this.dice.random();
    if (roll < 0.5) return this.history(rows, mayLack);
    if (roll < 0.75) return this.batches(rows, mayLack);
    if (roll < 0.9 && this.keys.length > 0) return this.latest(rows, mayLack);
    return this.fromDate(rows, mayLack);
  }

  private async history(rows: Rows, mayLack: (row: Found) => boolean): Promise<void> {
    const { options, expected } = this.drawQuery(rows, true);
    const history = this.stream.history(options as never) as unknown as AsyncIterable<Row>;
    const read = this.dice.chance(0.5)
      ? lastValueFrom((history as never as ReturnType<typeof this.stream.history>).pipe(toArray()))
      : this.iterated(history);
    const found = await this.sim.result(read, `history ${shown(options)} of ${this.kind.name}`);
    if (found === null) return;
    const what = `history ${shown(options)} of ${this.kind.name}`;
    const ordered = options.order === 'desc' ? expected.toReversed() : expected;
    // With a limit, rows that retention takes meanwhile make room for others.
    const isCut = options.limit !== undefined && rows.some(mayLack);
    if (!isCut) this.compare(what, found as Row[], ordered.slice(0, options.limit), options.columns, mayLack);
  }

  private async iterated(history: AsyncIterable<Row>): Promise<Row[]> {
    const rows: Row[] = [];
    for await (const row of history) {
      rows.push(row);
      if (this.dice.chance(0.1)) await this.sim.driver.pause(this.dice.random() * 20);
    }
    return rows;
  }

  private async batches(rows: Rows, mayLack: (row: Found) => boolean): Promise<void> {
    const { options, expected } = this.drawQuery(rows, false);
    const { from, to, where } = options;
    const what = `batches ${shown(options)} of ${this.kind.name}`;
    const asked = { from, to, where, columns: ['id'], positions: this.dice.chance(0.5) };
    const found = await this.sim.result(lastValueFrom(this.stream.batches(asked as never).pipe(toArray())), what);
    if (found === null) return;
    const ids = found.flatMap(({ columns }) => [...(columns.id as unknown as Iterable<number | bigint>)].map(Number));
    const byId = [...ids].sort((a, b) => a - b).map((id) => ({ id }));
    const sorted = expected.toSorted((a, b) => a.event.id - b.event.id);
    this.compare(what, byId, sorted, ['id'], mayLack, ({ event }) => ({ id: event.id }));
    const lsns = found.flatMap((batch) => (batch.lsns === null ? [] : [...batch.lsns]));
    const unknown = lsns.find((lsn) => expected.every((one) => one.lsn !== lsn));
    if (unknown !== undefined) throw new Violation(`${what} gave lsn ${unknown}, which no event has`);
  }

  private async latest(rows: Rows, mayLack: (row: Found) => boolean): Promise<void> {
    if (rows.length === 0) return;
    const { row } = this.dice.pick(rows).event;
    const key = Object.fromEntries(this.keys.map((name) => [name, row[name]]));
    const asked = this.keys.length === 1 && this.dice.chance(0.5) ? row[this.keys[0]!] : key;
    const what = `latest(${shown(asked)}) of ${this.kind.name}`;
    const found = await this.sim.result(
      this.stream.latest(asked).then((one) => [one]),
      what,
    );
    if (found === null) return;
    const last = rows.filter(({ event }) => this.keys.every((name) => event.row[name] === row[name])).at(-1);
    const isRight = found[0] === undefined ? !last : last && !differingColumn(found[0], last.event.row);
    if (!isRight && !(last && mayLack(last))) throw new Violation(`${what} is not event ${last?.event.id}`);
  }

  private async fromDate(rows: Rows, mayLack: (row: Found) => boolean): Promise<void> {
    const time = this.drawTime(rows);
    const first = rows.findIndex(({ event }) => timeOf(event.row) >= time);
    const expected = first < 0 ? [] : rows.slice(first);
    if (this.sim.mayLose(this.kind)) return;
    const found: Row[] = [];
    const reading = this.stream.from(new Date(time)).subscribe({
      next: (row) => found.push(row),
      error: (error) => this.sim.heard(() => this.sim.readFailed(error)),
    });
    const isThrough = () => found.length >= expected.length || this.sim.hasFailedReaders;
    await this.sim.until(isThrough, `from(${new Date(time).toISOString()}) of ${this.kind.name}`);
    reading.unsubscribe();
    if (this.sim.isOver || this.sim.hasFailedReaders) return;
    this.compare(
      `from(${new Date(time).toISOString()}) of ${this.kind.name}`,
      found.slice(0, expected.length),
      expected,
      undefined,
      mayLack,
    );
  }

  private compare(
    what: string,
    found: readonly Row[],
    expected: Rows,
    columns: readonly string[] | undefined,
    mayLack: (row: Found) => boolean,
    rowOf = ({ event }: Found) => event.row,
  ): void {
    const wanted = (row: Row) =>
      columns === undefined ? row : Object.fromEntries(columns.map((name) => [name, row[name]]));
    let at = 0;
    for (const row of found) {
      while (at < expected.length && differingColumn(row, wanted(rowOf(expected[at]!))) && mayLack(expected[at]!)) at++;
      const one = expected[at++];
      const column = one === undefined ? 'row' : differingColumn(row, wanted(rowOf(one)));
      if (column) throw new Violation(`${what} gave another ${column} than that of event ${one?.event.id}`);
    }
    const lacking = expected.slice(at).find((one) => !mayLack(one));
    if (lacking) throw new Violation(`${what} lacks event ${lacking.event.id}: ${found.length} of ${expected.length}`);
  }

  private drawQuery(rows: Rows, hasAll: boolean): Query {
    const { dice } = this;
    const from = dice.chance(0.4) ? this.drawTime(rows) : undefined;
    const to = dice.chance(0.4) ? this.drawTime(rows) : undefined;
    const where = dice.chance(0.5) && rows.length > 0 ? this.drawWhere(dice.pick(rows).event.row) : undefined;
    const expected = rows.filter(({ event: { row } }) => {
      const time = timeOf(row);
      if ((from !== undefined && time < from) || (to !== undefined && time >= to)) return false;
      return where === undefined || Object.entries(where).every(([name, value]) => row[name] === value);
    });
    const columns = dice.chance(0.4) ? this.columns.filter(() => dice.chance(0.5)) : undefined;
    const options = {
      ...(from !== undefined && { from: dice.chance(0.5) ? new Date(from) : from }),
      ...(to !== undefined && { to }),
      ...(where && { where }),
      ...(hasAll && columns && { columns }),
      ...(hasAll && dice.chance(0.3) && { limit: dice.between(0, 20) }),
      ...(hasAll && dice.chance(0.5) && { order: dice.pick(['asc', 'desc'] as const) }),
    };
    return { options, expected };
  }

  private drawTime(rows: Rows): number {
    const { dice } = this;
    return rows.length === 0 ? 0 : timeOf(dice.pick(rows).event.row) + dice.pick([-500, -1, 0, 0, 1, 500]);
  }

  private drawWhere(row: Row): Row {
    return Object.fromEntries(this.keys.filter(() => this.dice.chance(0.8)).map((name) => [name, row[name]]));
  }
}

function shown(value: unknown): string {
  return JSON.stringify(value, (_, inner) => (typeof inner === 'bigint' ? `${inner}n` : inner));
}
