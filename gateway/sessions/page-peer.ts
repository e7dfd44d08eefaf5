import { ProtocolError } from '../../protocol/errors.ts';
import { empty, type Bytes } from '../../protocol/bytes.ts';
import { framesVersion } from '../../protocol/channel/frame.ts';
import type { IceServers } from '../../protocol/channel/ice-servers.ts';
import type { ConnectRequest } from '../../protocol/messages/gen/command_pb.js';
import { uidOf, type Uid } from '../../protocol/uid.ts';
import type { Detours } from '../media/detours.ts';
import { parseOffer } from '../media/offer.ts';
import type { Peer } from '../media/peer.ts';
import type { Peers } from '../media/peers.ts';
import { Refusal } from '../router/refusal.ts';
import type { MediaSettings } from '../settings.ts';
import type { Sessions } from './sessions.ts';

export interface PagePeerParts {
  readonly peers: Peers;
  readonly media: MediaSettings;
  readonly sessions: Pick<Sessions, 'claim'>;
  readonly detours: Pick<Detours, 'prepare' | 'expect'>;
  readonly gatewayUid: Uid;
}

/** Of the page, as its sealed request says. */
export interface PagePeerOrder {
  readonly accountUid: Uid;
  /** Of the session that the peer is made for. */
  readonly sessionUid: Uid;
  readonly request: Pick<ConnectRequest, 'offer' | 'peerUid' | 'detourKey' | 'frames'>;
  readonly detourTicket: Uint8Array;
  readonly iceServers: IceServers;
  readonly onCandidate: TakeCandidate;
}

/** How a page comes to its session. */
export interface PagePeer {
  readonly peer: Peer;
  /** Empty for a peer that has a connection. */
  readonly answer: string;
  /** Of this gateway, for a detour; empty: it takes none. */
  readonly detourKey: Bytes;
}

/** A new peer for a page, or the one that it has. Throws a {@link Refusal}. */
export async function peerOfPage(parts: PagePeerParts, order: PagePeerOrder): Promise<PagePeer> {
  const { offer, peerUid, frames } = order.request;
  if (frames < framesVersion)
    throw new Refusal('page-outdated', 'the page speaks an older version of frames');
  if (frames > framesVersion) throw new Refusal('unsupported', 'the page speaks a newer version of frames');
  try {
    if (offer !== '') return await openPeer(parts, order);
    const peer = parts.peers.find(uidOf(peerUid), order.accountUid);
    if (peer?.connected) return { peer, answer: '', detourKey: empty };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    const code = error.code === 'limit-reached' ? 'busy' : 'offer-unreadable';
    throw new Refusal(code, error.message);
  }
  throw new Refusal('peer-gone', 'the peer connection is not open');
}

/** The page may ask for its detour as soon as it has the answer. */
async function openPeer(
  { peers, media, sessions, detours, gatewayUid }: PagePeerParts,
  { accountUid, sessionUid, request, iceServers, detourTicket, onCandidate }: PagePeerOrder,
): Promise<PagePeer> {
  const uid = uidOf(request.peerUid);
  const offered = { ticket: detourTicket, pageKey: request.detourKey };
  const detour = await detours.prepare(offered, { sessionUid, gatewayUid, peerUid: uid, attempt: 0 });
  const heard = { onStream: sessions.claim.bind(sessions), onCandidate };
  const taken = { offer: parseOffer(request.offer), media, iceServers, mayDetour: detour !== null };
  const opened = await peers.open({ uid, accountUid, ...taken, ...heard });
  if (detour) detours.expect(detour, opened.peer);
  return { ...opened, detourKey: detour?.publicKey ?? empty };
}

type TakeCandidate = (candidate: string, mid: string) => void;

/** Candidates may be found before there is a session to tell them by. */
export class CandidateRelay {
  readonly #waiting: (readonly [string, string])[] = [];
  #take: TakeCandidate | null = null;

  readonly found: TakeCandidate = (candidate, mid) => {
    if (this.#take) this.#take(candidate, mid);
    else this.#waiting.push([candidate, mid]);
  };

  tell(take: TakeCandidate): void {
    this.#take = take;
    for (const [candidate, mid] of this.#waiting.splice(0)) take(candidate, mid);
  }
}
