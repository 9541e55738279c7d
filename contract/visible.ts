/**
 * What no reader sees, or what moves what a reader sees, as the inside of a character class (flag `u`): control and format
 * characters, separators of lines, private ones, those that Unicode lets a font leave out, and the empty Braille cell.
 */
export const UNSEEN = String.raw`\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}\p{Default_Ignorable_Code_Point}\u2800`;

const EACH = new RegExp(`[${UNSEEN}]`, 'gu');

/** The text with something that can be seen in the place of each of them. */
export function withoutUnseen(text: string, instead: string): string {
  return text.replace(EACH, () => instead);
}
