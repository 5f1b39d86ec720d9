import { countries, countryOf } from './countries';

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

  it('is one of a list in English, whatever the device speaks', () => {
    vi.spyOn(navigator, 'language', 'get').mockReturnValue('C');
    expect(countries().find(({ code }) => code === 'DE')?.name).toBe('Germany');
    vi.restoreAllMocks();
  });
});
