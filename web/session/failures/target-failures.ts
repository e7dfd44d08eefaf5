import type { FailureEntry } from './failure-entry.ts';

/** What goes wrong between gateway and machine: the way there, who it is, what is made there for the session. */
export const targetFailures = {
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
  'target-lost': [
    'target',
    'The connection to the machine broke',
    'It ended without a goodbye: the machine or its network went down.',
    'Reconnect once the machine is back.',
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
  'security-refused': [
    'target',
    'Gateway and machine agree on no security',
    'The machine does not offer what the record asks for, or not safely.',
    'Choose under Edit the security that the machine has; the details say what it wants.',
  ],
  // through a jump machine; what fails there itself: jump-failures.ts
  'forwarding-refused': [
    'jump',
    'The jump machine lets nobody through',
    'Its SSH server does not make connections for others.',
    'Allow TCP forwarding to this machine in its SSH server (AllowTcpForwarding, PermitOpen).',
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
  'host-key-mismatch': [
    'target',
    'This is not the machine it was before',
    'Its host key is not the one pinned in the record. Someone may be posing as it.',
    'Do not go on unless you know that the machine was reinstalled. Then edit the record, forget the host key, and connect again.',
    'alarm',
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
  'certificate-untrusted': [
    'target',
    'The machine’s certificate is not trusted',
    'No authority that the gateway trusts vouches for it under this host name.',
    'Give the machine a certificate of a trusted authority, or let the record ignore certificates: then whoever is in between can read along.',
    'alarm',
  ],
  'certificate-unchecked': [
    'target',
    'The certificate cannot be checked through a jump machine',
    'With a preconnection, or as Hyper-V’s console, the machine begins in a way in which the gateway does not see it.',
    'Reach this machine without a jump machine, or let its record ignore certificates: then the jump machine could pose as it.',
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
} as const satisfies Readonly<Record<string, FailureEntry>>;
