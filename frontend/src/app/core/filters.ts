import { ListProducts$Params } from '../api/fn/catalog/list-products';
import { Sort } from '../api/models';

/** What a list of products is narrowed down to, and its order. */
export interface Filters {
  readonly category: string;
  readonly q: string;
  readonly sort: Sort;
  readonly inStock: boolean;
}

export const EVERYTHING: Filters = { category: '', q: '', sort: 'name', inStock: false };

export const SORTS: readonly (readonly [Sort, string])[] = [
  ['name', 'Name'],
  ['newest', 'Newest first'],
  ['price', 'Lowest price first'],
  ['-price', 'Highest price first'],
];

/** As they stand in the address, where anybody may write: what is not known there is not meant. */
export function filtersOf(query: { [Name in keyof Filters]?: string | undefined }): Filters {
  return {
    category: (query.category ?? '').slice(0, 120),
    q: (query.q ?? '').trim().slice(0, 100),
    sort: SORTS.find(([sort]) => sort === query.sort)?.[0] ?? EVERYTHING.sort,
    inStock: query.inStock === 'true',
  };
}

/** For the address: what is as usual is left out (null), so that one list has one address. */
export function queryOf({ category, q, sort, inStock }: Filters): Record<keyof Filters, string | null> {
  return {
    category: category || null,
    q: q || null,
    sort: sort === EVERYTHING.sort ? null : sort,
    inStock: inStock ? 'true' : null,
  };
}

/** For the API. */
export function paramsOf({ category, q, sort, inStock }: Filters): ListProducts$Params {
  return { sort, ...(category && { category }), ...(q && { q }), ...(inStock && { inStock }) };
}
