import type { CheckpointEvent, CheckpointReport } from '../../operators/checkpoint-report.js';
import type { Millrace } from '../../streams/millrace.js';
import { inWords } from '../report.js';
import { elapsedInWords, millisecondsInWords } from '../words.js';

/** What became of the checkpoints of this run. */
export class CheckpointWatch {
  /** Why the last one failed; `null` once one went well. */
  trouble: string | null = null;
  private last: CheckpointReport | null = null;
  private isRunning = false;

  watch(mill: Millrace): void {
    mill.status$.subscribe((status) => {
      if ('checkpoint' in status && status.checkpoint) this.told(status.checkpoint);
    });
  }

  told(event: CheckpointEvent): void {
    this.isRunning = event.kind === 'started' || event.kind === 'step';
    if (event.kind === 'failed')
      this.trouble = `the last checkpoint failed, nothing is lost, and the next one tries again: ${inWords(event.error)}`;
    if (event.kind !== 'completed') return;
    this.trouble = null;
    // Where nothing had been written it had nothing to do.
    if (event.report.steps.length > 0) this.last = event.report;
  }

  /** `now`: milliseconds since the epoch. */
  inWords(now: number): string {
    if (this.isRunning) return 'a checkpoint runs';
    if (this.last === null) return 'no checkpoint in this run yet';
    const { startedAt, duration, cause } = this.last;
    return `checkpoint ${elapsedInWords(Math.max(0, now - startedAt))} ago (${cause}, ${millisecondsInWords(duration)})`;
  }
}
