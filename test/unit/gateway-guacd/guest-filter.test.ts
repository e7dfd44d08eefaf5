// What a guest of a shared session may say: judged by the gateway before guacd hears it. protocol.md §28.5.
import { expect, test } from 'vitest';
import { BrowserFilter } from '../../../gateway/guacd/browser-filter.ts';
import { concat } from '../../../protocol/bytes.ts';
import { encodeInstructionBytes as encode } from '../../../protocol/guacamole/instruction.ts';

const inputs = [
  encode('key', 0x61, 1),
  encode('key', 0x61, 0),
  encode('mouse', 5, 5, 1),
  encode('touch', 0, 1, 1, 1, 1, 0, 1),
  encode('clipboard', 0, 'text/plain'),
  encode('blob', 0, 'YQ=='),
  encode('end', 0),
];
const ownersOnly = [
  encode('size', 640, 480),
  encode('argv', 1, 'text/plain', 'font-size'),
  encode('sync', 7),
];
const harmless = [encode('ack', 1, 'OK', 0), encode('nop')];

function filter(typing: boolean, heard: () => boolean = () => true) {
  const used: string[] = [];
  const guest = { typing, heard };
  const made = new BrowserFilter(
    { disablePaste: false, guest },
    () => {},
    (done) => used.push(done ? 'done' : 'there'),
  );
  const passed = (...said: Uint8Array[]) => made.filter(concat(...said)).forward.length;
  return { made, passed, used };
}

test('of one who looks on nothing that a hand does goes further, and nobody counts as being there', () => {
  const { passed, used } = filter(false);
  for (const said of inputs) expect(passed(said)).toBe(0);
  expect(used).toEqual([]);
});

test('of one who types everything that a hand does goes further', () => {
  const { passed, used } = filter(true);
  expect(passed(...inputs)).toBe(inputs.length);
  // A key that is let go of does nothing.
  expect(used).toEqual(['done', 'there', 'done', 'done', 'done']);
  expect(passed(encode('mouse', 6, 6, 0))).toBe(1);
  expect(used.at(-1)).toBe('there');
});

test.each([true, false])('size, settings and pace are the owner’s, also for one who types (%s)', (typing) => {
  const { passed } = filter(typing);
  for (const said of ownersOnly) expect(passed(said)).toBe(0);
  for (const said of harmless) expect(passed(said)).toBe(1);
});

test('while a guest is not heard only keys that they held down are let go of', () => {
  let heard = true;
  const { passed } = filter(true, () => heard);
  expect(passed(encode('key', 0xffe3, 1))).toBe(1);
  heard = false;
  expect(passed(encode('key', 0x63, 1), encode('key', 0x63, 0), encode('mouse', 1, 1, 1))).toBe(0);
  expect(passed(encode('key', 0xffe3, 0))).toBe(1);
  expect(passed(encode('key', 0xffe3, 0))).toBe(0);
});

test('a paste that began before a guest was not heard any more ends there', () => {
  let heard = false;
  const { passed } = filter(true, () => heard);
  expect(passed(encode('clipboard', 0, 'text/plain'))).toBe(0);
  heard = true;
  expect(passed(encode('blob', 0, 'YQ=='), encode('end', 0))).toBe(0);
});

test('every key that a guest holds down is let go of for them, once, and they hold no more than two hands do', () => {
  const { made, passed } = filter(true);
  expect(passed(encode('key', 0xffe3, 1), encode('key', 0xffe3, 1), encode('key', 0x63, 1))).toBe(3);
  expect(passed(encode('key', 0x63, 0))).toBe(1);
  expect(made.releaseKeys()).toEqual([encode('key', 0xffe3, 0)]);
  expect(made.releaseKeys()).toEqual([]);
  const many = Array.from({ length: 100 }, (_, at) => encode('key', 0x100 + at, 1));
  expect(passed(...many)).toBe(64);
  expect(made.releaseKeys()).toHaveLength(64);
});
