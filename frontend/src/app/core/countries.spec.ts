import { byName, countryOf } from './countries';

describe('the country that is chosen beforehand', () => {
  it.each([
    ['de-AT', 'AT'],
    ['zh-Hant-TW', 'TW'],
    ['en', 'SG'],
    ['en-US@posix', 'US'],
    ['C', 'SG'],
    ['', 'SG'],
    ['en-XX', 'SG'],
  ])('of a device that speaks "%s" is %s', (language, country) => {
    expect(countryOf(language)).toBe(country);
  });
});

describe('a list of countries', () => {
  it('is in English and in the order of its names, whatever the device speaks', () => {
    vi.spyOn(navigator, 'language', 'get').mockReturnValue('C');
    expect(byName(['US', 'DE', 'SG']).map(({ name }) => name)).toEqual(['Germany', 'Singapore', 'United States']);
    vi.restoreAllMocks();
  });
});
