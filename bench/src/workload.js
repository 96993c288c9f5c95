/** The work that everyone does: events of {ts, device, temperature, humidity, status}, the same ones for all. */

const DEVICES = 1_000;
export const FIRST_TS = Date.UTC(2026, 0, 1);

/** Seeded, so that every run has the same events. */
function randomFrom(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const random = randomFrom(20);
const hundredths = (from, to) => Math.round((from + random() * (to - from)) * 100) / 100;

export const deviceNames = Array.from({ length: DEVICES }, (_, at) => `device-${String(at).padStart(4, '0')}`);

/** A new event. Its device name is a string of its own, as it is in an event that was parsed from a message. */
export function eventAt(at) {
  return {
    ts: FIRST_TS + at,
    device: Buffer.from(deviceNames[Math.floor(random() * DEVICES)], 'latin1').toString('latin1'),
    temperature: hundredths(-20, 60),
    humidity: hundredths(0, 100),
    status: Math.floor(random() * 8),
  };
}

export function eventsFrom(first, count) {
  return Array.from({ length: count }, (_, at) => eventAt(first + at));
}

/** The events in batches of `size`. Whoever wants more than there are begins again with the first batch. */
export function batchesOf(size, events) {
  return Array.from({ length: events.length / size }, (_, batch) => events.slice(batch * size, (batch + 1) * size));
}

/** `rows` events of the same kind, column by column. */
export function columnsOf(rows) {
  return {
    ts: Float64Array.from({ length: rows }, (_, at) => FIRST_TS + at),
    device: { values: deviceNames, indexes: Uint32Array.from({ length: rows }, () => Math.floor(random() * DEVICES)) },
    temperature: Float64Array.from({ length: rows }, () => hundredths(-20, 60)),
    humidity: Float64Array.from({ length: rows }, () => hundredths(0, 100)),
    status: Int32Array.from({ length: rows }, () => Math.floor(random() * 8)),
  };
}
