import { ProtocolError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { IceServers as IceServersMessage } from '../messages/gen/link_pb.js';

/** One STUN or TURN address, as RFC 7064 and RFC 7065 write it. */
export interface IceUrl {
  readonly text: string;
  readonly scheme: 'stun' | 'turn' | 'turns';
  /** A name or an IP address, without brackets. */
  readonly host: string;
  readonly port: number;
  readonly transport: 'udp' | 'tcp';
}

export interface IceServers {
  readonly urls: readonly IceUrl[];
  /** Of every TURN address; both empty when there is none. */
  readonly username: string;
  readonly credential: string;
}

export const noIceServers: IceServers = { urls: [], username: '', credential: '' };

const urlForm =
  /^(stun|turns?):([A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\])(?::(\d{1,5}))?(?:\?transport=(udp|tcp))?$/;

/** Throws `malformed` for another scheme, host, port or transport than ICE has. */
export function parseIceUrl(text: string): IceUrl {
  const [, scheme, host = '', port, transport] =
    (text.length <= limits.iceServers.url && urlForm.exec(text)) || [];
  if (scheme !== 'stun' && scheme !== 'turn' && scheme !== 'turns')
    throw new ProtocolError('malformed', 'not a stun:, turn: or turns: address');
  const number = Number(port ?? (scheme === 'turns' ? 5349 : 3478));
  if (number < 1 || number > 65_535) throw new ProtocolError('malformed', 'a relay has no such port');
  // RFC 7064 gives stun: no transport; RFC 7065 has TLS over TCP alone in browsers.
  if (scheme !== 'turn' && transport !== undefined && !(scheme === 'turns' && transport === 'tcp'))
    throw new ProtocolError('malformed', 'the address says a transport that its scheme does not have');
  const way = scheme === 'turns' ? 'tcp' : transport === 'tcp' ? 'tcp' : 'udp';
  return { text, scheme, host: host.replace(/^\[|\]$/g, ''), port: number, transport: way };
}

/**
 * What the server says about relays, judged: it is only taken for what could be one (protocol.md §13.4). Throws
 * `too-large` for more addresses or longer credentials than there are reasons for, `malformed` for anything else.
 */
export function readIceServers(message: Omit<IceServersMessage, '$typeName'> | undefined): IceServers {
  if (message === undefined || message.urls.length === 0) return noIceServers;
  const { urls, username, credential } = message;
  if (urls.length > limits.iceServers.urls)
    throw new ProtocolError('too-large', `the server names ${urls.length} relays`);
  if (Math.max(username.length, credential.length) > limits.iceServers.credential)
    throw new ProtocolError('too-large', 'the credentials for the relay are too long');
  const parsed = urls.map(parseIceUrl);
  const relays = parsed.some(({ scheme }) => scheme !== 'stun');
  if (relays && !(isPlainText(username) && isPlainText(credential)))
    throw new ProtocolError('malformed', 'a relay without a name or password for it');
  return { urls: parsed, username, credential };
}

function isPlainText(text: string): boolean {
  return /^[\x21-\x7e]+$/.test(text);
}
