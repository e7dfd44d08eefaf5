import { once } from 'node:events';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import type { RdpSecurity, RdpSettings } from '../../protocol/records/session-settings.ts';
import { SessionFailure } from '../terminal/failure.ts';
import {
  describeCertificate,
  judgeCertificate,
  type CertificateTrust,
  type TrustedCertificate,
} from './rdp-certificate.ts';

export interface RdpDoorOptions {
  /** Connected to the target; closed at the end. */
  readonly socket: Duplex;
  readonly host: string;
  readonly settings: RdpSettings;
  readonly trust: CertificateTrust;
  /** guacd calls another address than the target's, and cannot judge a certificate by the name that it has. */
  readonly relayed?: boolean;
  readonly signal: AbortSignal;
}

/** What guacd is to find behind the door. */
export interface RdpDoor {
  /** The security that guacd is to insist on. */
  readonly security: RdpSecurity;
  /** That guacd itself cannot judge: its connection must show the same one. */
  readonly certificate: TrustedCertificate | null;
}

/** Protocols of [MS-RDPBCGR] 2.2.1.1.1, bits. */
const protocols = { rdp: 0, tls: 1, nla: 2 } as const;
const requested: Readonly<Record<Exclude<RdpSecurity, 'vmconnect'>, number>> = {
  any: protocols.tls | protocols.nla,
  nla: protocols.nla,
  tls: protocols.tls,
  rdp: protocols.rdp,
};
/** Codes of RDP_NEG_FAILURE, in the words of the setting. */
const refusals: Readonly<Record<number, string>> = {
  1: 'the target wants TLS',
  2: 'the target allows no TLS',
  3: 'the target has no certificate for TLS',
  5: 'the target wants network level authentication',
  6: 'the target wants TLS with a certificate of the user',
};
/** Bytes of an X.224 Connection Confirm with its answer: 19 in fact. */
const mostAnswer = 1_024;

/**
 * Knocks before guacd does, because guacd has one status for every way in which security does not come about. Throws
 * `security-refused`, and what {@link judgeCertificate} throws, unless the record says that certificates are not looked
 * at; the certificate of guacd's own connection is checked again.
 */
export async function tryRdpDoor({
  socket,
  host,
  settings,
  trust,
  relayed = false,
  signal,
}: RdpDoorOptions): Promise<RdpDoor> {
  const { security, ignoreCert } = settings;
  const giveUp = () => socket.destroy();
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    // Hyper-V's console begins otherwise, and says which machine first.
    const silent = settings.preconnectionBlob !== '' || settings.preconnectionId !== null;
    if (security === 'vmconnect' || silent) return { security, certificate: null };
    const selected = selectedBy(await knock(socket, settings, requested[security]));
    const found = foundSecurity(security, selected, ignoreCert);
    const unseen = ignoreCert || selected === protocols.rdp;
    return {
      security: found,
      certificate: unseen ? null : await seeCertificate(socket, host, trust, relayed),
    };
  } finally {
    signal.removeEventListener('abort', giveUp);
    socket.destroy();
  }
}

/** X.224 Connection Request, with what the load balancer wants to see. */
async function knock(socket: Duplex, { loadBalanceInfo }: RdpSettings, wanted: number): Promise<Buffer> {
  const token = loadBalanceInfo === '' ? '' : `${loadBalanceInfo}\r\n`;
  const request = Buffer.from([1, 0, 8, 0, wanted, 0, 0, 0]);
  const variable = Buffer.concat([Buffer.from(token, 'utf8'), request]);
  const header = Buffer.from([6 + variable.length, 0xe0, 0, 0, 0, 0, 0]);
  const packet = Buffer.concat([Buffer.from([3, 0, 0, 0]), header, variable]);
  packet.writeUInt16BE(packet.length, 2);
  socket.write(packet);
  return await readPacket(socket);
}

/** One listener until it is whole: behind a jump machine several pieces may come in one turn, and whoever is not there loses them. */
async function readPacket(socket: Duplex): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const fail = (why: string) => reject(new SessionFailure('target', 'target-protocol', why));
  let read = Buffer.alloc(0);
  const take = (bytes: Buffer) => {
    read = Buffer.concat([read, bytes]);
    if (read[0] !== 3 || read.length > mostAnswer) fail('the target does not speak RDP');
    else if (read.length >= 4 && read.length >= read.readUInt16BE(2)) resolve(read);
  };
  const hungUp = () => fail('the target hung up');
  socket.on('data', take).once('close', hungUp).once('error', hungUp);
  try {
    return await promise;
  } finally {
    socket.off('data', take).off('close', hungUp).off('error', hungUp);
  }
}

/** Without an answer it knows RDP's own encryption alone. */
function selectedBy(confirm: Buffer): number {
  if ((confirm[5] ?? 0) >> 4 !== 0xd)
    throw new SessionFailure('target', 'target-protocol', 'the target does not speak RDP');
  const answer = confirm.subarray(11);
  if (answer.length < 8) return protocols.rdp;
  const value = answer.readUInt32LE(4);
  if (answer[0] === 3) throw refused(refusals[value] ?? `the target refuses the security (${value})`);
  return value;
}

/**
 * RDP's own encryption proves nothing of who answers: it is for records that say so. What is found is what guacd insists
 * on, so that nobody on the way can make it less.
 */
function foundSecurity(wanted: RdpSecurity, selected: number, ignoreCert: boolean): RdpSecurity {
  if (wanted === 'any') {
    if (selected === protocols.rdp && !ignoreCert)
      throw refused('the target offers RDP encryption alone, by which it does not show who it is');
    if (ignoreCert) return 'any';
    return selected === protocols.tls ? 'tls' : 'nla';
  }
  if (wanted === 'nla' && (selected & protocols.nla) === 0)
    throw refused('the target has no network level authentication');
  if (wanted === 'tls' && selected !== protocols.tls) throw refused('the target has no TLS');
  return wanted;
}

/** Of an authority that this machine trusts, for that host, or one that is trusted by itself. */
async function seeCertificate(
  socket: Duplex,
  host: string,
  trust: CertificateTrust,
  relayed: boolean,
): Promise<TrustedCertificate | null> {
  const name = net.isIP(host) === 0 ? { servername: host } : {};
  const secure = tls.connect({ socket, host, ...name, rejectUnauthorized: false, minVersion: 'TLSv1.2' });
  const ended = once(secure, 'close').then(() => Promise.reject(new Error('closed')));
  ended.catch(() => {});
  try {
    await Promise.race([once(secure, 'secureConnect'), ended]);
  } catch {
    throw refused('TLS with the target does not come about');
  }
  const { raw } = secure.getPeerCertificate();
  const judged = judgeCertificate(raw, secure.authorized, trust);
  return relayed && judged === null
    ? { hostKey: describeCertificate(raw), trustedOnFirstUse: false }
    : judged;
}

function refused(why: string): SessionFailure {
  return new SessionFailure('target', 'security-refused', why);
}
