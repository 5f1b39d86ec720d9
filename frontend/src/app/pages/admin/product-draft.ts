import { ChangeKind, ChangedText, Facts, NewProduct, StaffProduct } from '../../api/models';
import { formatMoney } from '../../core/format';
import { amountText, parseAmount } from '../../core/amounts';

/** What shoppers read of a product, as it is typed. */
export interface ProductDraft {
  readonly name: string;
  readonly category: string;
  readonly price: string;
  readonly description: string;
  /** Of a product that is the only one of its kind, these are empty. */
  readonly group: string;
  readonly attribute: string;
  readonly value: string;
}

export const NEW_PRODUCT: ProductDraft = {
  name: '',
  category: '',
  price: '',
  description: '',
  group: '',
  attribute: '',
  value: '',
};

export const FIELDS: readonly (readonly [keyof ProductDraft, string])[] = [
  ['name', 'Name'],
  ['category', 'Category'],
  ['price', 'Price'],
  ['description', 'Description'],
  ['group', 'Variant of'],
  ['attribute', 'They differ in'],
  ['value', 'This one'],
];

export const CHANGES: Readonly<Record<ChangeKind, string>> = {
  CREATED: 'Created',
  TEXT: 'Edited',
  LISTED: 'Put on sale',
  UNLISTED: 'Taken off sale',
  IMAGE_ADDED: 'Picture added',
  IMAGES: 'Pictures changed',
};

export function draftOf({ name, category, price, description, variant }: StaffProduct): ProductDraft {
  const { group = '', attribute = '', value = '' } = variant ?? {};
  return { name, category, description, price: amountText(price), group, attribute, value };
}

/** Another variant of a product's group, to be written: all but what makes it that one. */
export function siblingOf(product: StaffProduct): ProductDraft {
  const { group, attribute, ...draft } = draftOf(product);
  return { ...draft, name: `${group || draft.name}, `, group: group || draft.name, attribute, value: '' };
}

/** For the API: what is no amount goes as it was typed, and the API says so at its field. */
export function textOf(draft: ProductDraft, currency: string): Omit<ChangedText & NewProduct, 'version'> {
  const { group, attribute, value, ...text } = draft;
  const amount = parseAmount(draft.price, currency) ?? draft.price;
  const variant = group || attribute || value ? { group, attribute, value } : null;
  return { ...text, price: { amount, currency }, variant } as Omit<ChangedText & NewProduct, 'version'>;
}

/** What two versions have different: each field with what it was and is. */
export function differences(before: Facts | null, after: Facts): readonly (readonly [string, string, string])[] {
  const rows = [
    ['Name', before?.name ?? '', after.name],
    ['Category', before?.category ?? '', after.category],
    ['Price', before ? formatMoney(before.price) : '', formatMoney(after.price)],
    ['Description', before?.description ?? '', after.description],
    ['Variant', before ? variantOf(before) : '', variantOf(after)],
    ['On sale', before ? yesNo(before.listed) : '', yesNo(after.listed)],
    ['Pictures', before ? picturesOf(before) : '', picturesOf(after)],
  ] as const;
  return rows.filter(([, was, is]) => was !== is);
}

function yesNo(value: boolean): string {
  return value ? 'yes' : 'no';
}

function variantOf({ variant }: Facts): string {
  return variant ? `${variant.group}: ${variant.attribute} ${variant.value}` : 'none';
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
