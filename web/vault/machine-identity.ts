import type { ConnectionProtocol } from '../../protocol/records/connection-protocols.ts';

/** By what a machine shows that it is the one it was, in words. */
export interface MachineIdentity {
  readonly title: string;
  /** Of the choice what to do with one that was never seen. */
  readonly unknown: string;
  readonly askedFor: string;
  /** What may be pasted, and what is said when it is not that. */
  readonly pasted: string;
  readonly unreadable: string;
}

const identities: Readonly<Partial<Record<ConnectionProtocol, MachineIdentity>>> = {
  ssh: {
    title: 'Host key',
    unknown: 'Unknown host key',
    askedFor: 'Asked for at the first session',
    pasted: 'A line of the machine’s /etc/ssh/ssh_host_…_key.pub, or of known_hosts.',
    unreadable: 'There is no public host key in it. One begins with its kind, such as ssh-ed25519.',
  },
  rdp: {
    title: 'Certificate',
    unknown: 'Certificate of no known authority',
    askedFor: 'Of an authority that the gateway trusts, or asked for',
    pasted: 'The machine’s own, as PEM or base64, where no authority that the gateway trusts vouches for it.',
    unreadable: 'There is no certificate in it. As PEM it begins with -----BEGIN CERTIFICATE-----.',
  },
};

/** null: the protocol proves nothing of the machine. */
export function identityOf(protocol: ConnectionProtocol): MachineIdentity | null {
  return identities[protocol] ?? null;
}
