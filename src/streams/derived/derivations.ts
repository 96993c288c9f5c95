import { concat, concatMap, defer, EMPTY, from, Observable, Subscription } from 'rxjs';
import { stateFilesOf } from '../../snapshots/leftovers.js';
import type { Manifest } from '../../snapshots/manifest.js';
import { steps } from '../../wal/steps.js';
import { scanOf } from '../history/scan-of.js';
import { Slices } from '../history/slices.js';
import type { Build } from './build.js';
import { CatchUp } from './catch-up.js';
import { type CapturedDerivation, Derivation } from './derivation.js';
import { DerivedStream } from './derived-stream.js';
import {
  type AnyDerivedStream,
  announce,
  assertSame,
  begin,
  type DeclaredDerivation,
  type DerivingMill,
  load,
  missesOnlyLog,
  noTicks,
  type Running,
  type TicksStream,
} from './load.js';
import type { AnyState } from './pipeline.js';
import type { PipelineStream } from './pipeline-inputs.js';
import type { StreamOutput } from './stream-output.js';
import { TableOutput } from './table-output.js';
import { Ticker } from './ticker.js';
import { streamNumbers, Turns } from './turns.js';

/** The derived streams and tables of a mill, in one run of it. */
export class Derivations {
  readonly turns = new Turns();
  readonly running: readonly Running[];
  private behind: readonly Derivation[] = [];
  private catchingUp = new Subscription();
  private ticker: Ticker | null = null;
  private lastFile: number;

  /**
   * Subscribes to the pipelines and compares them with what the manifest knows of them. Nothing was written yet.
   *
   * @throws SchemaError `SCHEMA_CHANGED`
   */
  constructor(
    declared: readonly DeclaredDerivation[],
    manifest: Manifest,
    private readonly ticks: () => TicksStream = noTicks,
  ) {
    const derivations = new Map<PipelineStream, Derivation>();
    this.running = declared.map((declaration, ordinal) => {
      const { name, rows, target, version } = declaration;
      const kind = target instanceof DerivedStream ? 'stream' : 'table';
      const derivation = new Derivation(name, kind, ordinal, version, rows, derivations, ticks);
      assertSame(derivation, manifest);
      if (target instanceof DerivedStream) derivations.set(target, derivation);
      return { ...declaration, derivation };
    });
    this.lastFile = stateFilesOf(manifest).reduce((last, { name }) => Math.max(last, Number.parseInt(name, 10)), 0);
  }

  /** A number for a new file of state: one that no manifest names, not even one whose writing failed. */
  takeFileNumber(): number {
    return ++this.lastFile;
  }

  get all(): readonly Derivation[] {
    return this.running.map(({ derivation }) => derivation);
  }

  /**
   * Loads what was saved of them, writes new ones into the manifest, and lets those have the turns that they missed that miss only what
   * the log has. The streams are known to the catalog, the log was replayed, and nothing is appended yet.
   */
  open(mill: DerivingMill): Observable<never> {
    return defer(() => {
      if (this.running.length === 0) return EMPTY;
      for (const one of this.running) begin(one, mill);
      this.connect(mill);
      return concat(
        from(this.running).pipe(concatMap((one) => load(one, mill))),
        defer(() => announce(this.running, mill)),
        defer(() => {
          const inLog = this.all.filter((derivation) => missesOnlyLog(derivation, mill));
          this.behind = this.all.filter((derivation) => !inLog.includes(derivation));
          return this.caughtUp(mill, inLog, false);
        }),
      );
    });
  }

  /** The mill is live: ticks are written from now on, and those that are behind process history. */
  goLive(mill: DerivingMill): void {
    const ticking = this.all.filter(({ tickWanted }) => tickWanted !== null);
    if (ticking.length > 0) {
      const ticker = new Ticker(ticking, mill.scheduler, (ts) => this.ticks().append({ ts: Math.floor(ts) }));
      this.ticker = ticker;
      this.turns.afterCommit = () => ticker.look();
      ticker.look();
    }
    this.catchUp(mill);
    this.swapSoon(mill);
  }

  /** Whether there are versions that were built and only have to be brought into force. */
  get wantsSwap(): boolean {
    return this.all.some((derivation) => derivation.wantsSwap);
  }

  /** A checkpoint brings new versions into force; where it fails, the next one does. */
  private swapSoon({ checkpointing }: DerivingMill): void {
    if (this.wantsSwap) checkpointing.request().subscribe({ error: () => {} });
  }

  private catchUp(mill: DerivingMill): void {
    const { behind } = this;
    if (behind.length === 0) return;
    this.catchingUp = this.caughtUp(mill, behind, true).subscribe({
      error: (error) => {
        for (const derivation of behind) derivation.stop(derivation.processedTo, error);
      },
      complete: () => this.swapSoon(mill),
    });
  }

  /** The state of tables, by name. */
  get tables(): readonly { readonly name: string; readonly state: AnyState }[] {
    const tables = this.running.flatMap(({ name, derivation }) => {
      return derivation.kind === 'table' ? [{ name, state: derivation.states.at(-1)! }] : [];
    });
    return tables.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** What a checkpoint writes: of each as it is between two turns. One is left out where one that it reads is. */
  capture(): CapturedDerivation[] {
    const captured = new Map<Derivation, CapturedDerivation>();
    for (const derivation of this.all) {
      if (!derivation.upstream.every((upstream) => captured.has(upstream))) continue;
      const one = derivation.capture();
      if (one !== null) captured.set(derivation, one);
    }
    return [...captured.values()];
  }

  /** Ends what goes on in the background: what was processed can still be saved. */
  stop(): void {
    this.ticker?.close();
    this.catchingUp.unsubscribe();
  }

  close(): void {
    this.stop();
    for (const { derivation, target } of this.running) {
      derivation.unsubscribe();
      if (!(target instanceof DerivedStream)) target.complete();
    }
  }

  private connect(mill: DerivingMill): void {
    this.turns.connect(streamNumbers(mill.catalog));
    for (const { name, target, key, derivation } of this.running) {
      const side = (stream: AnyDerivedStream | null): StreamOutput | null => {
        stream?.run(derivation);
        return stream && outputOf(stream, mill, derivation.build);
      };
      const sides = { late: side(target.late), deadLetters: side(target.deadLetters) };
      if (target instanceof DerivedStream) {
        derivation.connect(outputOf(target, mill, derivation.build), sides);
        target.run(derivation);
      } else {
        const output = new TableOutput(name, key, (change) => target.tell(change), derivation.build?.toldFrom);
        derivation.connect(output, sides);
        target.run({ output, derivation });
      }
    }
  }

  /** Completes when they have had all turns and have one with each commit from now on. */
  private caughtUp(mill: DerivingMill, derivations: readonly Derivation[], isTold: boolean): Observable<never> {
    return defer(() => {
      if (derivations.length === 0) return EMPTY;
      const { apply } = mill;
      const catchUp = new CatchUp(derivations, {
        nextLsn: () => apply.nextLsn,
        numberOf: this.turns.numberOf,
        scan: (stream, lsn) => scanOf(mill, stream, lsn),
        slices: new Slices(mill.scheduler),
        isFull: () => isTold && mill.isFull(),
        isTold,
      });
      let isAttached = false;
      const attach = new Observable<never>((subscriber) => {
        apply.betweenCommits(() => {
          if (catchUp.isThrough) {
            this.turns.attach(derivations);
            isAttached = true;
          }
          subscriber.complete();
        });
      });
      return steps(() => (isAttached ? null : concat(catchUp.run(), attach)));
    });
  }
}

function outputOf(stream: AnyDerivedStream, { catalog, unsaved }: DerivingMill, build: Build | null): StreamOutput {
  const layout = catalog.find(stream.name)!.versions.at(-1)!;
  return stream.output(layout, unsaved.setApart(layout.id), build);
}
