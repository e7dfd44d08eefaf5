import type { FailureEntry } from './failure-entry.ts';

const reconnect = 'Reconnect. If it keeps happening, look at the gateway’s log.';

/** What goes wrong between page and gateway, and in what the gateway’s guacd draws. */
export const connectionFailures = {
  'ice-failed': [
    'ice',
    'No direct path to the gateway',
    'Browser and gateway found no way to reach each other, nor through the server.',
    'Check that this network allows UDP to the gateway, and WebSockets to the server, then reconnect.',
  ],
  'ice-failed-server-off': [
    'ice',
    'No direct path to the gateway',
    'Browser and gateway found no way to reach each other, and this server lets no session go through it.',
    'Check that this network allows UDP to the gateway, or ask for RELAY_THROUGH_SERVER on the server.',
  ],
  'ice-failed-gateway-off': [
    'ice',
    'No direct path to the gateway',
    'Browser and gateway found no way to reach each other, and this gateway lets no session go through the server.',
    'Check that this network allows UDP to the gateway, or ask for SALLYPORT_GATEWAY_THROUGH_SERVER on the gateway.',
  ],
  'peer-lost': [
    'ice',
    'Gateway lost',
    'It has stopped answering: it was stopped, or the network is down.',
    'Reconnect once the gateway is online again.',
  ],
  'reconnect-failed': [
    'ice',
    'The session could not be reached again',
    'The connection was lost, and there was no way back to the gateway for as long as it keeps a session.',
    'Check this device’s network, then reconnect to open a new session.',
  ],
  'session-gone': [
    'gateway',
    'The session is over',
    'It ended while the connection was lost, or its gateway was started anew.',
    'Reconnect to open a new one.',
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
  'gateway-deaf': [
    'gateway',
    'The gateway takes nothing from this page',
    'What was typed and answered waited for it until there was too much of it.',
    reconnect,
  ],
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
  'picture-broken': [
    'guacd',
    'A picture could not be read',
    'It is damaged, or was not what it said, so the session was closed.',
    reconnect,
  ],
  'picture-stuck': [
    'guacd',
    'The picture stands still',
    'Nothing of what the gateway sent could be drawn for ten seconds, so the session was closed.',
    'Reconnect. If it keeps happening, close other programs on this device, and look at the gateway’s log.',
  ],
} as const satisfies Readonly<Record<string, FailureEntry>>;
