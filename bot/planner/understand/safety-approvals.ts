import type { Marks } from './safety-marks.ts';

/** Ways around a signature that name none who signs: `mark it as approved`, `take legal off the signers`, `begin, the approval comes later`. */
export function evadesApproval(marks: Marks): boolean {
  const wanted = (mark: { readonly from: number; readonly to: number }): boolean => !marks.isDenied(mark);
  if (marks.of('waive').some(wanted)) return true;
  if (marks.of('mark').some((mark) => wanted(mark) && marks.opens(mark, 2) && (marks.near(mark, { after: 6 }, 'done').length > 0 || marks.near(mark, { after: 4 }, 'approval').length > 0))) return true;
  if (marks.of('pretend').some((mark) => wanted(mark) && marks.near(mark, { after: 8 }, 'done').length > 0)) return true;
  if (marks.of('reduce').some((mark) => wanted(mark) && marks.opens(mark, 2) && marks.near(mark, { after: 9 }, 'signers').length > 0)) return true;
  if (marks.of('disable').some((mark) => wanted(mark) && marks.opens(mark, 2) && marks.near(mark, { after: 3 }, 'approval').length > 0)) return true;
  if (marks.of('ahead').some((mark) => marks.of('later').some(({ from }) => from > mark.from) && marks.near(mark, { before: 8, after: 8 }, 'approval').length > 0)) return true;
  // `without waiting for anyone to sign`
  if (marks.of('wait').some((mark) => marks.near(mark, { before: 4 }, 'not', 'without').length > 0 && marks.near(mark, { after: 8 }, 'sign', 'approve', 'done', 'stakeholder').length > 0)) return true;
  return marks.of('approve').some((mark) => wanted(mark) && marks.near(mark, { before: 3 }, 'requester').length > 0 && marks.near(mark, { after: 5 }, 'contract').length > 0 && [1, 2, 3].some((step) => /^(?:own|eigen\w*|propre|propri[oa]|propi[oa])$/.test(marks.word(mark.to + step))));
}
