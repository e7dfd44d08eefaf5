import { knownHostsIn } from '../guacd/known-hosts.ts';
import type { GuacdPlace } from '../guacd/lease.ts';
import { certificateIn, type TrustedCertificate } from './rdp-certificate.ts';
import type { Relay } from './relay.ts';

/**
 * FreeRDP then looks at certificates by itself, also at that of another machine to which this one may send it. False: it
 * cannot be told, and looks at none.
 */
export async function tellFreerdp(
  { freerdp, account }: GuacdPlace,
  { host, port }: { readonly host: string; readonly port: number },
  { hostKey }: TrustedCertificate,
  relay: Relay,
): Promise<boolean> {
  if (freerdp === undefined) return false;
  try {
    const forget = await knownHostsIn(freerdp, account).add(host, port, certificateIn(hostKey));
    void relay.ended.then(forget).catch(() => {}); // its line is of a port where nobody listens
    return true;
  } catch (error) {
    relay.close();
    throw error;
  }
}
