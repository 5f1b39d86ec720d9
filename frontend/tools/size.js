// What a first visit of the home page loads, as it travels: every script and style sheet that index.html names, and
// what those import statically, and the home page's own chunk. Fails above the budget.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';

const BUDGET = 100_000; // bytes, of JavaScript and CSS together, with brotli as CloudFront sends them

const folder = join(import.meta.dirname, '../dist/storefront/browser');
const index = readFileSync(join(folder, 'index.html'), 'utf8');
const named = [...index.matchAll(/(?:src|href)="([^"]+\.(?:js|css))"/g)].map((match) => match[1]);
const home = readdirSync(folder).filter(
  (name) => name.endsWith('.js') && readFileSync(join(folder, name), 'utf8').includes('shop-home'),
);

const loaded = new Set();
function load(name) {
  if (loaded.has(name)) return;
  loaded.add(name);
  const text = readFileSync(join(folder, name), 'utf8');
  for (const [, imported] of text.matchAll(/(?:from|import)\s*"\.\/([^"]+\.js)"/g)) load(imported);
}
[...named, ...home].forEach(load);

const rows = [...loaded].map((name) => {
  const body = readFileSync(join(folder, name));
  return { name, raw: body.length, gzip: gzipSync(body, { level: 9 }).length, brotli: brotliCompressSync(body).length };
});
rows.sort((a, b) => b.brotli - a.brotli);
const total = rows.reduce((sum, row) => ({
  name: 'in all',
  raw: sum.raw + row.raw,
  gzip: sum.gzip + row.gzip,
  brotli: sum.brotli + row.brotli,
}));
for (const { name, raw, gzip, brotli } of [...rows, total]) {
  const [r, g, b] = [raw, gzip, brotli].map((bytes) => (bytes / 1000).toFixed(1).padStart(7));
  console.log(`${r} kB ${g} kB gzip ${b} kB brotli  ${name}`);
}
if (total.brotli > BUDGET) {
  console.error(`A first visit loads ${total.brotli} bytes of JavaScript and CSS; the budget is ${BUDGET}.`);
  process.exitCode = 1;
}
