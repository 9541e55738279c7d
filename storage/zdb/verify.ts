import { readdir } from 'node:fs/promises';
import { CatalogueCorrupt, readCatalogue, type NamespaceRow } from './catalogue.ts';
import { openSegment, segmentId } from './segment.ts';
import { walkSegment } from './walk.ts';

export type LogVerification =
  | { readonly ok: true; readonly segments: number; readonly records: number; readonly bytes: number }
  | {
      readonly ok: false;
      readonly code: 'bad_namespaces' | 'bad_segment' | 'bad_record' | 'bad_value' | 'unknown_namespace';
      readonly message: string;
      readonly segment: number;
      /** Byte of the segment where the bad record begins; segment and byte are 0 for the list of namespaces. */
      readonly offset: number;
    };

/**
 * Reads every record of a data directory, header and value, and names the first bad one. It changes nothing;
 * on a directory that a process is writing, the last batch may look torn.
 */
export async function verifyLog(dir: string): Promise<LogVerification> {
  let rows: NamespaceRow[];
  try {
    rows = await readCatalogue(dir);
  } catch (error) {
    if (!(error instanceof CatalogueCorrupt)) throw error;
    return { ok: false, code: 'bad_namespaces', message: error.message, segment: 0, offset: 0 };
  }
  const known = new Set(rows.map((row) => row.id));
  const ids = (await readdir(dir)).flatMap((name) => segmentId(name) ?? []).sort((a, b) => a - b);
  let records = 0;
  let bytes = 0;
  for (const id of ids) {
    const segment = await openSegment(dir, id, 'r');
    if (!segment) return bad('bad_segment', id, 0, 'segment header is not valid');
    try {
      let first: LogVerification | undefined;
      const walked = await walkSegment(segment, true, ({ offset, head, valueOk }) => {
        records += 1;
        if (!valueOk) first ??= bad('bad_value', id, offset, 'value does not match its CRC');
        else if (!known.has(head.namespace)) first ??= bad('unknown_namespace', id, offset, 'record of an unknown namespace');
      });
      if (first) return first;
      if (walked.bad) return bad('bad_record', id, walked.end, `not a whole record (${walked.bad})`);
      bytes += segment.size;
    } finally {
      await segment.file.close();
    }
  }
  return { ok: true, segments: ids.length, records, bytes };
}

type BadCode = Extract<LogVerification, { ok: false }>['code'];

const bad = (code: BadCode, segment: number, offset: number, reason: string): LogVerification => ({
  ok: false,
  code,
  message: `segment ${segment}, byte ${offset}: ${reason}`,
  segment,
  offset,
});
