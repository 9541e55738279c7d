import type { Standing } from '../ledger/standing.ts';
import { h, printable, section } from './dom.ts';

const WORDS: Readonly<Record<Standing['status'], string>> = {
  proposed: 'waits for signatures', active: 'in force', rejected: 'rejected', withdrawn: 'withdrawn', lapsed: 'not signed in time',
  overtaken: 'overtaken by another version', cancelled: 'cancelled', expired: 'expired', superseded: 'replaced by a later version',
};

/** Who has signed and who is waited for. */
export class StandingView {
  readonly #body = h('div', { 'aria-live': 'polite' });
  readonly #asOf = h('p', { class: 'help' });
  readonly element = section('signatures', 'Signatures', this.#body, this.#asOf);
  #shown = '';

  show(standing: Standing, signBefore: string): void {
    const { status, decisions, waitingFor, size, time } = standing;
    const now = JSON.stringify([status, decisions, waitingFor]);
    // A list that is read out again every few seconds, though nothing changed, is noise.
    if (now !== this.#shown) {
      this.#shown = now;
      this.#body.replaceChildren(
        h('p', {}, h('span', { class: `chip ${status}`, 'data-status': status }, WORDS[status]), ...(status === 'proposed' ? [' until ', moment(signBefore)] : [])),
        decisions.length === 0 ? h('p', {}, 'Nobody has signed yet.') : h('ul', { class: 'decisions' }, ...decisions.map((d) => h('li', { class: d.decision },
          h('strong', {}, d.decision === 'approve' ? 'Approved' : 'Rejected'), ` by ${printable(d.name)} as ${d.role}`,
          d.note === '' ? undefined : h('q', {}, printable(d.note)),
          d.sameWords ? undefined : h('em', {}, 'was shown another explanation than this page makes')))),
        waitingFor.length === 0 ? '' : h('p', {}, 'Waiting for'),
        waitingFor.length === 0 ? '' : h('ul', { class: 'waiting' }, ...waitingFor.map((text) => h('li', {}, printable(text)))),
      );
    }
    this.#asOf.replaceChildren(`After ${size.toLocaleString('en')} entries of the ledger, the last of `, moment(time), '.');
  }
}

/** A time in the reader's own zone; the exact one is in the title. */
export function moment(time: string): HTMLElement {
  return h('time', { datetime: time, title: time }, new Date(time).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' }));
}
