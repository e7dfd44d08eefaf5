import { concat, flip, hex } from './independent.ts';

export interface Mutation {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Every usual way to damage a sealed thing whose parts start at the given offsets. */
export function damage(sealed: Uint8Array, parts: Readonly<Record<string, number>>): readonly Mutation[] {
  const flipped = Object.entries(parts).map(([part, at]) => ({
    name: `a bit of the ${part} changed`,
    bytes: flip(sealed, at < 0 ? sealed.length + at : at),
  }));
  const boundaries = [...new Set(Object.values(parts))].filter((at) => at > 0);
  return [
    ...flipped,
    { name: 'nothing', bytes: new Uint8Array(0) },
    ...boundaries.map((at) => ({ name: `cut after ${at} bytes`, bytes: sealed.subarray(0, at) })),
    { name: 'the last byte cut', bytes: sealed.subarray(0, -1) },
    { name: 'the first byte cut', bytes: sealed.subarray(1) },
    { name: 'a byte added', bytes: concat(sealed, Uint8Array.of(0)) },
    { name: 'a byte in front', bytes: concat(Uint8Array.of(0), sealed) },
    { name: 'written twice', bytes: concat(sealed, sealed) },
  ];
}

/** Cases that all fail with one code, one a mutation. */
export function failing(
  mutations: readonly Mutation[],
  member: string,
  base: object,
  fails: string,
): object[] {
  return mutations.map(({ name, bytes }) => ({ ...base, name, [member]: hex(bytes), fails }));
}
