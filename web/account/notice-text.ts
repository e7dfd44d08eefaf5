import type { VaultState } from '../../workers/api.ts';

interface NoticeText {
  readonly tone: 'info' | 'caution' | 'danger';
  readonly title: string;
  readonly text: string;
}

/** Why the vault closed by itself, and what that means. */
export function describeNotice(notice: VaultState['notice']): NoticeText | null {
  switch (notice) {
    case null:
      return null;
    case 'idle':
      return {
        tone: 'info',
        title: 'Locked after a while without use',
        text: 'Your keys were wiped from memory.',
      };
    case 'session-ended':
      return {
        tone: 'caution',
        title: 'You were signed out',
        text: 'The session ended at the server. Sign in to go on.',
      };
    case 'password-changed':
      return {
        tone: 'caution',
        title: 'The master password was changed elsewhere',
        text: 'Sign in with the new one. If that was not you, use your recovery phrase at once.',
      };
    case 'device-revoked':
      return {
        tone: 'caution',
        title: 'This device was revoked',
        text: 'Its key is not accepted any more. Sign in as someone else, then sign in again: it comes back as a new device.',
      };
    case 'untrusted-server':
      return {
        tone: 'danger',
        title: 'This server is not the one you signed in to',
        text: 'Its identity does not fit what this device remembers. Nothing was sent. Tell your administrator.',
      };
  }
}
