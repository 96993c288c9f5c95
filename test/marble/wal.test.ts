import { concat, NEVER, type Observable, of, range, throwError } from 'rxjs';
import { map, take } from 'rxjs/operators';
import type { RunHelpers } from 'rxjs/testing';
import { SchemaError } from '../../src/errors.js';
import { wal } from '../../src/operators/wal.js';
import { byCode, type Letter, letters, type MarbleLog, marbleLog } from '../support/stream-marbles.js';

// A write takes 1 frame and a sync 2: what arrives at an idle log comes out 3 frames later.
let marbles: MarbleLog;
beforeEach(async () => {
  marbles = await marbleLog();
});

const durable = (source: Observable<Letter>): Observable<Letter> => source.pipe(wal(marbles.log), byCode);

/** Runs a source through `wal` in virtual time; the last argument is the code of the error, where there is one. */
function expectDurable(
  sourceOf: (helpers: RunHelpers) => Observable<Letter>,
  expected: string,
  options: { unsubscribe?: string; error?: unknown } = {},
): void {
  marbles.test.run((helpers) => {
    helpers
      .expectObservable(durable(sourceOf(helpers)), options.unsubscribe)
      .toBe(expected, letters, options.error ?? 'error');
  });
}

const failDisk = (operation: 'write' | 'sync' | 'truncate', code: string, nth = 1): unknown =>
  marbles.storage.failAt({ operation, nth, code });

describe('wal appends before it emits', () => {
  it('an event comes out once it is written and synced, and not before', () => {
    expectDurable(({ cold }) => cold('-a|', letters), '----(a|)');
    expect(marbles.commits).toEqual(['a']);
  });

  it('what arrives during a commit goes into the next one', () => {
    expectDurable(({ cold }) => cold('-abc|', letters), '----a--(bc|)');
    expect(marbles.commits).toEqual(['a', 'bc']);
  });

  it('what arrives in one instant shares one commit', () => {
    expectDurable(({ cold }) => cold('-(abcd|)', letters), '----(abcd|)');
    expect(marbles.commits).toEqual(['abcd']);
  });

  it('order is kept over commits', () => {
    expectDurable(({ cold }) => cold('a-b--c-d---e|', letters), '---a--b--c--d--(e|)');
    expect(marbles.commits).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('a commit that is full is sealed at once, and the rest of the instant follows', async () => {
    marbles = await marbleLog({ commitEventsMax: 1 });
    expectDurable(({ cold }) => cold('(ab|)', letters), '---a--(b|)');
    expect(marbles.commits).toEqual(['a', 'b']);
  });

  it('without sync (level flush) a commit takes only its write', async () => {
    marbles = await marbleLog({ level: 'flush' });
    expectDurable(({ cold }) => cold('-abc|', letters), '--ab(c|)');
  });

  it('several sources share the log, each with its own order', () => {
    marbles.test.run(({ cold, expectObservable }) => {
      expectObservable(durable(cold('-a-c-|', letters))).toBe('----a--(c|)', letters);
      expectObservable(durable(cold('-b-d--|', letters))).toBe('----b--(d|)', letters);
    });
    expect(marbles.commits).toEqual(['ab', 'cd']);
  });

  it('what comes out was read back from the log, and is not the object that went in', () => {
    const seen: Letter[] = [];
    const given = { ...letters.a! };
    marbles.test.run(({ flush }) => {
      durable(concat(of(given), NEVER)).subscribe((letter) => seen.push(letter));
      given.name = 'changed';
      flush();
    });
    expect(seen).toEqual([letters.a]);
    expect(seen[0]).not.toBe(given);
  });
});

describe('wal ends', () => {
  it('complete when the source did and the last event is durable', () => {
    expectDurable(({ cold }) => cold('-a-|', letters), '----(a|)');
  });

  it('at once when an empty source completes', () => {
    expectDurable(({ cold }) => cold('--|', letters), '--|');
  });

  it("with the source's error, after what was taken", () => {
    expectDurable(({ cold }) => cold('-a-b#', letters, 'broken'), '----a--(b#)', { error: 'broken' });
  });

  it('with NOT_WRITTEN when the disk is full, after the earlier commits', () => {
    failDisk('write', 'ENOSPC', 2);
    // The second commit is sealed at 4, its write fails at 5, and it is cut out again, durably, at 7.
    expectDurable(({ hot }) => hot('-ab------c|', letters), '----a--#', { error: 'NOT_WRITTEN' });
    expect(marbles.commits).toEqual(['a']);
  });

  it('with OUTCOME_UNKNOWN when a sync fails, and POISONED for whoever comes later', () => {
    failDisk('sync', 'EIO');
    marbles.test.run(({ cold, expectObservable }) => {
      expectObservable(durable(cold('-a-------|', letters))).toBe('----#', letters, 'OUTCOME_UNKNOWN');
      expectObservable(durable(cold('--b------|', letters))).toBe('----#', letters, 'POISONED');
      expectObservable(durable(cold('------c--|', letters))).toBe('------#', letters, 'POISONED');
    });
    expect(marbles.commits).toEqual([]);
  });

  it('with OUTCOME_UNKNOWN when what was half written cannot be cut out again', () => {
    failDisk('write', 'ENOSPC');
    failDisk('truncate', 'EIO');
    expectDurable(({ cold }) => cold('-a----|', letters), '--#', { error: 'OUTCOME_UNKNOWN' });
  });

  it('with a SchemaError at an event that does not fit: the ones before come out, those after are not taken', () => {
    expectDurable(({ cold }) => cold('-abxc|', letters), '----a--(b#)', { error: 'SCHEMA' });
    expect(marbles.commits).toEqual(['a', 'b']);
  });

  it('and leaves its source at once when an event does not fit', () => {
    marbles.test.run(({ cold, expectSubscriptions }) => {
      const source = cold('-abxc|', letters);
      durable(source).subscribe({ error: () => {} });
      expectSubscriptions(source.subscriptions).toBe('^--!');
    });
  });

  it('a SchemaError says stream and column', () => {
    const errors: unknown[] = [];
    marbles.test.run(({ cold }) => {
      cold('x', letters)
        .pipe(wal(marbles.log))
        .subscribe({ error: (error) => errors.push(error) });
    });
    expect(errors).toEqual([expect.any(SchemaError)]);
    expect(errors).toMatchObject([{ code: 'SCHEMA', stream: 'letters', column: 'weight' }]);
  });
});

describe('wal, unsubscribed', () => {
  it('emits no more, but what was taken stays in the log', () => {
    expectDurable(({ cold }) => cold('-a--b|', letters), '----', { unsubscribe: '--!' });
    expect(marbles.commits).toEqual(['a']);
  });

  it('leaves its source', () => {
    marbles.test.run(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-a--b--c', letters);
      expectObservable(durable(source), '-----!').toBe('----a-', letters);
      expectSubscriptions(source.subscriptions).toBe('^----!');
    });
    expect(marbles.commits).toEqual(['a', 'b']);
  });

  it('by take(1) within a commit: the rest of the commit is durable all the same', () => {
    marbles.test.run(({ cold, expectObservable }) => {
      expectObservable(durable(cold('-(abc)-d', letters)).pipe(take(1))).toBe('----(a|)', letters);
    });
    expect(marbles.commits).toEqual(['abc']);
  });
});

describe('wal on a source that never ends by itself', () => {
  const endless = range(0, Number.POSITIVE_INFINITY).pipe(map(() => letters.a!));

  it('stops it when the log is full', async () => {
    marbles = await marbleLog({ commitEventsMax: 3 });
    expectDurable(() => endless, '---(aaa)', { error: 'FULL', unsubscribe: '------!' });
    expect(marbles.commits).toEqual(['aaa', 'aaa']);
  });

  it('stops it when an event does not fit', () => {
    expectDurable(() => endless.pipe(map((letter, at) => (at < 2 ? letter : letters.x!))), '---(aa#)', {
      error: 'SCHEMA',
    });
  });

  it('stops it when the log is poisoned', () => {
    failDisk('sync', 'EIO');
    marbles.test.run(({ cold, expectObservable }) => {
      expectObservable(durable(cold('a', letters))).toBe('---#', letters, 'OUTCOME_UNKNOWN');
      expectObservable(durable(concat(cold('----|', letters), endless))).toBe('----#', letters, 'POISONED');
    });
  });

  it('stops it when its subscriber leaves, also on a disk that completes at once', async () => {
    marbles = await marbleLog({ commitEventsMax: 2 }, { sync: true });
    expectDurable(() => endless.pipe(take(1_000_000), wal(marbles.log), take(3)), '(aaa|)');
    expect(marbles.commits.length).toBeLessThan(10);
  });

  it('a source that throws when subscribed is an error as any other', () => {
    expectDurable(() => throwError(() => 'no source'), '#', { error: 'no source' });
  });
});
