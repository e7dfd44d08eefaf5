// Writes the vector files, the same bytes every time. They are permanent: a change here that changes a file that was
// released is a change of the protocol. `node test/vectors/generate.ts [--check]`
import { readFileSync, writeFileSync } from 'node:fs';
import { vectorFiles } from './generate/vector-files.ts';

const check = process.argv.includes('--check');
for (const [name, [clause, cases]] of Object.entries(vectorFiles)) {
  const path = new URL(`${name}.json`, import.meta.url);
  const text = JSON.stringify({ clause, cases: cases() }, null, 1) + '\n';
  if (!check) writeFileSync(path, text);
  else if (readFileSync(path, 'utf8') !== text) {
    console.error(`${name}.json differs from what its generator gives`);
    process.exitCode = 1;
  }
}
