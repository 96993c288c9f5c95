import { inFreshDirectory } from '../directories.js';
import { collectGarbage, now, summary } from '../measure.js';
import { openMill } from '../millrace.js';
import { BareFile } from '../peers/bare-file.js';
import { columnsOf } from '../workload.js';

/** Rows in a call: as many as fill a commit. */
const ROWS = 65_536;
/** Enough to have the next commit filled while one is written. */
const IN_FLIGHT = 4;
/** Short slices by turns, so that both see the same disk. */
const SLICE_SECONDS = 0.3;

/** Checkpoints come between the slices: what is compared is the way into the log. */
const NO_CHECKPOINTS = { checkpointInterval: '1d', checkpointBytes: 2 ** 40, unsavedBytesMax: 2 ** 40 };
const SUSTAINED_SECONDS = 4;

/**
 * Typed arrays against a bare write + fdatasync of as many bytes, as many at a time as a frame of the mill has; and what goes in
 * for seconds on end, while everything is also made into segments.
 */
export function run({ seconds, rounds, progress }) {
  const chunks = Array.from({ length: 3 }, () => columnsOf(ROWS));
  const slices = Math.max(2, Math.ceil((seconds * rounds) / SLICE_SECONDS));
  return inFreshDirectory(async (directory) => {
    const { mill, readings } = await openMill(directory, NO_CHECKPOINTS);
    const file = new BareFile(directory);
    await millSlice(mill, readings, chunks, SLICE_SECONDS);
    const measured = [];
    for (let slice = 0; slice < slices; slice++) {
      progress(`slice ${slice + 1} of ${slices}`);
      await mill.checkpoint();
      const ofMill = await millSlice(mill, readings, chunks, SLICE_SECONDS);
      measured.push({ ...ofMill, bare: await bareSlice(file, ofMill.frameBytes) });
    }
    file.close();
    await mill.close();
    progress('sustained');
    const sustained = await inFreshDirectory((other) => sustainedSlice(other, chunks));
    const line = (who, values, unit) => ({ what: 'columns', who, size: ROWS, unit, values, ...summary(values) });
    return [
      line(
        'millrace, appendColumns',
        measured.map(({ bytes }) => bytes),
        'bytes/s',
      ),
      line(
        'bare write + fdatasync',
        measured.map(({ bare }) => bare),
        'bytes/s',
      ),
      line(
        'millrace, appendColumns, events',
        measured.map(({ events }) => events),
        'events/s',
      ),
      line('the same for seconds on end, with checkpoints', [sustained.events], 'events/s'),
    ];
  });
}

async function sustainedSlice(directory, chunks) {
  const { mill, readings } = await openMill(directory);
  const measured = await millSlice(mill, readings, chunks, SUSTAINED_SECONDS);
  await mill.close();
  return measured;
}

/** Gives bytes and events per second, and the size of a frame. */
async function millSlice(mill, readings, chunks, seconds) {
  collectGarbage();
  const before = mill.metrics();
  const startedAt = now();
  const pending = [];
  for (let at = 0; now() < startedAt + seconds * 1000; at++) {
    pending.push(readings.appendColumns(chunks[at % chunks.length]));
    if (pending.length >= IN_FLIGHT) await pending.shift();
  }
  await Promise.all(pending);
  const elapsed = (now() - startedAt) / 1000;
  const after = mill.metrics();
  const bytes = after.bytes - before.bytes;
  return {
    bytes: bytes / elapsed,
    events: (after.events - before.events) / elapsed,
    frameBytes: Math.round(bytes / (after.commits - before.commits)),
  };
}

async function bareSlice(file, chunkBytes) {
  const chunk = Buffer.alloc(chunkBytes, 'millrace');
  collectGarbage();
  const startedAt = now();
  let bytes = 0;
  await new Promise((resolve) => {
    const next = () => {
      if (now() >= startedAt + SLICE_SECONDS * 1000) return resolve();
      file.write(chunk, () => {
        bytes += chunkBytes;
        next();
      });
    };
    next();
  });
  return bytes / ((now() - startedAt) / 1000);
}
