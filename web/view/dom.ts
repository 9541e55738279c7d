import { withoutUnseen } from '../../contract/visible.ts';

type Child = Node | string | undefined | false;

/** An element with attributes and children; texts become text nodes, whatever is in them. */
export function h<K extends keyof HTMLElementTagNameMap>(tag: K, attributes: Readonly<Record<string, string | boolean>> = {}, ...children: readonly Child[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, '');
    else if (value !== false) element.setAttribute(name, value);
  }
  for (const child of children) if (child !== undefined && child !== false) element.append(child);
  return element;
}

/** A button that does one thing. */
export function button(label: string, onClick: () => void, attributes: Readonly<Record<string, string | boolean>> = {}): HTMLButtonElement {
  const element = h('button', { type: 'button', ...attributes }, label);
  element.addEventListener('click', onClick);
  return element;
}

let fields = 0;

/** A control under its label, with words of help. */
export function field(label: string, control: HTMLElement, help?: string): HTMLElement {
  const id = `field-${++fields}`;
  control.id = id;
  const hint = help === undefined ? undefined : h('p', { id: `${id}-help`, class: 'help' }, ...words(help));
  if (hint) control.setAttribute('aria-describedby', hint.id);
  return h('div', { class: 'field' }, h('label', { for: id }, label), control, hint);
}

/** A part of the page under its heading; read out when it is jumped to. */
export function section(name: string, title: string, ...children: readonly Child[]): HTMLElement {
  return h('section', { 'aria-labelledby': `${name}-title`, id: name }, h('h2', { id: `${name}-title` }, title), ...children);
}

/** What failed and what to do; announced at once. */
export function alert(title: string, { message, hint, code }: { readonly message: string; readonly hint: string; readonly code: string }): HTMLElement {
  return h('div', { class: 'alert', role: 'alert', 'data-code': code }, h('strong', {}, title), h('p', {}, ...words(message)), h('p', { class: 'help' }, ...words(hint)));
}

/** A text with `commands` in it. */
export function words(text: string): (Node | string)[] {
  return printable(text).split('`').map((part, i) => (i % 2 === 1 ? h('code', {}, part) : part));
}

/** What others wrote, as it may be shown: nothing in it may hide or reorder what stands beside it. */
export function printable(text: string): string {
  return withoutUnseen(text, '\u00b7');
}
