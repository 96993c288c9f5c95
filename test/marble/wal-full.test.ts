import { map, type Observable, range } from 'rxjs';
import type { RunHelpers } from 'rxjs/testing';
import { type WalOptions, wal } from '../../src/operators/wal.js';
import { byCode, type Letter, letters, type MarbleLog, marbleLog } from '../support/stream-marbles.js';

// A commit takes one event and 3 frames: a log with one in flight and one filling is full.
let marbles: MarbleLog;
let dropped: string;
beforeEach(async () => {
  marbles = await marbleLog({ commitEventsMax: 1 });
  dropped = '';
});

const onDrop = (letter: Letter): void => {
  dropped += letter.name;
};

function expectFull(
  options: WalOptions<Letter>,
  sourceOf: (helpers: RunHelpers) => Observable<Letter>,
  expected: string,
  error = 'FULL',
): void {
  marbles.test.run((helpers) => {
    const durable = sourceOf(helpers).pipe(wal(marbles.log, { onDrop, ...options }), byCode);
    helpers.expectObservable(durable).toBe(expected, letters, error);
  });
}

describe("wal with full: 'error'", () => {
  it('is the default: what was taken comes out, then FULL', () => {
    expectFull({ full: undefined }, ({ cold }) => cold('(abc)', letters), '---a--(b#)');
    expect(marbles.commits).toEqual(['a', 'b']);
  });

  it('leaves the source at once', () => {
    marbles.test.run(({ cold, expectSubscriptions }) => {
      const source = cold('-abc-----', letters);
      source.pipe(wal(marbles.log)).subscribe({ error: () => {} });
      expectSubscriptions(source.subscriptions).toBe('^--!');
    });
  });

  it('takes what comes at the pace of the log', () => {
    expectFull({ full: 'error' }, ({ cold }) => cold('a--b--c|', letters), '---a--b--(c|)');
    expect(dropped).toBe('');
  });
});

describe("wal with full: 'dropNew'", () => {
  it('drops what comes while the log is full, tells it, and goes on', () => {
    expectFull({ full: 'dropNew' }, ({ cold }) => cold('(abcd)f-|', letters), '---a--b--(f|)');
    expect(dropped).toBe('cd');
    expect(marbles.commits).toEqual(['a', 'b', 'f']);
  });

  it('needs no onDrop', () => {
    expectFull({ full: 'dropNew', onDrop: undefined }, ({ cold }) => cold('(abc|)', letters), '---a--(b|)');
  });
});

describe("wal with full: 'dropOld'", () => {
  it('keeps the latest events and drops older ones', () => {
    expectFull({ full: 'dropOld', bufferSize: 2 }, ({ cold }) => cold('(abcdef|)', letters), '---a--b--e--(f|)');
    expect(dropped).toBe('cd');
  });

  it('completes when what it kept is durable', () => {
    expectFull({ full: 'dropOld', bufferSize: 1 }, ({ cold }) => cold('(abc)|', letters), '---a--b--(c|)');
    expect(dropped).toBe('');
  });

  it('keeps 1,024 where nothing is said', () => {
    let taken = 0;
    marbles.test.run(({ flush }) => {
      range(0, 1_030)
        .pipe(map(() => letters.a!))
        .pipe(wal(marbles.log, { full: 'dropOld', onDrop }))
        .subscribe(() => taken++);
      flush();
    });
    // One was in flight and one was filling beside them.
    expect([taken, dropped.length]).toEqual([1_026, 4]);
  });

  it('keeps the order when new events come while kept ones wait', () => {
    expectFull({ full: 'dropOld' }, ({ cold }) => cold('abcd---e-f|', letters), '---a--b--c--d--e--(f|)');
  });
});

describe("wal with full: 'buffer'", () => {
  it('keeps everything', () => {
    expectFull({ full: 'buffer' }, ({ cold }) => cold('(abcde|)', letters), '---a--b--c--d--(e|)');
    expect(dropped).toBe('');
  });

  it('puts what was kept into as few commits as there is room for', async () => {
    marbles = await marbleLog({ commitEventsMax: 3 });
    marbles.test.run(({ cold }) => {
      cold('(abcdefgh|)', letters)
        .pipe(wal(marbles.log, { full: 'buffer' }))
        .subscribe();
    });
    expect(marbles.commits).toEqual(['abc', 'def', 'gh']);
  });

  it("emits the source's error after everything that was kept", () => {
    expectFull({ full: 'buffer' }, ({ cold }) => cold('(abcd#)', letters, 'broken'), '---a--b--c--(d#)', 'broken');
  });

  it('errors at a kept event that does not fit, in its turn, also when the source has completed', () => {
    expectFull({ full: 'buffer' }, ({ cold }) => cold('(abcxd|)', letters), '---a--b--(c#)', 'SCHEMA');
    expect(marbles.commits).toEqual(['a', 'b', 'c']);
  });

  it('forgets what was kept when its subscriber leaves', () => {
    marbles.test.run(({ cold, expectObservable }) => {
      const durable = cold('(abcd)--', letters).pipe(wal(marbles.log, { full: 'buffer' }));
      expectObservable(durable, '----!').toBe('---a', letters);
    });
    expect(marbles.commits).toEqual(['a', 'b', 'c']);
  });

  it('forgets what was kept when the log fails', () => {
    marbles.storage.failAt({ operation: 'sync', nth: 1, code: 'EIO' });
    expectFull({ full: 'buffer' }, ({ cold }) => cold('(abcd|)', letters), '---#', 'OUTCOME_UNKNOWN');
    expect(marbles.commits).toEqual([]);
  });

  it('shares room fairly: who waits first is served first', () => {
    marbles.test.run(({ cold, expectObservable }) => {
      const options = { full: 'buffer' } as const;
      expectObservable(cold('(ace|)', letters).pipe(wal(marbles.log, options))).toBe('---a--c--(e|)', letters);
      expectObservable(cold('(bd|)', letters).pipe(wal(marbles.log, options))).toBe('------------b--(d|)', letters);
    });
  });
});
