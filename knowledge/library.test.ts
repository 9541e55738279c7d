import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestBytes } from '../contract/digest.ts';
import { loadLibrary, LibraryError, shippedDirectory } from './library.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'library-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

describe('loadLibrary', () => {
  it('gives each blueprint with its bytes and their digest', () => {
    const [archive] = loadLibrary(shippedDirectory());
    expect(archive?.blueprint.blueprint).toBe('archive');
    expect(archive?.digest).toBe(digestBytes(archive?.source ?? new Uint8Array()));
  });

  it('names file, line and column of what is wrong', () => {
    writeFileSync(join(directory, 'broken.yaml'), 'blueprint: x\nversion: 1\n');
    expect(() => loadLibrary(directory)).toThrow(LibraryError);
    expect(() => loadLibrary(directory)).toThrow(/broken\.yaml:2:10: version/);
  });

  it('refuses two blueprints of one name, and a file too large', () => {
    const [archive] = loadLibrary(shippedDirectory());
    writeFileSync(join(directory, 'a.yaml'), archive?.source ?? '');
    writeFileSync(join(directory, 'b.yaml'), archive?.source ?? '');
    expect(() => loadLibrary(directory)).toThrow(/same name/);
    writeFileSync(join(directory, 'a.yaml'), 'x'.repeat(300_000));
    expect(() => loadLibrary(directory)).toThrow(/larger/);
  });
});
