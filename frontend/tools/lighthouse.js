// Lighthouse's scores of the pages that a visitor sees first: on a phone (the median of five runs, for they vary), and on a
// desktop. The shop runs already: `make up`. On a machine that does something else meanwhile, they are lower.
//
//   node tools/lighthouse.js http://localhost:8080

import { spawnSync } from 'node:child_process';
import { loadavg } from 'node:os';

const LIGHTHOUSE = 'lighthouse@13.5.0';
const OTHERS = { accessibility: 100, 'best-practices': 100, seo: 100 };
const DEVICES = [
  { device: 'phone', runs: 5, flags: [], least: { performance: 95, ...OTHERS } },
  { device: 'desktop', runs: 1, flags: ['--preset=desktop'], least: { performance: 100, ...OTHERS } },
];

const shop = process.argv[2] ?? 'http://localhost:8080';
const { items } = await (await fetch(`${shop}/api/products?limit=1&inStock=true`)).json();
const pages = { home: '/', products: '/products', product: `/products/${items[0].productId}`, cart: '/cart' };

function measure(path, flags) {
  const { stdout, stderr, status } = spawnSync(
    'npx',
    [
      '--yes',
      LIGHTHOUSE,
      shop + path,
      ...flags,
      '--output=json',
      '--quiet',
      '--chrome-flags=--headless=new --no-sandbox',
    ],
    { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
  );
  if (status !== 0) {
    console.error(stderr);
    process.exit(status ?? 1);
  }
  return JSON.parse(stdout);
}

/** The run in the middle, by performance. */
function median(runs) {
  const score = ({ categories }) => categories.performance.score;
  return runs.sort((a, b) => score(a) - score(b))[Math.floor(runs.length / 2)];
}

const categories = Object.keys(DEVICES[0].least);
let passed = true;
console.log(`load of the machine: ${loadavg()[0].toFixed(1)}`);
console.log(['device', 'page', ...categories, 'largest paint'].map((word) => word.padEnd(15)).join(''));
for (const { device, runs, flags, least } of DEVICES) {
  for (const [name, path] of Object.entries(pages)) {
    const run = median(Array.from({ length: runs }, () => measure(path, flags)));
    const scores = categories.map((id) => Math.round(run.categories[id].score * 100));
    const paint = run.audits['largest-contentful-paint'].displayValue;
    console.log([device, name, ...scores, paint].map((word) => String(word).padEnd(15)).join(''));
    for (const [place, id] of categories.entries()) {
      if (scores[place] >= least[id]) continue;
      passed = false;
      const lost = run.categories[id].auditRefs.filter(
        (ref) => ref.weight > 0 && (run.audits[ref.id].score ?? 1) < 0.9,
      );
      for (const ref of lost)
        console.log(`  ${id}: ${run.audits[ref.id].title} ${run.audits[ref.id].displayValue ?? ''}`);
    }
  }
}
if (!passed) {
  console.error(
    `Wanted at least: ${DEVICES.map(({ device, least }) => `${device} ${JSON.stringify(least)}`).join(', ')}`,
  );
  process.exitCode = 1;
}
