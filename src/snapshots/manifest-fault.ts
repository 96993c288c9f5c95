import { VGROUPS_MAX } from '../wal/format.js';
import type { KeptRows, Manifest, ManifestBuild, ManifestDerived, ManifestState } from './manifest.js';
import { STATE_FILE_BYTES_MIN, type StateFile } from './state-file.js';

/** The names that files of state have. */
export const OWN_STATE = /^\d{8,}\.state$/;

/** What is wrong with a manifest whose checksum is right, or `null`; an empty text where not even that can be said. */
export function faultIn(manifest: Manifest): string | null {
  return isSound(manifest) ? faultInDerived(manifest) : '';
}

function isSound({ commit, vgroups, logs, streams, segments }: Manifest): boolean {
  if (!Number.isSafeInteger(commit) || !(vgroups >= 1 && vgroups <= VGROUPS_MAX)) return false;
  return logs?.length === vgroups + 1 && Array.isArray(streams) && Array.isArray(segments);
}

/**
 * What is wrong with what a manifest says of derived streams and tables, or `null`: every field is there and can be, names are given
 * once, a state is a base and then deltas with rising numbers, and no state is ahead of the snapshot.
 */
export function faultInDerived({ derived, nextLsn }: Pick<Manifest, 'derived' | 'nextLsn'>): string | null {
  if (derived === undefined) return null;
  if (!Array.isArray(derived)) return 'its derived streams and tables are no list';
  const entries = derived as readonly ManifestDerived[];
  for (const [at, entry] of entries.entries()) {
    const fault = faultInEntry(entry, nextLsn);
    if (fault !== null)
      return `${typeof entry?.name === 'string' ? `"${entry.name}"` : `derived entry ${at}`} ${fault}`;
  }
  const builds = entries.flatMap(({ build }) => build ?? []);
  const statesOf = (some: readonly Pick<ManifestDerived, 'states'>[]) => some.flatMap(({ states }) => states);
  const namesOf = (some: readonly { readonly name: string }[]) => some.map(({ name }) => name);
  const files = [...statesOf(entries), ...statesOf(builds)].flatMap((state) => state.files);
  const twice = [entries, statesOf(entries), statesOf(builds), files].map((some) => firstTwice(namesOf(some)));
  const name = twice.find((found) => found !== null);
  return name === undefined ? null : `it names ${name} twice`;
}

function faultInEntry(entry: ManifestDerived, nextLsn: number): string | null {
  if (typeof entry !== 'object' || entry === null) return 'is no entry';
  const { name, kind, version, kept, build } = entry;
  if (typeof name !== 'string' || name === '') return 'has no name';
  if (kind !== 'stream' && kind !== 'table') return `is neither stream nor table, but ${String(kind)}`;
  const fault = faultInVersion(entry, nextLsn);
  if (fault !== null) return fault;
  if (kept !== undefined && !isKept(kept)) return 'keeps rows that cannot be';
  if (build === undefined) return null;
  if (typeof build !== 'object' || build === null) return 'is built anew as nothing';
  const inBuild = isKept(build.kept) ? faultInVersion(build, nextLsn) : 'keeps rows that cannot be';
  if (inBuild !== null) return `is built anew, and its new version ${inBuild}`;
  return build.version > version ? null : `has version ${version} and is built anew as ${build.version}`;
}

/** What is wrong with a version that is in force, or being built. */
function faultInVersion(entry: Omit<ManifestBuild, 'kept'>, nextLsn: number): string | null {
  const { version, shape, processedTo, processedFrom, states } = entry;
  if (!isWhole(version, 1)) return `has version ${String(version)}`;
  if (!isListOfTexts(shape)) return 'has no shape';
  if (!isWhole(processedTo, 0)) return `has processed events up to lsn ${String(processedTo)}`;
  if (processedFrom !== undefined && !isWhole(processedFrom, 0)) return `begins with lsn ${String(processedFrom)}`;
  if (processedFrom !== undefined && processedFrom > processedTo)
    return `begins with lsn ${processedFrom}, behind ${processedTo}, up to where it has processed events`;
  if (!Array.isArray(states)) return 'has no states';
  // One that is new may begin where the log ends, ahead of the snapshot; it has no files yet.
  const hasFiles = (states as ManifestState[]).some((state) => state?.files?.length > 0);
  if (hasFiles && processedTo > nextLsn)
    return `has processed events up to lsn ${processedTo}, but the next one is ${nextLsn}`;
  for (const state of states as ManifestState[]) {
    const fault = faultInState(state);
    if (fault !== null) return `has a state that ${fault}`;
  }
  return null;
}

function isKept(kept: unknown): boolean {
  const isOne = (one: KeptRows | null) => typeof one?.stream === 'string' && isWhole(one.to, 0);
  return Array.isArray(kept) && (kept as KeptRows[]).every(isOne);
}

function faultInState(state: ManifestState): string | null {
  if (typeof state !== 'object' || state === null) return 'is none';
  const { name, files } = state;
  if (typeof name !== 'string' || name === '') return 'has no name';
  if (!Array.isArray(files)) return `has no files: ${name}`;
  let before = 0;
  for (const [at, file] of (files as readonly StateFile[]).entries()) {
    const expected = at === 0 ? 'base' : 'delta';
    const fault = faultInFile(file);
    if (fault !== null) return `${fault}: file ${at} of ${name}`;
    if (file.kind !== expected) return `has a ${file.kind} where a ${expected} must be: file ${at} of ${name}`;
    if (file.number <= before) return `has file number ${file.number} behind ${before}: ${name}`;
    before = file.number;
  }
  return null;
}

function faultInFile(file: StateFile): string | null {
  if (typeof file !== 'object' || file === null) return 'has a file that is none';
  const { name, number, bytes, checksum } = file;
  if (typeof name !== 'string' || !OWN_STATE.test(name)) return `has a file with the name ${JSON.stringify(name)}`;
  if (!isWhole(number, 1)) return `has a file with the number ${String(number)}`;
  if (!isWhole(bytes, STATE_FILE_BYTES_MIN)) return `has a file of ${String(bytes)} bytes`;
  const isChecksum = typeof checksum === 'string' && /^[0-9a-f]{16}$/.test(checksum);
  return isChecksum ? null : `has a file with the checksum ${JSON.stringify(checksum)}`;
}

function isWhole(value: unknown, min: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= min;
}

function isListOfTexts(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && value.every((part) => typeof part === 'string');
}

function firstTwice(names: readonly string[]): string | null {
  const seen = new Set<string>();
  return names.find((name) => seen.size === seen.add(name).size) ?? null;
}
