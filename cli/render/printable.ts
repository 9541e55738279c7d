/** What others wrote, as a terminal may show it: nothing in it may move the cursor, forge a line, hide or reorder what stands beside it. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}]/gu, '\u00b7');
}

/**
 * A text of ours in which such parts may be left: keeps line breaks and the styles of `paint`, whose worst is a colour, and
 * nothing else that a terminal obeys.
 */
export function printableText(text: string): string {
  return text.replace(/([\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}])(\[(?:0|1|2|3[1236])m)?/gu, (_, control: string, style = '') =>
    control === '\n' || (control === '\x1b' && style !== '') ? `${control}${style}` : `\u00b7${style}`);
}
