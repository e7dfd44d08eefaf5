import fc from 'fast-check';

type Change = (bytes: Uint8Array) => Uint8Array;

const anywhere = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const at = (bytes: Uint8Array, where: number) => Math.floor(where * (bytes.length + 1));

function splice(bytes: Uint8Array, from: number, remove: number, add: Uint8Array): Uint8Array {
  return Uint8Array.from([...bytes.subarray(0, from), ...add, ...bytes.subarray(from + remove)]);
}

const change: fc.Arbitrary<Change> = fc.oneof(
  fc.tuple(anywhere, fc.integer({ min: 1, max: 255 })).map(([where, mask]): Change => (bytes) => {
    const index = Math.min(at(bytes, where), bytes.length - 1);
    return index < 0 ? bytes : splice(bytes, index, 1, Uint8Array.of((bytes[index] ?? 0) ^ mask));
  }),
  fc.tuple(anywhere, fc.uint8Array({ minLength: 1, maxLength: 20 })).map(
    ([where, add]): Change =>
      (bytes) =>
        splice(bytes, at(bytes, where), 0, add),
  ),
  fc.tuple(anywhere, fc.integer({ min: 1, max: 40 })).map(
    ([where, remove]): Change =>
      (bytes) =>
        splice(bytes, at(bytes, where), remove, new Uint8Array(0)),
  ),
  anywhere.map(
    (where): Change =>
      (bytes) =>
        bytes.slice(0, at(bytes, where)),
  ),
  fc.tuple(anywhere, anywhere).map(
    ([from, to]): Change =>
      (bytes) =>
        splice(
          bytes,
          at(bytes, from),
          0,
          bytes.slice(at(bytes, Math.min(from, to)), at(bytes, Math.max(from, to))),
        ),
  ),
  fc.constant<Change>((bytes) => bytes.map((byte) => byte ^ 0xff)),
);

/** Random bytes, and valid inputs damaged in one to four places. */
export function hostileBytes(valid: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const random: fc.Arbitrary<Uint8Array> = fc.oneof(
    fc.uint8Array({ maxLength: 64 }),
    fc.uint8Array({ maxLength: 2000 }),
  );
  if (valid.length === 0) return random;
  const mutated = fc
    .tuple(fc.constantFrom(...valid), fc.array(change, { minLength: 1, maxLength: 4 }))
    .map(([bytes, changes]) => changes.reduce<Uint8Array>((damaged, next) => next(damaged), bytes));
  return fc.oneof(random, mutated, mutated, mutated);
}

/** Random text, and valid texts damaged. */
export function hostileText(valid: readonly string[]): fc.Arbitrary<string> {
  const encoder = new TextEncoder();
  const damaged = hostileBytes(valid.map((text) => encoder.encode(text))).map((bytes) =>
    new TextDecoder().decode(bytes),
  );
  return fc.oneof(
    damaged,
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc.constantFrom('\ud800', '\0', ''),
  );
}

/** Members that every object has of its own accord, or that make it something else where one is not careful. */
const inherited = [
  ...['__proto__', 'constructor', 'hasOwnProperty', 'length', 'then'],
  ...['toJSON', 'toString', 'valueOf'],
];
const odd = [
  ...[null, -1, -0, 0.5, 1e21, 2 ** 53, 2 ** 60, Number.MAX_VALUE, Number.NaN],
  ...['', ' 1 ', '-0', '1e999', 'NaN', 'Infinity', '0x10', '\ud800', '\0', ...inherited],
];

/** JSON as others may write it: what no conversion takes, names that objects have already, halves of characters. */
export const strangeJson: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.oneof(fc.constantFrom(...odd), fc.jsonValue({ maxDepth: 2 })),
    fc.array(tie('value'), { maxLength: 3 }),
    fc
      .array(fc.tuple(fc.oneof(fc.constantFrom(...inherited), fc.string()), tie('value')), { maxLength: 3 })
      .map((members) => Object.fromEntries(members)),
  ),
})).value;

/** Random JSON values, and valid ones with members replaced, removed or renamed. */
export function hostileJson(valid: readonly object[]): fc.Arbitrary<unknown> {
  const value = fc.oneof(strangeJson, fc.constantFrom([], {}, [[]]));
  const twisted = fc
    .tuple(fc.constantFrom<object>({}, ...valid), fc.array(fc.tuple(anywhere, value), { maxLength: 4 }))
    .map(([json, changes]) => changes.reduce((twist, [where, to]) => replaceMember(twist, where, to), json));
  return fc.oneof(value, twisted);
}

function replaceMember(json: object, where: number, to: unknown): object {
  const entries = Object.entries(json);
  const index = Math.floor(where * entries.length);
  const [name, old] = entries[index] ?? ['x', null];
  const deeper = typeof old === 'object' && old !== null && where * 10 - Math.floor(where * 10) < 0.6;
  const replaced = deeper ? replaceMember(old, (where * 7) % 1, to) : to;
  if (!Array.isArray(json)) return { ...json, [name]: replaced };
  return json.length === 0 ? [replaced] : json.with(index, replaced);
}
