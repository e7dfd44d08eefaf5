import type { FailureEntry } from './failure-entry.ts';

/** How sessions end that worked: by their person, their machine, their time, or who may say so. */
export const endings = {
  'access-ended': [
    'gateway',
    'Your access to this machine is over',
    'It was shared with you until now.',
    'Ask whoever shared it for more time.',
    'calm',
  ],
  // with the address of who did: `describeFailure`
  'access-taken-back': [
    'gateway',
    'Access was taken back',
    'You may not use this machine any more, so the session was ended.',
    'Ask whoever owns it when you need it again.',
    'calm',
  ],
  'access-not-renewed': [
    'gateway',
    'Your access could not be confirmed',
    'The gateway asks every few minutes whether this machine is still shared with you, and got no answer.',
    'Check that this vault is online, then reconnect.',
  ],
  'signed-out': [
    'gateway',
    'This device was signed out',
    'The account ended its sessions, or removed this device.',
    'Sign in again, then reconnect.',
    'calm',
  ],
  'idle-timeout': [
    'gateway',
    'Ended without input',
    'Nobody used this session for as long as its record allows.',
    'Reconnect when you need it again.',
    'calm',
  ],
  'time-limit': [
    'gateway',
    'The time for this session is over',
    'Its record says how long a session lasts at most.',
    'Reconnect for a new session.',
    'calm',
  ],
  // with the address of who did: `describeFailure`
  'ended-by-command': [
    'gateway',
    'The session was ended',
    'An administrator ended it, or you did on another page.',
    'Ask the administrator when you need it again.',
    'calm',
  ],
  'share-taken-back': [
    'gateway',
    'You are out of the session',
    'Whose session it is took the invitation back.',
    'Ask them when you need to see it again.',
    'calm',
  ],
  'share-gone': [
    'gateway',
    'The session is not shared with you any more',
    'It is over, or whose session it is took the invitation back.',
    'Ask them to share it again.',
    'calm',
  ],
  'share-over': [
    'gateway',
    'The time of the invitation is over',
    'The session was shared with you until now.',
    'Ask whose session it is for more time.',
    'calm',
  ],
  'joined-again': [
    'gateway',
    'You joined by another page',
    'An invitation lets one page in at a time, and the newest is in.',
    'Go on there, or join again here.',
    'calm',
  ],
  'host-left': [
    'gateway',
    'The session is over',
    'Whose session it is has ended it, or its machine did, and nobody stays in it without them.',
    'Ask them to share the next one.',
    'calm',
  ],
  'watch-over': [
    'gateway',
    'You do not look on any more',
    'The owner of the gateway changed who may, or you are no administrator now.',
    'Ask the owner of the gateway when you need to see it.',
    'calm',
  ],
  'watch-gone': [
    'gateway',
    'The session cannot be looked on at',
    'It is over, its machine’s record lets nobody look on, or the gateway’s owner does not let you.',
    'Look among the live sessions whether it still runs.',
    'calm',
  ],
  'target-closed': [
    'target',
    'The machine ended the session',
    'The shell was left, or the machine closed it.',
    'Reconnect to open a new one.',
    'calm',
  ],
  closed: [null, 'Disconnected', 'The session was closed.', 'Reconnect to open a new one.', 'calm'],
  cancelled: [
    null,
    'Cancelled',
    'The session was given up before it was open.',
    'Reconnect to try again.',
    'calm',
  ],
} as const satisfies Readonly<Record<string, FailureEntry>>;
