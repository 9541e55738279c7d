import type { EntrySigner, Envelope } from '../contract/envelope.ts';
import { originOf, signCheckpoint } from './checkpoint.ts';
import { openBlobs } from './blobs.ts';
import { temporaryFolder, type TestGrid } from './grid.fixture.ts';
import { type Leaf, leafBytes } from './leaf.ts';
import { type Hash, leafHash } from './merkle.ts';
import { MerkleTree } from './merkle-tree.ts';
import type { Log, SubmitResult } from './ports.ts';
import { type LedgerServer, startServer } from './server.ts';
import { emptyState, type LedgerState } from './state/machine.ts';

/** A log that says whatever its owner likes, signed with whatever key it has; what it serves is the real server's doing. */
export class LyingLog implements Log {
  leaves: Leaf[] = [];
  signer: EntrySigner;
  /** Notes to show instead of signing: what somebody without the key can have collected. */
  recorded: Map<number, string> | undefined;
  /** Replaces what is read of the log. */
  show: (leaves: Leaf[]) => Leaf[] = (leaves) => leaves;
  /** Replaces what a submission is answered. */
  acknowledge: ((envelopes: readonly unknown[]) => SubmitResult[]) | undefined;
  readonly #grid: TestGrid;
  readonly #listeners = new Set<() => void>();

  constructor(grid: TestGrid) {
    this.#grid = grid;
    this.signer = grid.signer;
  }

  get key(): Log['key'] { return this.signer.key; }

  /** Appends without checking anything. */
  say(...envelopes: Envelope[]): void {
    for (const envelope of envelopes) this.leaves.push({ seq: this.leaves.length, time: new Date(Date.now()).toISOString(), envelope });
  }

  /** Pushes what was said to those who are connected. */
  push(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  size(): number { return this.leaves.length; }
  grid(): ReturnType<Log['grid']> { return this.#grid.grid; }
  state(): LedgerState { return emptyState(); }

  submit(envelopes: readonly unknown[]): Promise<SubmitResult[]> {
    if (this.acknowledge) return Promise.resolve(this.acknowledge(envelopes));
    const from = this.size();
    this.say(...(envelopes as Envelope[]));
    this.push();
    return Promise.resolve(envelopes.map((_, i) => ({ ok: true, seq: from + i, time: this.leaves[from + i]!.time })));
  }

  read(from: number, { entries }: { entries: number }): Uint8Array[] {
    return this.show(this.leaves.slice(from, from + entries)).map(leafBytes);
  }

  checkpoint(size = this.size()): string | undefined {
    if (size === 0) return undefined;
    return this.recorded ? this.recorded.get(size) : signCheckpoint({ size, root: this.root(size) }, originOf(this.#grid.grid), this.signer);
  }

  root(size?: number): Hash { return this.#tree().root(size); }
  leafHash(seq: number): Hash { return this.#tree().leaf(seq); }
  inclusionProof(seq: number, size: number): Hash[] { return this.#tree().inclusionProof(seq, size); }
  consistencyProof(from: number, to: number): Hash[] { return this.#tree().consistencyProof(from, to); }

  onCommit(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): Promise<void> { return Promise.resolve(); }

  #tree(): MerkleTree {
    const tree = new MerkleTree();
    for (const leaf of this.leaves) tree.append(leafHash(leafBytes(leaf)));
    return tree;
  }
}

/** The real server over a lying log, on one port however often it starts again. */
export class LyingServer {
  readonly log: LyingLog;
  #server: LedgerServer | undefined;
  #port = 0;

  constructor(log: LyingLog) {
    this.log = log;
  }

  get url(): string { return `http://127.0.0.1:${this.#port}`; }

  async listen(): Promise<string> {
    this.#server = await startServer({ log: this.log, blobs: await openBlobs(temporaryFolder()), port: this.#port });
    this.#port = Number(new URL(this.#server.url).port);
    return this.url;
  }

  /** Ends every connection, so that followers come back and hear what it says now. */
  async restart(): Promise<void> {
    await this.#server?.close();
    await this.listen();
  }

  async close(): Promise<void> {
    await this.#server?.close();
  }
}
