import type { OverseerView, SessionPolicyView, SetSessionPolicy } from '../../api.ts';
import { encodeBase64url, equal } from '../../../protocol/bytes.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { encodeMessage } from '../../../protocol/messages/encode.ts';
import {
  SignedSessionPolicySchema,
  type ReadSessionPolicyReply,
} from '../../../protocol/messages/gen/session-policy_pb.js';
import { findMember, type Roster, type RosterMember } from '../../../protocol/signed/roster.ts';
import {
  overseerOf,
  parseSessionPolicy,
  signSessionPolicy,
  verifySessionPolicy,
  type SessionPolicy,
} from '../../../protocol/signed/session-policy.ts';
import type { Uid } from '../../../protocol/uid.ts';
import type { OpenedAccount } from '../account/opened-account.ts';
import type { VaultSession } from '../connection/vault-session.ts';
import type { GatewayCommands } from '../gateways/gateway-commands.ts';
import type { Gateways, NamedGateway } from '../gateways/gateways.ts';
import type { ContactPins } from '../sharing/contact-pins.ts';

export interface SessionPoliciesParts {
  readonly account: OpenedAccount;
  readonly session: Pick<VaultSession, 'deviceNow'>;
  readonly gateways: Pick<Gateways, 'find' | 'known' | 'pinnedKey'>;
  readonly commands: Pick<GatewayCommands, 'readSessionPolicy' | 'setSessionPolicy' | 'readUnpinnedPolicy'>;
  readonly pins: Pick<ContactPins, 'require'>;
}

/** A gateway that this account may believe, with the policy that counts there. */
export interface TrustedGateway {
  readonly gateway: NamedGateway;
  readonly name: string;
  /** null: nothing counts. */
  readonly policy: SessionPolicy | null;
}

/** Policies for sessions: of one's own gateways, signed here, and of others', believed by their owners' signatures alone. */
export class SessionPolicies {
  readonly #parts: SessionPoliciesParts;

  constructor(parts: SessionPoliciesParts) {
    this.#parts = parts;
  }

  async read(gatewayUid: Uid): Promise<SessionPolicyView> {
    const gateway = await this.#parts.gateways.find(gatewayUid);
    return this.#viewOf(await this.#parts.commands.readSessionPolicy(gateway), gatewayUid);
  }

  /** Each overseer by the keys that this account has pinned of them: a roster alone swaps nobody's. */
  async set({ gatewayUid, version, overseers, ...rules }: SetSessionPolicy): Promise<SessionPolicyView> {
    const { account, gateways, commands, session, pins } = this.#parts;
    const { accountUid: ownerUid, signer } = account.keys;
    const gateway = await gateways.find(gatewayUid);
    const present = await commands.readSessionPolicy(gateway);
    if (Number(present.version) !== version)
      throw new ProtocolError('conflict', 'the policy was changed meanwhile');
    const members = overseers.map((one) => ({ ...one, member: this.#administrator(one.accountUid) }));
    await pins.require(
      members.map(({ member }) => member).filter(({ accountUid }) => accountUid !== ownerUid),
    );
    const signed = await signSessionPolicy(signer, {
      ...{ gatewayUid, ownerUid, ...rules, version: version + 1, signedAtMs: session.deviceNow() },
      gatewayKey: await gateways.pinnedKey(gateway),
      gatewayName: gateway.name,
      overseers: members.map(({ accountUid, member, watch, end }) => ({
        ...{ accountUid, watch, end, signingKey: member.signingPublicKey },
      })),
    });
    await commands.setSessionPolicy(gateway, signed);
    return await this.read(gatewayUid);
  }

  /**
   * By the own pin, else by the key that its owner signed. Throws `not-found` when its owner said nothing that counts, and
   * `untrusted` when it is not the gateway of whom the server says it is.
   */
  async trust(gatewayUid: Uid, ownerUid: Uid): Promise<TrustedGateway> {
    const { gateways, commands } = this.#parts;
    const own = (await gateways.known()).find(({ uid }) => uid === gatewayUid);
    if (own) {
      const reply = await commands.readSessionPolicy(own);
      return {
        gateway: own,
        name: own.name,
        policy: reply.counts ? this.#verified(reply, gatewayUid) : null,
      };
    }
    const reply = await commands.readUnpinnedPolicy(gatewayUid, (unverified) => {
      if (!unverified.policy || !unverified.counts)
        throw new ProtocolError('not-found', 'the gateway has no policy that counts');
      return this.#verified(unverified, gatewayUid).gatewayKey;
    });
    const policy = this.#verified(reply, gatewayUid);
    if (policy.ownerUid !== ownerUid)
      throw new ProtocolError('untrusted', 'the policy is of another owner than the server names');
    const gateway = { uid: gatewayUid, pins: { gatewayKey: encodeBase64url(policy.gatewayKey) } };
    return { gateway, name: policy.gatewayName, policy };
  }

  /** What it says, if a member signed it with the keys that they have now. Throws `untrusted`. */
  #verified({ policy }: ReadSessionPolicyReply, gatewayUid: Uid): SessionPolicy {
    const signed = encodeMessage(SignedSessionPolicySchema, policy ?? {});
    const { ownerUid } = parseSessionPolicy(signed);
    const owner = findMember(this.#roster, ownerUid);
    if (owner === null)
      throw new ProtocolError('untrusted', 'the gateway’s owner is not in the organisation');
    const policyOf = untrusting(() => verifySessionPolicy(owner.signingPublicKey, signed));
    if (policyOf.gatewayUid !== gatewayUid)
      throw new ProtocolError('untrusted', 'the policy is of another gateway');
    return policyOf;
  }

  #viewOf(reply: ReadSessionPolicyReply, gatewayUid: Uid): SessionPolicyView {
    const nothing = { overseers: [], silent: false, listedEndOnly: false, signedAt: null };
    const version = Number(reply.version);
    if (!reply.policy || !reply.counts) return { ...nothing, version, counts: false };
    const { overseers, silent, listedEndOnly, signedAtMs, ...policy } = this.#verified(reply, gatewayUid);
    if (policy.ownerUid !== this.#parts.account.keys.accountUid || policy.version !== version)
      throw new ProtocolError('untrusted', 'the gateway has a policy that this account did not sign');
    return {
      ...{ version, counts: true, silent, listedEndOnly, signedAt: signedAtMs },
      overseers: overseers.map((one) => this.#overseer(one)),
    };
  }

  #overseer({ accountUid, signingKey, watch, end }: SessionPolicy['overseers'][number]): OverseerView {
    const member = findMember(this.#roster, accountUid);
    const counts = member?.administrator === true && equal(member.signingPublicKey, signingKey);
    return { accountUid, email: member?.email ?? '', watch, end, counts };
  }

  #administrator(accountUid: Uid): RosterMember {
    const member = findMember(this.#roster, accountUid);
    if (!member?.administrator)
      throw new ProtocolError('not-found', 'no such administrator in the organisation');
    return member;
  }

  get #roster(): Roster {
    return this.#parts.account.organisation.roster;
  }
}

/** Whether that member may look on there. */
export function mayWatch(policy: SessionPolicy | null, member: RosterMember): boolean {
  return policy !== null && overseerOf(policy, member)?.watch === true;
}

function untrusting<T>(verify: () => T): T {
  try {
    return verify();
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new ProtocolError('untrusted', 'the policy is not signed by the gateway’s owner');
  }
}
