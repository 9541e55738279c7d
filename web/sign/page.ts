import './jitless.ts';
import { ContractId } from '../../contract/contract.ts';
import { Session } from '../keys/session.ts';
import type { SealedKey } from '../keys/vault.ts';
import type { Reviewed } from '../ledger/review.ts';
import type { Speaker, Standing } from '../ledger/standing.ts';
import { Refused, type Refusal, refusalOf } from '../refusal.ts';
import { CheckView } from '../view/check.ts';
import { type Choice, decisionView } from '../view/decision.ts';
import { alert, field, h, printable, section } from '../view/dom.ts';
import { explanationView } from '../view/explanation.ts';
import { identifier } from '../view/identifier.ts';
import { KeyList } from '../view/key-list.ts';
import { moment, StandingView } from '../view/standing.ts';
import { Checker } from './checker.ts';
import { vote } from './vote.ts';

/** How often the page looks who else has signed. */
const LOOK_MS = 5000;
/** Looks that fail one after the other before the page says so, and shows nothing to sign with. */
const MISSES = 3;

/** One contract on the page, from the check to the decision. */
class SignPage {
  readonly #main: HTMLElement;
  readonly #check = new CheckView();
  readonly #standing = new StandingView();
  /** What the author of the blueprint says against it. */
  readonly #notice = h('div', { role: 'status' });
  readonly #unchecked = h('div', {});
  readonly #decision = h('div', { class: 'decision' });
  readonly #keys = new KeyList((key) => { void this.#choose(key); });
  readonly #session = new Session(() => { void this.#choose(this.#key); });
  readonly #checker: Checker;
  #reviewed: Reviewed | undefined;
  #now: Standing | undefined;
  #key: SealedKey | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  #looking: Promise<boolean> | undefined;
  #missed = 0;

  constructor(main: HTMLElement, contract: ContractId) {
    this.#main = main;
    main.replaceChildren(this.#check.element);
    this.#checker = new Checker(contract, {
      onProgress: (progress) => { this.#check.progress(progress); },
      onOpened: (reviewed, milliseconds) => { this.#show(reviewed, milliseconds); },
      onRefused: (refusal) => { this.#refuse(refusal); },
    });
  }

  end(): void {
    clearInterval(this.#timer);
    this.#session.lock();
    this.#checker.end();
  }

  #show(reviewed: Reviewed, milliseconds: number): void {
    const { header, explanation, names, standing, grid, digest } = reviewed;
    this.#reviewed = reviewed;
    document.title = `${printable(header.title)} · 3bot`;
    this.#check.passed(standing.size, milliseconds);
    this.#showStanding(standing, header.validity.signBefore);
    this.#main.replaceChildren(
      h('header', { class: 'title' }, h('p', { class: 'eyebrow' }, header.version === 1 ? 'A contract to sign' : `Version ${header.version} of a contract`), h('h1', {}, printable(explanation.title))),
      this.#check.element,
      this.#notice,
      explanationView(explanation, names),
      this.#standing.element,
      section('sign', 'Your signature', this.#keys.element, this.#unchecked, this.#decision),
      h('footer', {}, facts([['Contract', identifier(explanation.contract)], ['Explanation', identifier(digest)], ['Grid', h('span', {}, `${printable(grid.name)} `, identifier(grid.digest))], ['Made from the ledger of', moment(header.derivation.time)]])),
    );
    void this.#keys.show();
    this.#timer = setInterval(() => { if (!document.hidden && this.#now?.status === 'proposed') void this.#look(); }, LOOK_MS);
  }

  #refuse(refusal: Parameters<CheckView['refused']>[0]): void {
    clearInterval(this.#timer);
    this.#reviewed = undefined;
    this.#session.lock();
    this.#check.refused(refusal);
    this.#main.replaceChildren(this.#check.element);
  }

  #showStanding(standing: Standing, signBefore: string): void {
    if (this.#now?.notice !== standing.notice) this.#notice.replaceChildren(standing.notice === undefined ? '' : h('p', { class: 'alert' }, printable(standing.notice)));
    this.#now = standing;
    this.#standing.show(standing, signBefore);
  }

  /** Reads the ledger on; false when that failed. What is wrong with it ends the page; who does not answer is asked again. */
  #look(): Promise<boolean> {
    this.#looking ??= this.#readOn().finally(() => { this.#looking = undefined; });
    return this.#looking;
  }

  async #readOn(): Promise<boolean> {
    const before = this.#now?.status;
    let standing: Standing;
    try {
      standing = await this.#checker.refresh();
    } catch (error) {
      if (this.#reviewed) this.#miss(refusalOf(error));
      return false;
    }
    if (!this.#reviewed) return false;
    this.#missed = 0;
    this.#unchecked.replaceChildren();
    this.#decision.hidden = false;
    this.#showStanding(standing, this.#reviewed.header.validity.signBefore);
    if (before !== standing.status && !this.#decision.querySelector('.done')) await this.#choose(this.#key);
    return true;
  }

  /** A bot that is silent, or lies by silence, must not switch the checking off unseen. */
  #miss(refusal: Refusal): void {
    this.#missed += 1;
    if (this.#missed !== MISSES) return;
    this.#unchecked.replaceChildren(alert('The ledger cannot be checked any more: nothing is signed here until it can', { ...refusal, hint: `This page goes on trying. ${refusal.hint}` }));
    this.#decision.hidden = true;
  }

  async #choose(key: SealedKey | undefined): Promise<void> {
    this.#key = key;
    if (!key || !this.#reviewed) {
      this.#decision.replaceChildren();
      return;
    }
    // A check that has ended is told of by itself.
    const speaker = await this.#checker.speaker(key.key).catch(() => undefined);
    if (!speaker || this.#key !== key || !this.#now || !this.#reviewed) return;
    this.#decision.replaceChildren(decisionView({
      key, speaker, standing: this.#now, signBefore: this.#reviewed.header.validity.signBefore, unlocked: this.#session.holds(key.key),
      lock: () => { this.#session.lock(); },
      decide: (choice) => this.#decide(key, speaker, choice),
    }));
  }

  async #decide(key: SealedKey, speaker: Speaker, choice: Choice): Promise<string> {
    const [reviewed, notice] = [this.#reviewed, this.#now?.notice];
    if (!reviewed || speaker.principal === undefined) throw new Error('there is nothing to decide');
    if (choice.passphrase !== undefined) await this.#session.unlock(key, choice.passphrase);
    const looked = await this.#look();
    const requireStill = (): void => {
      if (this.#reviewed === reviewed) return;
      this.#session.lock();
      throw new Refused('check_failed', 'the check of this contract has failed meanwhile', 'load the page again');
    };
    requireStill();
    if (!looked) throw new Refused('not_checked', 'the ledger could not be checked just now', 'try again in a moment');
    if (this.#now?.notice !== notice) throw new Refused('notice_new', 'the author of its blueprint has said something against it just now', 'read it above, and sign again if you still want to');
    const seq = await vote({ session: this.#session, key, by: speaker.principal, reviewed, choice, requireStill });
    void this.#look();
    return `${choice.decision === 'approve' ? 'Signed' : 'Rejected'} as ${choice.role}: entry ${seq} of the ledger.`;
  }
}

function facts(rows: readonly (readonly [string, Node])[]): HTMLElement {
  return h('dl', {}, ...rows.flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]));
}

/** Asks for the contract when the address names none. */
function askForContract(main: HTMLElement, wrong: string | undefined): void {
  const input = h('input', { type: 'text', name: 'contract', required: true, spellcheck: 'false', autocomplete: 'off' });
  const form = h('form', { class: 'card', 'aria-label': 'Which contract' }, field('Contract', input, 'Its whole id, sha256: and 64 digits, as `3bot contract list --json` shows it.'), h('div', { class: 'actions' }, h('button', { type: 'submit', class: 'primary' }, 'Check it')));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    location.hash = input.value.trim();
  });
  main.replaceChildren(h('header', { class: 'title' }, h('h1', {}, 'Sign a contract')), wrong === undefined ? '' : h('p', { class: 'alert', role: 'alert' }, `${printable(wrong.slice(0, 100))} is not the id of a contract.`), form);
  input.focus();
}

let page: SignPage | undefined;

function start(): void {
  const main = document.querySelector('main');
  if (!main) return;
  page?.end();
  page = undefined;
  const text = decodeURIComponent(location.hash.slice(1));
  const id = ContractId.safeParse(/^[0-9a-f]{64}$/.test(text) ? `sha256:${text}` : text);
  if (id.success) page = new SignPage(main, id.data);
  else askForContract(main, text === '' ? undefined : text);
}

addEventListener('hashchange', start);
start();
