import type { FailureEntry } from './failure-entry.ts';

const checkCredential = 'Correct the launch credential’s record, then reconnect.';

/** What goes wrong while the machine lets nobody in. */
export const loginFailures = {
  'login-refused': [
    'login',
    'The machine refused the login',
    'It does not accept this login with this password or key.',
    checkCredential,
  ],
  'login-blocked': [
    'login',
    'The machine turns logins away',
    'It has seen too many wrong ones, or takes none from the gateway’s address.',
    'Wait some minutes, or look at the machine’s own log, then reconnect.',
  ],
  'credential-needed': [
    'login',
    'This machine asks for a login',
    'Its record has no launch credential, or the machine wants more than it holds.',
    'Sign in with a login of your own where the record allows it, or choose a launch credential under Edit.',
    'calm',
  ],
  'login-question': [
    'login',
    'The machine asks something that was not foreseen',
    'It wants a second factor or a new password.',
    'Log in there another way first, or use a key.',
  ],
  'key-unreadable': [
    'login',
    'The private key cannot be read',
    'It is damaged, or of a kind that is not supported.',
    'Use an OpenSSH or PEM key (ed25519, ECDSA or RSA) in the launch credential.',
  ],
  'passphrase-wrong': [
    'login',
    'The passphrase does not open the private key',
    'The key in the launch credential is encrypted with another one.',
    checkCredential,
  ],
} as const satisfies Readonly<Record<string, FailureEntry>>;
