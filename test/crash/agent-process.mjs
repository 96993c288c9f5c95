// A process with a mill in it, for tests that kill it or break its disk. It reads commands from stdin, one JSON object a
// line, does them one after the other, and says on stdout what happened. Runs the built package.
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { bytes, float64, int32, key, Millrace, string, timestamp } from '../../dist/index.js';

/** Synchronously, so that what was said before a kill was said. */
function say(...words) {
  const line = Buffer.from(`${words.join(' ')}\n`);
  for (let at = 0; at < line.length; ) {
    try {
      at += writeSync(1, line, at);
    } catch (error) {
      if (error.code !== 'EAGAIN') process.exit(1);
    }
  }
}

/** An event follows from its id and size. */
function event(id, size) {
  return { ts: id, device: `device-${id % 17}`, id, value: Math.sqrt(id), raw: new Uint8Array(size).fill(id) };
}

function isIntact(row) {
  const expected = event(row.id, row.raw?.length ?? 0);
  const isFilled = row.raw === undefined || row.raw.every((byte) => byte === (row.id & 255));
  return isFilled && row.ts === row.id && row.device === expected.device && row.value === expected.value;
}

let mill;
let events;

const commands = {
  async start({ directory, options }) {
    mill = new Millrace(directory, options);
    events = mill.stream('events', {
      schema: { ts: timestamp(), device: key(string()), id: int32(), value: float64(), raw: bytes().optional() },
    });
    await mill.start();
    const { clean, events: found, cut } = mill.recovery;
    say('live', clean, found, cut.bytes);
  },

  /** All that the mill holds. */
  async read() {
    const count = await events.count();
    let left = count;
    if (left > 0) {
      for await (const { lsn, event: row } of events.records('earliest')) {
        say('row', row.id, lsn, isIntact(row));
        if (--left === 0) break;
      }
    }
    say('read', count);
  },

  /** Appends one after the other, and says of each what became of it. */
  async append({ from, count, size = 8 }) {
    for (let id = from; id < from + count; id++) {
      await events.append(event(id, size)).then(
        ({ lsn }) => say('ack', id, lsn),
        (error) => say('err', id, error.code, error.cause?.code ?? error.cause?.cause?.code),
      );
    }
    say('appended');
  },

  /** Appends from several sides, singly and in batches; without a number, until the end of the process. */
  async write({ from, appenders, count: total = Number.POSITIVE_INFINITY }) {
    let next = from;
    const appendOn = async () => {
      while (next < from + total) {
        const first = next;
        const count = Math.random() < 0.7 ? 1 : 1 + Math.floor(Math.random() * 50);
        next += count;
        const rows = Array.from({ length: count }, (_, at) => event(first + at, Math.floor(Math.random() * 300)));
        if (count === 1) say('ack', first, (await events.append(rows[0])).lsn);
        else {
          const { firstLsn, lastLsn } = await events.appendMany(rows);
          say('acks', first, count, firstLsn, lastLsn);
        }
        if (Math.random() < 0.02) await new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
      }
    };
    await Promise.all(Array.from({ length: appenders }, appendOn));
    say('written');
  },

  /** Ends without closing the mill. */
  exit() {
    process.exit(0);
  },

  async close() {
    await mill.close();
    say('closed');
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...options } = JSON.parse(line);
  try {
    await commands[command](options);
  } catch (error) {
    say('failed', command, error.code, String(error.message).replaceAll('\n', ' '));
  }
}
