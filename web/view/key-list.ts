import { keyStore } from '../keys/store.ts';
import type { SealedKey } from '../keys/vault.ts';
import { refusalOf } from '../refusal.ts';
import { alert, button, field, h, printable } from './dom.ts';
import { newKeyForm } from './new-key.ts';

/** The keys of this browser: one is chosen, others are made, taken in or taken away. */
export class KeyList {
  readonly element = h('div', { class: 'keys' });
  readonly #onChoose: (key: SealedKey | undefined) => void;
  #chosen: SealedKey | undefined;

  constructor(onChoose: (key: SealedKey | undefined) => void) {
    this.#onChoose = onChoose;
  }

  async show(prefer?: SealedKey): Promise<void> {
    let keys: SealedKey[];
    try {
      keys = await keyStore.list();
    } catch (error) {
      this.element.replaceChildren(alert('This browser keeps no keys for this page', refusalOf(error)));
      return;
    }
    this.#choose(keys.find(({ key }) => key === (prefer ?? this.#chosen)?.key) ?? keys[0]);
    const make = (mode: 'create' | 'import') => (): void => {
      const form = newKeyForm(mode, (key) => { void this.show(key); });
      this.element.replaceChildren(form);
      form.querySelector('input')?.focus();
    };
    this.element.replaceChildren(
      keys.length === 0 ? h('p', {}, 'There is no key in this browser yet. Your key stays here, encrypted, and signs in this page.') : this.#selection(keys),
      h('div', { class: 'actions' }, button('Import a key', make('import'), { class: keys.length === 0 ? 'primary' : 'link' }), button('Create a key', make('create'), { class: keys.length === 0 ? 'plain' : 'link' }), this.#chosen && button('Remove this key', () => { this.#confirmRemoval(); }, { class: 'link' })),
    );
  }

  #selection(keys: readonly SealedKey[]): HTMLElement {
    const select = h('select', { name: 'key' }, ...keys.map(({ key, name }) => h('option', { value: key, selected: key === this.#chosen?.key }, `${printable(name)} (…${key.slice(-8)})`)));
    select.addEventListener('change', () => { this.#choose(keys.find(({ key }) => key === select.value)); });
    return field('Your key', select);
  }

  #choose(key: SealedKey | undefined): void {
    this.#chosen = key;
    this.#onChoose(key);
  }

  #confirmRemoval(): void {
    const key = this.#chosen;
    if (!key) return;
    const back = button('Keep it', () => { void this.show(); }, { class: 'primary' });
    const remove = button('Remove it', () => { void keyStore.remove(key.key).then(() => this.show()); }, { class: 'danger' });
    this.element.replaceChildren(h('div', { class: 'card', role: 'group', 'aria-label': 'Remove a key' }, h('p', {}, `Remove ${printable(key.name)} from this browser? If there is no copy of it elsewhere, it is lost for good.`), h('code', { class: 'key' }, key.key), h('div', { class: 'actions' }, back, remove)));
    back.focus();
  }
}
