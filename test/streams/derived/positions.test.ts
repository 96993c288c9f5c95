import { mergeMap } from 'rxjs';
import { float64, key, type Millrace, string, timestamp } from '../../../src/index.js';
import { SimulatedStorage } from '../../../src/storage/simulated-storage.js';
import { openDerived } from '../../support/derived-mills.js';

const schema = { ts: timestamp(), device: key(string()), value: float64() };

/** Several rows in one turn, whose keys are not in the order in which they come. */
const declare = (mill: Millrace) => {
  const readings = mill.stream('readings', { schema });
  const parts = readings.pipe(
    mergeMap(({ ts, device, value }) =>
      ['c', 'a', 'b', 'a'].map((part) => ({ ts, device: `${device}${part}`, value })),
    ),
  );
  return { readings, parts: mill.stream('parts', { from: parts, schema }) };
};

async function open(disk: SimulatedStorage) {
  const opened = await openDerived(disk, declare);
  const { settled, mill, parts } = opened;
  await settled(mill.start());
  const rows = async () => {
    const found: string[] = [];
    await settled(
      parts.history().forEach(({ device, value }) => {
        found.push(`${device}${value}`);
      }),
    );
    return found.join(' ');
  };
  return { ...opened, rows, fingerprint: () => settled(mill.fingerprint()) };
}

it('keeps the order of rows that came in one turn, in memory, in segments and in merged ones', async () => {
  let opened = await open(new SimulatedStorage({ seed: 1 }));
  const reading = (value: number) => ({ ts: value, device: 'x', value });
  let expected: string[] = [];
  for (let value = 0; value < 6; value++) {
    await opened.settled(opened.readings.append(reading(value)));
    expected = [...expected, ...['c', 'a', 'b', 'a'].map((part) => `x${part}${value}`)];
    const before = await opened.fingerprint();
    expect(await opened.rows()).toBe(expected.join(' '));
    await opened.settled(opened.mill.checkpoint());
    expect(await opened.rows()).toBe(expected.join(' '));
    expect(await opened.fingerprint()).toBe(before);
  }
  expect(opened.mill.metrics().merges).toMatchObject({ failed: 0 });
  expect(opened.mill.metrics().merges.made).toBeGreaterThan(0);
  const before = await opened.fingerprint();
  await opened.settled(opened.mill.close());
  opened = await open(opened.disk);
  expect(await opened.rows()).toBe(expected.join(' '));
  expect(await opened.fingerprint()).toBe(before);
  await opened.settled(opened.mill.close());
});
