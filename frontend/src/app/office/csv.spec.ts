import { csvOf } from './csv';

describe('a file of comma separated values', () => {
  it('keeps commas, quotation marks and broken lines within a cell', () => {
    expect(
      csvOf([
        ['a,b', 'say "yes"'],
        ['two\nlines', ''],
      ]),
    ).toBe('"a,b","say ""yes"""\r\n"two\nlines",""\r\n');
  });

  it.each(['=1+1', '+1', '-1', '@x', '\tx'])('holds no formula: %s', (text) => {
    expect(csvOf([[text]])).toBe(`"'${text}"\r\n`);
  });
});
