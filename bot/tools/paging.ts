import { z } from 'zod';

const DEFAULT_LIMIT = 20;
export const MAX_LIMIT = 100;

/** What every list takes: how many, and where the page before ended. */
export const page = {
  limit: z.int().min(1).max(MAX_LIMIT).default(DEFAULT_LIMIT).describe(`How many at most (default ${DEFAULT_LIMIT}).`),
  cursor: z.string().regex(/^\d{1,9}$/).optional().describe('`next` of the page before.'),
};
/** What every list gives besides its items. */
export const paged = { total: z.int(), next: z.string().optional().describe('Cursor of the next page; absent on the last.') };

/** One page of a list that is in a fixed order. */
export function pageOf<T>(all: readonly T[], { limit, cursor }: { readonly limit: number; readonly cursor?: string | undefined }): { items: T[]; total: number; next?: string } {
  const from = Number(cursor ?? 0);
  const to = from + limit;
  return { items: all.slice(from, to), total: all.length, ...(to < all.length && { next: String(to) }) };
}
