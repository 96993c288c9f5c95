import type { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import type { VirtualClock } from '../../src/testing/virtual-clock.js';
import type { Dice } from './simulation-dice.js';
import { type DrawnFault, drawFault, orderFault } from './simulation-disk.js';
import { Violation, Watched } from './simulation-driver.js';
import { SimulatedMill } from './simulation-mill.js';
import type { LifeEnd, LifePlan, World } from './simulation-plan.js';
import { segmentsOn, unvouched } from './simulation-rot.js';
import { drawWorkload, Workload } from './simulation-workload.js';

/** Codes that may come up once a disk fails. */
const FAILURES = ['NOT_WRITTEN', 'OUTCOME_UNKNOWN', 'POISONED', 'READ', 'IO'] as const;
/** At level `flush` what is older than this is synced: five seconds, and time for the sync itself. */
const SYNCED_AFTER_MS = 15_000;

export class Life {
  private readonly sim: SimulatedMill;
  private readonly dice: Dice;
  private fault: DrawnFault | null = null;
  private phase: 'start' | 'live' = 'start';

  constructor(
    private readonly world: World,
    private readonly plan: LifePlan,
    private readonly disk: SimulatedStorage,
    private readonly clock: VirtualClock,
  ) {
    const { dice, directory, model, seenBy } = world;
    this.dice = dice;
    const options = { ...plan.options, walLevel: plan.level, vgroups: plan.vgroups };
    const storage = seenBy(disk, () => this.phase, dice.random);
    this.sim = new SimulatedMill(directory, { ...options, storage, scheduler: clock, random: dice }, model, clock);
  }

  async run(): Promise<LifeEnd> {
    const { sim, plan } = this;
    const { end } = plan;
    if (end.how !== 'close' && end.at !== undefined)
      this.disk.crashAt(this.disk.operations + end.at, () => this.over());
    if (plan.fault !== 'none' && plan.fault !== 'live') this.breakDisk();
    for (const { kind, version, isLate, retention } of plan.streams) if (!isLate) sim.declare(kind, version, retention);
    const started = new Watched(sim.mill.start());
    await sim.until(() => started.isSettled, 'start');
    if (sim.isOver) return this.crashed();
    if (started.error) return this.startFailed(started.error);
    this.phase = 'live';
    const isRead = await this.check();
    if (!sim.isOver && isRead && plan.works) await this.work();
    if (sim.isOver) return this.crashed();
    if (end.how === 'close' || !isRead) return this.close();
    if (end.whileClosing === undefined) return this.crash(end.how);
    this.disk.crashAt(this.disk.operations + end.whileClosing, () => this.over());
    return this.close();
  }

  private breakDisk(): void {
    const { fault, faults } = this.plan;
    this.fault = typeof fault === 'object' ? orderFault(this.disk, fault) : drawFault(this.dice, this.disk, faults);
    for (const code of FAILURES) this.sim.allowedCodes.add(code);
    this.sim.hasFault = true;
    this.world.tell(`fault: ${this.fault.text}`);
  }

  private startFailed(error: unknown): LifeEnd {
    if (this.fault === null || !this.sim.allowedCodes.has((error as { code: string }).code)) throw error;
    this.assertNothingIsHeld('start');
    this.disk.crashAt(Number.POSITIVE_INFINITY);
    this.fault.heal();
    this.world.tell('start failed');
    return 'failed';
  }

  /** What recovery gave, compared with what was promised. False where the broken disk does not let it be read. */
  private async check(): Promise<boolean> {
    const { sim, plan, world } = this;
    const recovery = sim.mill.recovery!;
    world.tell(`started: ${recovery.events} events, ${recovery.commits} commits, cut ${recovery.cut.bytes} bytes`);
    if (plan.isClean && !recovery.clean) throw new Violation('the mill had been closed, but recovery found it unclean');
    if (plan.isClean && recovery.events > 0)
      throw new Violation(`the mill had been closed, but recovery replayed ${recovery.events} events`);
    sim.noteRetention();
    const found = await sim.readers.readAllAtOnce(world.kinds);
    if (found === null) return false;
    world.model.recovered(found, recovery.nextLsn, plan.level);
    return this.inspect();
  }

  /** Nothing is being written: all ways of reading say the same, and so does the fingerprint. False where the disk fails. */
  private async inspect(): Promise<boolean> {
    const { sim, world, dice } = this;
    const seen = await sim.readers.printed(world.kinds);
    if (seen === null) return false;
    const { found, state, fingerprint } = seen;
    const { kept } = world.model;
    const differing = kept.findIndex(({ event, lsn }, at) => found[at]?.event !== event || found[at].lsn !== lsn);
    if (differing >= 0 || found.length !== kept.length)
      throw new Violation(
        `${found.length} of ${kept.length} events can be read, event ${kept[differing]?.event.id} not`,
      );
    world.model.printed(state, fingerprint);
    const kinds = world.kinds.filter(({ name }) => sim.mill.streamNames.includes(name));
    for (let asked = 0; asked < 2 && kinds.length > 0 && !sim.isOver; asked++)
      await sim.readers.ask(dice.pick(kinds), dice);
    return !sim.isOver && !sim.hasFailedReaders;
  }

  private async work(): Promise<void> {
    const { sim, plan, world, clock } = this;
    const { end } = plan;
    if (plan.fault === 'live') this.breakDisk();
    // While no checkpoint succeeds, appends may wait for one.
    if (this.fault) clock.schedule(() => this.fault!.heal(), 500 + this.dice.skewed(30_000));
    sim.allowedCodes.add('FULL');
    if (end.how !== 'close' && end.after !== undefined) clock.schedule(() => this.over(), end.after);
    const workload = new Workload(sim, world.model, this.dice, drawWorkload(this.dice, plan.hasCheckpoints), () =>
      this.declareLate(),
    );
    if (sim.streams.length === 0) this.declareLate();
    if (plan.script) return plan.script(sim, workload);
    await workload.run();
    if (!sim.isOver && this.fault) await this.heal(workload);
    if (!sim.isOver && this.dice.chance(0.3)) await this.rest();
    if (!sim.isOver && !this.fault) await sim.readers.through();
    if (!sim.isOver && this.dice.chance(0.5)) await this.compareAround();
  }

  /** Neither a checkpoint nor merging changes what there is. */
  private async compareAround(): Promise<void> {
    const { sim, dice } = this;
    if (!(await this.inspect()) || this.fault || dice.chance(0.3)) return;
    if ((await sim.result(sim.mill.checkpoint(), 'a checkpoint')) === null || !(await this.inspect())) return;
    const merged = new Watched(sim.driver.pause(2_000));
    await sim.until(() => merged.isSettled, 'a pause');
    if (!sim.isOver) await this.inspect();
  }

  private declareLate(): void {
    const { sim, plan } = this;
    const late = plan.streams.find(({ kind }) => sim.streams.every((one) => one.kind !== kind));
    if (late && !sim.isPoisoned) sim.declare(late.kind, late.version, late.retention);
  }

  /** Once there is room again appends work again, unless a sync failed. */
  private async heal(workload: Workload): Promise<void> {
    const { sim } = this;
    this.fault!.heal();
    const settled = new Watched(sim.driver.pause(10_000));
    await sim.until(() => settled.isSettled, 'a pause');
    if (sim.isOver) return;
    const ended = new Watched(sim.mill.checkpoint());
    await sim.until(() => ended.isSettled, 'a checkpoint after the disk had healed');
    if (sim.isOver || sim.isPoisoned) return;
    sim.hasFault = false;
    for (const code of FAILURES) if (code !== 'READ') sim.allowedCodes.delete(code);
    const appended = new Watched(workload.append(this.dice.pick(sim.streams)));
    await sim.until(() => appended.isSettled, 'an append after the disk had healed');
    if (!sim.isOver) await sim.result(sim.mill.checkpoint(), 'a checkpoint after the disk had healed');
  }

  /** An idle mill is synced and says so. */
  private async rest(): Promise<void> {
    const { sim, plan } = this;
    const rested = new Watched(sim.driver.pause(15_000));
    await sim.until(() => rested.isSettled, 'a pause');
    if (sim.isOver || this.fault || plan.level === 'off') return;
    const { commit, durableCommit } = sim.mill.metrics();
    if (durableCommit < commit)
      throw new Violation(`idle, but only commits up to ${durableCommit} of ${commit} are synced`);
    this.assertVouched('idle');
  }

  private async close(): Promise<LifeEnd> {
    const { sim, world, dice } = this;
    // At any moment, also while an idle mill syncs and marks.
    const delayed = new Watched(sim.driver.pause(dice.chance(0.5) ? 0 : dice.random() * 3_000));
    await sim.until(() => delayed.isSettled, 'a pause');
    const closed = new Watched(sim.mill.close());
    await sim.until(() => closed.isSettled, 'close');
    if (sim.isOver) return this.crashed();
    this.disk.crashAt(Number.POSITIVE_INFINITY);
    this.fault?.heal();
    if (closed.error && !this.fault) throw closed.error;
    this.assertNothingIsHeld('close');
    if (!closed.error) this.assertVouched('closed');
    if (!this.fault) this.assertTidy();
    world.tell(closed.error ? 'close failed' : 'closed');
    this.end(closed.error ? 'kill' : 'close');
    return closed.error ? 'failed' : 'close';
  }

  /** The mark at the end says of all before it that it is durable: else damage to it would pass for a torn end. */
  private assertVouched(when: string): void {
    const lacking = unvouched(this.disk, this.world.directory);
    if (lacking > 0) throw new Violation(`${when}, but the mark does not vouch for the last ${lacking} commits`);
  }

  private assertTidy(): void {
    const { all, named } = segmentsOn(this.disk, this.world.directory);
    const left = all.filter((path) => !named.includes(path));
    if (left.length > 0)
      throw new Violation(`closed, but ${left.join(', ')} is there, which the manifest does not name`);
  }

  private assertNothingIsHeld(when: string): void {
    if (this.disk.openFiles > 0) throw new Violation(`${when} left ${this.disk.openFiles} files open`);
  }

  private crash(how: 'kill' | 'cut'): LifeEnd {
    this.over();
    this.sim.isOver = true;
    this.world.tell(`${how} after the work`);
    return how;
  }

  /** The plan's crash came. */
  private crashed(): LifeEnd {
    const { how } = this.plan.end;
    this.world.tell(`${how} at operation ${this.disk.operations}`);
    this.sim.readers.assertAgree();
    return how;
  }

  /** Called at the moment of the crash. */
  private over(): void {
    if (this.sim.isDying) return;
    this.sim.isDying = true;
    this.end(this.plan.end.how === 'close' ? 'kill' : this.plan.end.how);
  }

  private end(how: 'close' | 'kill' | 'cut'): void {
    const { sim, world, plan } = this;
    if (this.phase === 'live') sim.noteRetention();
    const isFlushing = plan.level === 'flush' && !this.fault;
    world.model.ended({
      how,
      durableCommit: this.phase === 'live' ? sim.mill.metrics().durableCommit : 0,
      syncedBefore: isFlushing ? this.clock.now() - SYNCED_AFTER_MS : Number.NEGATIVE_INFINITY,
    });
  }
}
