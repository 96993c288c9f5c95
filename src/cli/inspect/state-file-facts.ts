import { dirname } from 'node:path';
import { type Manifest, readManifest } from '../../snapshots/manifest.js';
import {
  BLOCK_EMPTIED,
  BLOCK_END,
  BLOCK_HEADER_BYTES,
  bodyLengthOf,
  decodeBlock,
  decodeStateHeader,
  ownerOf,
  STATE_HEADER_BYTES,
  type StateFileHeader,
  seedOfHeader,
} from '../../snapshots/state-file.js';
import type { Storage, StorageFile } from '../../storage/storage.js';
import type { Hash } from '../../wal/hash.js';
import { done, openForReading } from '../log-files.js';
import { counted, numberOf } from '../words.js';

/** A file of state, for `--json` as it is. */
export interface StateFileFacts {
  readonly path: string;
  readonly bytes: number;
  /** The state that it is of, and what has it; `null` where no manifest beside it names it. */
  readonly state: string | null;
  readonly derived: string | null;
  readonly header:
    | (Pick<StateFileHeader, 'version' | 'kind' | 'stride' | 'number' | 'continues'> & {
        readonly codec: 'json' | 'columnar' | number;
      })
    | null;
  readonly blocks: readonly StateBlockFacts[];
  /** What is wrong, as far as it can be read; the last block that is right comes before it. */
  readonly fault: string | null;
}

export interface StateBlockFacts {
  readonly offset: number;
  readonly bytes: number;
  readonly kind: 'entries' | 'emptied' | 'end';
  readonly count: number;
}

/** Reads a file of state block by block, as far as that goes. */
export async function stateFileFacts(storage: Storage, path: string, hash: Hash): Promise<StateFileFacts> {
  const found = await done(readManifest(storage, dirname(dirname(path)), hash)).catch(() => null);
  const file = await openForReading(storage, path);
  try {
    const bytes = await done(file.size());
    const head = await done(file.read(0, STATE_HEADER_BYTES));
    const header = decodeStateHeader(head, hash);
    const owner = { state: null, derived: null };
    if (typeof header === 'string') return { path, bytes, ...owner, header: null, blocks: [], fault: `it ${header}` };
    const { version, kind, stride, number, continues, codec: code } = header;
    const codec = code === 1 ? 'json' : code === 2 ? 'columnar' : code;
    const named = found === null ? owner : ownerIn(found.manifest, header, hash);
    const read = await blocksOf(file, bytes, seedOfHeader(head), hash);
    return { path, bytes, ...named, header: { version, kind, codec, stride, number, continues }, ...read };
  } finally {
    await done(file.close());
  }
}

function ownerIn({ databaseId, derived = [] }: Manifest, { owner }: StateFileHeader, hash: Hash) {
  const context = { hash, databaseId: Buffer.from(databaseId, 'hex') };
  for (const { name, states, build } of derived) {
    const state = [...states, ...(build?.states ?? [])].find((one) => ownerOf(one.name, context) === owner);
    if (state !== undefined) return { state: state.name, derived: name };
  }
  return { state: null, derived: null };
}

async function blocksOf(
  file: StorageFile,
  size: number,
  headerSeed: bigint,
  hash: Hash,
): Promise<Pick<StateFileFacts, 'blocks' | 'fault'>> {
  const blocks: StateBlockFacts[] = [];
  let seed = headerSeed;
  for (let offset = STATE_HEADER_BYTES; blocks.at(-1)?.kind !== 'end'; ) {
    const broken = (what: string) => ({ blocks, fault: `at ${counted(offset)} ${what}` });
    const header = await done(file.read(offset, BLOCK_HEADER_BYTES));
    const length = bodyLengthOf(header);
    if (length === null || offset + BLOCK_HEADER_BYTES + length > size) return broken('no block begins');
    const body = await done(file.read(offset + BLOCK_HEADER_BYTES, length));
    const decoded = decodeBlock(header, body, hash, seed);
    if (decoded === null) return broken('a block has a wrong checksum');
    const { kind, count } = decoded.block;
    const bytes = BLOCK_HEADER_BYTES + length;
    blocks.push({
      offset,
      bytes,
      kind: kind === BLOCK_END ? 'end' : kind === BLOCK_EMPTIED ? 'emptied' : 'entries',
      count,
    });
    seed = decoded.hash;
    offset += bytes;
  }
  const { offset, bytes } = blocks.at(-1)!;
  const end = offset + bytes;
  return {
    blocks,
    fault: end === size ? null : `${numberOf(size - end, 'byte')} at ${counted(end)} are behind its end`,
  };
}

export function stateFileInWords({ path, bytes, state, derived, header, blocks, fault }: StateFileFacts): string[] {
  const about =
    header === null
      ? []
      : [
          `  ${headerInWords(header)}, ${state === null ? 'of no state that a manifest beside it names' : `of state ${state} of ${derived}`}`,
        ];
  return [
    `${path}: ${numberOf(bytes, 'byte')}`,
    ...about,
    ...blocks.map((block) => `  at ${counted(block.offset)}, ${numberOf(block.bytes, 'byte')}: ${blockInWords(block)}`),
    ...(fault === null ? [] : [`  DAMAGED: ${fault}`]),
  ];
}

function headerInWords({ kind, number, continues, codec, stride }: NonNullable<StateFileFacts['header']>): string {
  const values =
    codec === 'json' ? 'JSON values' : codec === 'columnar' ? numberOf(stride, 'number') : `codec ${codec}`;
  const place = kind === 'base' ? `base, number ${number}` : `delta, number ${number}, continues number ${continues}`;
  return `${place}, ${values} for each key`;
}

function blockInWords({ kind, count }: StateBlockFacts): string {
  if (kind === 'end') return 'the end';
  return kind === 'entries' ? `${counted(count)} keys with their values` : `${counted(count)} keys that went`;
}
