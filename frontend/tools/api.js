// The typed client in src/app/api, generated from ../schemas/openapi.json; with --check only compared with it.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NgOpenApiGen } from 'ng-openapi-gen';
import options from '../ng-openapi-gen.json' with { type: 'json' };

const root = join(import.meta.dirname, '..');
const committed = join(root, options.output);

async function generate(output) {
  const description = JSON.parse(readFileSync(join(root, options.input), 'utf8'));
  new NgOpenApiGen(description, { ...options, output }).generate();
}

function files(folder) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const names = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return new Map(names.map((name) => [name.slice(folder.length + 1), readFileSync(name, 'utf8')]));
}

if (process.argv.includes('--check')) {
  const fresh = mkdtempSync(join(tmpdir(), 'api-'));
  try {
    await generate(fresh);
    const [wanted, found] = [files(fresh), files(committed)];
    const stale = [...new Set([...wanted.keys(), ...found.keys()])].filter((n) => wanted.get(n) !== found.get(n));
    if (stale.length) {
      console.error(
        `src/app/api is not what schemas/openapi.json says. Run \`npm run gen:api\`:\n  ${stale.join('\n  ')}`,
      );
      process.exitCode = 1;
    }
  } finally {
    rmSync(fresh, { recursive: true });
  }
} else {
  await generate(committed);
}
