import type { Progress } from '../ledger/review.ts';
import type { Refusal } from '../refusal.ts';
import { alert, h } from './dom.ts';

const STEPS: Readonly<Record<Progress['step'], string>> = {
  fetch: 'Fetching the contract and checking its digests',
  replay: 'Replaying the ledger, every signature and every rule',
  recompile: 'Compiling the contract again from the ledger',
};

/** Where the check is, and what came of it. */
export class CheckView {
  readonly element: HTMLElement;
  readonly #text = h('p', { class: 'check-text' });
  readonly #bar = h('progress', { 'aria-label': 'checking the contract' });

  constructor() {
    this.element = h('div', { class: 'check', role: 'status' }, this.#text, this.#bar);
    this.progress({ step: 'fetch', done: 0, total: 1 });
  }

  progress({ step, done, total }: Progress): void {
    const counted = step === 'replay';
    this.#text.textContent = `${STEPS[step]}${counted ? `: ${done.toLocaleString('en')} of ${total.toLocaleString('en')} entries` : ''} …`;
    if (counted) {
      this.#bar.max = total;
      this.#bar.value = done;
    } else this.#bar.removeAttribute('value');
  }

  passed(entries: number, milliseconds: number): void {
    this.element.className = 'check passed';
    this.element.replaceChildren(h('p', { class: 'verdict' }, 'Recompiled to the same id'), h('p', { class: 'help', 'data-milliseconds': String(Math.round(milliseconds)), 'data-entries': String(entries) }, `This page replayed ${entries.toLocaleString('en')} entries of the ledger in ${(milliseconds / 1000).toFixed(1)} s and compiled the contract again: every byte of it comes from the request.`));
  }

  refused(refusal: Refusal): void {
    this.element.className = 'check';
    this.element.removeAttribute('role');
    this.element.replaceChildren(alert('This cannot be signed here', refusal));
  }
}
