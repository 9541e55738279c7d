import { base64 } from '@scure/base';
import { z } from 'zod';
import type { Digest } from '../contract/digest.ts';
import { payloads } from '../contract/entry.ts';
import { Envelope, payloadTypeOf, type VerifySignature } from '../contract/envelope.ts';
import { DidKey } from '../contract/principal.ts';
import { type Checkpoint, type LedgerName, MAX_COSIGNED_NOTE, MAX_NOTE, openCosigned, originOf } from './checkpoint.ts';
import { Leaf, leafBytes, openEntry } from './leaf.ts';
import { equalHash, Frontier, type Hash, leafHash, verifyConsistency, verifyInclusion } from './merkle.ts';
import type { Refusal } from './ports.ts';
import { HashText, Proof } from './protocol.ts';
import { replayLeaf } from './replay.ts';
import { judgeSnapshot } from './snapshot/judge.ts';
import { MACHINE_VERSION } from './snapshot/statement.ts';
import { applyEntry, emptyState } from './state/machine.ts';

/**
 * What a caught ledger leaves behind: a file that anybody can check without asking anyone, the one who wrote it least of
 * all. Only statements that the ledger signed count; whoever has not its key cannot make one. Pure.
 */
export const EVIDENCE_FORMAT = '3bot-ledger-evidence/1';
/** Bytes of earlier entries that a file carries; beyond it, the checker brings a copy of the log. */
export const MAX_PREFIX_BYTES = 4 * 1024 * 1024;

const Note = z.string().max(MAX_COSIGNED_NOTE);
const said = {
  format: z.literal(EVIDENCE_FORMAT),
  origin: z.string().max(128),
  key: DidKey,
  /** The grid's first entry, which names the key; null when whoever caught the ledger never saw it (a witness). */
  genesis: Envelope.nullable(),
  message: z.string().max(4096),
};

/** Two notes of one log, and the proof that the newer one's log does not begin as the older one says. */
const Fork = z.strictObject({ ...said, kind: z.literal('fork'), older: Note, newer: Note, olderRoot: HashText, proof: Proof });
/**
 * A note, and an entry under its root that may not be in a log. `prefix` holds the entries before it when it is the state
 * that forbids it. `machine` is the version whose rules refuse it (MACHINE_VERSION of whoever judged); absent when no rule is
 * needed to see it: a false signature, a false place.
 */
const EntryInvalid = z.strictObject({
  ...said, kind: z.literal('entry_invalid'), note: Note, index: z.int().min(0), leaf: Leaf, proof: Proof,
  prefix: z.array(Leaf).nullable(), prefixProof: Proof, machine: z.int().min(1).exactOptional(),
});
/** A note over more entries than its ledger went on showing. How long is the word of whoever wrote it. */
const Withholding = z.strictObject({ ...said, kind: z.literal('withholding'), promised: Note, shown: Note.nullable(), since: z.iso.datetime(), until: z.iso.datetime(), observations: z.int().min(1) });
/** A signed state, the signed note over the same entries, and the entries when they are few: another state follows from them. */
const SnapshotFalse = z.strictObject({ ...said, kind: z.literal('snapshot_false'), statement: Envelope, checkpoint: z.string().max(MAX_NOTE), prefix: z.array(Leaf).nullable() });

export const Evidence = z.discriminatedUnion('kind', [Fork, EntryInvalid, Withholding, SnapshotFalse]);
/** As it is in a file: hashes are base64. */
export type Evidence = z.input<typeof Evidence>;
type Parsed = z.output<typeof Evidence>;

export type VerifiedEvidence =
  | {
    readonly ok: true;
    readonly kind: Evidence['kind'];
    /** What is shown, in one sentence. */
    readonly proves: string;
    /** True when part of it is only the word of whoever wrote the file. */
    readonly testimony: boolean;
    readonly origin: string;
    readonly key: DidKey;
    /** True when the file shows that the grid's first entry names this key. */
    readonly keyOfGrid: boolean;
    /** By the rules of which version of the state machine; absent when it follows from signatures alone. */
    readonly machine?: number;
  }
  /**
   * `key_unproven`: it is about some key of which nothing shows that it is the grid's. `other_rules`: another version of
   * the state machine judged, which this program cannot do in its place.
   */
  | (Refusal & { readonly code: 'evidence_invalid' | 'grid_mismatch' | 'key_mismatch' | 'key_unproven' | 'other_rules' | 'proves_nothing' | 'needs_log' });

export interface EvidenceOptions {
  readonly verify: VerifySignature;
  /** The grid it must be about: the file must show that the grid names the key, unless the key is given too. */
  readonly grid?: Digest | undefined;
  /** The key it must be about, for who knows it from elsewhere. */
  readonly key?: DidKey | undefined;
  /** Leaves from 0 on of any copy of the log, for a file without them; only read, and checked against the signed root. */
  readonly log?: Iterable<Uint8Array> | undefined;
}

/** Says what a file proves against the key that it names, or why it proves nothing. Believes nothing in it. */
export function verifyEvidence(input: unknown, options: EvidenceOptions): VerifiedEvidence {
  const parsed = Evidence.safeParse(input);
  if (!parsed.success) return refuse('evidence_invalid', z.prettifyError(parsed.error).slice(0, 500));
  const evidence = parsed.data;
  const named = checkGenesis(evidence, options);
  if (!named.ok) return named;
  const judged = judge(evidence, options);
  if (!judged.ok) return judged;
  const { origin, key, kind, genesis } = evidence;
  return { ok: true, kind, proves: judged.proves, testimony: kind === 'withholding', origin, key, keyOfGrid: genesis !== null, ...(judged.machine === undefined ? {} : { machine: judged.machine }) };
}

/** False for an entry of a kind that this version does not know: its ledger may be newer, which is no lie. */
export function isKnownKind({ payloadType }: Envelope): boolean {
  return Object.keys(payloads).some((kind) => payloadTypeOf(kind) === payloadType);
}

export function encodeHashes(hashes: readonly Hash[]): string[] {
  return hashes.map((hash) => base64.encode(hash));
}

type Judged = { readonly ok: true; readonly proves: string; readonly machine?: number } | Extract<VerifiedEvidence, { ok: false }>;

function judge(evidence: Parsed, options: EvidenceOptions): Judged {
  switch (evidence.kind) {
    case 'fork': return judgeFork(evidence, options);
    case 'entry_invalid': return judgeEntry(evidence, options);
    case 'withholding': return judgeWithholding(evidence, options);
    case 'snapshot_false': return judgeState(evidence, options);
  }
}

function judgeFork({ older, newer, olderRoot, proof, ...name }: z.output<typeof Fork>, { verify }: EvidenceOptions): Judged {
  const [first, second] = [open(older, name, verify), open(newer, name, verify)];
  if (!first || !second) return refuse('proves_nothing', `not both notes are signed by ${name.key}`);
  const shown = verifyConsistency({ from: first.size, to: second.size, fromRoot: olderRoot, toRoot: second.root, proof });
  if (!shown) return refuse('proves_nothing', 'the proof does not lead to the root that the newer note signs');
  if (equalHash(olderRoot, first.root)) return refuse('proves_nothing', 'the newer log begins with the older one: both notes can be true');
  return proven(first.size === second.size
    ? `${name.key} signed two different logs of ${first.size} entries`
    : `${name.key} signed a log of ${first.size} entries, and one of ${second.size} that does not begin with it`);
}

function judgeEntry(evidence: z.output<typeof EntryInvalid>, options: EvidenceOptions): Judged {
  const { note, index, leaf, proof, key, machine } = evidence;
  const checkpoint = open(note, evidence, options.verify);
  if (!checkpoint) return refuse('proves_nothing', `the note is not signed by ${key}`);
  if (!verifyInclusion({ index, size: checkpoint.size, leaf: leafHash(leafBytes(leaf)), root: checkpoint.root, proof })) return refuse('proves_nothing', `the entry is not shown to stand at ${index} under the signed root`);
  if (leaf.seq !== index) return proven(`${key} signed a log in which entry ${index} says that it is entry ${leaf.seq}`);
  if (!isKnownKind(leaf.envelope)) return refuse('proves_nothing', `entry ${index} is of a kind that this version does not know`, 'check it with the version that the ledger has');
  const opened = openEntry(leaf.envelope, options.verify);
  if (!opened.ok && opened.code === 'signature_invalid') return proven(`${key} signed a log with entry ${index}, which is not valid: ${opened.message}`);
  // From here on the rules decide, and each version has its own.
  if (machine !== MACHINE_VERSION) return refuse('other_rules', `entry ${index} was judged by ${machine === undefined ? 'rules that the file does not name' : `other rules: those of machine version ${machine}`}; this program has machine version ${MACHINE_VERSION}`, 'check it with a program that has that version');
  if (!opened.ok) return proven(`${key} signed a log with entry ${index}, which is not valid by the rules of machine version ${machine}: ${opened.message}`, machine);
  const before = stateBefore(evidence, checkpoint, options);
  if (!before.ok) return before;
  const applied = applyEntry(before.state, opened.opened, leaf.time);
  if (applied.ok) return refuse('proves_nothing', `entry ${index} is one that the rules accept`);
  return proven(`${key} signed a log with entry ${index}, which the rules refuse there (machine version ${machine}): ${applied.message}`, machine);
}

/** The state that the same signed log has before the entry: from the entries in the file, or from a copy of the log. */
function stateBefore({ index, prefix, prefixProof }: z.output<typeof EntryInvalid>, { size, root }: Checkpoint, { verify, log }: EvidenceOptions): { ok: true; state: ReturnType<typeof emptyState> } | Extract<VerifiedEvidence, { ok: false }> {
  const state = emptyState();
  if (index === 0) return { ok: true, state };
  const leaves = prefix ? prefix.map(leafBytes) : log;
  if (!leaves) return refuse('needs_log', `whether entry ${index} may stand there depends on those before it, which the file does not hold`, 'give a copy of the log as well');
  const frontier = new Frontier();
  for (const bytes of leaves) {
    if (frontier.size === index) break;
    const replayed = replayLeaf(state, bytes, frontier.size, verify);
    if (!replayed.ok) return refuse('proves_nothing', `the entries before it are not a log: ${replayed.message}`);
    frontier.append(leafHash(bytes));
  }
  if (frontier.size !== index) return refuse('needs_log', `${index} entries come before it, the log given has ${frontier.size}`);
  if (!verifyConsistency({ from: index, to: size, fromRoot: frontier.root(), toRoot: root, proof: prefixProof })) return refuse('proves_nothing', 'the entries before it are not those of the signed log');
  return { ok: true, state };
}

function judgeWithholding({ promised, shown, since, until, observations, ...name }: z.output<typeof Withholding>, { verify }: EvidenceOptions): Judged {
  const whole = open(promised, name, verify);
  const part = shown === null ? { size: 0 } : open(shown, name, verify);
  if (!whole || !part) return refuse('proves_nothing', `not both notes are signed by ${name.key}`);
  if (part.size >= whole.size) return refuse('proves_nothing', 'as much was shown as was promised');
  return proven(`${name.key} signed a log of ${whole.size} entries; whoever wrote this says that from ${since} to ${until} it was shown ${part.size} (${observations} looks)`);
}

function judgeState({ genesis, statement, checkpoint, prefix }: z.output<typeof SnapshotFalse>, { verify, log }: EvidenceOptions): Judged {
  if (!genesis) return refuse('proves_nothing', 'the file does not show whose key signs for the grid');
  const judged = judgeSnapshot({ genesis, statement, checkpoint }, { verify, log: prefix ? prefix.map(leafBytes) : log });
  return judged.ok ? proven(judged.proves) : refuse(judged.code, judged.message, judged.hint);
}

function checkGenesis({ genesis, origin, key }: Parsed, { verify, grid, key: expected }: EvidenceOptions): { ok: true } | Extract<VerifiedEvidence, { ok: false }> {
  if (grid !== undefined && originOf(grid) !== origin) return refuse('grid_mismatch', `it is about ${origin}, expected ${originOf(grid)}`);
  if (expected !== undefined && key !== expected) return refuse('key_mismatch', `it is about ${key}, expected ${expected}`);
  if (genesis === null) {
    if (grid === undefined || expected !== undefined) return { ok: true };
    return refuse('key_unproven', `the file does not show that ${key} is the key of that grid: anybody can write one with a key of their own`, 'give the key that the grid\'s first entry names as well');
  }
  const opened = openEntry(genesis, verify);
  if (!opened.ok || opened.opened.entry.kind !== 'grid.created') return refuse('evidence_invalid', 'the first entry in it is not a valid grid.created');
  if (originOf(opened.opened.payloadDigest) !== origin || opened.opened.entry.payload.ledger !== key) return refuse('grid_mismatch', `the first entry in it does not name ${key} for ${origin}`);
  return { ok: true };
}

function open(note: string, name: LedgerName, verify: VerifySignature): Checkpoint | undefined {
  const opened = openCosigned(note, { origin: name.origin, key: name.key, verify });
  return opened.ok ? opened.checkpoint : undefined;
}

function proven(proves: string, machine?: number): Judged {
  return { ok: true, proves, ...(machine === undefined ? {} : { machine }) };
}

function refuse(code: Extract<VerifiedEvidence, { ok: false }>['code'], message: string, hint?: string): Extract<VerifiedEvidence, { ok: false }> {
  return { ok: false, code, message, ...(hint === undefined ? {} : { hint }) };
}
