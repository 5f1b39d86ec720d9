import { Facts, StaffProduct } from '../../api/models';
import { NEW_PRODUCT, differences, moved, siblingOf, textOf } from './product-draft';

const MUG: Facts = {
  name: 'Mug',
  category: 'Kitchen',
  description: 'Holds tea',
  listed: true,
  price: { amount: 1990, currency: 'SGD' },
  variant: null,
  images: [{ imageId: 'img_1', alt: 'A mug' }],
};

describe('a product that is edited', () => {
  it('has just what is different between two versions', () => {
    const after = { ...MUG, name: 'Big mug', listed: false, images: [...MUG.images, { imageId: 'img_2', alt: '' }] };
    expect(differences(MUG, after)).toEqual([
      ['Name', 'Mug', 'Big mug'],
      ['On sale', 'yes', 'no'],
      ['Pictures', 'A mug', 'A mug, without a text'],
    ]);
    expect(differences(MUG, MUG)).toEqual([]);
  });

  it('goes to the API in minor units, or as it was typed where that is no amount', () => {
    const draft = { ...NEW_PRODUCT, name: 'Mug', category: 'Kitchen', price: '19.9' };
    expect(textOf(draft, 'SGD').price).toEqual({ amount: 1990, currency: 'SGD' });
    expect(textOf({ ...draft, price: 'cheap' }, 'SGD').price).toEqual({ amount: 'cheap', currency: 'SGD' });
  });

  it('is a variant if anything says so, and the API says what is missing', () => {
    expect(textOf(NEW_PRODUCT, 'SGD').variant).toBeNull();
    const some = { group: 'Boots', attribute: 'Size', value: '' };
    expect(textOf({ ...NEW_PRODUCT, ...some }, 'SGD').variant).toEqual(some);
  });

  it('begins another variant of its group with all but what makes it that one', () => {
    const boots = { ...MUG, name: 'Boots, size 42', variant: { group: 'Boots', attribute: 'Size', value: '42' } };
    expect(siblingOf(boots as unknown as StaffProduct)).toMatchObject({
      name: 'Boots, ',
      group: 'Boots',
      attribute: 'Size',
      value: '',
      price: '19.90',
    });
    expect(siblingOf(MUG as unknown as StaffProduct)).toMatchObject({ name: 'Mug, ', group: 'Mug' });
  });

  it('has its pictures moved by a place, and not beyond the ends', () => {
    expect(moved(['a', 'b', 'c'], 1, -1)).toEqual(['b', 'a', 'c']);
    expect(moved(['a', 'b', 'c'], 1, 1)).toEqual(['a', 'c', 'b']);
    expect(moved(['a', 'b'], 0, -1)).toEqual(['a', 'b']);
  });
});
