/**
 * The bytes of a log file. Read by the writer and the reader, written down in full in docs/file-format.md.
 *
 * A log file is a header of 64 bytes, then frames one after the other, then zeros (the prepared part) or the end of the
 * file. All numbers are little-endian; everything begins at a multiple of 8.
 *
 *     file header                     frame header                        event entry (kind 1)
 *      0  8  magic "MILLRACE"          0  4  magic "MRF1"                  0  4  length, a multiple of 8
 *      8  4  format version            4  4  length of the body            4  2  kind
 *     12  4  participant               8  8  commit number                 6  2  flags
 *     16 16  database id              16  8  mask of participants          8  4  stream id
 *     32  8  file number              24  8  durable commit               12  4  schema version
 *     40 16  zero                     32  8  first lsn of the commit      16  4  rows
 *     56  8  xxhash64 of 0..55        40  4  events in this frame         20  4  distinct keys
 *                                     44  4  events in the commit         24  4  order of the first row
 *                                     48  8  commit time, ms (float64)    28  4  zero
 *                                     56  4  entries                      32     orders, indexes, keys, key index, columns
 *                                     60  4  low half of xxhash64 of 0..59
 *                                     64  8  xxhash64 of 0..63 and body
 *
 * A frame is valid if and only if
 *   (1) it begins with the magic, its header's check is right, and its body ends inside the file,
 *   (2) its hash, like the check seeded with the database id, the file number and the participant, is right (so a stale frame never is),
 *   (3) its mask names the participant whose file it is in.
 */
export const FORMAT_VERSION = 1;

export const FILE_MAGIC = 0x45_43_41_52_4c_4c_49_4dn; // "MILLRACE"
export const FILE_HEADER_BYTES = 64;
export const FILE_HASHED_BYTES = 56;

export const FRAME_MAGIC = 0x31_46_52_4d; // "MRF1"
export const FRAME_HEADER_BYTES = 72;
export const FRAME_HEADER_CHECK_AT = 60;
export const FRAME_HASH_AT = 64;

export const ENTRY_HEADER_BYTES = 32;
export const ENTRY_EVENTS = 1;
export const ENTRY_RECORD = 2;

/** In an event entry: rows are not consecutive in the commit, a column of orders says where each stands. */
export const ENTRY_FLAG_ORDERS = 1;
/** In an entry of derived rows, which is in memory only: several have one order, and a column of indexes tells them apart. */
export const ENTRY_FLAG_INDEXES = 2;

/** The participant number of the metadata log; VGroups are 0 to 62. */
export const METADATA = 63;
export const VGROUPS_MAX = 63;

/** A value longer than this is refused. */
export const VALUE_BYTES_MAX = 16 * 1024 * 1024;
/** A row whose values take more than this together is refused: it would not fit into a frame. */
export const ROW_BYTES_MAX = 256 * 1024 * 1024;
/** A body longer than this is not written, and not believed when read. */
export const BODY_BYTES_MAX = 512 * 1024 * 1024;

/** The next multiple of 8. */
export function aligned(bytes: number): number {
  return (bytes + 7) & ~7;
}
