import type { PasswordOptions } from '../api.ts';
import { randomBytes } from '../../protocol/crypto/random.ts';
import { ProtocolError } from '../../protocol/errors.ts';

/** Without characters that a person confuses in print, or that shells and connection strings take for their own. */
const classes = {
  upper: 'ABCDEFGHJKLMNPQRSTUVWXYZ',
  lower: 'abcdefghijkmnopqrstuvwxyz',
  digits: '23456789',
  symbols: '!#%()*+,-./:;=?@[]^_{}~',
} as const;

const shortest = 8;
const longest = 256;

/**
 * A random password with at least one character of each chosen class, every such password as likely as any other:
 * passwords that miss a class are thrown away whole. Throws `weak-parameters`.
 */
export function generatePassword(options: PasswordOptions): string {
  const chosen = (['upper', 'lower', 'digits', 'symbols'] as const).filter((name) => options[name]);
  const sound = Number.isInteger(options.length) && options.length >= shortest && options.length <= longest;
  if (chosen.length === 0 || !sound) {
    throw new ProtocolError(
      'weak-parameters',
      `a password has ${shortest} to ${longest} characters of some class`,
    );
  }
  const alphabet = chosen.map((name) => classes[name]).join('');
  for (;;) {
    const password = draw(alphabet, options.length);
    if (chosen.every((name) => [...classes[name]].some((character) => password.includes(character))))
      return password;
  }
}

function draw(alphabet: string, length: number): string {
  return Array.from({ length }, () => alphabet[randomBelow(alphabet.length)]).join('');
}

/** Without modulo bias: bytes over the largest multiple of the bound are drawn again. */
function randomBelow(bound: number): number {
  const fair = 256 - (256 % bound);
  for (;;) {
    const byte = randomBytes(1)[0] ?? 255;
    if (byte < fair) return byte % bound;
  }
}
