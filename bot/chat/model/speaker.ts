import { printableLines } from '../printable.ts';

/** A word longer than this is not waited for. */
const MAX_WORD = 300;
/** Most of the model's words in one answer, in UTF-16 units. */
const MAX_SAID = 16_000;

const LINK = /[a-z][a-z0-9+.-]{1,20}:\/\/|www\./i;
const DIGEST = /(?:sha256:)?[0-9a-f]{12,64}/gi;

export interface SpeakerOptions {
  readonly onText: (piece: string) => void;
  /** Whether an address or id was in what the person said or a tool gave: others are the model's invention. */
  readonly seen: (text: string) => boolean;
}

/** Thoughts that some models put before their answer; nobody asked for them. */
const THOUGHT_BEGINS = '<think>';
const THOUGHT_ENDS = '</think>';

/**
 * Passes an answer on piece by piece, so that all pieces together are `text`. The model's words go through whole: nothing that
 * a terminal or a page obeys, no address and no id that nobody gave it.
 */
export class Speaker {
  readonly #options: SpeakerOptions;
  #text = '';
  #held = '';
  #said = 0;
  /** Nothing of this message has passed yet. */
  #fresh = true;

  constructor(options: SpeakerOptions) { this.#options = options; }

  get text(): string { return this.#text; }

  /** A piece of the model's words; held back until the word that it ends in is whole. */
  model(piece: string): void {
    const room = MAX_SAID - this.#said;
    if (room <= 0) return;
    this.#said += Math.min(room, piece.length);
    this.#held += piece.slice(0, room);
    if (this.#fresh && this.#isThought()) return;
    const end = Math.max(this.#held.lastIndexOf(' '), this.#held.lastIndexOf('\n')) + 1;
    if (end > 0) this.#pass(end);
    while (this.#held.length > MAX_WORD) this.#pass(/[\ud800-\udbff]/.test(this.#held[MAX_WORD - 1] ?? '') ? MAX_WORD - 1 : MAX_WORD);
  }

  /** Ends a message of the model: what comes next is a paragraph of its own. */
  pause(): void {
    if (!(this.#fresh && this.#isThought())) this.#pass(this.#held.length);
    this.#held = '';
    this.#fresh = true;
  }

  /** Words of ours, as a paragraph of their own. */
  paragraph(text: string): void {
    this.pause();
    this.#emit(this.#gap() + printableLines(text));
  }

  /** Whether what is held may still be a thought; drops one that has ended. */
  #isThought(): boolean {
    const begun = this.#held.trimStart().slice(0, THOUGHT_BEGINS.length);
    if (!THOUGHT_BEGINS.startsWith(begun)) return false;
    const end = this.#held.indexOf(THOUGHT_ENDS);
    if (begun.length < THOUGHT_BEGINS.length || end < 0) return true;
    this.#held = this.#held.slice(end + THOUGHT_ENDS.length);
    return false;
  }

  #gap(): string {
    return this.#text === '' ? '' : '\n'.repeat(Math.max(0, 2 - (/\n*$/.exec(this.#text)?.[0].length ?? 0)));
  }

  #pass(length: number): void {
    const words = this.#held.slice(0, length);
    this.#held = this.#held.slice(length);
    const checked = words.split(/(\s+)/).map((word) => this.#check(word)).join('');
    const clean = printableLines(checked.replaceAll('\r', '').replaceAll('\t', ' ').replace(/<(?=[a-z/!?])/gi, '‹'));
    if (this.#fresh && clean.trim() === '') return;
    this.#emit(this.#fresh ? this.#gap() + clean.trimStart() : clean);
    this.#fresh = false;
  }

  #check(word: string): string {
    if (LINK.test(word) && !this.#options.seen(word.replace(/^[("'<[]+|[)"'>\].,;:!?]+$/g, ''))) return '(address left out)';
    return word.replace(DIGEST, (id) => (/\d/.test(id) && /[a-f]/i.test(id) && !this.#options.seen(id) ? '(unknown id)' : id));
  }

  #emit(piece: string): void {
    if (piece === '') return;
    this.#text += piece;
    this.#options.onText(piece);
  }
}
