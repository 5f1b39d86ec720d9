/** Begins a formula where a sheet is opened with a spreadsheet; an apostrophe in front makes it text. */
const FORMULA = /^[=+\-@\t\r]/;

/** Rows as a file of comma separated values; source: RFC 4180. */
export function csvOf(rows: readonly (readonly string[])[]): string {
  const cell = (text: string) => `"${(FORMULA.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;
  return rows.map((row) => `${row.map(cell).join(',')}\r\n`).join('');
}
