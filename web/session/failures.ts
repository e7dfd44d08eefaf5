import type { ErrorCode } from '../../protocol/errors.ts';
import type { LegName } from '../../workers/api.ts';
import { explainCode } from '../state/error-text.ts';
import { isErrorCode } from '../../protocol/errors.ts';

/** Why a session ended or never began, as the page knows it. */
export interface SessionFailure {
  readonly leg: LegName | null;
  readonly code: string;
  /** What the other side said beside the code; may be empty. */
  readonly message: string;
}

export interface FailureText {
  readonly title: string;
  readonly cause: string;
  readonly next: string;
  /** Where it failed when the failure itself names no leg. */
  readonly leg: LegName | null;
  readonly tone: 'calm' | 'failure' | 'alarm';
}

type Entry = readonly [
  leg: LegName | null,
  title: string,
  cause: string,
  next: string,
  tone?: FailureText['tone'],
];

const startGateway = 'Start the gateway and check that it reaches this server, then reconnect.';
const askAdministrator = 'Do not go on. Tell your administrator what you see here.';
const reconnect = 'Reconnect. If it keeps happening, look at the gateway’s log.';
const checkCredential = 'Correct the launch credential’s record, then reconnect.';

const catalogue = {
  // the router's answers
  'gateway-offline': [
    'gateway',
    'The gateway is offline',
    'It has no connection to the router.',
    startGateway,
  ],
  'gateway-unknown': [
    'gateway',
    'The gateway is not known here',
    'It was deleted, or belongs to another server.',
    'Edit the machine and choose another gateway.',
  ],
  'gateway-busy': [
    'gateway',
    'The gateway is at its limit',
    'It runs as many sessions as it may.',
    'Disconnect a session that is not needed, then reconnect.',
  ],
  'timed-out': [
    'gateway',
    'The gateway did not answer in time',
    'The router passed the command on and heard nothing.',
    'Check the gateway’s machine and its log, then reconnect.',
  ],
  'not-allowed': [
    'router',
    'You are not allowed to connect',
    'The policy of this machine refuses the session.',
    'Switch on “Allow connections” in the record, or ask its owner.',
  ],
  'not-signed-in': [
    'router',
    'You are no longer signed in',
    'The server ended your session.',
    'Lock and unlock the vault, then reconnect.',
  ],
  offline: [
    'router',
    'No connection to the server',
    'A session starts through the router, and it cannot be reached.',
    'Check the network, then reconnect.',
  ],
  unavailable: [
    'router',
    'The router cannot do this right now',
    'The server is starting, stopping or overloaded.',
    'Wait a moment, then reconnect.',
  ],
  'limit-reached': [
    'router',
    'Too many sessions',
    'Your account has as many sessions as it may.',
    'Disconnect one that is not needed, then reconnect.',
  ],
  'too-many-requests': [
    'router',
    'Too many attempts',
    'The router slows down repeated requests.',
    'Wait a minute, then reconnect.',
  ],
  untrusted: [
    'gateway',
    'The gateway is not the one that was enrolled',
    'Its answer is signed with a key that is not pinned.',
    askAdministrator,
    'alarm',
  ],
  // what a gateway refuses
  refused: [
    'gateway',
    'The gateway refused the command',
    'It gave no reason this page knows.',
    'Look at the gateway’s log for the reason.',
  ],
  'wrong-audience': [
    'gateway',
    'The command was for another gateway',
    'The router delivered it to the wrong one.',
    askAdministrator,
    'alarm',
  ],
  'not-in-roster': [
    'gateway',
    'The gateway does not know your account',
    'Its roster does not name you.',
    'Ask an administrator to add you; the gateway learns of it by itself.',
  ],
  'roster-outdated': [
    'gateway',
    'The gateway’s roster is too old',
    'It has not received the newest list of members.',
    'Wait a moment and reconnect. If it stays, restart the gateway.',
  ],
  'bad-signature': [
    'gateway',
    'The signature of the command does not fit',
    'It was altered on its way, or your key has changed.',
    askAdministrator,
    'alarm',
  ],
  expired: [
    'gateway',
    'The command arrived too late',
    'The clocks of this computer and the gateway differ.',
    'Set both clocks right, then reconnect.',
  ],
  replayed: [
    'gateway',
    'The command was seen before',
    'A copy of it reached the gateway.',
    'Reconnect: a new command is made each time.',
  ],
  unsupported: [
    'gateway',
    'The gateway is too old for this',
    'It does not know the command.',
    'Update the gateway.',
  ],
  'not-found': [
    'gateway',
    'The gateway does not find this machine',
    'The record was deleted, or not shared with it.',
    'Open the record, save it again, then reconnect.',
  ],
  busy: [
    'gateway',
    'The gateway is at its limit',
    'It runs as many sessions as it may.',
    'Disconnect a session that is not needed, then reconnect.',
  ],
  'record-unavailable': [
    'gateway',
    'The gateway could not fetch the record',
    'The server did not give it the machine or its credential.',
    'Check that gateway and server reach each other, then reconnect.',
  ],
  'untrusted-record': [
    'gateway',
    'The gateway does not trust this record',
    'What it fetched does not belong together.',
    askAdministrator,
    'alarm',
  ],
  'peer-gone': [
    'gateway',
    'The gateway no longer has this connection',
    'It was restarted, or had closed it after a while.',
    'Reconnect: a new connection is made.',
  ],
  'offer-unreadable': [
    'gateway',
    'The gateway could not read the offer',
    'This page and the gateway disagree about the keys.',
    'Reload the page and reconnect.',
  ],
  // the peer connection
  'ice-failed': [
    'ice',
    'No direct path to the gateway',
    'Browser and gateway found no way to reach each other.',
    'Check that this network allows UDP to the gateway, then reconnect.',
  ],
  'peer-lost': [
    'ice',
    'Gateway lost',
    'It has stopped answering: it was stopped, or the network is down.',
    'Reconnect once the gateway is online again.',
  ],
  'flow-violation': [
    'ice',
    'The gateway broke the protocol',
    'It sent what was not allowed; the connection was closed.',
    reconnect,
  ],
  'browser-silent': [
    'ice',
    'The gateway heard nothing from this page',
    'The browser was suspended or lost its network.',
    'Reconnect.',
  ],
  // guacd
  'guacd-unreachable': [
    'guacd',
    'The gateway does not reach guacd',
    'Nothing answers at the address of guacd.',
    'Start guacd on the gateway’s side, then reconnect.',
  ],
  'guacd-timed-out': [
    'guacd',
    'guacd did not answer in time',
    'It accepted the connection and stayed silent.',
    'Restart guacd, then reconnect.',
  ],
  'guacd-lost': [
    'guacd',
    'guacd went away',
    'It was stopped or crashed during the session.',
    'Start guacd again, then reconnect.',
  ],
  'guacd-busy': [
    'guacd',
    'guacd is at its limit',
    'It takes no more sessions.',
    'Disconnect a session that is not needed, then reconnect.',
  ],
  'guacd-error': ['guacd', 'guacd reported an error', 'It could not draw the session.', reconnect],
  'guacamole-malformed': [
    'guacd',
    'The session sent what cannot be read',
    'An instruction broke the rules, so the session was closed.',
    reconnect,
  ],
  // the way to the target
  'name-not-found': [
    'target',
    'The host name was not found',
    'The gateway’s DNS knows no such name.',
    'Correct the host in the record, or the gateway’s DNS.',
  ],
  'target-refused': [
    'target',
    'The machine refused the connection',
    'It is up, but nothing listens on that port.',
    'Check the port in the record and that the SSH server runs.',
  ],
  'target-unreachable': [
    'target',
    'The machine cannot be reached',
    'There is no route from the gateway to it.',
    'Check the host in the record, and the network between gateway and machine.',
  ],
  'target-timed-out': [
    'target',
    'The machine does not answer',
    'It is off, or a firewall drops the packets.',
    'Check that it is on and that the gateway may reach its port.',
  ],
  'target-lost': [
    'target',
    'The connection to the machine broke',
    'It ended without a goodbye: the machine or its network went down.',
    'Reconnect once the machine is back.',
  ],
  'target-closed': [
    'target',
    'The machine ended the session',
    'The shell was left, or the machine closed it.',
    'Reconnect to open a new one.',
    'calm',
  ],
  'target-error': [
    'target',
    'The machine reported an error',
    'It did not open a shell.',
    'Check that this user may log in with a shell.',
  ],
  'target-protocol': [
    'target',
    'The machine does not speak SSH as expected',
    'Its answer was not SSH, or the two have no algorithm in common.',
    'Check the port; an outdated SSH server must be updated.',
  ],
  'host-key-unknown': [
    'target',
    'Is this the right machine?',
    'This machine’s host key has never been seen before.',
    'Compare the fingerprint with the one the machine’s owner gives you, then trust it.',
  ],
  'host-key-mismatch': [
    'target',
    'This is not the machine it was before',
    'Its host key is not the one pinned in the record. Someone may be posing as it.',
    'Do not go on unless you know that the machine was reinstalled. Then edit the record, forget the host key, and connect again.',
    'alarm',
  ],
  // logging in
  'login-refused': [
    'login',
    'The machine refused the login',
    'It does not accept this login with this password or key.',
    checkCredential,
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
  // ends
  closed: [null, 'Disconnected', 'The session was closed.', 'Reconnect to open a new one.', 'calm'],
  cancelled: [
    null,
    'Cancelled',
    'The session was given up before it was open.',
    'Reconnect to try again.',
    'calm',
  ],
  'not-connectable': [
    'gateway',
    'This machine is not ready for sessions',
    'It has no gateway, or the gateway is no longer there.',
    'Edit the machine and choose a gateway.',
  ],
} as const satisfies Readonly<Record<string, Entry>>;

export type CataloguedCode = keyof typeof catalogue;

export function isCatalogued(code: string): code is CataloguedCode {
  return Object.hasOwn(catalogue, code);
}

/** Cause and next step of every end; a code of a newer gateway gets a general text that names it. */
export function describeFailure(failure: SessionFailure): FailureText {
  if (isCatalogued(failure.code)) return textOf(catalogue[failure.code]);
  if (isErrorCode(failure.code)) return generalText(failure.code);
  return {
    leg: null,
    title: 'The session failed',
    cause: `The gateway gave the reason “${failure.code}”, which this page does not know.`,
    next: 'Reload the page for the newest version, then reconnect.',
    tone: 'failure',
  };
}

function textOf([leg, title, cause, next, tone = 'failure']: Entry): FailureText {
  return { leg, title, cause, next, tone };
}

function generalText(code: ErrorCode): FailureText {
  const { title, next } = explainCode(code);
  return { leg: null, title, cause: 'The session did not come about.', next, tone: 'failure' };
}
