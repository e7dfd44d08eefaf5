import { ProtocolError } from '../../protocol/errors.ts';

/** One account, one spelling: trimmed, composed, lower case. Throws `malformed`. */
export function normaliseEmail(text: string): string {
  const email = text.trim().normalize('NFC').toLowerCase();
  if (email.length > 254 || !/^[^\s@\p{Cc}]+@[^\s@\p{Cc}]+$/u.test(email))
    throw new ProtocolError('malformed', 'not an email address');
  return email;
}
