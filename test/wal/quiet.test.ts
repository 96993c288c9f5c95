import { Quiet } from '../../src/wal/quiet.js';
import { WriterRig } from '../support/log-writer.js';

describe('Quiet', () => {
  /** How quiet it is, who is told, and who was called back, in order. */
  const quietly = () => {
    const state = { isIdle: false, isBetweenCommits: false };
    const log: string[] = [];
    const quiet = new Quiet(
      () => state.isIdle,
      () => state.isBetweenCommits,
    );
    return { state, log, quiet, hear: (name: string) => () => void log.push(name) };
  };

  it('calls back who waits for idle, in order, once', () => {
    const { state, log, quiet, hear } = quietly();
    quiet.whenIdle(hear('a'));
    quiet.whenIdle(hear('b'));
    quiet.settle();
    expect(log).toEqual([]);
    state.isIdle = true;
    quiet.settle();
    quiet.settle();
    expect(log).toEqual(['a', 'b']);
  });

  it('calls back no further one where the first has ended the idleness', () => {
    const { state, log, quiet, hear } = quietly();
    quiet.whenIdle(() => {
      log.push('a');
      state.isIdle = false;
    });
    quiet.whenIdle(hear('b'));
    state.isIdle = true;
    quiet.settle();
    expect(log).toEqual(['a']);
    state.isIdle = true;
    quiet.settle();
    expect(log).toEqual(['a', 'b']);
  });

  it('is paused at once, and says so between two commits', () => {
    const { state, log, quiet, hear } = quietly();
    quiet.pause(hear('paused'));
    expect(quiet.isPaused).toBe(true);
    state.isIdle = true;
    quiet.settle();
    expect(log).toEqual([]);
    state.isBetweenCommits = true;
    quiet.settle();
    expect(log).toEqual(['paused']);
    quiet.resume();
    expect(quiet.isPaused).toBe(false);
  });
});

describe('a writer that is paused', () => {
  it('seals nothing until it goes on; what fills meanwhile is one commit', async () => {
    const rig = await WriterRig.open({ latency: 5 });
    rig.write(1);
    const commits = rig.applied.length;
    let isPaused = false;
    rig.writer.pause(() => {
      isPaused = true;
    });
    expect(isPaused).toBe(true);
    for (const number of [2, 3, 4]) rig.append(number);
    rig.clock.advanceBy(500);
    expect(rig.applied).toHaveLength(commits);
    rig.writer.resume();
    rig.clock.advanceBy(500);
    expect(rig.applied.filter((numbers) => numbers.length > 0)).toEqual([[1], [2, 3, 4]]);
  });

  it('is paused once the commit in flight is applied', async () => {
    const rig = await WriterRig.open({ latency: 5 });
    rig.write(1);
    rig.append(2);
    rig.clock.advanceBy(1);
    let paused: readonly number[][] | null = null;
    rig.writer.pause(() => {
      paused = [...rig.applied];
    });
    expect(paused).toBeNull();
    rig.append(3);
    rig.clock.advanceBy(100);
    expect(paused!.at(-1)).toEqual([2]);
    expect(rig.told).not.toContain('3@3');
    rig.writer.resume();
    rig.clock.advanceBy(100);
    expect(rig.told).toContain('3@3');
  });

  it('is told so too where the commit in flight fails', async () => {
    const rig = await WriterRig.open({ latency: 5 });
    rig.write(1);
    rig.storage.failAt({ operation: 'write', nth: 1, code: 'ENOSPC' });
    rig.append(2);
    rig.clock.advanceBy(1);
    let isPaused = false;
    rig.writer.pause(() => {
      isPaused = true;
    });
    rig.clock.advanceBy(100);
    expect(isPaused).toBe(true);
    expect(rig.told.at(-1)).toBe('2!NOT_WRITTEN');
    rig.writer.resume();
    rig.write(3);
    expect(rig.told.at(-1)).toMatch(/^3@/);
  });

  it('lets nobody in whom something outside holds back, and all of them when that is over', async () => {
    let isHeld = false;
    const rig = await WriterRig.open({ holdsBack: () => isHeld });
    rig.write(1);
    isHeld = true;
    expect(rig.writer.hasRoom).toBe(false);
    const order: string[] = [];
    for (const name of ['a', 'b']) rig.writer.whenRoom(() => order.push(name));
    rig.clock.advanceBy(100);
    expect(order).toEqual([]);
    isHeld = false;
    rig.writer.admission.admit();
    expect(order).toEqual(['a', 'b']);
    expect(rig.writer.hasRoom).toBe(true);
  });
});
