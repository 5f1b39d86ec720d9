import { ShippingRates } from '../../api/models';
import { NEW_ZONE, codesOf, currencyOf, ratesOf, taxRatesOf, taxesOf, zonesOf } from './rate-drafts';

function money(amount: number): { amount: number; currency: string } {
  return { amount, currency: 'SGD' };
}

const RATES: ShippingRates = {
  version: 3,
  zones: [
    {
      name: 'Near',
      countries: ['SG', 'MY'],
      cashUpTo: money(100_000),
      methods: [
        {
          methodId: 'standard',
          name: 'Standard delivery',
          price: money(400),
          freeFrom: null,
          earliestDays: 1,
          latestDays: 3,
        },
      ],
    },
  ],
};

describe('shipping rates that are edited', () => {
  it('go back to the API as they came, where nothing was changed', () => {
    expect(ratesOf(zonesOf(RATES), currencyOf(RATES), RATES.version)).toEqual(RATES);
  });

  it('go to the API with what was mistyped, so that it says what is wrong with which field', () => {
    const [zone] = ratesOf([NEW_ZONE], 'SGD', 0).zones;
    expect(zone?.methods[0]).toEqual({
      ...{ methodId: '', name: '', price: { amount: '', currency: 'SGD' }, freeFrom: null },
      ...{ earliestDays: '', latestDays: '' },
    });
  });

  it('take country codes with anything between them', () => {
    expect(codesOf(' sg, MY;\nid ')).toEqual(['SG', 'MY', 'ID']);
  });
});

describe('tax rates that are edited', () => {
  it.each([
    ['9', 900],
    ['8.25', 825],
    ['0', 0],
    ['19.99', 1999],
    ['nine', 'nine'],
    ['8.255', '8.255'],
  ])('%s per cent are %s basis points', (percent, basisPoints) => {
    expect(taxRatesOf([{ country: 'sg', name: 'GST', percent }], 1).rates).toEqual([
      { country: 'SG', name: 'GST', basisPoints },
    ]);
  });

  it('go back to the API as they came', () => {
    const rates = { version: 2, rates: [{ country: 'SG', name: 'GST', basisPoints: 825 }] };
    expect(taxRatesOf(taxesOf(rates), 2)).toEqual(rates);
  });
});
