import type { Manifest, ManifestDerived } from '../../snapshots/manifest.js';
import { DEAD_SUFFIX, LATE_SUFFIX } from '../../streams/derived/side-streams.js';
import type { CheckedLog } from './check-log.js';
import type { CheckedManifest } from './check-manifest.js';
import type { Findings } from './findings.js';

/**
 * What is derived must fit to the streams that it comes from and goes into, of which the log may know more than the manifest, and must
 * not be ahead of what there is.
 */
export function checkDerived({ path, manifest }: CheckedManifest, log: CheckedLog | null, findings: Findings): void {
  const { derived = [], streams } = manifest;
  const known = log?.streams && new Set([...streams.map(({ name }) => name), ...log.streams]);
  for (const entry of derived) {
    const { name, kind, shape, processedTo } = entry;
    const inputs = shape.filter((part) => part.startsWith('from ')).map((part) => part.slice('from '.length));
    const missing = known && [...(kind === 'stream' ? [name] : []), ...inputs].find((stream) => !known.has(stream));
    if (missing != null)
      findings.nonsense(
        path,
        missing === name
          ? `${name} is derived, but there is no such stream`
          : `${name} reads stream ${missing}, which it does not have`,
      );
    if (log !== null && processedTo > Math.max(log.nextLsn, manifest.nextLsn))
      findings.nonsense(
        path,
        `${name} has processed events up to lsn ${processedTo}, but the log ends before ${log.nextLsn}`,
      );
    checkRows(path, entry, manifest, findings);
  }
}

/** No row comes from an event that was not processed: it would be derived once more. */
function checkRows(path: string, entry: ManifestDerived, manifest: Manifest, findings: Findings): void {
  const { name, kind } = entry;
  for (const { number, info, build } of manifest.segments) {
    const stream = manifest.streams.find(({ id }) => id === info.stream)?.name ?? '';
    const isOwn = kind === 'stream' && stream === name;
    // A stream of this name that has no indexes is one that events are appended to.
    const isSide = info.indexed && [name + LATE_SUFFIX, name + DEAD_SUFFIX].includes(stream);
    if (!isOwn && !isSide) continue;
    const processedTo = build ? entry.build?.processedTo : entry.processedTo;
    const last = info.blocks.at(-1)?.lastLsn ?? 0;
    if (processedTo === undefined)
      findings.nonsense(path, `segment ${number} is of a new version of ${stream}, which is not being built`);
    else if (last >= processedTo)
      findings.nonsense(
        path,
        `segment ${number} of ${stream} has lsn ${last}, but ${name} has processed events up to ${processedTo}`,
      );
  }
}
