import type { CharacterOptions, ComplexityOptions, GeneratedPassword, PasswordOptions } from '../api.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { drawPassword, type CharacterClass } from './character-password.ts';
import { drawPassphrase } from './passphrase.ts';

/** Without characters that a person confuses in print, or that shells and connection strings take for their own. */
const classes = {
  upper: 'ABCDEFGHJKLMNPQRSTUVWXYZ',
  lower: 'abcdefghijkmnopqrstuvwxyz',
  digits: '23456789',
  symbols: '!#%()*+,-./:;=?@[]^_{}~',
} as const;

const shortest = 8;
const longest = 256;

/** A random password, every one that the options allow as likely as any other. Throws `weak-parameters`. */
export function generatePassword(options: PasswordOptions): GeneratedPassword {
  switch (options.kind) {
    case 'characters':
      return drawOf(chosenClasses(options), options.length);
    case 'complexity':
      return drawOf(countedClasses(options), options.length);
    case 'passphrase':
      return drawPassphrase(options);
  }
}

function drawOf(chosen: readonly CharacterClass[], length: number): GeneratedPassword {
  const needed = chosen.reduce((sum, { least }) => sum + least, 0);
  const sound = Number.isInteger(length) && length >= shortest && length <= longest;
  if (chosen.length === 0 || !sound)
    throw weak(`a password has ${shortest} to ${longest} characters of some class`);
  if (needed > length) throw weak('the classes need more characters than the password has');
  return drawPassword(chosen, length);
}

function chosenClasses(options: CharacterOptions): readonly CharacterClass[] {
  const names = (['upper', 'lower', 'digits', 'symbols'] as const).filter((name) => options[name]);
  return names.map((name) => ({ characters: classes[name], least: 1 }));
}

function countedClasses(options: ComplexityOptions): readonly CharacterClass[] {
  const { caps, lowercase, digits, special, specialChars = classes.symbols } = options;
  checkSpecial(specialChars);
  const counted: readonly CharacterClass[] = [
    { characters: classes.upper, least: caps },
    { characters: classes.lower, least: lowercase },
    { characters: classes.digits, least: digits },
    { characters: specialChars, least: special },
  ];
  if (!counted.every(({ least }) => Number.isInteger(least) && least >= 0 && least <= longest))
    throw weak(`a class has 0 to ${longest} characters`);
  return counted.filter(({ least }) => least > 0);
}

function checkSpecial(characters: string): void {
  const distinct = new Set(characters).size === characters.length;
  if (!/^[!-/:-@[-`{-~]+$/.test(characters) || !distinct)
    throw weak('special characters are printable ascii, each once, neither letters nor digits');
}

function weak(message: string): ProtocolError {
  return new ProtocolError('weak-parameters', message);
}
