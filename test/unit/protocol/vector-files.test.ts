import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { vectorFiles } from '../../vectors/generate/vector-files.ts';

// The generators compute them by other means than protocol/ does. A file that was changed by hand would have nobody's word but ours.
test.for(Object.entries(vectorFiles))('%s.json is what its generator gives', ([name, [clause, cases]]) => {
  const stored = readFileSync(new URL(`../../vectors/${name}.json`, import.meta.url), 'utf8');
  expect(JSON.stringify({ clause, cases: cases() }, null, 1) + '\n' === stored).toBe(true);
});
