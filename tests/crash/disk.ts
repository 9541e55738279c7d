import path from 'node:path';
import type { Random } from '../e2e/random.ts';
import type { Event } from './record.ts';

const PAGE = 4096;
const SECTOR = 512;

/** A change of a file's bytes or length that is not on the disk for certain. */
type Change = { readonly offset: number; readonly bytes: Buffer } | { readonly length: number };

/** A file's bytes as far as they were synced, and what came after. */
class FileNode {
  synced: Buffer = Buffer.alloc(0);
  changes: Change[] = [];

  sync(): void {
    this.synced = apply(this.synced, this.changes);
    this.changes = [];
  }
}

type Node = FileNode | 'folder';
/** A change of names that is not on the disk before the folder is synced. */
type Naming = { readonly type: 'link'; readonly path: string; readonly node: Node } | { readonly type: 'unlink'; readonly path: string } | { readonly type: 'rename'; readonly from: string; readonly path: string; readonly node: Node };

/** Whether a change that was not synced is on the disk after all. */
export interface Survival {
  readonly name: string;
  /** Unit in which a write survives, in bytes. */
  readonly unit: number;
  keeps(): boolean;
  /** A file is as long as it was made, even where the bytes that made it longer are lost: there are zeros. */
  readonly lengthSurvives: boolean;
}

export const DROPPED: Survival = { name: 'dropped', unit: PAGE, keeps: () => false, lengthSurvives: false };
export const KEPT: Survival = { name: 'kept', unit: PAGE, keeps: () => true, lengthSurvives: true };
/** Every byte that was written since the last sync is lost, but the lengths are not. */
export const HOLLOW: Survival = { name: 'hollow', unit: PAGE, keeps: () => false, lengthSurvives: true };

/** Some pages or sectors of some writes survive, in whatever order the disk took them: torn and reordered. */
export function tornBy(random: Random): Survival {
  const share = [0.1, 0.5, 0.9][random.below(3)]!;
  return { name: `torn ${share}`, unit: random.below(2) === 0 ? PAGE : SECTOR, keeps: () => random.next() < share, lengthSurvives: random.below(2) === 0 };
}

/**
 * A folder on a disk that promises no more than POSIX does: bytes are there after a sync of their file, names after a
 * sync of their folder, and of everything else any part may be there, in any order. The folder itself is there.
 */
export class Disk {
  /** Names as the process sees them, and as they were synced. */
  readonly #names = new Map<string, Node>();
  readonly #synced = new Map<string, Node>();
  #namings: Naming[] = [];
  readonly #open = new Map<number, { node: Node; path: string }>();
  readonly #mapped = new Set<string>();

  /** Files that were mapped for writing: what was stored there was not seen. */
  get mapped(): ReadonlySet<string> {
    return this.#mapped;
  }

  /** The path that a descriptor stands for. */
  pathOf(fd: number): string | undefined {
    return this.#open.get(fd)?.path;
  }

  apply(event: Event): void {
    switch (event.type) {
      case 'start': this.#open.clear(); break;
      case 'open': this.#opened(event); break;
      case 'close': this.#open.delete(event.fd); break;
      case 'write': this.#file(event.fd).changes.push({ offset: event.offset, bytes: event.bytes }); break;
      case 'size': this.#file(event.fd).changes.push({ length: event.length }); break;
      case 'sync': this.#sync(event.fd); break;
      case 'map': this.#mapped.add(this.#open.get(event.fd)?.path ?? '?'); break;
      case 'mkdir': this.#name({ type: 'link', path: event.path, node: 'folder' }); break;
      case 'unlink': case 'rmdir': this.#name({ type: 'unlink', path: event.path }); break;
      case 'rename': this.#name({ type: 'rename', from: event.from, path: event.to, node: this.#nodeOf(event.from) }); break;
      case 'say': break;
    }
  }

  /** What is on the disk when the power goes now: files by path (a folder is undefined). */
  image(survival: Survival): Map<string, Buffer | undefined> {
    const names = new Map(this.#synced);
    for (const naming of this.#namings) if (survival.keeps()) applyNaming(names, naming);
    const image = new Map<string, Buffer | undefined>();
    for (const [name, node] of names) {
      if (!hasParents(names, name)) continue;
      image.set(name, node === 'folder' ? undefined : contentOf(node, survival));
    }
    return image;
  }

  #opened({ fd, created, truncated, path: name }: Extract<Event, { type: 'open' }>): void {
    if (name === '') {
      this.#open.set(fd, { node: 'folder', path: '' });
      return;
    }
    if (created) this.#name({ type: 'link', path: name, node: new FileNode() });
    const node = this.#nodeOf(name);
    if (truncated && node !== 'folder') node.changes.push({ length: 0 });
    this.#open.set(fd, { node, path: name });
  }

  #nodeOf(name: string): Node {
    const node = this.#names.get(name);
    if (!node) throw new Error(`${name} is used and was never made`);
    return node;
  }

  #file(fd: number): FileNode {
    const node = this.#open.get(fd)?.node;
    if (!(node instanceof FileNode)) throw new Error(`descriptor ${fd} is no open file`);
    return node;
  }

  #name(naming: Naming): void {
    applyNaming(this.#names, naming);
    this.#namings.push(naming);
  }

  #sync(fd: number): void {
    const open = this.#open.get(fd);
    if (!open) throw new Error(`descriptor ${fd} is not open`);
    if (open.node !== 'folder') {
      open.node.sync();
      return;
    }
    const isHere = (name: string): boolean => (path.dirname(name) === '.' ? '' : path.dirname(name)) === open.path;
    let stays: Naming[] = [];
    for (const naming of this.#namings) {
      if (!isHere(naming.path)) {
        stays.push(naming);
        continue;
      }
      applyNaming(this.#synced, naming);
      // A file that lies under its new name for certain no longer comes to be under the old one.
      if (naming.type === 'rename') stays = stays.filter((earlier) => earlier.type !== 'link' || earlier.path !== naming.from || earlier.node !== naming.node);
    }
    this.#namings = stays;
  }
}

function applyNaming(names: Map<string, Node>, naming: Naming): void {
  if (naming.type === 'unlink') {
    names.delete(naming.path);
    return;
  }
  // A file has one of its two names, never none: file systems that journal names take a rename as one step.
  if (naming.type === 'rename' && names.get(naming.from) === naming.node) names.delete(naming.from);
  names.set(naming.path, naming.node);
}

function hasParents(names: ReadonlyMap<string, Node>, name: string): boolean {
  const parent = path.dirname(name);
  return parent === '.' || (names.get(parent) === 'folder' && hasParents(names, parent));
}

function contentOf(file: FileNode, survival: Survival): Buffer {
  const kept = file.changes.flatMap((change) => ('length' in change ? (survival.keeps() ? [change] : []) : pieces(change, survival.unit).filter(() => survival.keeps())));
  const content = apply(file.synced, kept);
  if (!survival.lengthSurvives) return content;
  const { length } = apply(file.synced, file.changes);
  return length > content.length ? Buffer.concat([content, Buffer.alloc(length - content.length)]) : content;
}

/** A write cut at the borders of the units that a disk writes whole. */
function pieces({ offset, bytes }: { offset: number; bytes: Buffer }, unit: number): { offset: number; bytes: Buffer }[] {
  const parts: { offset: number; bytes: Buffer }[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = Math.min(bytes.length, (Math.floor((offset + at) / unit) + 1) * unit - offset);
    parts.push({ offset: offset + at, bytes: bytes.subarray(at, end) });
    at = end;
  }
  return parts;
}

function apply(before: Buffer, changes: readonly Change[]): Buffer {
  if (changes.length === 0) return before;
  let length = before.length;
  let most = length;
  for (const change of changes) {
    length = 'length' in change ? change.length : Math.max(length, change.offset + change.bytes.length);
    most = Math.max(most, length);
  }
  const content = Buffer.alloc(most);
  before.copy(content);
  length = before.length;
  for (const change of changes) {
    if ('length' in change) {
      // What is cut off is gone: growing again brings zeros.
      if (change.length < length) content.fill(0, change.length, length);
      length = change.length;
    } else {
      change.bytes.copy(content, change.offset);
      length = Math.max(length, change.offset + change.bytes.length);
    }
  }
  return content.subarray(0, length);
}
