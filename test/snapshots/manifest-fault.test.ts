import type { Manifest, ManifestDerived } from '../../src/snapshots/manifest.js';
import { faultInDerived } from '../../src/snapshots/manifest-fault.js';
import type { StateFile } from '../../src/snapshots/state-file.js';

const file = (number: number, changes: object = {}): StateFile => ({
  name: `${String(number + 10).padStart(8, '0')}.state`,
  kind: number === 3 ? 'base' : 'delta',
  number,
  bytes: 200,
  checksum: '0123456789abcdef',
  ...changes,
});

const ENTRY: ManifestDerived = {
  name: 'balances',
  kind: 'table',
  version: 1,
  shape: ['from payments', 'fold {}'],
  processedTo: 40,
  states: [
    { name: 'balances/0-fold/values', files: [] },
    { name: 'balances/rows', files: [file(3), file(4), file(7)] },
  ],
};

const faultIn = (derived: unknown) => faultInDerived({ derived: derived as Manifest['derived'] & {}, nextLsn: 43 });
const withFiles = (...files: unknown[]) => ({ ...ENTRY, states: [{ name: 'balances/rows', files }] });

it('takes what a checkpoint writes, and a mill that never had anything derived', () => {
  expect(faultInDerived({ nextLsn: 43 })).toBe(null);
  expect(faultIn([])).toBe(null);
  expect(faultIn([ENTRY, { ...ENTRY, name: 'other', kind: 'stream', states: [] }])).toBe(null);
  // New, without history, when the log was ahead of the snapshot.
  expect(faultIn([{ ...ENTRY, states: [], processedTo: 90, processedFrom: 90 }])).toBe(null);
});

const BUILD = {
  version: 2,
  shape: ['from payments'],
  processedTo: 20,
  states: [{ name: 'balances/rows', files: [file(3, { name: '00000030.state' })] }],
  kept: [{ stream: 'balances.dead', to: 17 }],
};

it('takes a version that is being built, and one that keeps old rows', () => {
  expect(faultIn([{ ...ENTRY, build: BUILD, kept: BUILD.kept }])).toBe(null);
});

it.each<[string, unknown, RegExp]>([
  ['no list', {}, /are no list/],
  ['no entry', [null], /derived entry 0 is no entry/],
  ['no name', [{ ...ENTRY, name: undefined }], /derived entry 0 has no name/],
  ['another kind', [{ ...ENTRY, kind: 'view' }], /"balances" is neither stream nor table, but view/],
  ['no version', [{ ...ENTRY, version: 0 }], /"balances" has version 0/],
  ['no shape', [{ ...ENTRY, shape: [] }], /has no shape/],
  ['a shape that is none', [{ ...ENTRY, shape: [1] }], /has no shape/],
  ['no place', [{ ...ENTRY, processedTo: undefined }], /up to lsn undefined/],
  ['a place that is none', [{ ...ENTRY, processedTo: -1 }], /up to lsn -1/],
  ['state ahead of the snapshot', [{ ...ENTRY, processedTo: 44 }], /up to lsn 44, but the next one is 43/],
  ['a beginning that is none', [{ ...ENTRY, processedFrom: 0.5 }], /begins with lsn 0.5/],
  ['a beginning behind its end', [{ ...ENTRY, processedFrom: 41 }], /begins with lsn 41, behind 40/],
  ['no states', [{ ...ENTRY, states: undefined }], /has no states/],
  ['a state that is none', [{ ...ENTRY, states: [null] }], /a state that is none/],
  ['a state without name', [{ ...ENTRY, states: [{ files: [] }] }], /a state that has no name/],
  ['a state without files', [{ ...ENTRY, states: [{ name: 'x' }] }], /has no files: x/],
  ['a file that is none', [withFiles(5)], /has a file that is none: file 0 of balances\/rows/],
  ['a file with a path', [withFiles(file(3, { name: '../00000001.state' }))], /with the name "\.\.\/00000001\.state"/],
  ['a file without number', [withFiles(file(3, { number: null }))], /with the number null/],
  ['a file that is too short', [withFiles(file(3, { bytes: 8 }))], /a file of 8 bytes/],
  ['a file without checksum', [withFiles(file(3, { checksum: 'x' }))], /with the checksum "x"/],
  ['a delta without base', [withFiles(file(4))], /has a delta where a base must be: file 0/],
  ['a second base', [withFiles(file(3), file(4, { kind: 'base' }))], /has a base where a delta must be: file 1/],
  ['numbers that do not rise', [withFiles(file(3), file(7), file(4))], /file number 4 behind 7/],
  ['a name twice', [ENTRY, { ...ENTRY, states: [] }], /names balances twice/],
  ['a state twice', [ENTRY, { ...ENTRY, name: 'other' }], /names balances\/0-fold\/values twice/],
  ['a file twice', [withFiles(file(3), file(4, { name: file(3).name }))], /names 00000013\.state twice/],
  ['a build that is none', [{ ...ENTRY, build: null }], /is built anew as nothing/],
  ['a build of an older version', [{ ...ENTRY, build: { ...BUILD, version: 1 } }], /version 1 and is built anew as 1/],
  ['a build without states', [{ ...ENTRY, build: { ...BUILD, states: 5 } }], /its new version has no states/],
  ['a build without kept rows', [{ ...ENTRY, build: { ...BUILD, kept: null } }], /its new version keeps rows/],
  ['kept rows that are none', [{ ...ENTRY, kept: [{ stream: 'x' }] }], /"balances" keeps rows that cannot be/],
  ['a file in a version and its build', [{ ...ENTRY, build: { ...BUILD, states: ENTRY.states } }], /names 00000013/],
])('finds %s', (_, derived, words) => {
  expect(faultIn(derived)).toMatch(words);
});
