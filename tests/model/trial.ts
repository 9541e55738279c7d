import { isDeepStrictEqual } from 'node:util';
import { canonicalize } from '../../contract/canonical.ts';
import { applyEntry, emptyState, type LedgerState, type OpenedEntry, stateDigest } from '../../ledger/state/machine.ts';
import { Actor, type Command, type Moment } from './actor.ts';
import { Invariants } from './invariants.ts';
import { difference } from './observe.ts';
import { accept, judge } from './reference.ts';
import { factsOf, openSaying, type Saying, type Scene, sceneOf, type Setting } from './scene.ts';

/** How often each kind was accepted, and refused with which code: what a run has seen at all. */
export type Seen = Map<string, number>;

/** Of the refused entries, every which one is held against the canonical state before it, besides those at which time would end or give something. */
const EVERY = 16;
/** Every which `node.alive` is followed by a full comparison. */
const QUIET = 8;
/** Every which sequence is replayed from its very first entry; the others from the scene on. */
const FROM_GENESIS = 16;

export interface Trial {
  readonly variant: number;
  readonly commands: readonly Command[];
  readonly setting?: Setting;
  readonly seen?: Seen;
  /** As behind a log, that gives the same envelope the same place; else what is said again comes to the machine again. */
  readonly asLog?: boolean;
}

/** A moment and what became of it: the time of the log and `accepted`, `duplicate` or the code of the refusal. */
export interface Told extends Moment { readonly time: string; readonly answer: string }
export interface Outcome { readonly told: readonly Told[]; readonly state: LedgerState }

interface Accepted { readonly opened: OpenedEntry; readonly time: string }

/**
 * One sequence on the bare state machine, held against the reference after every entry. @throws an Error that says
 * what differs, with the entries so far.
 */
export function runTrial({ variant, commands, setting, seen = new Map(), asLog = false }: Trial): Outcome {
  const scene = sceneOf(variant, setting);
  const facts = factsOf(scene);
  const accepted: Accepted[] = [];
  const told: Told[] = [];
  let reason = '';
  let state = JSON.parse(scene.state) as LedgerState;
  const invariants = new Invariants(state);
  const places = new Set(asLog ? scene.sayings.map((saying) => placeOf(saying, openSaying(saying))) : []);
  let asked = 0;
  let quiet = 0;

  const fail = (what: string): never => {
    const said = told.map(({ time, saying, answer }) => `${time} ${saying.kind} ${canonicalize(saying.payload)} by ${saying.signer.key}: ${answer}`);
    const text = [what, `scene ${variant}, entries:`, ...said, reason].join('\n');
    throw new Error([...scene.names].reduce((so, [id, name]) => so.replaceAll(id, name), text));
  };
  const count = (what: string): void => { seen.set(what, (seen.get(what) ?? 0) + 1); };
  const settle = ({ at, saying }: Moment): void => {
    const opened = openSaying(saying);
    const said = { entry: opened.entry, digest: opened.payloadDigest, key: opened.key };
    let time = new Date(at).toISOString();
    if (time < facts.time) {
      // A clock that was set back: the machine takes nothing at such a time, so a log goes on with the last one.
      const backwards = applyEntry(state, opened, time);
      if (backwards.ok || backwards.code !== 'time_backwards') fail(`${saying.kind} was not refused at ${time}, before ${facts.time}`);
      count(`${saying.kind} time_backwards`);
      time = facts.time;
    }
    const place = placeOf(saying, opened);
    if (asLog && places.has(place)) {
      told.push({ at, saying, time, answer: 'duplicate' });
      return;
    }
    const against = judge(facts, { ...said, time });
    const crossing = (state.nextEnd !== '' && state.nextEnd <= time) || Date.parse(time) - Date.parse(state.time) > 10_000;
    const before = against.size > 0 && (crossing || ++asked % EVERY === 0) ? JSON.stringify(state) : undefined;
    const applied = applyEntry(state, opened, time);
    const answer = applied.ok ? 'accepted' : applied.code;
    told.push({ at, saying, time, answer });
    reason = applied.ok ? '' : applied.message;
    count(`${saying.kind} ${answer}`);
    if (applied.ok !== (against.size === 0)) fail(`the state machine says ${answer}, the reference ${[...against].join(' or ') || 'accepted'}`);
    if (!applied.ok) {
      if (!against.has(applied.code)) fail(`refused with ${applied.code}, the reference expected ${[...against].join(' or ')}`);
      if (before !== undefined && !isStill(before, state)) fail('a refused entry changed the state');
      return;
    }
    places.add(place);
    accepted.push({ opened, time });
    accept(facts, { ...said, time });
    // Of the many beats of hearts only some are looked at closely; what they bring about shows afterwards, too.
    if (saying.kind === 'node.alive' && ++quiet % QUIET !== 0) return;
    const broken = invariants.check(state, opened.entry);
    if (broken.length > 0) fail(`broken: ${broken.join('\n')}`);
    const differs = difference(facts, state);
    if (differs !== undefined) fail(differs);
  };

  const actor = new Actor({ facts, scene, settle });
  commands.forEach((command, i) => {
    // A snapshot in the middle: no order of keys, nor anything shared between parts of the state, may matter.
    if (i === commands.length >> 1) state = reordered(state);
    actor.do(command);
  });
  for (const { header, status } of Object.values(state.contracts)) count(`${header.version > 1 ? 'update' : 'contract'} ${status}`);
  const again = accepted.length % FROM_GENESIS === 0 ? sceneAnew(scene) : JSON.parse(scene.state) as LedgerState;
  for (const { opened, time } of accepted) {
    const applied = applyEntry(again, opened, time);
    if (!applied.ok) fail(`the accepted entries are refused when they are replayed: ${applied.code} ${applied.message}`);
  }
  if (!isDeepStrictEqual(again, state) || (accepted.length % FROM_GENESIS === 0 && stateDigest(again) !== stateDigest(state))) fail(`the accepted entries give another state when they are replayed: ${firstDifference(again, state, '')}`);
  return { told, state };
}

/** Same kind, payload and key, same envelope: Ed25519 signs the same bytes alike. */
function placeOf({ kind }: Saying, { payloadDigest, key }: OpenedEntry): string {
  return `${kind} ${payloadDigest} ${key}`;
}

/** Whether the state is what this text says; keys that went and came back stand elsewhere, which is no change. */
function isStill(text: string, state: LedgerState): boolean {
  return JSON.stringify(state) === text || canonicalize(state) === canonicalize(JSON.parse(text));
}

/** As it comes out of JSON, and every object's keys the other way round. */
function reordered(state: LedgerState): LedgerState {
  return JSON.parse(JSON.stringify(state), (_, value: unknown) => (isObject(value) ? Object.fromEntries(Object.entries(value).reverse()) : value)) as LedgerState;
}

/** The path of the first difference, and both sides. */
function firstDifference(a: unknown, b: unknown, path: string): string {
  if (!isObject(a) || !isObject(b)) return isDeepStrictEqual(a, b) ? '' : `${path}: ${JSON.stringify(a)} and ${JSON.stringify(b)}`;
  for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const found = firstDifference(a[key], b[key], `${path}/${key}`);
    if (found !== '') return found;
  }
  return '';
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function sceneAnew(scene: Scene): LedgerState {
  const state = emptyState();
  for (const saying of scene.sayings) applyEntry(state, openSaying(saying), scene.time);
  return state;
}
