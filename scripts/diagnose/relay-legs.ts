// Each address of a relay, asked as a browser would: by UDP, TCP or TLS, with a name and password made for it.
import { parseIceUrl, type IceUrl } from '../../protocol/channel/ice-servers.ts';
import { RelayCredentials, type RelayConfig } from '../../server/relay/relay-credentials.ts';
import type { Legs } from './legs.ts';
import { allocate, askMappedAddress } from './turn-allocation.ts';

/** Every address is a leg of its own, one by UDP after UDP itself. */
export async function askRelays(legs: Legs, relay: RelayConfig | null): Promise<void> {
  if (relay === null) {
    const next = 'Fine where browsers reach the gateway by UDP; else see Relay in docs/operations.md.';
    return legs.say({ leg: 'Relay (TURN)', result: 'not configured', note: 'no [relay]', next });
  }
  for (const text of relay.urls) {
    const url = parseIceUrl(text);
    const leg = `Relay by ${wayOf(url)} (${text})`;
    const udp = `UDP to ${url.host}:${url.port}`;
    const seen = async (signal: AbortSignal) => `seen as ${await askMappedAddress(url, signal)}`;
    const next = (cause: string) => nextOf(url, cause);
    const open = url.transport !== 'udp' || (await legs.test(udp, seen, next));
    if (url.scheme === 'stun') continue;
    if (!open) legs.skip(leg, udp);
    else await legs.test(leg, (signal) => askRelay(url, relay, signal), next);
  }
}

async function askRelay(url: IceUrl, relay: RelayConfig, signal: AbortSignal): Promise<string> {
  const allocation = await allocate(url, new RelayCredentials(relay).issue(), signal);
  await allocation.close();
  return `relays from ${allocation.relayedAddress}`;
}

/** By what was found: its answer (a TurnRefusal's message), the system's code, or silence. */
function nextOf(url: IceUrl, cause: string): string {
  const way = url.transport.toUpperCase();
  if (cause.endsWith('answered 401'))
    return 'Give both the same secret (RELAY_SECRET, static-auth-secret) and time.';
  if (cause.startsWith('the relay answered')) return 'Look at the log of coturn.';
  if (cause === 'ENOTFOUND' || cause === 'EAI_AGAIN')
    return 'Give its name an address, or correct RELAY_URLS.';
  if (cause === 'ECONNREFUSED')
    return `Start coturn, or correct the port in RELAY_URLS: nothing takes ${way} there.`;
  if (/CERT|SELF_SIGNED|ALTNAME|ISSUER/.test(cause))
    return 'Give coturn the whole chain of a certificate that is good for its name (cert, pkey).';
  return `Check that coturn runs, and that its port ${url.port} is open for ${way}.`;
}

function wayOf({ scheme, transport }: IceUrl): string {
  return scheme === 'turns' ? 'TLS' : transport.toUpperCase();
}
