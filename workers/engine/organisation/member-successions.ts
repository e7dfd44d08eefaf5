import type { Bytes } from '../../../protocol/bytes.ts';
import type { KeySuccession } from '../../../protocol/messages/gen/account_pb.js';
import { KeyRotationService } from '../../../protocol/messages/gen/key-rotation_pb.js';
import { ProtocolError } from '../../../protocol/errors.ts';
import type { AccountIdentity } from '../../../protocol/signed/account-certificate.ts';
import {
  isSameIdentity,
  stepsFrom,
  verifySuccession,
  type Succession,
} from '../../../protocol/signed/key-succession.ts';
import { uidBytes, type Uid } from '../../../protocol/uid.ts';
import type { VaultSession } from '../connection/vault-session.ts';

export interface SuccessionParts {
  readonly session: Pick<VaultSession, 'call'>;
  readonly organisationUid: Uid;
  readonly warn: (message: string) => void;
}

/** How the keys of other members followed from one another, as those keys signed it. The server only keeps it. */
export class MemberSuccessions {
  readonly #parts: SuccessionParts;
  /** What was shown for somebody whose present keys are these. */
  readonly #shown = new Map<
    Uid,
    { readonly member: AccountIdentity; readonly messages: readonly KeySuccession[] }
  >();

  constructor(parts: SuccessionParts) {
    this.#parts = parts;
  }

  /** The steps by which those keys became the member's; null when they did not, or nobody says so. */
  async between(before: AccountIdentity, member: AccountIdentity): Promise<readonly Succession[] | null> {
    if (before.accountUid !== member.accountUid) return null;
    const steps = stepsFrom(this.#parts.organisationUid, before, await this.#messagesOf(member));
    const end = steps.findIndex(({ next }) => isSameIdentity(next, member));
    return end < 0 ? null : steps.slice(0, end + 1);
  }

  /** Signing keys that a member has signed over from, in however many steps. */
  async formerKeysOf(member: AccountIdentity): Promise<readonly Bytes[]> {
    const former: Bytes[] = [];
    const all = (await this.#messagesOf(member)).flatMap((message) => this.#orNothing(message));
    for (let at = member; former.length <= all.length;) {
      const [present, step] = [at, all.find(({ next }) => isSameIdentity(next, at))];
      if (!step || isSameIdentity(step.former, present)) break;
      former.push(step.former.signingPublicKey);
      at = step.former;
    }
    return former;
  }

  async #messagesOf(member: AccountIdentity): Promise<readonly KeySuccession[]> {
    const known = this.#shown.get(member.accountUid);
    if (known && isSameIdentity(known.member, member)) return known.messages;
    try {
      const request = { accountUids: [uidBytes(member.accountUid)] };
      const { successions } = await this.#parts.session.call(
        KeyRotationService.method.listSuccessions,
        request,
      );
      this.#shown.set(member.accountUid, { member, messages: successions });
      return successions;
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#parts.warn(`it could not be asked whether somebody's keys followed from others: ${error.code}`);
      return [];
    }
  }

  #orNothing(message: KeySuccession): Succession[] {
    try {
      return [verifySuccession(message)];
    } catch (error) {
      if (error instanceof ProtocolError) return [];
      throw error;
    }
  }
}
