import { ProtocolError } from '../../protocol/errors.ts';
import type { IceServers } from '../../protocol/channel/ice-servers.ts';
import { uidOf, type Uid } from '../../protocol/uid.ts';
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
}

/** Of the page, as its sealed request says. */
export interface PagePeerOrder {
  readonly accountUid: Uid;
  readonly request: { readonly offer: string; readonly peerUid: Uint8Array };
  readonly iceServers: IceServers;
  readonly onCandidate: TakeCandidate;
}

/** A new peer connection for a page, or the one that it has. Throws a {@link Refusal}. */
export async function peerOfPage(
  { peers, media, sessions }: PagePeerParts,
  { accountUid, request: { offer, peerUid }, iceServers, onCandidate }: PagePeerOrder,
): Promise<{ readonly peer: Peer; readonly answer: string }> {
  try {
    const uid = uidOf(peerUid);
    if (offer !== '') {
      const onStream = sessions.claim.bind(sessions);
      const heard = { onStream, onCandidate };
      return await peers.open({ uid, accountUid, offer: parseOffer(offer), media, iceServers, ...heard });
    }
    const peer = peers.find(uid, accountUid);
    if (peer?.connected) return { peer, answer: '' };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    const code = error.code === 'limit-reached' ? 'busy' : 'offer-unreadable';
    throw new Refusal(code, error.message);
  }
  throw new Refusal('peer-gone', 'the peer connection is not open');
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
