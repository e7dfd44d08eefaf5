import type { FailureEntry } from './failure-entry.ts';

const startGateway = 'Start the gateway and check that it reaches this server, then reconnect.';
const askAdministrator = 'Do not go on. Tell your administrator what you see here.';

/** What the router answers and what a gateway refuses, before there is a session. */
export const commandFailures = {
  // what the page sees in the record
  'not-connectable': [
    'gateway',
    'This machine is not ready for sessions',
    'It has no gateway, or the gateway is no longer there.',
    'Edit the machine and choose a gateway.',
  ],
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
    'The policy of this machine refuses the session, or it is not shared with you any more.',
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
  'jump-unusable': [
    'gateway',
    'There is no way through the jump machine',
    'It must be a machine of the same owner and gateway, over SSH, with a launch credential, and not behind another one itself.',
    'Edit the machine and choose another jump machine, or correct that one; the details say what is wrong.',
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
  'record-outdated': [
    'gateway',
    'The gateway was given an older record',
    'The server did not hand over the newest machine, credential or gateway configuration.',
    'Open the machine and its credential, save both again, then reconnect.',
    'alarm',
  ],
  'untrusted-record': [
    'gateway',
    'The gateway does not trust this record',
    'What it fetched does not belong together.',
    askAdministrator,
    'alarm',
  ],
  'recording-unavailable': [
    'gateway',
    'This session cannot be recorded',
    'The machine asks for a recording, and its gateway cannot make one: its disk may be full.',
    askAdministrator,
  ],
  // the gateway’s `recording-no-room`, of a session that did not begin
  'no-room-to-record': [
    'gateway',
    'There is no room for this recording',
    'The machine asks for a recording, and the server has no room for more: its disk is full, or a limit is reached.',
    'Ask an administrator to make room at the server (Recordings, Keeping), then reconnect.',
  ],
  'relays-refused': [
    'ice',
    'The server’s relays were refused',
    'It names too many relays, or addresses that are none.',
    'Tell your administrator: [relay] in the server’s settings is wrong, or the server is not to be trusted.',
  ],
  'policy-outdated': [
    'gateway',
    'The gateway has another rule by now',
    'Somebody changed who may watch meanwhile.',
    'Look at it again, then change it.',
  ],
  'page-outdated': [
    'gateway',
    'This page is older than the gateway',
    'Since it was loaded, the gateway was updated, and they speak different versions of the protocol.',
    'Reload the page; if that changes nothing, update the server.',
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
} as const satisfies Readonly<Record<string, FailureEntry>>;
