import type * as Files from 'node:fs/promises';
import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type KeystoreFiles, openKeystoreFiles } from './key-files.ts';
import { changePassphrase, createPlain, protectKeystore } from './unlock.ts';

/**
 * A kill between any two changes of the disk: from the n-th change on, nothing happens any more and nothing is cleaned up, as
 * when the process is gone. With `torn`, half of the write at which it dies has reached the file.
 */
const disk = vi.hoisted(() => {
  const state = { left: Infinity, torn: false, died: (): void => undefined };
  /** True when the process still lives for this change. */
  const survives = (): boolean => {
    state.left -= 1;
    if (state.left === -1) state.died();
    return state.left >= 0;
  };
  return { state, survives, never: new Promise<never>(() => undefined) };
});

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof Files>();
  const killable = <A extends unknown[], R>(change: (...args: A) => Promise<R>) => (...args: A): Promise<R> => (disk.survives() ? change(...args) : disk.never);
  const open: typeof real.open = async (file, flags, mode) => {
    if (flags !== 'r' && !disk.survives()) return disk.never;
    const handle = await real.open(file, flags, mode);
    const writeFile = handle.writeFile.bind(handle);
    handle.writeFile = async (data, options) => {
      if (disk.survives()) return writeFile(data, options);
      if (disk.state.torn && disk.state.left === -1 && (typeof data === 'string' || data instanceof Uint8Array)) await writeFile(data.slice(0, data.length / 2), options);
      return disk.never;
    };
    handle.sync = killable(handle.sync.bind(handle));
    return handle;
  };
  return { ...real, open, link: killable(real.link), unlink: killable(real.unlink), rename: killable(real.rename), mkdir: killable(real.mkdir) };
});

/** Runs until it is done or the disk stops at change `after`; true when it was done. */
async function dieAfter(after: number, torn: boolean, run: () => Promise<unknown>): Promise<boolean> {
  const died = new Promise<false>((resolve) => { Object.assign(disk.state, { left: after, torn, died: () => { resolve(false); } }); });
  try {
    return await Promise.race([run().then(() => true), died]);
  } finally {
    revive();
  }
}

function revive(): void {
  Object.assign(disk.state, { left: Infinity, torn: false, died: () => undefined });
}

const OLD = 'the old passphrase';
const NEW = 'the new passphrase';
const QUICK = { workFactor: 4 };

interface Place { readonly dir: string; readonly unlock: string }

async function place(prepare: (at: Place) => Promise<unknown>): Promise<() => Promise<Place>> {
  const template = await mkdtemp(path.join(os.tmpdir(), '3bot-crash-'));
  await prepare(at(template));
  return async () => {
    const copy = await mkdtemp(path.join(os.tmpdir(), '3bot-crash-'));
    await cp(template, copy, { recursive: true });
    return at(copy);
  };
}

const at = (root: string): Place => ({ dir: path.join(root, 'keys'), unlock: path.join(root, 'unlock') });
const openWith = (keystore: Place, passphrase: string): Promise<KeystoreFiles> => openKeystoreFiles({ ...keystore, unlocking: { passphrase: () => Promise.resolve(passphrase) } });
const succeeds = (run: () => Promise<unknown>): Promise<boolean> => run().then(() => true, () => false);

/** Every way to die, until one run gets through; `check` sees what is left on disk. Returns how many times it died. */
async function everyCrash(fresh: () => Promise<Place>, run: (at: Place) => Promise<unknown>, check: (at: Place, done: boolean) => Promise<void>): Promise<number> {
  for (let after = 0, deaths = 0; ; after += 1) {
    let finished = false;
    for (const torn of [false, true]) {
      const keystore = await fresh();
      const done = await dieAfter(after, torn, () => run(keystore));
      await check(keystore, done);
      await rm(path.dirname(keystore.dir), { recursive: true });
      finished ||= done;
      if (!done) deaths += 1;
    }
    if (finished) return deaths;
  }
}

afterEach(revive);

describe('a keystore whose process is killed between any two changes of the disk', () => {
  it('opens with its file or its passphrase while it is put under one, and holds the same key', async () => {
    let key = '';
    const fresh = await place(async (keystore) => { key = (await (await openKeystoreFiles({ ...keystore, create: true })).newSigning('alice')).key; });
    const deaths = await everyCrash(fresh, (keystore) => protectKeystore({ ...keystore, passphrase: NEW, ...QUICK }), async (keystore, done) => {
      // Passphrase or file: openWith() is only asked where the protected file counts.
      expect((await (await openWith(keystore, NEW)).signing('alice')).key).toBe(key);
      const again = await succeeds(() => protectKeystore({ ...keystore, passphrase: NEW, ...QUICK }));
      if (done) expect(again).toBe(false);
      expect((await (await openWith(keystore, NEW)).signing('alice')).key).toBe(key);
      expect(await succeeds(() => openWith(keystore, OLD))).toBe(false);
      expect(await plainIdentities(keystore)).toEqual([]);
    });
    expect(deaths).toBeGreaterThan(12);
  });

  it('opens with the old or the new passphrase while it changes, never with neither, and with one only', async () => {
    let key = '';
    const fresh = await place(async (keystore) => {
      await protectKeystore({ ...keystore, passphrase: OLD, ...QUICK });
      key = (await (await openKeystoreFiles({ ...keystore, create: true, unlocking: { passphrase: () => Promise.resolve(OLD) } })).newSigning('alice')).key;
    });
    const seen = new Set<string>();
    const deaths = await everyCrash(fresh, (keystore) => changePassphrase({ ...keystore, old: OLD, passphrase: NEW, ...QUICK }), async (keystore, done) => {
      const opening: string[] = [];
      for (const passphrase of [OLD, NEW]) if (await succeeds(() => openWith(keystore, passphrase))) opening.push(passphrase);
      expect(opening).toHaveLength(1);
      expect(opening[0] === NEW || !done).toBe(true);
      seen.add(opening.join());
      expect((await (await openWith(keystore, opening.join())).signing('alice')).key).toBe(key);
    });
    expect(deaths).toBeGreaterThan(5);
    expect([...seen].sort()).toEqual([NEW, OLD].sort());
  });

  it('leaves no plain identity behind when even its making was interrupted', async () => {
    const fresh = await place(() => Promise.resolve());
    await everyCrash(fresh, (keystore) => createPlain(keystore), async (keystore) => {
      await protectKeystore({ ...keystore, passphrase: NEW, ...QUICK });
      expect(await plainIdentities(keystore)).toEqual([]);
      await openWith(keystore, NEW);
    });
  });

  it('signs with the old or the next key while it rotates, and ends with one of them whatever is repeated', async () => {
    let key = '';
    const fresh = await place(async (keystore) => { key = (await (await openKeystoreFiles({ ...keystore, create: true })).newSigning('alice')).key; });
    // What the first life told the ledger before it died, if it came that far.
    let told: string | undefined;
    const deaths = await everyCrash(fresh, async (keystore) => {
      told = undefined;
      const store = await openKeystoreFiles(keystore);
      const { next } = await store.rotate('alice');
      told = next.key;
      await store.commitRotation('alice', next.key);
    }, async (keystore, done) => {
      const store = await openKeystoreFiles(keystore);
      const current = (await store.signing('alice')).key;
      expect([key, told]).toContain(current);
      if (done) expect(current).toBe(told);
      // The second life goes on where the ledger says it is.
      const next = current === key ? (await store.rotate('alice')).next.key : current;
      if (told !== undefined) expect(next).toBe(told);
      await store.commitRotation('alice', next);
      expect((await store.signing('alice')).key).toBe(next);
      expect(await readdir(path.join(keystore.dir, 'retired'))).toHaveLength(1);
    });
    expect(deaths).toBeGreaterThan(12);
  });
});

/** Files that hold an age identity in the clear. */
async function plainIdentities({ unlock }: Place): Promise<string[]> {
  const folder = path.dirname(unlock);
  const files = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isFile()).map((entry) => entry.name);
  const texts = await Promise.all(files.map((name) => readFile(path.join(folder, name), 'utf8')));
  return files.filter((_, i) => texts[i]?.includes('AGE-SECRET-KEY-'));
}
