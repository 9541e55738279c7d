import path from 'node:path';
import { DidKey } from '../../contract/principal.ts';
import type { WitnessServer } from '../../ledger/witness/server.ts';
import { present } from '../output.ts';
import { Refusal } from '../refusal.ts';
import { unlocking } from '../unlock.ts';

export interface WitnessFlags {
  readonly key: string;
  /** In the cosignatures; default: the key's name. */
  readonly name?: string;
  readonly origin: string;
  readonly ledgerKey: string;
  readonly dir: string;
  readonly host?: string;
  readonly port: number;
  readonly json?: boolean;
}

export interface RunningWitness {
  readonly url: string;
  readonly name: string;
  readonly key: DidKey;
  /** The key as other implementations take it. */
  readonly verifierKey: string;
  close(): Promise<void>;
}

const ORIGIN = /^[\x21-\x7e]{1,128}$/;

/** Cosigns one ledger's checkpoints until it is ended. Its folder holds all that it must not forget, its key included. */
export async function ledgerWitness(flags: WitnessFlags): Promise<void> {
  let witness: RunningWitness | undefined;
  await present(flags.json ?? false, async () => {
    witness = await openWitness(flags, (file) => { process.stderr.write(`this ledger was forked: the proof is ${file}; nothing of it is cosigned any more\n`); });
    const { url, name, key, verifierKey } = witness;
    return { json: { ok: true, url, name, key, verifierKey, pid: process.pid }, text: `${url}\n${verifierKey}\n${name}  ${key}` };
  });
  if (!witness) return;
  process.stderr.write('watching; tell the ledger the first line, and clients the last. Ctrl-C ends it.\n');
  await new Promise<void>((resolve) => {
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
  });
  await witness.close();
}

/** Opens a witness; its key is made at the first start. */
export async function openWitness(flags: WitnessFlags, onFork: (file: string) => void): Promise<RunningWitness> {
  const [{ openKeystore }, { verifySignature }, { verifierKeyOf, Witness }, { WitnessDesk }, { WitnessMemory }, { startWitness }] = await Promise.all([
    import('../../signer/keystore.ts'), import('../../signer/verify.ts'), import('../../ledger/witness/cosignature.ts'), import('../../ledger/witness/desk.ts'), import('../../ledger/witness/memory.ts'), import('../../ledger/witness/server.ts'),
  ]);
  const ledgerKey = DidKey.safeParse(flags.ledgerKey);
  if (!ledgerKey.success || !ORIGIN.test(flags.origin)) throw new Refusal({ code: 'bad_request', message: ledgerKey.success ? `${flags.origin} is no origin` : `${flags.ledgerKey} is no key`, hint: 'GET /v1/grid of the ledger says both: the key, and the grid, whose 64 hex digits follow 3bot/ in the origin' });
  const memory = new WitnessMemory(flags.dir);
  let server: WitnessServer;
  try {
    const keystore = await openKeystore({ dir: path.join(flags.dir, 'keys'), unlock: path.join(flags.dir, 'keys.unlock'), create: true, unlocking: unlocking() });
    const signer = await keystore.signing(flags.key);
    const named = Witness.safeParse({ name: flags.name ?? flags.key, key: signer.key });
    if (!named.success) throw new Refusal({ code: 'bad_request', message: `${flags.name ?? flags.key} is no name of a witness`, hint: 'a name such as witness.example.org/w1: no spaces, no plus signs' });
    const desk = new WitnessDesk({ name: named.data.name, signer, logs: [{ origin: flags.origin, key: ledgerKey.data }], memory, verify: verifySignature, onFork });
    server = await startWitness(desk, { port: flags.port, ...(flags.host === undefined ? {} : { host: flags.host }) });
    return {
      url: server.url, ...named.data, verifierKey: verifierKeyOf(named.data),
      close: async () => {
        await server.close();
        memory.close();
      },
    };
  } catch (error) {
    memory.close();
    throw error;
  }
}
