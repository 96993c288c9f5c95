import { map } from 'rxjs';
import { json, key, type Millrace, string, timestamp } from '../../../src/index.js';
import { SimulatedStorage } from '../../../src/storage/simulated-storage.js';
import { DEAD_LETTER } from '../../../src/streams/derived/side-streams.js';
import { rowsOf } from '../../support/derived-bursts.js';
import { openDerived, payments } from '../../support/derived-mills.js';
import { failure } from '../../support/stream-mills.js';

const schema = { ts: timestamp(), account: key(string()) };

const declare = (mill: Millrace) => {
  const source = mill.stream('payments', { schema });
  const throws = map((row: { ts: number; account: string }) => {
    if (row.account === 'b') throw new Error('not b');
    return row;
  });
  return { source, some: mill.stream('some', { schema, from: source.pipe(throws), onError: 'deadLetter' }) };
};

async function withLetters() {
  const opened = await openDerived(new SimulatedStorage({ seed: 1 }), declare);
  await opened.settled(opened.mill.start());
  await opened.settled(opened.source.appendMany(payments(0, 9).map(({ ts, account }) => ({ ts, account }))));
  await opened.settled(opened.mill.checkpoint());
  return opened.disk.kill();
}

describe('a side stream, in a run that does not declare what it belongs to', () => {
  it('is read, and written by nobody', async () => {
    const { mill, settled } = await openDerived(await withLetters(), () => ({}));
    await settled(mill.start());
    const letters = mill.stream('some.dead');
    expect('append' in letters).toBe(false);
    expect(await rowsOf({ settled }, letters.history())).toHaveLength(3);
  });

  it('is not taken for a stream that events are appended to', async () => {
    const { mill, settled } = await openDerived(await withLetters(), (one) => ({
      letters: one.stream('some.dead', { schema: DEAD_LETTER }),
    }));
    expect(await failure(settled(mill.start()))).toMatchObject({ code: 'SCHEMA_CHANGED' });
  });

  it('is one only where it has the columns of one', async () => {
    const declareBoth = (one: Millrace) => ({
      ...declare(one),
      other: one.stream('some.late', { schema: { ts: timestamp(), note: json() } }),
    });
    const { mill, settled, disk } = await openDerived(await withLetters(), declareBoth);
    await settled(mill.start());
    const later = await openDerived(disk.kill(), () => ({}));
    await later.settled(later.mill.start());
    expect('append' in later.mill.stream('some.late')).toBe(true);
  });
});
