// A decoder that nobody throws rubbish at is a decoder that nobody knows: each of protocol/ is fuzzed by its name.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../../../..');
const here = readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith('decoders.ts'))
  .map((name) => readFileSync(join(import.meta.dirname, name), 'utf8'))
  .join('\n');

const files = readdirSync(join(root, 'protocol'), { recursive: true, encoding: 'utf8' });
const sources = files.filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'));

/** What takes bytes, text or JSON from outside, by the verbs that this code has for it. */
function decodersIn(name: string): string[] {
  const text = readFileSync(join(root, 'protocol', name), 'utf8');
  const module = `protocol/${name.replaceAll('\\', '/')}`;
  if (here.includes(`import * as payloads`) && module.endsWith('secrets-manager/requests.ts')) return [];
  return [
    ...text.matchAll(/^export (?:async )?function ((?:parse|decode|open|unwrap|unpad)(?:[A-Z]\w*)?)\b/gm),
  ].map(([, decoder = '']) => decoder);
}

test('every decoder of protocol/ is fuzzed', () => {
  const decoders = sources.flatMap(decodersIn);
  expect(decoders.length).toBeGreaterThan(60);
  expect(decoders.filter((decoder) => !new RegExp(`\\b${decoder}\\b`).test(here))).toEqual([]);
});

test('the messages of every file are fuzzed', () => {
  const modules = files.filter((name) => name.endsWith('_pb.js')).map((name) => name.replace(/^.*[\\/]/, ''));
  expect(modules.length).toBeGreaterThan(10);
  expect(
    modules.filter((module) => !here.includes(`import * as `) || !here.includes(`gen/${module}'`)),
  ).toEqual([]);
});
