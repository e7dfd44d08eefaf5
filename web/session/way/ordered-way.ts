import type { Uid } from '../../../protocol/uid.ts';
import type { DetourOffer, VaultVerbs } from '../../../workers/api.ts';
import type { Approach } from './approach.ts';

/** A session that rides on a peer and outlives the peer's ways, for a time. */
export interface Rider {
  readonly sessionUid: Uid;
  /** So long the gateway keeps it for a page that is away; 0: not at all. */
  readonly graceMs: number;
  readonly away: () => void;
  readonly back: () => void;
  /** It is over, with the code of why. */
  readonly gone: (code: string) => void;
}

export type ResumeVerbs = Pick<VaultVerbs, 'resumeSession' | 'sendCandidate'>;

/** Offers that approach to the gateway, by a command of that rider's session, and takes the answer in. Gives the detour. */
export async function orderWay(
  verbs: ResumeVerbs,
  { direct }: Approach,
  { sessionUid }: Rider,
  named: { readonly peerUid: Uid; readonly attempt: number },
): Promise<DetourOffer> {
  const offer = await direct.wholeOffer();
  const { answer, detour } = await verbs.resumeSession({ sessionUid, offer, ...named });
  await direct.accept(answer);
  direct.trickle((candidate) => {
    verbs.sendCandidate({ sessionUid, ...candidate }).catch(() => {}); // others may do
  });
  return detour;
}
