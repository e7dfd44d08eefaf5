import type { GeneratedPassword } from '../api.ts';
import { bigLog2, randomBelow, randomBigBelow } from './random-number.ts';

/** Characters of one class, of which a password has at least `least`. Classes share no character. */
export interface CharacterClass {
  readonly characters: string;
  readonly least: number;
}

/**
 * A password of that length, every one that has enough of each class as likely as any other. Throwing away whole
 * passwords would do the same but never end where the least counts fill the length: so first it is drawn how many
 * characters each class has, by the number of passwords with such counts, then where they are, then which they are.
 */
export function drawPassword(classes: readonly CharacterClass[], length: number): GeneratedPassword {
  const tables = countTables(classes, length);
  const counts: number[] = [];
  let left = length;
  for (let at = classes.length - 1; at >= 0; at--) {
    const count = drawCount(
      splits(classes[at], tables[at], left),
      randomBigBelow(total(classes, tables, at, left)),
    );
    counts[at] = count;
    left -= count;
  }
  const places = shuffled(counts.flatMap((count, at) => Array<number>(count).fill(at)));
  const characters = places.map((at) => classes[at]?.characters ?? '');
  return {
    password: characters.map((from) => from[randomBelow(from.length)]).join(''),
    entropyBits: bigLog2(total(classes, tables, classes.length - 1, length)),
  };
}

/** `tables[k][m]`: how many texts of m characters the first k classes make. */
type Table = readonly bigint[];

function countTables(classes: readonly CharacterClass[], length: number): readonly Table[] {
  const tables: Table[] = [Array.from({ length: length + 1 }, (_, m) => (m === 0 ? 1n : 0n))];
  for (let at = 0; at < classes.length - 1; at++) {
    tables.push(Array.from({ length: length + 1 }, (_, m) => total(classes, tables, at, m)));
  }
  return tables;
}

/** Texts of `length` characters of the classes up to `at`. */
function total(
  classes: readonly CharacterClass[],
  tables: readonly Table[],
  at: number,
  length: number,
): bigint {
  return splits(classes[at], tables[at], length).reduce((sum, ways) => sum + ways, 0n);
}

/** By how many characters the class has: the texts of that length, of this class and the ones before. */
function splits(own: CharacterClass | undefined, before: Table | undefined, length: number): bigint[] {
  if (own === undefined || before === undefined) return [];
  const size = BigInt(own.characters.length);
  const ways: bigint[] = [];
  let placed = 1n; // binomial(length, count) · size^count
  for (let count = 0; count <= length; count++) {
    const rest = before[length - count] ?? 0n;
    ways.push(count < own.least || rest === 0n ? 0n : placed * rest);
    placed = (placed * size * BigInt(length - count)) / BigInt(count + 1);
  }
  return ways;
}

function drawCount(ways: readonly bigint[], drawn: bigint): number {
  let left = drawn;
  return ways.findIndex((count) => {
    left -= count;
    return left < 0n;
  });
}

/** Fisher–Yates. */
function shuffled(list: number[]): number[] {
  for (let at = list.length - 1; at > 0; at--) {
    const other = randomBelow(at + 1);
    const held = list[at] ?? 0;
    list[at] = list[other] ?? 0;
    list[other] = held;
  }
  return list;
}
