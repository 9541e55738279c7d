import { h, printable } from './dom.ts';

const ID = /sha256:[0-9a-f]{64}/;

/** A long id: all of it is in the page and can be copied, its beginning is what is seen. */
export function identifier(id: string): HTMLElement {
  return h('code', { class: 'id', title: id, translate: 'no' }, id);
}

/** A line of text in which each id stands whole, with the name that the ledger has for it before it. */
export function line(text: string, names: ReadonlyMap<string, string>): (Node | string)[] {
  return text.split(/(sha256:[0-9a-f]{64})/).filter((part) => part !== '').flatMap((part): (Node | string)[] => {
    if (!ID.test(part)) return [printable(part)];
    const name = names.get(part);
    // A name is anybody's own word: it is told apart from the line that was signed.
    return name === undefined ? [identifier(part)] : [h('span', { class: 'name' }, `${printable(name)} `), identifier(part)];
  });
}
