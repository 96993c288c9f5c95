import { type Mark, printMarbles } from './marbles.js';
import { isSame } from './same.js';
import type { Row, SimulatedLife } from './simulated-life.js';

/** A row that those who listened were given, in which frame, and the event that caused it. */
export interface Emission {
  readonly frame: number;
  readonly lsn: number;
  readonly event: Row;
}

/** The part of the marbles that a life has, and the mark that ends it. */
export interface LifeSpan {
  readonly from: number;
  readonly to: number;
  readonly mark: string;
}

/** Listens to all streams and tables of a life. */
export class LiveRecorder {
  readonly emitted: Record<string, Emission[]> = {};

  constructor(life: SimulatedLife, frame: () => number) {
    for (const stream of [...life.sources, ...life.derived]) {
      const emissions = this.of(stream.name);
      stream.records().subscribe(({ lsn, event }) => emissions.push({ frame: frame(), lsn, event: event as Row }));
    }
    for (const [name, table] of life.tables) {
      const emissions = this.of(name);
      table.changes.subscribe(({ lsn, value }) => emissions.push({ frame: frame(), lsn, event: value as Row }));
    }
  }

  /** The marbles of each stream and table, where a letter stands for a value that equals the row. */
  marbles(values: Readonly<Record<string, object>>, { from, to, mark }: LifeSpan): Record<string, string> {
    const letterOf = (row: Row): string => Object.keys(values).find((letter) => isSame(values[letter], row)) ?? '?';
    const end: readonly Mark[] = mark === '' ? [] : [{ frame: to, letter: mark }];
    const texts = Object.entries(this.emitted).map(([name, emissions]) => {
      const marks = emissions.map(({ frame, event }) => ({ frame, letter: letterOf(event) }));
      return [name, printMarbles([...marks, ...end], from, to)] as const;
    });
    return Object.fromEntries(texts);
  }

  private of(name: string): Emission[] {
    const emissions: Emission[] = [];
    this.emitted[name] = emissions;
    return emissions;
  }
}
