// Lighthouse's scores of the pages that a visitor sees first, on a desktop. The shop runs already: `make up`.
//
//   node tools/lighthouse.js http://localhost:8080

import { spawnSync } from 'node:child_process';

const LIGHTHOUSE = 'lighthouse@13.5.0';
const LEAST = { performance: 95, accessibility: 100, 'best-practices': 100, seo: 100 };

const shop = process.argv[2] ?? 'http://localhost:8080';
const { items } = await (await fetch(`${shop}/api/products?limit=1&inStock=true`)).json();
const pages = { home: '/', products: '/products', product: `/products/${items[0].productId}`, cart: '/cart' };

let passed = true;
console.log(['page', ...Object.keys(LEAST)].map((word) => word.padEnd(15)).join(''));
for (const [name, path] of Object.entries(pages)) {
  const flags = ['--preset=desktop', '--output=json', '--quiet', '--chrome-flags=--headless=new --no-sandbox'];
  const { stdout, stderr, status } = spawnSync('npx', ['--yes', LIGHTHOUSE, shop + path, ...flags], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status !== 0) {
    console.error(stderr);
    process.exit(status ?? 1);
  }
  const { categories, audits } = JSON.parse(stdout);
  const scores = Object.keys(LEAST).map((id) => Math.round(categories[id].score * 100));
  console.log([name, ...scores].map((word) => String(word).padEnd(15)).join(''));
  for (const [place, id] of Object.keys(LEAST).entries()) {
    if (scores[place] >= LEAST[id]) continue;
    passed = false;
    const lost = categories[id].auditRefs.filter((ref) => ref.weight > 0 && (audits[ref.id].score ?? 1) < 0.9);
    for (const ref of lost) console.log(`  ${id}: ${audits[ref.id].title} ${audits[ref.id].displayValue ?? ''}`);
  }
}
if (!passed) {
  console.error(`Wanted at least: ${JSON.stringify(LEAST)}`);
  process.exitCode = 1;
}
