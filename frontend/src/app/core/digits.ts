const DIGIT = /\p{Nd}/u;

/**
 * A code or a number as it was meant: pasted with blanks, hyphens or invisible characters in it, or typed with the digits
 * of another script. What is no digit and no separator stays, so that it is refused.
 */
export function cleanedDigits(text: string): string {
  return Array.from(text.normalize('NFKC').replace(/[\p{Z}\p{C}\p{Pd}]/gu, ''), (each) =>
    DIGIT.test(each) ? String(valueOf(each.codePointAt(0)!)) : each,
  ).join('');
}

/** The digits of a script stand in a row, beginning with its zero. */
function valueOf(point: number): number {
  let zero = point;
  while (point - zero < 9 && DIGIT.test(String.fromCodePoint(zero - 1))) zero--;
  return point - zero;
}
