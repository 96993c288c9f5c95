import { finished } from 'node:stream/promises';
import { from, type Observable } from 'rxjs';
import type { ColumnsInput } from '../../src/index.js';
import type { Dice } from './simulation-dice.js';
import { Violation } from './simulation-driver.js';
import { columnsOf, idOf, type Row } from './simulation-events.js';
import type { DeclaredStream, SimulatedMill } from './simulation-mill.js';
import type { Model } from './simulation-model.js';
import type { Batch } from './simulation-run.js';

/** What the users of a simulated mill do: some appenders side by side, each drawing what it does next. */
export interface WorkloadPlan {
  readonly appenders: number;
  readonly stepsEach: number;
  /** Longest pause between two steps of an appender, in milliseconds. */
  readonly pauseMax: number;
  readonly batchMax: number;
  readonly hasCheckpoints: boolean;
}

export function drawWorkload(dice: Dice, hasCheckpoints: boolean): WorkloadPlan {
  return {
    appenders: dice.between(1, 5),
    stepsEach: dice.skewed(20),
    pauseMax: dice.pick([0, 3, 30, 300, 1_500, 4_000]),
    batchMax: dice.pick([1, 4, 30, 120]),
    hasCheckpoints,
  };
}

export class Workload {
  private running = 0;

  constructor(
    private readonly sim: SimulatedMill,
    private readonly model: Model,
    private readonly dice: Dice,
    private readonly plan: WorkloadPlan,
    /** Declares a stream that is not declared yet, if there is one. */
    private readonly declareLate: () => void,
  ) {}

  /** Resolves when all appenders are through and have heard of each of their events. */
  async run(): Promise<void> {
    for (let appender = 0; appender < this.plan.appenders; appender++) this.start(this.appender());
    await this.sim.until(() => this.running === 0, 'an append');
  }

  /** Steps are counted while they run, so that nothing of them is left behind. */
  private start(steps: Promise<void>): void {
    this.running++;
    steps.then(
      () => {
        this.running--;
      },
      (error: unknown) => this.sim.violations.push(error),
    );
  }

  private async appender(): Promise<void> {
    for (let left = this.plan.stepsEach; left > 0; left--) {
      await this.sim.driver.pause(this.dice.random() ** 2 * this.plan.pauseMax);
      if (this.sim.isOver) return;
      const appended = this.step();
      // Some wait for the answer, some go on.
      if (this.dice.chance(0.6)) await appended;
      else this.start(appended);
    }
  }

  private step(): Promise<void> {
    const target = this.dice.pick(this.sim.streams);
    const roll = this.dice.random();
    if (roll < 0.4) return this.append(target);
    if (roll < 0.57) return this.appendMany(target, false);
    if (roll < 0.61) return this.appendMany(target, true);
    if (roll < 0.7) return this.appendColumns(target);
    if (roll < 0.76) return this.write(target);
    if (roll < 0.79) return this.writable(target);
    if (roll < 0.84) this.read(target);
    else if (roll < 0.9) return this.ask(target);
    else if (roll < 0.93) this.declareLate();
    else if (!this.plan.hasCheckpoints) return this.append(target);
    else if (roll < 0.98) return this.checkpoint();
    else this.sim.mill.setCheckpointInterval(this.dice.pick([20, 200, 2_000, 60_000]));
    return Promise.resolve();
  }

  private async ask({ kind }: DeclaredStream): Promise<void> {
    if (!this.sim.hasFault) await this.sim.readers.ask(kind, this.dice);
  }

  private async checkpoint(): Promise<void> {
    try {
      await this.sim.mill.checkpoint();
    } catch (error) {
      this.sim.heard(() => {
        if (!this.sim.hasFault) throw error;
      });
    }
  }

  append(target: DeclaredStream): Promise<void> {
    const { batch, events } = this.draw(target, 1);
    this.model.arrived(batch);
    const appended = target.stream.append(events[0]!);
    return this.sim.settle(
      batch,
      appended.then(({ lsn }) => ({ firstLsn: lsn, lastLsn: lsn })),
    );
  }

  /** A few events, in one call. */
  appendSome(target: DeclaredStream): Promise<void> {
    return this.appendMany(target, false);
  }

  private appendMany(target: DeclaredStream, isIterable: boolean): Promise<void> {
    const { batch, events } = this.draw(target, this.dice.skewed(this.plan.batchMax));
    if (!isIterable) this.model.arrived(batch);
    return this.sim.settle(batch, target.stream.appendMany(isIterable ? new Set(events) : events));
  }

  private appendColumns(target: DeclaredStream): Promise<void> {
    const { batch, events } = this.draw(target, this.dice.skewed(this.plan.batchMax));
    this.model.arrived(batch);
    const columns = columnsOf(target.kind.schema(target.version), events, this.dice.chance(0.5));
    return this.sim.settle(batch, target.stream.appendColumns(columns as ColumnsInput<Row>));
  }

  private write(target: DeclaredStream): Promise<void> {
    const { batch, events } = this.draw(target, this.dice.skewed(this.plan.batchMax));
    const full = this.dice.chance(0.8) ? 'buffer' : 'error';
    this.model.arrived(batch);
    return this.written(batch, from(events).pipe(target.stream.write({ full })));
  }

  /** What `write` emits is acknowledged, one event after the other. */
  private written(batch: Batch, written$: Observable<Row>): Promise<void> {
    let count = 0;
    return new Promise((resolve) => {
      written$.subscribe({
        next: (row) => this.sim.heard(() => this.wrote(batch[count++], row)),
        error: (error) => {
          this.sim.heard(() => this.sim.rejected(batch, error));
          resolve();
        },
        complete: () => {
          this.sim.heard(() => {
            if (count < batch.length) throw new Violation(`write() completed after ${count} of ${batch.length} events`);
          });
          resolve();
        },
      });
    });
  }

  private wrote(event: Batch[number] | undefined, row: Row): void {
    if (this.sim.isPoisoned) throw new Violation('write() emitted after the log had failed');
    if (event?.id !== idOf(row)) throw new Violation(`write() emitted event ${idOf(row)} instead of ${event?.id}`);
    const { lsn } = event.place ?? { lsn: -1 };
    this.model.acknowledged([event], lsn, lsn);
  }

  private writable(target: DeclaredStream): Promise<void> {
    const { batch, events } = this.draw(target, this.dice.skewed(this.plan.batchMax));
    const writable = target.stream.writable();
    for (const event of events) writable.write(event);
    writable.end();
    const placeOf = (event: Batch[number]) => event.place?.lsn ?? -1;
    const appended = finished(writable).then(() => ({ firstLsn: placeOf(batch[0]!), lastLsn: placeOf(batch.at(-1)!) }));
    return this.sim.settle(batch, appended, true);
  }

  private read(target: DeclaredStream): void {
    const history = [...this.model.known, ...this.model.seen];
    const fromLsn = this.dice.chance(0.5) || history.length === 0 ? 0 : this.dice.pick(history).lsn;
    if (this.dice.chance(0.5)) this.sim.readers.follow(target.kind, fromLsn);
    else void this.sim.readers.iterate(target, fromLsn, () => this.dice.random() * 5);
  }

  private draw({ kind, version }: DeclaredStream, count: number): { batch: Batch; events: Row[] } {
    const batch = this.model.offer(kind, version, count);
    return { batch, events: batch.map(({ row }) => row) };
  }
}
