import { ProtocolError } from '../../protocol/errors.ts';
import { parseOneTimeSecret } from '../../protocol/records/one-time-secret.ts';

/**
 * The otpauth address of a one-time code that a file gives as address or as bare base32 secret. Returns null for what
 * we cannot count: codes by counter, other kinds, a secret that is not base32.
 */
export function oneTimeCodeUri(text: string, title: string): string | null {
  const trimmed = text.trim();
  return /^[a-z]+:/i.test(trimmed) ? countable(trimmed) : timedCode({ secret: trimmed, title });
}

export interface TimedCode {
  readonly secret: string;
  readonly title: string;
  readonly digits?: number;
  readonly period?: number;
  readonly algorithm?: string;
}

/** The address of those settings, or null when no code can be counted with them. */
export function timedCode({
  secret,
  title,
  digits = 6,
  period = 30,
  algorithm = 'SHA1',
}: TimedCode): string | null {
  if (![secret, algorithm].every((text) => text.isWellFormed())) return null;
  const plain = secret.replace(/[\s-]/g, '').replace(/=+$/, '').toUpperCase();
  const hash = algorithm
    .toUpperCase()
    .replace(/^HMAC-?/, '')
    .replaceAll('-', '');
  const uri = `otpauth://totp/${encodeURIComponent(title.toWellFormed())}?secret=${encodeURIComponent(plain)}`;
  const usual = digits === 6 && period === 30 && hash === 'SHA1';
  return countable(
    usual ? uri : `${uri}&algorithm=${encodeURIComponent(hash)}&digits=${digits}&period=${period}`,
  );
}

function countable(uri: string): string | null {
  try {
    parseOneTimeSecret(uri);
    return uri;
  } catch (error) {
    if (error instanceof ProtocolError) return null;
    throw error;
  }
}
