import type {
  CharacterOptions,
  ComplexityOptions,
  PassphraseOptions,
  PasswordOptions,
} from '../../../workers/api.ts';

/** What each kind of password starts from. */
export const startOptions: {
  readonly characters: CharacterOptions;
  readonly passphrase: PassphraseOptions;
  readonly complexity: ComplexityOptions;
} = {
  characters: { kind: 'characters', length: 24, upper: true, lower: true, digits: true, symbols: true },
  passphrase: { kind: 'passphrase', words: 6, separator: '-', capitals: false, digit: false },
  complexity: { kind: 'complexity', length: 32, caps: 5, lowercase: 5, digits: 5, special: 5 },
};

export const kindTitles: readonly (readonly [PasswordOptions['kind'], string])[] = [
  ['characters', 'Characters'],
  ['passphrase', 'Words'],
  ['complexity', 'Rules'],
];

/** Rules whose counts fit the length: what was just set stays, the length follows it. */
export function fittingRules(options: ComplexityOptions): ComplexityOptions {
  const { caps, lowercase, digits, special } = options;
  const needed = caps + lowercase + digits + special;
  return { ...options, length: Math.max(options.length, needed, 8) };
}

/** The entropy, and what it is worth against guessing a quick hash offline. */
export function strengthWords(entropyBits: number): string {
  const label =
    entropyBits < 50 ? 'weak' : entropyBits < 70 ? 'fair' : entropyBits < 100 ? 'strong' : 'very strong';
  return `${Math.floor(entropyBits)} bits, ${label}`;
}
