import {
  type CheckpointState,
  isDue,
  isPassedOver,
  nextLook,
  RETRY_MS_MAX,
} from '../../src/operators/checkpoint-policy.js';

const MINUTE = 60_000;

/** An interval of a minute since 0, at most 1,000 bytes unsaved, at 10 s. */
function stateWith(changes: Partial<CheckpointState>): CheckpointState {
  return {
    now: 10_000,
    interval: MINUTE,
    intervalFrom: 0,
    unsavedBytes: 1,
    unsavedBytesMax: 1_000,
    asked: null,
    failure: null,
    ...changes,
  };
}

/** A checkpoint began at 0 and failed a second later with 1,000 bytes unsaved. */
const failure = { at: 1_000, unsavedBytes: 1_000 };

describe('isDue', () => {
  it.each<[string, Partial<CheckpointState>, ReturnType<typeof isDue>]>([
    ['nothing yet', {}, null],
    ['the interval is not quite over', { now: MINUTE - 1 }, null],
    ['the interval is over', { now: MINUTE }, 'interval'],
    ['it was over long ago', { now: 10 * MINUTE }, 'interval'],
    ['a shorter interval is over already', { interval: 5_000 }, 'interval'],
    ['a longer one is not', { now: MINUTE, interval: 2 * MINUTE }, null],
    ['no interval', { now: 1e15, interval: Infinity }, null],
    ['nothing was written', { now: MINUTE, unsavedBytes: 0 }, null],
    ['not too much yet', { unsavedBytes: 999 }, null],
    ['too much is unsaved', { unsavedBytes: 1_000 }, 'size'],
    ['both: size names it', { now: MINUTE, unsavedBytes: 1_000 }, 'size'],
    ['nothing unsaved at a limit of nothing', { unsavedBytes: 0, unsavedBytesMax: 0 }, null],
    ['asked for', { asked: 'request' }, 'request'],
    ['asked for with nothing unsaved', { asked: 'close', unsavedBytes: 0 }, 'close'],
    ['asked for goes before size', { asked: 'level', unsavedBytes: 5_000 }, 'level'],
  ])('%s', (_, changes, cause) => {
    expect(isDue(stateWith(changes))).toBe(cause);
  });
});

describe('isDue after a failure', () => {
  it.each<[string, Partial<CheckpointState>, ReturnType<typeof isDue>]>([
    ['size alone does not try again at once', { unsavedBytes: 1_200 }, null],
    ['it does once it has grown by half', { unsavedBytes: 1_500 }, 'size'],
    ['it does when the interval is over', { unsavedBytes: 1_000, now: MINUTE }, 'size'],
    [
      'of a long interval, only a minute is waited',
      { interval: 60 * MINUTE, unsavedBytes: 1_000, now: MINUTE },
      'size',
    ],
    ['without interval, too', { interval: Infinity, unsavedBytes: 1_000, now: RETRY_MS_MAX }, 'size'],
    ['who asks is served at once', { asked: 'request' }, 'request'],
    ['the interval goes on from the start of what failed', { now: MINUTE }, 'interval'],
    [
      'but not at once after a run that took longer',
      { now: MINUTE + 2, failure: { at: MINUTE + 1, unsavedBytes: 1 } },
      null,
    ],
    ['only an interval later', { now: 2 * MINUTE + 1, failure: { at: MINUTE + 1, unsavedBytes: 1 } }, 'interval'],
  ])('%s', (_, changes, cause) => {
    expect(isDue(stateWith({ failure, ...changes }))).toBe(cause);
  });
});

describe('nextLook', () => {
  it.each<[string, Partial<CheckpointState>, number]>([
    ['at the end of the interval', { intervalFrom: 7 }, MINUTE + 7],
    ['also where nothing is unsaved yet', { unsavedBytes: 0 }, MINUTE],
    ['never without one', { interval: Infinity }, Infinity],
    ['after a failure, when size tries again', { interval: 10 * MINUTE, unsavedBytes: 1_000, failure }, MINUTE],
    ['not earlier for what is small', { interval: 10 * MINUTE, failure }, 10 * MINUTE],
  ])('%s', (_, changes, time) => {
    expect(nextLook(stateWith(changes))).toBe(time);
  });

  it('is never later than when something is due, over random states', () => {
    for (let now = 0; now <= 4 * MINUTE; now += 7_001) {
      for (const interval of [5_000, MINUTE, 3 * MINUTE, Infinity]) {
        for (const unsavedBytes of [1, 1_000, 1_400]) {
          for (const failed of [null, failure, { at: 2 * MINUTE, unsavedBytes: 1_000 }]) {
            const state = stateWith({ now, interval, unsavedBytes, failure: failed });
            expect(isDue(state) !== null).toBe(nextLook(state) <= now);
          }
        }
      }
    }
  });
});

describe('isPassedOver', () => {
  it.each<[string, Partial<CheckpointState>, boolean]>([
    ['an interval without a write', { now: MINUTE, unsavedBytes: 0 }, true],
    ['not before it is over', { now: MINUTE - 1, unsavedBytes: 0 }, false],
    ['not where something was written', { now: MINUTE }, false],
  ])('%s', (_, changes, expected) => {
    expect(isPassedOver(stateWith(changes))).toBe(expected);
  });
});
