import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type Digest, digestOf } from '../contract/digest.ts';
import { type EntrySigner, type Envelope, sealEnvelope } from '../contract/envelope.ts';
import { generatePkcs8, signerOf } from '../signer/keys.ts';

/** A grid for tests: its ledger key, its first entry, and as many valid entries as wanted. */
export interface TestGrid {
  readonly signer: EntrySigner;
  readonly genesis: Envelope;
  readonly grid: Digest;
  /** A new principal, signed with a key of its own (or the one given). */
  principal(name: string, signer?: EntrySigner): Envelope;
}

export function newSigner(): EntrySigner {
  return signerOf(generatePkcs8('signing'));
}

export function newGrid(signer: EntrySigner = newSigner(), ledger = signer.key): TestGrid {
  const payload = {
    name: 'test', nonce: nonce(), ledger, authors: [signer.key], attestors: [signer.key], issuers: [signer.key], organisations: [signer.key], currency: 'EUR', leaseSeconds: 10, proposalSeconds: 60,
  };
  const grid = digestOf(payload);
  return {
    signer, grid,
    genesis: sealEnvelope('grid.created', payload, signer),
    principal: (name, by = newSigner()) => sealEnvelope('principal.created', { grid, kind: 'person', name, keys: [by.key], nonce: nonce() }, by),
  };
}

const folders: string[] = [];

export function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), '3bot-ledger-'));
  folders.push(folder);
  return folder;
}

export function removeTemporaryFolders(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

function nonce(): string {
  return randomBytes(16).toString('hex');
}
