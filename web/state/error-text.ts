import { toProtocolError, type ErrorCode } from '../../protocol/errors.ts';

/** What a person is told: what happened, and what to do next. */
export interface Explanation {
  readonly title: string;
  readonly next: string;
}

const retry = 'Try again. If it keeps happening, tell whoever runs this server.';
const reload = 'Reload the page. If it keeps happening, tell whoever runs this server.';

const explanations: Readonly<Record<ErrorCode, Explanation>> = {
  malformed: {
    title: 'Something in this is not as it should be',
    next: 'Check what you typed and try again.',
  },
  'too-large': { title: 'That is too large', next: 'Shorten the notes or the key and save again.' },
  'open-failed': {
    title: 'This could not be decrypted',
    next: 'It may have been altered on the server. Reload; if it stays, tell your administrator.',
  },
  'bad-signature': {
    title: 'A signature does not fit',
    next: 'Something between you and the other side may have been altered. Do not go on; tell your administrator.',
  },
  'unsupported-version': {
    title: 'This version is too old for that',
    next: 'Reload the page to get the newest version.',
  },
  'key-exhausted': {
    title: 'A key has reached its limit',
    next: 'Copy the record into a new one and delete this one.',
  },
  'weak-parameters': {
    title: 'The server asked for weaker protection than allowed',
    next: 'Nothing was sent. Tell your administrator before you try again.',
  },
  'unknown-server-key': { title: 'The server uses a key this page does not know', next: 'Reload the page.' },
  replayed: { title: 'That request was already used', next: retry },
  expired: { title: 'That has expired', next: 'Start again; check that this computer’s clock is right.' },
  'not-signed-in': { title: 'You are no longer signed in', next: 'Sign in again to go on.' },
  'login-refused': {
    title: 'Email or master password is wrong',
    next: 'Check both and try again. Forgotten? Use your recovery phrase.',
  },
  'login-too-old': {
    title: 'This needs a fresh sign-in',
    next: 'Enter your master password again to go on.',
  },
  'device-revoked': {
    title: 'This device was revoked',
    next: 'Its key is not accepted any more. Try once more: this browser then comes as a new device.',
  },
  'not-allowed': {
    title: 'You are not allowed to do this',
    next: 'Ask whoever owns the record or runs this server.',
  },
  'not-found': {
    title: 'This is no longer there',
    next: 'It may have been deleted elsewhere. Go back to the list.',
  },
  held: {
    title: 'Somebody holds this recording',
    next: 'It stays until they, or an administrator, release it.',
  },
  conflict: { title: 'This was changed elsewhere', next: 'Reload to see the newer version.' },
  'limit-reached': {
    title: 'A limit was reached',
    next: 'Delete what you no longer need, or ask your administrator.',
  },
  'too-many-requests': { title: 'Too many attempts', next: 'Wait a minute, then try again.' },
  unavailable: { title: 'The server cannot do this right now', next: 'Wait a moment, then try again.' },
  'store-full': {
    title: 'The server’s disk is full',
    next: 'Nothing that was stored is lost. Whoever runs the server makes room; then try again.',
  },
  internal: { title: 'The server made a mistake', next: retry },
  'gateway-unknown': {
    title: 'The server does not know this gateway',
    next: 'Choose another gateway for the machine.',
  },
  'gateway-offline': { title: 'The gateway is offline', next: 'Start it, then try again.' },
  'gateway-busy': {
    title: 'The gateway is at its limit',
    next: 'End a session that is not needed, then try again.',
  },
  refused: { title: 'The gateway refused', next: retry },
  'jump-unusable': {
    title: 'There is no way through the jump machine',
    next: 'Choose another under Edit, or correct that one.',
  },
  'timed-out': { title: 'No answer in time', next: 'Check the network and try again.' },
  'flow-violation': {
    title: 'The other side broke the protocol',
    next: 'The connection was closed. ' + retry,
  },
  'guacamole-malformed': {
    title: 'The other side broke the protocol',
    next: 'The connection was closed. ' + retry,
  },
  locked: { title: 'The vault is locked', next: 'Unlock it and try again.' },
  offline: {
    title: 'No connection to the server',
    next: 'Check the network and try again; what is on this device stays readable.',
  },
  'storage-full': {
    title: 'This browser has no room for the vault',
    next: 'Make room on this device, or in what this browser may store, and reload. The server has everything.',
  },
  'wrong-password': { title: 'That is not the master password', next: 'Check it and try again.' },
  untrusted: {
    title: 'The other side is not who it was before',
    next: 'A pinned key does not fit. Do not go on; tell your administrator.',
  },
  cancelled: { title: 'Cancelled', next: 'Nothing was changed.' },
};

/** Cause and next step of any error, with a general text for one that is not ours. */
export function explainError(error: unknown): Explanation {
  const known = toProtocolError(error);
  return known === null
    ? { title: 'Something went wrong in this page', next: reload }
    : explainCode(known.code);
}

export function explainCode(code: ErrorCode): Explanation {
  return explanations[code];
}
