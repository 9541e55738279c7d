import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { Digest } from '../contract/digest.ts';
import { Location, Rates } from '../contract/entry.ts';
import { Label, Resources } from '../contract/units.ts';
import { WitnessPolicy } from '../ledger/witness/gate.ts';

/** Socket paths end at 107 bytes on Linux; this leaves room for the longest name in the folder. */
const MAX_RUN_DIR = 60;
const MAX_CONFIG_BYTES = 64 * 1024;

const AbsolutePath = z.string().startsWith('/').max(4096);

/** What one node daemon is told at its start. Everything else it learns from the ledger. */
export const DaemonConfig = z.strictObject({
  /** Private folder of this node (0700). */
  state: AbsolutePath,
  /** Short private folder for Unix sockets (0700). */
  runDir: AbsolutePath.max(MAX_RUN_DIR),
  ledger: z.url(),
  /** The grid this node belongs to; pinned on first use when absent. */
  grid: Digest.optional(),
  /** Act only on what so many of these witnesses have cosigned; default: the ledger's word is enough. */
  witnesses: WitnessPolicy.optional(),
  /** Begin an empty copy of the log at the ledger's snapshot, and act on it before it is audited; needs `grid`. Default: replay the log first. */
  snapshot: z.boolean().optional(),
  keystore: z.strictObject({ dir: AbsolutePath, unlock: AbsolutePath }),
  /** Name of the node's keys in the keystore. */
  key: z.string().min(1).max(63),
  /** Files of the built-in engines, bundled. */
  engines: z.strictObject({ zdb: AbsolutePath.optional(), archive: AbsolutePath.optional() }),
  offer: z.strictObject({
    label: Label,
    location: Location,
    /** Where overlay links are accepted; absent: this node dials out only. Port 0 takes any free one and keeps it. */
    listen: z.strictObject({ host: z.string().min(1).max(253), port: z.int().min(0).max(65_535) }).optional(),
    relay: z.boolean(),
    capabilities: z.array(z.enum(['zdb', 'archive'])).max(2),
    capacity: Resources,
    thin: z.boolean(),
    rates: Rates,
  }),
});
export type DaemonConfig = z.infer<typeof DaemonConfig>;

/** Reads a configuration file. @throws Error that names what is wrong. */
export async function readConfig(file: string): Promise<DaemonConfig> {
  const text = await readFile(file, 'utf8');
  if (text.length > MAX_CONFIG_BYTES) throw new Error(`${file} is larger than ${MAX_CONFIG_BYTES} bytes`);
  const parsed = DaemonConfig.safeParse(JSON.parse(text));
  if (!parsed.success) throw new Error(`${file}: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}
