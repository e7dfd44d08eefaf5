import { randomBytes } from '../../protocol/crypto/random.ts';

/** A whole number from 0 to below the bound, at most 65,536, each as likely as any other. */
export function randomBelow(bound: number): number {
  // Without modulo bias: numbers over the largest multiple of the bound are drawn again.
  const fair = 65_536 - (65_536 % bound);
  for (;;) {
    const [high = 255, low = 255] = randomBytes(2);
    const drawn = high * 256 + low;
    if (drawn < fair) return drawn % bound;
  }
}

/** The same for bounds of any size. */
export function randomBigBelow(bound: bigint): bigint {
  const bits = bitLength(bound);
  const spare = BigInt((8 - (bits % 8)) % 8);
  for (;;) {
    const bytes = randomBytes(Math.ceil(bits / 8));
    const drawn = bytes.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n) >> spare;
    if (drawn < bound) return drawn;
  }
}

/** log2 of a whole number, at least 1, to the precision of a double. */
export function bigLog2(value: bigint): number {
  const shift = Math.max(0, bitLength(value) - 53);
  return Math.log2(Number(value >> BigInt(shift))) + shift;
}

function bitLength(value: bigint): number {
  return value.toString(2).length;
}
