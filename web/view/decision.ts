import { withoutUnseen } from '../../contract/visible.ts';
import type { SealedKey } from '../keys/vault.ts';
import type { Speaker, Standing } from '../ledger/standing.ts';
import { refusalOf } from '../refusal.ts';
import { alert, button, field, h, printable, words as text } from './dom.ts';
import { secretInput } from './new-key.ts';

const STATEMENT = 'recompiled to the same contract, read and agreed';

export interface Choice {
  readonly decision: 'approve' | 'reject';
  readonly role: string;
  /** Statement of an approval, reason of a rejection; without control characters, at most 2000. */
  readonly words: string;
  /** Absent when the key is unlocked. */
  readonly passphrase?: string;
}

export interface DecisionOptions {
  readonly key: SealedKey;
  readonly speaker: Speaker;
  readonly standing: Standing;
  /** RFC 3339. */
  readonly signBefore: string;
  readonly unlocked: boolean;
  readonly lock: () => void;
  /** Signs and submits; resolves with what to tell. */
  readonly decide: (choice: Choice) => Promise<string>;
}

/** What the chosen key can do: a form to decide, or why there is nothing to decide. */
export function decisionView(options: DecisionOptions): HTMLElement {
  const { key, speaker, standing, signBefore } = options;
  if (speaker.principal === undefined) {
    return notice(`The ledger knows nobody who signs with this key.`, 'Import a key that it knows, or have your principal name this one: it begins to count when a key that counts already says so.', h('code', { class: 'key' }, key.key));
  }
  const name = printable(speaker.name ?? '');
  if (speaker.roles.length === 0) return notice(`This key speaks for ${name}, who is not asked to sign this contract.`, 'Choose the key of somebody who is: the signatures above say who is waited for.');
  if (speaker.decided) return notice(`${name} has decided already.`, 'A decision stands: it is not taken back, and not made twice.');
  if (standing.status !== 'proposed') return notice('There is nothing to decide any more.', 'Only a contract that waits for signatures can be signed.');
  if (Date.parse(signBefore) <= Date.now()) return notice('It is too late to sign this contract.', 'Ask its requester to plan and propose it again.');
  return decisionForm(options, name);
}

function decisionForm({ key, speaker, unlocked, lock, decide }: DecisionOptions, name: string): HTMLElement {
  const role = h('select', { name: 'role' }, ...speaker.roles.map((each) => h('option', { value: each }, each)));
  const [approve, approveLabel] = choice('approve', 'Approve', true);
  const [reject, rejectLabel] = choice('reject', 'Reject', false);
  const words = h('textarea', { rows: '2', maxlength: '2000', required: true, name: 'words' });
  words.value = STATEMENT;
  const wordsField = field('Your statement', words, 'It is signed with your decision and can be read by everybody on the grid.');
  const passphrase = secretInput('passphrase', 'current-password');
  const errors = h('div', {});
  const submit = h('button', { type: 'submit', class: 'primary' });
  const relabel = (): void => {
    const rejecting = reject.checked;
    wordsField.querySelector('label')?.replaceChildren(rejecting ? 'Your reason' : 'Your statement');
    if (rejecting && words.value === STATEMENT) words.value = '';
    if (!rejecting && words.value === '') words.value = STATEMENT;
    submit.textContent = `${rejecting ? 'Sign the rejection' : 'Sign the approval'} as ${role.value}`;
    submit.className = rejecting ? 'danger' : 'primary';
  };
  for (const input of [approve, reject, role]) input.addEventListener('change', relabel);
  relabel();
  const form = h('form', { class: 'card', 'aria-label': 'Your decision', autocomplete: 'off' },
    h('p', {}, 'You sign as ', h('strong', {}, name), ...(speaker.roles.length === 1 ? [', in the role ', h('strong', {}, speaker.roles[0] ?? '')] : []), '.'),
    speaker.roles.length > 1 && field('Your role', role),
    h('fieldset', {}, h('legend', {}, 'Your decision'), approveLabel, rejectLabel),
    wordsField,
    unlocked ? h('p', { class: 'help' }, 'Your key is unlocked for a few minutes. ', button('Lock it now', lock, { class: 'link' })) : field('Passphrase of your key', passphrase, 'The key is decrypted in this page and never leaves it.'),
    errors,
    h('div', { class: 'actions' }, submit),
  );
  // The browser's password manager files the passphrase under the key.
  form.append(h('input', { type: 'text', hidden: true, autocomplete: 'username', value: key.name, tabindex: '-1' }));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    submit.disabled = true;
    errors.replaceChildren(h('p', { role: 'status' }, 'Signing …'));
    const chosen: Choice = { decision: reject.checked ? 'reject' : 'approve', role: role.value, words: plain(words.value), ...(!unlocked && { passphrase: passphrase.value }) };
    passphrase.value = '';
    decide(chosen).then(
      (told) => { form.replaceWith(h('div', { class: 'card done', role: 'status' }, h('p', {}, told))); },
      (error: unknown) => { errors.replaceChildren(alert('Nothing was signed', refusalOf(error))); submit.disabled = false; },
    );
  });
  return form;
}

function choice(value: string, label: string, checked: boolean): [HTMLInputElement, HTMLLabelElement] {
  const input = h('input', { type: 'radio', name: 'decision', value, checked });
  return [input, h('label', { class: 'choice' }, input, label)];
}

function notice(title: string, hint: string, ...more: readonly Node[]): HTMLElement {
  return h('div', { class: 'card notice' }, h('p', {}, title), ...more, h('p', { class: 'help' }, ...text(hint)));
}

/** One line without what nobody sees, as the ledger wants it. */
function plain(text: string): string {
  return withoutUnseen(text.replace(/\s+/g, ' '), '').trim().slice(0, 2000);
}
