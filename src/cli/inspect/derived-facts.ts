import { describe } from '../../errors.js';
import { STATE_DIRECTORY } from '../../snapshots/leftovers.js';
import { loadState } from '../../snapshots/load-state.js';
import type { Manifest, ManifestBuild, ManifestDerived, ManifestState } from '../../snapshots/manifest.js';
import type { Storage } from '../../storage/storage.js';
import type { Hash } from '../../wal/hash.js';
import { done } from '../log-files.js';
import { codecOf, stateHeaderOf } from '../state-files.js';
import { bytesInWords, counted, numberOf } from '../words.js';

/** A derived stream or table as the manifest names it, for `--json` as it is. */
export interface DerivedFacts extends Omit<ManifestDerived, 'states' | 'build'> {
  readonly states: readonly StateFacts[];
  /** A newer version that is being built beside it. */
  readonly build?: Omit<ManifestBuild, 'states'> & { readonly states: readonly StateFacts[] };
}

/** The state of an operator, or the rows of a table. */
export interface StateFacts {
  readonly name: string;
  readonly files: readonly string[];
  readonly bytes: number;
  /** `null` where it cannot be read. */
  readonly keys: number | null;
  /** What is wrong with its files. */
  readonly fault: string | null;
}

export async function derivedFacts(
  storage: Storage,
  directory: string,
  manifest: Manifest,
  hash: Hash,
): Promise<DerivedFacts[]> {
  const found: DerivedFacts[] = [];
  const factsOf = async (states: readonly ManifestState[]): Promise<StateFacts[]> => {
    const facts: StateFacts[] = [];
    for (const state of states) facts.push(await stateFacts(storage, directory, manifest, state, hash));
    return facts;
  };
  for (const { build, ...entry } of manifest.derived ?? []) {
    const facts = { ...entry, states: await factsOf(entry.states) };
    found.push(build === undefined ? facts : { ...facts, build: { ...build, states: await factsOf(build.states) } });
  }
  return found;
}

async function stateFacts(
  storage: Storage,
  directory: string,
  { databaseId }: Manifest,
  { name, files }: ManifestState,
  hash: Hash,
): Promise<StateFacts> {
  const folder = `${directory}/${STATE_DIRECTORY}`;
  const facts = {
    name,
    files: files.map((file) => file.name),
    bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
  };
  const [base] = files;
  if (base === undefined) return { ...facts, keys: 0, fault: null };
  try {
    const codec = codecOf(await stateHeaderOf(storage, `${folder}/${base.name}`, hash));
    const context = { hash, databaseId: Buffer.from(databaseId, 'hex') };
    const state = await done(loadState(storage, folder, files, { name, codec }, context));
    return { ...facts, keys: state.size, fault: null };
  } catch (error) {
    return { ...facts, keys: null, fault: describe(error) };
  }
}

export function derivedInWords(facts: DerivedFacts): string[] {
  const { name, kind, version, build } = facts;
  return [
    `derived ${kind} ${name}, version ${version}: ${placeInWords(facts)}`,
    ...partsInWords(facts),
    ...(build === undefined
      ? []
      : [`${name}, version ${build.version}, is being built: ${placeInWords(build)}`, ...partsInWords(build)]),
  ];
}

type Version = Pick<DerivedFacts, 'shape' | 'processedTo' | 'processedFrom' | 'kept' | 'states'>;

function placeInWords({ processedTo, processedFrom, kept = [] }: Version): string {
  const begin = processedFrom === undefined ? '' : `, from lsn ${counted(processedFrom)} on`;
  const older = kept.map(({ stream, to }) => `; rows of ${stream} up to lsn ${counted(to)} are of an older version`);
  return `has processed events below lsn ${counted(processedTo)}${begin}${older.join('')}`;
}

function partsInWords({ shape, states }: Version): string[] {
  return [...shape.map((part) => `  ${part}`), ...states.map(stateInWords)];
}

function stateInWords({ name, files, bytes, keys, fault }: StateFacts): string {
  if (files.length === 0) return `  state ${name}: never written`;
  const size = `${numberOf(files.length, 'file')} (${files.join(', ')}), ${bytesInWords(bytes)}`;
  return fault === null
    ? `  state ${name}: ${numberOf(keys!, 'key')}, ${size}`
    : `  state ${name}: ${size}; DAMAGED: ${fault}`;
}
