import { utils } from '@noble/ed25519';
import { MAX_KEY_FILE } from '../keys/pem.ts';
import { didOf, isEncryptedFile, readPrivateKey } from '../keys/private-key.ts';
import { keyStore } from '../keys/store.ts';
import { requireFitPassphrase, sealKey, type SealedKey } from '../keys/vault.ts';
import { Refused, refusalOf } from '../refusal.ts';
import { alert, button, field, h } from './dom.ts';

const PROTECT = 'It encrypts the key in this browser, and nobody can reset it. Five random words are easy to keep and hard to guess.';

/** The form that makes a key here, or takes one in. */
export function newKeyForm(mode: 'create' | 'import', done: (key: SealedKey | undefined) => void): HTMLFormElement {
  const name = h('input', { type: 'text', required: true, maxlength: '60', autocomplete: 'username', name: 'key-name' });
  const file = h('input', { type: 'file', name: 'key-file', accept: '.pem,.key,text/plain,application/x-pem-file,*/*' });
  const text = h('textarea', { rows: '5', spellcheck: 'false', autocomplete: 'off', autocapitalize: 'off', name: 'key-text', class: 'secret' });
  const fileSecret = secretInput('file-passphrase', 'off');
  const fileField = field('Passphrase of the file', fileSecret, 'The one it was exported with.');
  const passphrase = secretInput('new-passphrase', 'new-password');
  const again = secretInput('new-passphrase-again', 'new-password');
  const errors = h('div', {});
  const submit = h('button', { type: 'submit', class: 'primary' }, mode === 'create' ? 'Create key' : 'Import key');
  // A chosen file is not shown: somebody may be looking.
  let chosen = '';
  const given = (): string => (text.value.trim() === '' ? chosen : text.value);
  const wipe = (): void => {
    for (const input of [text, fileSecret, passphrase, again, file]) input.value = '';
    chosen = '';
  };

  const noteForm = (): void => { fileField.hidden = !isEncryptedFile(given()); };
  noteForm();
  text.addEventListener('input', noteForm);
  file.addEventListener('change', () => {
    text.value = '';
    void (file.files?.[0]?.slice(0, MAX_KEY_FILE + 1).text() ?? Promise.resolve('')).then((read) => {
      chosen = read;
      noteForm();
    });
  });

  const make = async (): Promise<SealedKey> => {
    if (passphrase.value !== again.value) throw new Refused('passphrase_differs', 'the two new passphrases differ', 'type the same twice');
    requireFitPassphrase(passphrase.value);
    const seed = mode === 'create' ? utils.randomSecretKey() : await readPrivateKey(given(), fileSecret.value);
    try {
      const key = didOf(seed);
      if ((await keyStore.list()).some((known) => known.key === key)) throw new Refused('key_exists', 'this key is in this browser already', 'choose it from the list');
      const sealed = await sealKey({ key, seed, name: name.value.trim(), created: new Date().toISOString(), passphrase: passphrase.value });
      await keyStore.add(sealed);
      return sealed;
    } finally {
      seed.fill(0);
    }
  };
  const form = h('form', { class: 'card', 'aria-label': mode === 'create' ? 'Create a key' : 'Import a key', autocomplete: 'off' },
    field('Name', name, 'What you call this key here, for example your own name.'),
    mode === 'import' && field('Key file', file, 'OpenSSH or PKCS#8 with an Ed25519 key, as `3bot key export NAME --format pkcs8` writes it. It is read here and sent nowhere.'),
    mode === 'import' && field('Or paste it', text),
    mode === 'import' && fileField,
    field('New passphrase', passphrase, PROTECT),
    field('The same again', again),
    errors,
    h('div', { class: 'actions' }, submit, button('Cancel', () => { wipe(); done(undefined); }, { class: 'plain' })),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    submit.disabled = true;
    errors.replaceChildren(h('p', { role: 'status' }, 'Encrypting the key …'));
    make().then((sealed) => { wipe(); done(sealed); }, (error: unknown) => { errors.replaceChildren(alert('The key was not taken in', refusalOf(error))); }).finally(() => { submit.disabled = false; });
  });
  return form;
}

/** An input for a passphrase; nothing of it outlives its use. */
export function secretInput(name: string, autocomplete: 'off' | 'new-password' | 'current-password'): HTMLInputElement {
  return h('input', { type: 'password', name, autocomplete, maxlength: '1024', spellcheck: 'false', autocapitalize: 'off', required: name !== 'file-passphrase' });
}
