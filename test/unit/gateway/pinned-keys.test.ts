import { expect, test } from 'vitest';
import { pinnedKeys } from '../../../gateway/sessions/host-keys.ts';
import { isPinned } from '../../../gateway/ssh/host-key.ts';

const [one, other] = ['ssh-ed25519 AAAAone=', 'ssh-ed25519 AAAAother'];
const blob = Buffer.from('AAAAone=', 'base64');

test.each([
  ['none anywhere, one accepted', [undefined, ''], other, [other]],
  ['none anywhere, none accepted', [undefined, ''], '', []],
  ['in the copy alone', [one, ''], other, [one]],
  ['in the vault alone', [undefined, one], other, [one]],
  ['in both', [one, `${one} a comment`], other, [one]],
])('a pin: %s', (_, pins, accepted, counted) => {
  expect(pinnedKeys(pins, accepted)).toEqual(counted);
});

test('two pins that differ fit no key, and leave none free', () => {
  const counted = pinnedKeys([one, other], one);
  expect(counted).toHaveLength(1);
  expect(isPinned(blob, counted)).toBe(false);
  expect(isPinned(Buffer.alloc(0), counted)).toBe(false);
});
