// Every reader of files from elsewhere is fuzzed: what readVault reaches is (fuzz.test.ts), and there is no reader besides.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { importFormats } from '../../../../workers/exchange/formats.ts';

const folder = join(import.meta.dirname, '../../../../workers/exchange');
const fuzz = readFileSync(join(import.meta.dirname, 'fuzz.test.ts'), 'utf8');
const sources = readdirSync(folder).filter((name) => name.endsWith('.ts'));
const textOf = (name: string) => readFileSync(join(folder, name), 'utf8');

/** What a module uses, types apart. */
function importsOf(name: string): string[] {
  const found = textOf(name).matchAll(
    /(?:import|export) (?!type )[^;]*?from '\.\/([\w-]+\.ts)'|import\('\.\/([\w-]+\.ts)'\)/g,
  );
  return [...found].map(([, direct = '', later = '']) => direct || later);
}

function reachedFrom(start: string, seen = new Set<string>()): ReadonlySet<string> {
  if (seen.has(start)) return seen;
  seen.add(start);
  for (const name of importsOf(start)) reachedFrom(name, seen);
  return seen;
}

const readers = sources.flatMap((name) =>
  [
    ...textOf(name).matchAll(
      /^export (?:async )?function\*? ((?:read|parse|decode|open|unpack|gunzip|detect)\w*)/gm,
    ),
  ].map(([, reader = '']) => ({ name, reader })),
);

test('each reader is one that readVault comes to, or fuzzed by its name', () => {
  const reached = reachedFrom('formats.ts');
  expect(readers.length).toBeGreaterThan(20);
  expect(readers.filter(({ name, reader }) => !reached.has(name) && !fuzz.includes(reader))).toEqual([]);
});

test('the walk sees a reader that nobody comes to', () => {
  expect(reachedFrom('xml-elements.ts').has('csv-reader.ts')).toBe(false);
  expect(reachedFrom('formats.ts').has('xml-elements.ts')).toBe(true);
});

test('every format has a sample that is changed', () => {
  const samples = fuzz.slice(fuzz.indexOf('const samples'), fuzz.indexOf('/** Changes bytes'));
  expect(importFormats.filter((format) => !new RegExp(`\\n  '?${format}'?:`).test(samples))).toEqual([]);
});
