import { WriterRig } from '../support/log-writer.js';

const slow = (operation: string) => (operation === 'write' || operation === 'sync' ? 10 : 0);

/** Appends as a caller does who waits for room where there is none. */
function appendOrWait(rig: WriterRig, number: number): void {
  if (rig.writer.hasRoom) rig.append(number);
  else rig.writer.whenRoom(() => rig.append(number));
}

describe('room in the commit that is filling', () => {
  it('ends at the greatest number of events', async () => {
    const rig = await WriterRig.open({ commitEventsMax: 3, latency: slow });
    rig.append(0);
    rig.clock.advanceBy(1);
    for (const number of [1, 2, 3]) {
      expect(rig.writer.hasRoom).toBe(true);
      rig.append(number);
    }
    expect(rig.writer.hasRoom).toBe(false);
  });

  it('ends at about the greatest number of bytes', async () => {
    const rig = await WriterRig.open({ commitBytesMax: 50, latency: slow });
    rig.append(0);
    rig.clock.advanceBy(1);
    let count = 0;
    for (; rig.writer.hasRoom; count++) rig.append(count);
    // A row takes 8 bytes and its place in the key index 4.
    expect(count).toBe(5);
  });

  it('is there again as soon as a commit is sealed, at once where none is in flight', async () => {
    const rig = await WriterRig.open({ commitEventsMax: 2 });
    rig.append(1);
    rig.append(2);
    expect(rig.told).toEqual(['1@1', '2@2']);
    expect(rig.writer.hasRoom).toBe(true);
  });

  it('is given in the order of asking; who comes later waits behind', async () => {
    const rig = await WriterRig.open({ commitEventsMax: 2, latency: slow });
    for (let number = 0; number < 9; number++) appendOrWait(rig, number);
    expect(rig.writer.admission.waitingCount).toBe(5);
    rig.clock.advanceBy(30);
    expect(rig.told).toEqual(['0@1', '1@2']);
    appendOrWait(rig, 9);
    rig.clock.advanceBy(200);
    expect(rig.applied).toEqual([
      [0, 1],
      [2, 3],
      [4, 5],
      [6, 7],
      [8, 9],
    ]);
  });

  it('lets no one overtake who waits, not even where there is room', async () => {
    const rig = await WriterRig.open({ commitEventsMax: 2, latency: slow });
    const seen: boolean[] = [];
    for (let number = 0; number < 4; number++) rig.append(number);
    rig.writer.whenRoom(() => {
      seen.push(rig.writer.hasRoom);
      rig.append(4);
      seen.push(rig.writer.hasRoom);
    });
    rig.writer.whenRoom(() => rig.append(5));
    expect(rig.writer.hasRoom).toBe(false);
    rig.clock.advanceBy(200);
    expect(seen).toEqual([true, true]);
    expect(rig.applied.flat()).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('is not given to who comes while a rejected commit is told, before those who waited', async () => {
    const rig = await WriterRig.open({ commitEventsMax: 2, latency: slow });
    rig.write(0);
    rig.storage.failAt({ operation: 'write', nth: 1, code: 'ENOSPC' });
    let isFirst = true;
    const many = rig.receipt('many', () => {
      if (isFirst) appendOrWait(rig, 6);
      isFirst = false;
    });
    for (const number of [1, 2, 3, 4]) rig.add(number, many);
    appendOrWait(rig, 5);
    rig.clock.advanceBy(200);
    expect(rig.applied).toEqual([[0], [5, 6]]);
  });

  it('bounds the memory: what waits is in no builder', async () => {
    const rig = await WriterRig.open({ commitEventsMax: 100, latency: slow });
    let filledMost = 0;
    for (let number = 0; number < 5_000; number++) {
      appendOrWait(rig, number);
      filledMost = Math.max(filledMost, rig.writer.filling.events);
    }
    while (rig.told.length < 5_000) {
      rig.clock.step();
      filledMost = Math.max(filledMost, rig.writer.filling.events);
    }
    expect(filledMost).toBe(100);
    expect(rig.applied.flat()).toEqual(Array.from({ length: 5_000 }, (_, number) => number));
  });

  it('is there for a commit that was rejected too: those who waited go on', async () => {
    const rig = await WriterRig.open({ commitEventsMax: 1, latency: slow });
    rig.write(0);
    rig.storage.failAt({ operation: 'write', nth: 1, times: 2, code: 'ENOSPC' });
    for (let number = 1; number < 5; number++) appendOrWait(rig, number);
    rig.clock.advanceBy(500);
    expect(rig.told.slice(1)).toEqual(['1!NOT_WRITTEN', '2!NOT_WRITTEN', '3@4', '4@5']);
  });
});

describe('whenIdle', () => {
  it('calls back at once where nothing is to be done', async () => {
    const rig = await WriterRig.open();
    const seen: string[] = [];
    rig.writer.whenIdle(() => seen.push('idle'));
    expect(seen).toEqual(['idle']);
  });

  it('waits for what fills, is in flight, waits for room or is being applied', async () => {
    const rig = await WriterRig.open({ commitEventsMax: 1, latency: slow });
    for (const number of [1, 2, 3]) appendOrWait(rig, number);
    rig.writer.whenIdle(() => rig.told.push('idle'));
    rig.clock.advanceBy(500);
    expect(rig.told).toEqual(['1@1', '2@2', '3@3', 'idle']);
  });

  it('waits for what is appended while a commit is applied', async () => {
    const rig = await WriterRig.open();
    rig.append(1, 0, () => {
      rig.append(2);
      rig.writer.whenIdle(() => rig.told.push('idle'));
    });
    rig.clock.advanceBy(0);
    expect(rig.told).toEqual(['1@1', '2@2', 'idle']);
  });
});
