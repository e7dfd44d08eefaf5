import type { FailureEntry } from './failure-entry.ts';

const connectThere = 'Connect to the jump machine itself: what is wrong there is shown and put right there.';
const checkNetwork =
  'Check its host and port in its record, and the network between gateway and jump machine.';
const checkCredential = 'Correct the launch credential of the jump machine, then reconnect.';

/** What goes wrong at the machine in between, where the same code at the machine itself would mean something else. */
export const jumpFailures: ReadonlyMap<string, FailureEntry> = new Map<string, FailureEntry>([
  [
    'name-not-found',
    ['jump', 'The jump machine’s name was not found', 'The gateway’s DNS knows no such name.', checkNetwork],
  ],
  [
    'target-refused',
    [
      'jump',
      'The jump machine refused the connection',
      'It is up, but no SSH server listens there.',
      checkNetwork,
    ],
  ],
  [
    'target-unreachable',
    ['jump', 'The jump machine cannot be reached', 'There is no route from the gateway to it.', checkNetwork],
  ],
  [
    'target-timed-out',
    ['jump', 'The jump machine does not answer', 'It is off, or a firewall drops the packets.', checkNetwork],
  ],
  [
    'target-lost',
    [
      'jump',
      'The connection to the jump machine broke',
      'Everything that went through it ended with it.',
      'Reconnect once the jump machine is back.',
    ],
  ],
  [
    'target-protocol',
    [
      'jump',
      'The jump machine does not speak SSH as expected',
      'Its answer was not SSH, or the two have no algorithm in common.',
      connectThere,
    ],
  ],
  [
    'host-key-unknown',
    [
      'jump',
      'The jump machine’s host key is not pinned',
      'Nothing is sent through a machine that cannot show who it is.',
      'Its owner connects to the jump machine once and trusts its host key; then this works.',
    ],
  ],
  [
    'host-key-mismatch',
    [
      'jump',
      'This is not the jump machine it was before',
      'Its host key is not the one pinned in its record. Someone may be posing as it.',
      'Do not go on unless you know that it was reinstalled. Then forget the host key in its record, and connect to it once.',
      'alarm',
    ],
  ],
  [
    'login-refused',
    [
      'jump',
      'The jump machine refused the login',
      'It does not accept its launch credential.',
      checkCredential,
    ],
  ],
  [
    'login-question',
    [
      'jump',
      'The jump machine asks something that was not foreseen',
      'It wants a second factor or a new password.',
      'Use a key for the login there.',
    ],
  ],
  [
    'key-unreadable',
    [
      'jump',
      'The jump machine’s private key cannot be read',
      'It is damaged, or of an unknown kind.',
      checkCredential,
    ],
  ],
  [
    'passphrase-wrong',
    [
      'jump',
      'The passphrase does not open the jump machine’s key',
      'The key in its launch credential is encrypted with another one.',
      checkCredential,
    ],
  ],
]);
