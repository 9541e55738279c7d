import { UNSEEN } from '../../contract/visible.ts';

export { printable } from '../../bot/chat/printable.ts';

const TO_CLEAN = new RegExp(String.raw`([${UNSEEN}])(\[(?:0|1|2|3[1236])m)?`, 'gu');

/**
 * A text of ours in which such parts may be left: keeps line breaks and the styles of `paint`, whose worst is a colour, and
 * nothing else that a terminal obeys.
 */
export function printableText(text: string): string {
  return text.replace(TO_CLEAN, (_, control: string, style = '') =>
    control === '\n' || (control === '\x1b' && style !== '') ? `${control}${style}` : `\u00b7${style}`);
}
