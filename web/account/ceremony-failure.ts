import { explainError, type Explanation } from '../state/error-text.ts';
import { toProtocolError } from '../../protocol/errors.ts';
import { NoPasskeySecret } from './webauthn.ts';

/** What went wrong with a passkey or security key, in the words of that moment; null for a person who changed their mind. */
export function explainCeremony(error: unknown): Explanation | null {
  if (error instanceof NoPasskeySecret)
    return {
      title: 'This authenticator cannot open a vault',
      next: 'It lacks the PRF extension. Use another one: the passkeys of current phones and computers have it, and so do most newer security keys.',
    };
  switch (toProtocolError(error)?.code) {
    case 'cancelled':
      return null;
    case 'conflict':
      return {
        title: 'This one is registered already',
        next: 'Choose another passkey or key, or keep using it as it is.',
      };
    case 'login-refused':
      return {
        title: 'That was not accepted',
        next: 'It may have been removed from the account. Try another one, or use your master password.',
      };
    default:
      return explainError(error);
  }
}
