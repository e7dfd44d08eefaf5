import { describe, expect, test } from 'vitest';
import { concat, utf8 } from '../../../protocol/bytes.ts';
import { generateEcdhKeyPair } from '../../../protocol/crypto/ecdh.ts';
import { signDer } from '../../../protocol/crypto/ecdsa-der.ts';
import { VerifyingKeys } from '../../../server/secrets-manager/wire-crypto.ts';

const pair = generateEcdhKeyPair();
const message = utf8('message');

/** r and s of a signature, without what DER puts before them. */
function halvesOf(der: Uint8Array): [Uint8Array, Uint8Array] {
  const length = der[3] ?? 0;
  const strip = (digits: Uint8Array) => digits.subarray(digits.findIndex((digit) => digit !== 0));
  return [strip(der.subarray(4, 4 + length)), strip(der.subarray(6 + length))];
}

const integer = (digits: Uint8Array) => concat(Uint8Array.of(0x02, digits.length), digits);
const positive = (digits: Uint8Array) =>
  integer((digits[0] ?? 0) >= 0x80 ? concat(Uint8Array.of(0), digits) : digits);
const sequence = (content: Uint8Array) => concat(Uint8Array.of(0x30, content.length), content);
const keys = new VerifyingKeys();
const verify = (signature: Uint8Array) => keys.verify(pair.publicKey, message, signature);

describe('signatures in DER', () => {
  test('verify in their one encoding, whatever the lengths of their halves', () => {
    for (let i = 0; i < 300; i++) {
      const der = signDer(pair.privateKey, concat(message, Uint8Array.of(i & 255, i >> 8)));
      keys.verify(pair.publicKey, concat(message, Uint8Array.of(i & 255, i >> 8)), der);
    }
    const [r, s] = halvesOf(signDer(pair.privateKey, message));
    verify(sequence(concat(positive(r), positive(s))));
  });

  test.each<[string, (r: Uint8Array, s: Uint8Array, der: Uint8Array) => Uint8Array]>([
    ['nothing', () => new Uint8Array(0)],
    ['a byte behind it', (_r, _s, der) => concat(der, Uint8Array.of(0))],
    [
      'a byte in the sequence behind s',
      (r, s) => sequence(concat(positive(r), positive(s), Uint8Array.of(0))),
    ],
    ['a cut', (_r, _s, der) => der.subarray(0, -1)],
    [
      'a length in the long form',
      (r, s) => {
        const content = concat(positive(r), positive(s));
        return concat(Uint8Array.of(0x30, 0x81, content.length), content);
      },
    ],
    [
      'a zero before r that need not be',
      (r, s) => sequence(concat(integer(concat(new Uint8Array(2), r)), positive(s))),
    ],
    ['an empty integer', (_r, s) => sequence(concat(Uint8Array.of(2, 0), positive(s)))],
    ['r of 0', (_r, s) => sequence(concat(integer(Uint8Array.of(0)), positive(s)))],
    ['a negative integer', (_r, s) => sequence(concat(integer(new Uint8Array(32).fill(0xff)), positive(s)))],
    [
      'an integer that is too long',
      (r, s) => sequence(concat(positive(concat(Uint8Array.of(1), r, r)), positive(s))),
    ],
    ['another tag', (r, s) => sequence(concat(Uint8Array.of(0x03), positive(r).subarray(1), positive(s)))],
    ['halves that are swapped', (r, s) => sequence(concat(positive(s), positive(r)))],
    ['the plain form', (r, s) => concat(r, s)],
  ])('%s is refused', (_, change) => {
    const der = signDer(pair.privateKey, message);
    expect(() => verify(change(...halvesOf(der), der))).toThrow('bad-signature');
  });

  test('a key that is no point is refused', () => {
    const der = signDer(pair.privateKey, message);
    for (const key of [new Uint8Array(65).fill(4), pair.publicKey.subarray(1), new Uint8Array(0)])
      expect(() => keys.verify(key, message, der)).toThrow('bad-signature');
  });
});
