import type { Fault, Latency, SimulatedStorage } from '../../src/storage/simulated-storage.js';
import type { Dice } from './simulation-dice.js';

/** Latencies of one disk: none at all, even, with slow syncs, or with now and then a long wait. */
export function drawLatency(dice: Dice): Latency {
  const slowest = dice.pick([0, 0.1, 2, 20]);
  return dice.pick<Latency>([
    0,
    (_operation, _bytes, random) => random() * slowest,
    (operation, _bytes, random) => random() * (operation === 'sync' ? 10 * slowest : slowest),
    (operation, _bytes, random) => random() * (operation === 'sync' ? 1_500 : slowest),
    (_operation, bytes, random) => bytes / 100_000 + (random() < 0.02 ? 200 * random() : random() * slowest),
  ]);
}

/** Makes operations fail from now on, as drawn, and tells how; `heal` ends it. */
export interface DrawnFault {
  readonly text: string;
  readonly heal: () => void;
}

const PLACES = [undefined, undefined, /metadata/, /vgroup-00/, /vgroup-0[123]/] as const;

export type FaultKind = 'room' | 'write' | 'sync' | 'other' | 'checkpoint';

export function drawFault(dice: Dice, disk: SimulatedStorage, kinds: readonly FaultKind[]): DrawnFault {
  const kind = dice.pick(kinds);
  if (kind === 'room') return limitedCapacity(dice, disk);
  if (kind === 'checkpoint') return checkpointFault(dice, disk);
  const operation = kind === 'other' ? dice.pick(OTHERS) : kind;
  const fault = {
    operation,
    path: dice.pick(PLACES),
    nth: dice.skewed(kind === 'other' ? 12 : 40),
    times: dice.pick([1, 1, 3, Number.POSITIVE_INFINITY]),
    code: operation === 'write' ? dice.pick(['EIO', 'ENOSPC', 'EFBIG']) : 'EIO',
  };
  const ordered = orderFault(disk, fault);
  if (operation !== 'write' || dice.chance(0.8)) return ordered;
  // A write that fails and perhaps cannot be taken back.
  const further = orderFault(disk, {
    operation: dice.pick(['truncate', 'sync']),
    nth: dice.between(1, 3),
    code: 'EIO',
  });
  return {
    text: `${ordered.text}, ${further.text}`,
    heal: () => {
      ordered.heal();
      further.heal();
    },
  };
}

const PARTS = [/segments/, /manifest/, /next\.wal/, /checkpoint\.wal/, /\.arrow/, /vgroup-0\d$/, /metadata$/] as const;
const STEPS = ['open', 'write', 'truncate', 'sync', 'close', 'rename', 'remove', 'syncDirectory', 'read'] as const;

/** Something of a checkpoint fails: what it writes beside the log, or renames, or removes. */
function checkpointFault(dice: Dice, disk: SimulatedStorage): DrawnFault {
  const [operation, path] = [dice.pick(STEPS), dice.pick(PARTS)];
  const times = dice.pick([1, 1, 3, Number.POSITIVE_INFINITY]);
  return orderFault(disk, { operation, path, nth: dice.skewed(12), times, code: dice.pick(['EIO', 'ENOSPC']) });
}

export function orderFault(disk: SimulatedStorage, fault: Fault): DrawnFault {
  const { code, operation = 'operation', nth, path = 'any file', times = 1 } = fault;
  return { text: `${code} at ${operation} ${nth} of ${path}, ${times} times`, heal: disk.failAt(fault) };
}

const OTHERS = [
  'truncate',
  'read',
  'open',
  'size',
  'close',
  'list',
  'rename',
  'remove',
  'syncDirectory',
  'makeDirectory',
] as const;

function limitedCapacity(dice: Dice, disk: SimulatedStorage): DrawnFault {
  const used = disk.paths().reduce((sum, path) => sum + disk.contents(path).length, 0);
  const room = dice.skewed(20_000);
  disk.setCapacity(used + room);
  return { text: `room for ${room} bytes`, heal: () => disk.setCapacity(Number.POSITIVE_INFINITY) };
}
