// A label without a vector fails here: the vectors' own implementation says which it was asked for.
import { readdirSync, readFileSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import * as labelTables from '../../../protocol/crypto/labels.ts';
import { contextTexts } from '../../vectors/generate/independent.ts';
import { vectorFiles } from '../../vectors/generate/vector-files.ts';

beforeAll(() => {
  for (const [, cases] of Object.values(vectorFiles)) cases();
}, 60_000);

const tables = Object.entries(labelTables).filter(([, table]) => typeof table === 'object');

test('there are tables of labels, and each of its own kind', () => {
  expect(tables.map(([name]) => name)).toEqual(
    expect.arrayContaining(['labels', 'purposes', 'signatureContexts']),
  );
  const all = tables.flatMap(([, table]) => Object.values(table));
  expect(new Set(all).size).toBe(all.length);
});

test.each(tables)('each of the %s has a vector', (_name, table) => {
  expect(Object.values(table).filter((label) => !contextTexts.has(label))).toEqual([]);
});

test('each vector file is there, and a test runs it', () => {
  const tests = readTests();
  for (const name of Object.keys(vectorFiles)) expect(tests).toContain(`./${name}.json`);
});

function readTests(): string {
  const folder = new URL('../../vectors/', import.meta.url);
  return readdirSync(folder)
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => readFileSync(new URL(name, folder), 'utf8'))
    .join('\n');
}
