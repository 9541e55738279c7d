import type { ContractId } from '../../contract/contract.ts';
import type { DidKey } from '../../contract/principal.ts';
import type { Progress, Reviewed } from '../ledger/review.ts';
import type { Speaker, Standing } from '../ledger/standing.ts';
import type { Refusal } from '../refusal.ts';

/** What the page asks its worker; every question but `open` has a number, which its answer bears. */
export type Ask =
  | { readonly type: 'open'; readonly contract: ContractId }
  | { readonly type: 'speaker'; readonly call: number; readonly key: DidKey }
  | { readonly type: 'refresh'; readonly call: number };

export type Tell =
  | { readonly type: 'progress'; readonly progress: Progress }
  | { readonly type: 'opened'; readonly reviewed: Reviewed; readonly milliseconds: number }
  | { readonly type: 'refused'; readonly refusal: Refusal }
  | { readonly type: 'speaker'; readonly call: number; readonly speaker: Speaker }
  | { readonly type: 'standing'; readonly call: number; readonly standing: Standing }
  /** Every question is answered, if only with this; after a final one nothing more can be asked. */
  | { readonly type: 'failed'; readonly call: number; readonly refusal: Refusal; readonly final: boolean };
