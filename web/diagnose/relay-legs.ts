import { parseIceUrl, type IceUrl } from '../../protocol/channel/ice-servers.ts';
import type { IceServer } from '../../workers/api.ts';
import type { IceFound } from './ice-search.ts';
import type { LegResult } from './leg-names.ts';

/** One address of a relay: each is a way of its own, which a network lets out or not. */
export interface RelayLeg {
  readonly id: `relay-${number}`;
  readonly name: string;
  /** For the screen; a report goes without. */
  readonly address: string;
  /** With this one address. */
  readonly server: IceServer;
  readonly way: RelayWay;
  readonly port: number;
}

type RelayWay = 'UDP' | 'TCP' | 'TLS';

/** Every relay's address apart, as the server lists them. Throws `malformed` for one that is none. */
export function relayLegsOf(servers: readonly IceServer[]): readonly RelayLeg[] {
  const counts = { UDP: 0, TCP: 0, TLS: 0 };
  const found = servers.flatMap(({ urls, ...login }) =>
    urls.map((text) => ({ url: parseIceUrl(text), server: { urls: [text], ...login } })),
  );
  return found
    .filter(({ url }) => url.scheme !== 'stun')
    .map(({ url, server }, at) => {
      const way = wayOf(url);
      const nth = ++counts[way];
      const name = `Relay by ${way} (TURN)${nth > 1 ? `, number ${nth}` : ''}`;
      return { id: `relay-${at + 1}`, name, address: url.text, server, way, port: url.port };
    });
}

/** What says to this page by UDP from where it is seen: STUN servers, and relays asked for no more than that. */
export function stunServersOf(servers: readonly IceServer[]): readonly IceServer[] {
  const byUdp = servers
    .flatMap(({ urls }) => urls.map(parseIceUrl))
    .filter(({ scheme, transport }) => scheme !== 'turns' && transport === 'udp');
  const urls = byUdp.map(({ text }) => text.replace(/^turn:/, 'stun:').replace(/\?.*$/, ''));
  return urls.length > 0 ? [{ urls: [...new Set(urls)] }] : [];
}

/** A relay that refuses says why, by STUN's codes; one that is not reached says nothing, whatever is in between. */
export function relayResult(leg: RelayLeg, { relayed, refusals }: IceFound, tookMs: number): LegResult {
  if (relayed > 0) return { state: 'ok', note: 'gives a relay', tookMs };
  const code = refusals.find((refusal) => refusal < 700) ?? 701;
  const [note, next] =
    code === 401
      ? ['it refuses the name and password', 'Compare secret and clock of server and relay.']
      : code === 701
        ? ['it does not answer', silentNext(leg)]
        : [`it answers ${code}`, 'Look at the log of coturn.'];
  return { state: 'failed', note, next, code: `turn-${code}`, tookMs };
}

function silentNext({ way, port }: RelayLeg): string {
  switch (way) {
    case 'UDP':
      return `Check that coturn runs, and that UDP ${port} to it is open; networks without UDP need a relay by TCP or TLS.`;
    case 'TCP':
      return `Check that coturn runs, and that TCP ${port} to it is open; networks that let out TLS alone need a turns: address.`;
    case 'TLS':
      return `Check that coturn’s certificate is good for its name and not over, and that TCP ${port} to it is open.`;
  }
}

function wayOf({ scheme, transport }: IceUrl): RelayWay {
  if (scheme === 'turns') return 'TLS';
  return transport === 'tcp' ? 'TCP' : 'UDP';
}
