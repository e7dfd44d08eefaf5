import type { FailureEntry } from './failure-entry.ts';

const reconnect = 'Reconnect. If it keeps happening, look at the gateway’s log.';
const checkCredential = 'Correct the launch credential’s record, then reconnect.';

/** What goes wrong between page, gateway, guacd and machine, and how sessions end. */
export const sessionFailures = {
  // the peer connection
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
    'Check the port and the protocol in the record, and that the machine’s server for it runs.',
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
  // only its owner may trust the key: it could be another's host, which is given the owner's password
  'host-key-unmet': [
    'target',
    'Its owner has not met this machine yet',
    'Its host key is in no record, and only the owner may trust one.',
    'Ask its owner to connect once and to trust the host key, then reconnect.',
  ],
  // the same of RDP, by its key's kind
  'certificate-unknown': [
    'target',
    'Is this the right machine?',
    'No authority that the gateway trusts vouches for this machine’s certificate, and it has never been seen before.',
    'Compare the fingerprint (SHA-256) with the one the machine’s owner gives you, then trust it.',
  ],
  'certificate-unmet': [
    'target',
    'Its owner has not met this machine yet',
    'No authority that the gateway trusts vouches for its certificate, and only the owner may trust it.',
    'Ask its owner to connect once and to trust the certificate, then reconnect.',
  ],
  'certificate-mismatch': [
    'target',
    'This is not the machine it was before',
    'Its certificate is not the one pinned in the record: it was made anew, or someone is posing as it.',
    'Do not go on unless you know that the machine has a new certificate. Then edit the record, forget the former one, and connect again.',
    'alarm',
  ],
  'recording-failed': [
    'gateway',
    'The recording failed',
    'This session must be recorded, and its gateway could not go on with that: its disk may be full.',
    'Ask an administrator to look at the gateway, then reconnect.',
  ],
  'recording-no-room': [
    'gateway',
    'There was no room left for the recording',
    'This session must be recorded. The server’s disk is full, and the gateway kept the recording as long as it could.',
    'Ask an administrator to make room at the server (Recordings, Keeping), then reconnect. What was recorded is kept.',
  ],
  'host-key-mismatch': [
    'target',
    'This is not the machine it was before',
    'Its host key is not the one pinned in the record. Someone may be posing as it.',
    'Do not go on unless you know that the machine was reinstalled. Then edit the record, forget the host key, and connect again.',
    'alarm',
  ],
  'security-refused': [
    'target',
    'Gateway and machine agree on no security',
    'The machine does not offer what the record asks for, or not safely.',
    'Choose under Edit the security that the machine has; the details say what it wants.',
  ],
  'certificate-untrusted': [
    'target',
    'The machine’s certificate is not trusted',
    'No authority that the gateway trusts vouches for it under this host name.',
    'Give the machine a certificate of a trusted authority, or let the record ignore certificates: then whoever is in between can read along.',
    'alarm',
  ],
  'drive-full': [
    'target',
    'The machine wrote too much to the drive',
    'The gateway keeps a drive to a size, and ended the session. The drive was deleted.',
    'Reconnect, and copy less at once; an administrator can allow more by SALLYPORT_GATEWAY_DRIVE_GIB on the gateway.',
  ],
  'drive-failed': [
    'gateway',
    'The gateway could not make the drive',
    'The record wants a drive for files, and there was no room or no folder for it at the gateway.',
    'Look at the gateway’s log; or switch the drive off under Edit, and reconnect.',
  ],
  // through a jump machine; what fails there itself: jump-failures.ts
  'forwarding-refused': [
    'jump',
    'The jump machine lets nobody through',
    'Its SSH server does not make connections for others.',
    'Allow TCP forwarding to this machine in its SSH server (AllowTcpForwarding, PermitOpen).',
  ],
  'certificate-unchecked': [
    'target',
    'The certificate cannot be checked through a jump machine',
    'With a preconnection, or as Hyper-V’s console, the machine begins in a way in which the gateway does not see it.',
    'Reach this machine without a jump machine, or let its record ignore certificates: then the jump machine could pose as it.',
  ],
  // logging in
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
} as const satisfies Readonly<Record<string, FailureEntry>>;
