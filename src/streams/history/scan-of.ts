import type { ManifestKeeper } from '../../snapshots/manifest-keeper.js';
import { atLsn } from '../../snapshots/row-position.js';
import { RowCodec } from '../row-codec.js';
import { Scan } from './scan.js';
import type { HistoryContext } from './stream-history.js';

/**
 * Goes through the rows of a stream from an lsn on as a derivation must see them: also after a crash it sees what it saw before, whatever
 * was decided since on how far they are kept.
 */
export function scanOf(
  mill: HistoryContext & { readonly manifest: ManifestKeeper },
  id: number,
  lsn: number,
): Scan<unknown> {
  const { store, unsaved, catalog, manifest } = mill;
  const { name, versions } = catalog.streams.find((stream) => stream.id === id)!;
  const codec = new RowCodec<unknown>(name, versions.at(-1)!.columns);
  // Of the snapshot: no decision that the log has since hides an event that the snapshot had not processed.
  const retained = manifest.current.streams.find((stream) => stream.id === id)?.retained ?? null;
  const kept = (manifest.current.derived ?? []).flatMap(({ build }) => build?.kept ?? []);
  const keptTo = kept.find(({ stream }) => stream === name)?.to ?? -1;
  return new Scan<unknown>(
    {
      // Of a version that is being built, it is its rows that are read, after the old ones that stay.
      place: () => ({
        segments: unsaved.isBuilding(id)
          ? [...store.of(id).filter(({ lastLsn }) => lastLsn <= keptTo), ...store.buildOf(id)]
          : store.of(id),
        unsaved: unsaved.newest(id),
      }),
      retained: () => retained,
      codec: () => codec,
      layoutOf: (entry) => catalog.layoutOf(entry),
    },
    {},
    atLsn(lsn),
  );
}
