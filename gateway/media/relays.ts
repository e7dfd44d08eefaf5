import type { IceServer } from 'node-datachannel';
import type { IceServers, IceUrl } from '../../protocol/channel/ice-servers.ts';

/** The library asks one STUN server, and two relays at most. */
const most = { stun: 1, turn: 2 };

/**
 * What of the server's list this library can use: it speaks to relays by UDP alone. Where a gateway has no UDP, the
 * page's relay, or the router, has to do (protocol.md §13.4).
 */
export function usableServers({ urls, username, credential }: IceServers): (string | IceServer)[] {
  const byUdp = urls.filter(({ transport }) => transport === 'udp');
  const stun = byUdp.filter(({ scheme }) => scheme === 'stun').slice(0, most.stun);
  const turn = byUdp.filter(({ scheme }) => scheme === 'turn').slice(0, most.turn);
  const relay = ({ host, port }: IceUrl): IceServer => ({
    ...{ hostname: host, port, username, password: credential, relayType: 'TurnUdp' },
  });
  return [...stun.map(({ text }) => text), ...turn.map(relay)];
}
