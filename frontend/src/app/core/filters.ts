import { ListProducts$Params } from '../api/fn/catalog/list-products';
import { Sort } from '../api/models';

/** What a list of products is narrowed down to, and its order. */
export interface Filters {
  readonly category: string;
  readonly q: string;
  /** Empty for the usual one: of a search what fits best comes first, else it goes by name. */
  readonly sort: Sort | '';
  readonly inStock: boolean;
  /** In minor units, as `maxPrice`; null where it does not matter. */
  readonly minPrice: number | null;
  readonly maxPrice: number | null;
}

export const EVERYTHING: Filters = { category: '', q: '', sort: '', inStock: false, minPrice: null, maxPrice: null };

/** Pages that one address can show below each other. */
const MOST_PAGES = 20;

const SORTS: readonly (readonly [Sort, string])[] = [
  ['relevance', 'Best match'],
  ['name', 'Name'],
  ['newest', 'Newest first'],
  ['price', 'Lowest price first'],
  ['-price', 'Highest price first'],
];

/** What can be chosen; the first one is the usual one, which is not in the address. */
export function sortsOf({ q }: Filters): readonly (readonly [Sort | '', string])[] {
  return (q ? SORTS : SORTS.slice(1)).map(([sort, name], place) => [place === 0 ? '' : sort, name] as const);
}

/** As they stand in the address, where anybody may write: what is not known there is not meant. */
export function filtersOf(query: { [Name in keyof Filters]?: string | undefined }): Filters {
  const q = (query.q ?? '').trim().slice(0, 100);
  const [least, most] = [amountOf(query.minPrice), amountOf(query.maxPrice)];
  const turned = least !== null && most !== null && least > most;
  return {
    category: (query.category ?? '').slice(0, 120),
    q,
    sort: sortsOf({ ...EVERYTHING, q }).find(([sort]) => sort === query.sort)?.[0] ?? EVERYTHING.sort,
    inStock: query.inStock === 'true',
    minPrice: turned ? most : least,
    maxPrice: turned ? least : most,
  };
}

function amountOf(text = ''): number | null {
  return /^\d{1,9}$/.test(text) ? Number(text) : null;
}

/** How many pages an address shows below each other. */
export function pagesOf(page = ''): number {
  return /^\d{1,3}$/.test(page) ? Math.min(Math.max(Number(page), 1), MOST_PAGES) : 1;
}

/** For the address: what is as usual is left out (null), so that one list has one address. */
export function queryOf({ category, q, sort, inStock, minPrice, maxPrice }: Filters): Record<string, string | null> {
  return {
    category: category || null,
    q: q || null,
    sort: sort || null,
    inStock: inStock ? 'true' : null,
    minPrice: minPrice === null ? null : String(minPrice),
    maxPrice: maxPrice === null ? null : String(maxPrice),
    // Of another list the first page is shown.
    page: null,
  };
}

/** For the API. */
export function paramsOf({ category, q, sort, inStock, minPrice, maxPrice }: Filters): ListProducts$Params {
  return {
    ...(category && { category }),
    ...(q && { q }),
    ...(sort && { sort }),
    ...(inStock && { inStock }),
    ...(minPrice !== null && { minPrice }),
    ...(maxPrice !== null && { maxPrice }),
  };
}
