import { ProtocolError } from '../errors.ts';
import type { Bytes } from '../bytes.ts';

/** What makes one-time codes: the value of a `oneTimeCode` field, understood. */
export interface OneTimeSecret {
  /** 1 to 128 bytes. */
  readonly secret: Bytes;
  readonly hash: 'SHA1' | 'SHA256' | 'SHA512';
  readonly digits: 6 | 7 | 8;
  readonly periodSeconds: number;
  /** Who asks for the code and for which account; empty when the text does not say. */
  readonly issuer: string;
  readonly account: string;
}

const longest = 4096;
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const hashes = ['SHA1', 'SHA256', 'SHA512'] as const;
const digitCounts = [6, 7, 8] as const;
const known = ['secret', 'issuer', 'algorithm', 'digits', 'period'];

/**
 * An `otpauth://totp/` address, or the secret alone in base32 as sites print it (any case, spaces and hyphens between
 * groups). Defaults: SHA1, 6 digits, 30 seconds. Parameters that are not known are left alone, those that are known
 * must be sound and there once. Throws `malformed` with what is wrong; counted and Steam codes are refused by name.
 */
export function parseOneTimeSecret(text: string): OneTimeSecret {
  const trimmed = text.trim();
  if (trimmed.length > longest) throw malformed('the one-time code address is too long');
  if (/^steam:/i.test(trimmed)) throw steam();
  return /^otpauth:/i.test(trimmed) ? parseAddress(trimmed) : bare(trimmed.replace(/[\s-]/g, ''));
}

function bare(base32: string): OneTimeSecret {
  const secret = parseBase32(base32);
  return { secret, hash: 'SHA1', digits: 6, periodSeconds: 30, issuer: '', account: '' };
}

function parseAddress(address: string): OneTimeSecret {
  const parts = /^otpauth:\/\/([a-z]+)\/([^?#]*)\?([^#]*)$/i.exec(address);
  if (parts === null) throw malformed('not a one-time code address');
  const [, kind = '', label = '', query = ''] = parts;
  if (kind.toLowerCase() === 'hotp')
    throw malformed('counted one-time codes are not supported, only timed ones');
  if (kind.toLowerCase() !== 'totp') throw malformed('the kind of one-time code is not known');
  const parameters = parseQuery(query);
  const [issuer, account] = parseLabel(decode(label), parameters.get('issuer') ?? '');
  if (/^steam$/i.test(issuer) || /^steam$/i.test(parameters.get('encoder') ?? '')) throw steam();
  return {
    secret: parseBase32(parameters.get('secret') ?? ''),
    hash: hashIn(parameters.get('algorithm') ?? 'SHA1'),
    digits: digitsIn(parameters.get('digits') ?? '6'),
    periodSeconds: periodIn(parameters.get('period') ?? '30'),
    issuer,
    account,
  };
}

function parseQuery(query: string): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  for (const pair of query.split('&')) {
    const [name = '', ...value] = pair.split('=');
    const key = name.toLowerCase();
    if (known.includes(key) && parameters.has(key)) throw malformed('a parameter of the code is there twice');
    parameters.set(key, decode(value.join('=').replaceAll('+', ' ')));
  }
  return parameters;
}

/** `Issuer:account`, or the account alone; the parameter wins over the label. */
function parseLabel(label: string, issuer: string): readonly [string, string] {
  const colon = label.indexOf(':');
  const named = colon < 0 ? '' : label.slice(0, colon).trim();
  return [issuer.trim() || named, label.slice(colon + 1).trim()];
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw malformed('the one-time code address is not readable');
  }
}

function hashIn(text: string): OneTimeSecret['hash'] {
  const hash = hashes.find((one) => one === text.toUpperCase().replace('-', ''));
  if (hash === undefined) throw malformed('the hash of the one-time code is not known');
  return hash;
}

function digitsIn(text: string): OneTimeSecret['digits'] {
  const digits = digitCounts.find((count) => String(count) === text);
  if (digits === undefined) throw malformed('a one-time code has 6 to 8 digits');
  return digits;
}

function periodIn(text: string): number {
  const seconds = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (seconds < 5 || seconds > 300) throw malformed('a one-time code lives 5 to 300 seconds');
  return seconds;
}

/** RFC 4648 §6, padding or none. Bits over the last byte are dropped: some sites print secrets that have them set. */
function parseBase32(text: string): Bytes {
  const digits = text.toUpperCase().replace(/=+$/, '');
  const sound = /^[A-Z2-7]+$/.test(digits) && ![1, 3, 6].includes(digits.length % 8);
  if (!sound) throw malformed('the secret of the one-time code is not base32');
  const bytes = new Uint8Array(Math.floor((digits.length * 5) / 8));
  if (bytes.length > 128) throw malformed('the secret of the one-time code is too long');
  for (let i = 0; i < bytes.length * 8; i++) {
    const digit = alphabet.indexOf(digits[Math.floor(i / 5)] ?? 'A');
    const bit = (digit >> (4 - (i % 5))) & 1;
    bytes[i >> 3] = (bytes[i >> 3] ?? 0) | (bit << (7 - (i % 8)));
  }
  return bytes;
}

function steam(): ProtocolError {
  return malformed('steam codes are not supported: keep them in the app of steam');
}

function malformed(message: string): ProtocolError {
  return new ProtocolError('malformed', message);
}
