import { cpSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { lastValueFrom } from 'rxjs';
import { verifyMill } from '../../src/cli/verify/verify.js';
import { type Manifest, type ManifestDerived, readManifest, writeManifest } from '../../src/snapshots/manifest.js';
import { FileStorage } from '../../src/storage/file-storage.js';
import { ReadOnlyStorage } from '../../src/storage/read-only-storage.js';
import { loadHash } from '../../src/wal/hash.js';
import { killedLedger, payment, writeModule } from './ledgers.js';
import { flip, imageOf, overwrite, shorten } from './mills.js';
import { millrace, objectsOf, useFolder } from './support.js';

const folder = useFolder();
const storage = new FileStorage();
const path = (name: string) => folder.path(`data/${name}`);

/** The report of the mill in the folder; nothing of it is changed. */
async function verified() {
  const before = imageOf(folder.path('data'));
  const hash = await lastValueFrom(loadHash());
  const report = await verifyMill({ storage: new ReadOnlyStorage(storage), directory: folder.path('data'), hash });
  expect(imageOf(folder.path('data'))).toEqual(before);
  return report;
}

async function damages(): Promise<string[]> {
  const { damages } = await verified();
  return damages.map(({ code, path: at, offset }) => `${code} ${at!.replace(path(''), '')} ${offset}`);
}

async function manifestOf(): Promise<Manifest> {
  const found = await lastValueFrom(readManifest(storage, folder.path('data'), await lastValueFrom(loadHash())));
  return found!.manifest;
}

const filesOf = ({ derived }: Manifest, state: string) =>
  derived!.flatMap(({ states }) => states).find(({ name }) => name === state)!.files;

describe('millrace verify of what is derived', () => {
  it('reads the state, and finds nothing in a mill that was killed', async () => {
    await killedLedger(folder.path('data'));
    const { sound, state, notes } = await verified();
    expect([sound, notes]).toEqual([true, []]);
    const names = readdirSync(path('state'));
    const bytes = names.reduce((sum, name) => sum + statSync(path(`state/${name}`)).size, 0);
    expect(state).toMatchObject({ derived: 3, files: names.length, bytes });
  });

  it('names each damage of files of state, with the byte', async () => {
    await killedLedger(folder.path('data'));
    await killedLedger(folder.path('other'));
    const [base, delta] = filesOf(await manifestOf(), 'balances/rows').map(({ name }) => `state/${name}`) as [
      string,
      string,
    ];
    cpSync(folder.path('data'), folder.path('good'), { recursive: true });
    const cases: [string, () => void, string[]][] = [
      ['a flipped byte in a header', () => flip(path(base), 20), [`CORRUPT_STATE ${base} 0`]],
      ['a flipped byte in a block', () => flip(path(base), 64 + 30), [`CORRUPT_STATE ${base} 64`]],
      ['a flipped byte in a delta', () => flip(path(delta), 64 + 30), [`CORRUPT_STATE ${delta} 64`]],
      ['a missing file', () => rmSync(path(base)), [`CORRUPT_STATE ${base} 0`]],
      ['a shorter file', () => shorten(path(delta), 8), [`CORRUPT_STATE ${delta} ${statSync(path(delta)).size - 8}`]],
      [
        'a longer file',
        () => overwrite(path(delta), statSync(path(delta)).size, Buffer.alloc(8)),
        [`CORRUPT_STATE ${delta} ${statSync(path(delta)).size}`],
      ],
      [
        'the file of another mill',
        () => cpSync(folder.path(`other/${delta}`), path(delta)),
        [`CORRUPT_STATE ${delta} 40`],
      ],
      [
        'both of a state',
        () => {
          flip(path(base), 20);
          flip(path(delta), 64 + 30);
        },
        [`CORRUPT_STATE ${base} 0`, `CORRUPT_STATE ${delta} 64`],
      ],
      [
        'all of them',
        () => rmSync(path('state'), { recursive: true }),
        readdirSync(path('state')).map((name) => `CORRUPT_STATE state/${name} 0`),
      ],
    ];
    for (const [what, damage, found] of cases) {
      damage();
      expect([what, (await damages()).toSorted()]).toEqual([what, found.toSorted()]);
      rmSync(folder.path('data'), { recursive: true });
      cpSync(folder.path('good'), folder.path('data'), { recursive: true });
    }
    expect(await damages()).toEqual([]);
  });

  it('finds a base and a delta in each other’s place', async () => {
    await killedLedger(folder.path('data'));
    const [base, delta] = filesOf(await manifestOf(), 'balances/rows').map(({ name }) => path(`state/${name}`)) as [
      string,
      string,
    ];
    renameSync(base, path('aside'));
    renameSync(delta, base);
    renameSync(path('aside'), delta);
    expect(await damages()).toHaveLength(2);
  });

  it('finds what the manifest says of derived streams and cannot be', async () => {
    await killedLedger(folder.path('data'));
    const manifest = await manifestOf();
    const hash = await lastValueFrom(loadHash());
    const ofLarge = (change: Partial<ManifestDerived>): Manifest => ({
      ...manifest,
      derived: manifest.derived!.map((entry) => (entry.name === 'large' ? { ...entry, ...change } : entry)),
    });
    const cases: [Manifest, RegExp][] = [
      [ofLarge({ processedTo: 100 }), /segment \d+ of large has lsn 150, but large has processed events up to 100/],
      [
        ofLarge({ processedTo: 2 ** 40 }),
        /large has processed events up to lsn 1099511627776, but the log ends before/,
      ],
      [ofLarge({ shape: ['from bookings'] }), /large reads stream bookings, which it does not have/],
      [ofLarge({ name: 'huge' }), /huge is derived, but there is no such stream/],
      [ofLarge({ version: 0 }), /makes no sense: "large" has version 0/],
    ];
    for (const [changed, words] of cases) {
      await lastValueFrom(writeManifest(storage, folder.path('data'), changed, hash), { defaultValue: undefined });
      const { damages: found } = await verified();
      expect(found.map(({ code, message }) => `${code} ${message}`)).toContainEqual(expect.stringMatching(words));
    }
  });

  it('notes what is left in the folder of state', async () => {
    await killedLedger(folder.path('data'));
    writeFileSync(path('state/00000099.state'), 'half a file');
    writeFileSync(path('state/notes.txt'), 'mine');
    const { sound, notes } = await verified();
    expect(sound).toBe(true);
    expect(notes).toEqual([
      expect.stringContaining('notes.txt is no file of millrace'),
      expect.stringContaining('00000099.state is left from a crash'),
    ]);
  });
});

describe('millrace verify --replay', () => {
  const replay = (module: string, ...args: string[]) =>
    millrace('verify', folder.path('data'), '--replay', module, ...args);

  it('finds what is stored, and names the first row that a changed pipeline would not give', async () => {
    await killedLedger(folder.path('data'));
    const before = imageOf(folder.path('data'));
    const honest = await replay(writeModule(folder.path('honest.mjs')));
    expect([honest.code, honest.stderr]).toEqual([0, '']);
    const large = Array.from({ length: 160 }, (_, at) => payment(at + 1)).filter(({ amount }) => amount >= 50);
    expect(honest.stdout).toContain(
      `\nreplay: large: ${large.length} rows of events below lsn 161 are what the pipeline gives\n`,
    );
    expect(honest.stdout).toContain('\nreplay: per_minute: 2 rows');
    expect(honest.stdout).toContain('\nreplay: balances: 40 keys');
    expect(honest.stdout).toMatch(/\nNo damage and no difference found in .* Nothing was changed\.\n$/);
    const changed = writeModule(folder.path('changed.mjs'), { threshold: 53, exported: 'export const declare =' });
    const other = await replay(changed);
    expect([other.code, other.stderr]).toEqual([1, '']);
    const at = Array.from({ length: 160 }, (_, index) => index + 1).find((lsn) =>
      [50, 51, 52].includes(payment(lsn).amount),
    )!;
    expect(other.stdout).toContain(`\nDIFFERENT: large, lsn ${at}, index 0: stored is {"ts":`);
    expect(other.stdout).toMatch(
      /, which the pipeline does not give\nDIFFERENT: per_minute, .*, the pipeline gives \{/,
    );
    expect(other.stdout).toMatch(/\nNo damage and 2 differences found/);
    const report = JSON.parse((await replay(changed, '--json')).stdout);
    expect(report).toMatchObject({ sound: true, replay: { same: false, notReplayed: [] } });
    expect(report.replay.derived[0]).toMatchObject({
      name: 'large',
      kind: 'stream',
      difference: { kind: 'row', lsn: at, index: 0, stored: payment(at), derived: null },
    });
    expect(imageOf(folder.path('data'))).toEqual(before);
  });

  it('refuses what is no declaration of the mill, and replays nothing of a damaged one', async () => {
    await killedLedger(folder.path('data'));
    const module = writeModule(folder.path('module.mjs'));
    const cases: [string, RegExp][] = [
      [folder.write('nothing.mjs', 'export const x = 1;'), /nothing\.mjs exports no declarations/],
      [folder.write('broken.mjs', 'export default ('), /broken\.mjs cannot be imported/],
      [folder.path('missing.mjs'), /missing\.mjs cannot be imported/],
      [
        folder.write('other.mjs', readFileSync(module, 'utf8').replace("tumbling('1m')", "tumbling('2m')")),
        /The pipeline of "per_minute" is not the one whose state was saved/,
      ],
    ];
    for (const [file, words] of cases) {
      const { code, stdout, stderr } = await replay(file);
      expect([code, stdout, stderr]).toEqual([1, '', expect.stringMatching(words)]);
    }
    rmSync(path('segments/00000001.arrow'));
    const { code, stdout } = await replay(module);
    expect(code).toBe(1);
    expect(stdout).toMatch(/\nnote: Nothing was replayed, as there is damage\.\nDAMAGE: /);
  });
});

describe('millrace inspect', () => {
  it('says what is derived, and what is in a file of state', async () => {
    await killedLedger(folder.path('data'));
    const { code, stdout, stderr } = await millrace('inspect', folder.path('data'));
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(
      /\nderived stream large, version 1: has processed events below lsn 161\n {2}from payments\nderived stream per_minute, /,
    );
    expect(stdout).toMatch(
      /\nderived table balances, .*\n {2}fold \{.*\}\n {2}from payments\n {2}state .*\n {2}state balances\/rows: 40 keys, 2 files \(\d{8}\.state, \d{8}\.state\), [\d.]+ \w+\n/,
    );
    const pieces = objectsOf((await millrace('inspect', folder.path('data'), '--json')).stdout);
    expect(pieces.filter(({ kind }) => kind === 'derived')).toMatchObject([
      { derived: 'stream', name: 'large', version: 1, processedTo: 161, shape: ['from payments'], states: [] },
      { derived: 'stream', name: 'per_minute' },
      { derived: 'table', name: 'balances', states: [{ keys: 40 }, { name: 'balances/rows', keys: 40, fault: null }] },
    ]);
    const [, delta] = filesOf(await manifestOf(), 'balances/rows') as [unknown, { name: string }];
    const file = path(`state/${delta.name}`);
    const one = await millrace('inspect', file);
    expect([one.code, one.stdout]).toEqual([
      0,
      expect.stringMatching(
        /^.*: [\d,]+ bytes\n {2}delta, number 2, continues number 1, JSON values for each key, of state balances\/rows of balances\n {2}at 64, \d+ bytes: 10 keys with their values\n {2}at \d+, 40 bytes: the end\n$/,
      ),
    ]);
    flip(file, 64 + 30);
    const damaged = await millrace('inspect', file, '--json');
    expect([damaged.code, ...objectsOf(damaged.stdout)]).toMatchObject([
      3,
      {
        kind: 'state',
        state: 'balances/rows',
        derived: 'balances',
        blocks: [],
        fault: 'at 64 a block has a wrong checksum',
      },
    ]);
    const mill = await millrace('inspect', folder.path('data'));
    expect([mill.code, mill.stdout]).toEqual([3, expect.stringMatching(/state balances\/rows: .*; DAMAGED: .*wrong/)]);
  });
});

describe('millrace tail', () => {
  const tail = (...args: string[]) => millrace('tail', ...args, '--dir', folder.path('data'));

  it('shows the rows of a derived stream that are in segments, and says where the others are', async () => {
    await killedLedger(folder.path('data'));
    const { code, stdout, stderr } = await tail('large', '--from', 'earliest');
    const large = Array.from({ length: 160 }, (_, at) => at + 1).filter((lsn) => payment(lsn).amount >= 50);
    expect([code, objectsOf(stdout).map(({ lsn }) => lsn)]).toEqual([0, large]);
    expect(stderr).toMatch(
      /^note: large is derived: rows that come from events of lsn 161 and later are shown after the next checkpoint/,
    );
    expect((await tail('payments')).stderr).toBe('');
    const table = await tail('balances');
    expect([table.code, table.stderr]).toEqual([1, expect.stringMatching(/"balances" in .* is a table, not a stream/)]);
  });
});
