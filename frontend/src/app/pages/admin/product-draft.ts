import { ChangeKind, ChangedText, Facts, NewProduct, StaffProduct } from '../../api/models';
import { formatMoney } from '../../core/format';
import { amountText, parseAmount } from '../../core/amounts';

/** What shoppers read of a product, as it is typed. */
export interface ProductDraft {
  readonly name: string;
  readonly category: string;
  readonly price: string;
  readonly description: string;
}

export const NEW_PRODUCT: ProductDraft = { name: '', category: '', price: '', description: '' };

export const FIELDS: readonly (readonly [keyof ProductDraft, string])[] = [
  ['name', 'Name'],
  ['category', 'Category'],
  ['price', 'Price'],
  ['description', 'Description'],
];

export const CHANGES: Readonly<Record<ChangeKind, string>> = {
  CREATED: 'Created',
  TEXT: 'Edited',
  LISTED: 'Put on sale',
  UNLISTED: 'Taken off sale',
  IMAGE_ADDED: 'Picture added',
  IMAGES: 'Pictures changed',
};

export function draftOf({ name, category, price, description }: StaffProduct): ProductDraft {
  return { name, category, description, price: amountText(price) };
}

/** For the API: what is no amount goes as it was typed, and the API says so at its field. */
export function textOf(draft: ProductDraft, currency: string): Omit<ChangedText & NewProduct, 'version'> {
  const amount = parseAmount(draft.price, currency) ?? draft.price;
  return { ...draft, price: { amount, currency } } as Omit<ChangedText & NewProduct, 'version'>;
}

/** What two versions have different: each field with what it was and is. */
export function differences(before: Facts | null, after: Facts): readonly (readonly [string, string, string])[] {
  const rows = [
    ['Name', before?.name ?? '', after.name],
    ['Category', before?.category ?? '', after.category],
    ['Price', before ? formatMoney(before.price) : '', formatMoney(after.price)],
    ['Description', before?.description ?? '', after.description],
    ['On sale', before ? yesNo(before.listed) : '', yesNo(after.listed)],
    ['Pictures', before ? picturesOf(before) : '', picturesOf(after)],
  ] as const;
  return rows.filter(([, was, is]) => was !== is);
}

function yesNo(value: boolean): string {
  return value ? 'yes' : 'no';
}

function picturesOf({ images }: Facts): string {
  return images.length ? images.map(({ alt }) => alt || 'without a text').join(', ') : 'none';
}

/** A list with one of its things a place further up or down. */
export function moved<T>(list: readonly T[], index: number, by: -1 | 1): readonly T[] {
  const other = index + by;
  if (other < 0 || other >= list.length) return list;
  return list.map((each, at) => (at === index ? list[other]! : at === other ? list[index]! : each));
}
