import type { ConnectionProtocol } from '../../protocol/records/connection-protocols.ts';

/** By what a machine shows that it is the one it was, in words. */
export interface MachineIdentity {
  readonly title: string;
  /** Of the choice what to do with one that was never seen. */
  readonly unknown: string;
  readonly askedFor: string;
}

const identities: Readonly<Partial<Record<ConnectionProtocol, MachineIdentity>>> = {
  ssh: { title: 'Host key', unknown: 'Unknown host key', askedFor: 'Asked for at the first session' },
  rdp: {
    title: 'Certificate',
    unknown: 'Certificate of no known authority',
    askedFor: 'Of an authority that the gateway trusts, or asked for',
  },
};

/** null: the protocol proves nothing of the machine. */
export function identityOf(protocol: ConnectionProtocol): MachineIdentity | null {
  return identities[protocol] ?? null;
}
