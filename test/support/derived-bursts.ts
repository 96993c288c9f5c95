import { lastValueFrom, mergeMap, type Observable, toArray } from 'rxjs';
import { bool, float64, int32, json, key, type Millrace, type Recorded, string, timestamp } from '../../src/index.js';
import type { Job } from '../../src/snapshots/compute.js';
import { SimulatedStorage } from '../../src/storage/simulated-storage.js';
import { SimulatedCompute } from '../../src/testing/simulated-compute.js';
import { openDerived } from './derived-mills.js';

/** A row as `windowed` gives it. */
export interface WindowLike {
  device: string;
  start: number;
  end: number;
  count: number;
  revision: number;
  final: boolean;
}

export const windowSchema = {
  device: key(string()),
  start: timestamp(),
  end: timestamp(),
  count: float64(),
  revision: int32(),
  final: bool(),
};

/** Each event causes all rows that it carries: a derived stream with many rows of one lsn. */
export function declareBursts(mill: Millrace) {
  const causes = mill.stream('causes', { schema: { ts: timestamp(), rows: json<WindowLike[]>() } });
  const burst = mergeMap(({ rows }: { rows: WindowLike[] }) => rows);
  const windows = mill.stream('windows', { from: causes.pipe(burst), schema: windowSchema });
  return { causes, windows };
}

/** Segments have blocks of so few rows. */
export class SmallBlocks extends SimulatedCompute {
  constructor(private readonly blockRows: number) {
    super();
  }

  override run(job: Job) {
    const hasBlocks = job.name === 'buildBlocks' || job.name === 'sortBlocks';
    const { blockRows } = this;
    return super.run(hasBlocks ? { ...job, parameters: { ...(job.parameters as object), blockRows } } : job);
  }
}

export type OpenedBursts = Awaited<ReturnType<typeof openBursts>>;

export const openBursts = async (blockRows = 5, disk = new SimulatedStorage({ seed: 9 })) => {
  const compute = new SmallBlocks(blockRows);
  const opened = await openDerived(disk, declareBursts, { compute, checkpointInterval: '1h' });
  await opened.settled(opened.mill.start());
  return opened;
};

/** Events that cause these rows; gives where each row stands. */
export async function causeAll(
  { causes, settled }: OpenedBursts,
  bursts: readonly WindowLike[][],
): Promise<Recorded<WindowLike>[]> {
  const receipts = await settled(Promise.all(bursts.map((rows) => causes.append({ ts: 0, rows }))));
  return bursts.flatMap((rows, at) => rows.map((event, index) => ({ lsn: receipts[at]!.lsn, index, event })));
}

export function rowsOf<T>({ settled }: Pick<OpenedBursts, 'settled'>, source: Observable<T>) {
  return settled(lastValueFrom(source.pipe(toArray())));
}
