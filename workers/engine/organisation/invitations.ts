import { wipe } from '../../../protocol/bytes.ts';
import { sha256 } from '../../../protocol/crypto/hash.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import {
  OrganisationService,
  type Invitation,
  type PendingMember,
} from '../../../protocol/messages/gen/organisation_pb.js';
import {
  encodeInvitation,
  hashOfOrganisationKey,
  invitationToken,
  newInvitationSecret,
  openInvitationNote,
  requireInvitationProof,
  sealInvitationNote,
} from '../../../protocol/organisation/invitation.ts';
import { verifyAccountCertificate } from '../../../protocol/signed/account-certificate.ts';
import { hasEnded } from '../../../protocol/signed/roster.ts';
import { newUid, uidBytes, uidOf, type Uid } from '../../../protocol/uid.ts';
import type { InvitationEntry, NewInvitation } from '../../api/organisation.ts';
import { normaliseEmail } from '../sign-in/credentials.ts';
import type { OpenedAccount } from '../account/opened-account.ts';
import type { VaultSession } from '../connection/vault-session.ts';
import { graceMs, type InvitedMember, type Members } from './members.ts';
import type { OrganisationBook } from './organisation-book.ts';

export interface InvitationParts {
  readonly account: OpenedAccount;
  readonly session: VaultSession;
  readonly book: OrganisationBook;
  readonly members: Members;
  readonly warn: (message: string) => void;
}

const dayMs = 24 * 60 * 60_000;

/** Invitations by link, and the certification of those who accepted one of this account's own. */
export class Invitations {
  readonly #parts: InvitationParts;
  /** Accounts whose proof did not hold: looked at once. */
  readonly #refused = new Set<Uid>();

  constructor(parts: InvitationParts) {
    this.#parts = parts;
  }

  /** The link's fragment is shown once. Throws `conflict` for an address that has an account, `not-allowed`. */
  async create(email: string, days: number): Promise<NewInvitation> {
    const { account, session, book } = this.#parts;
    if (!Number.isInteger(days) || days < 1 || days * dayMs > limits.invitationMs)
      throw new ProtocolError('malformed', 'an invitation lasts 1 to 30 days');
    if (!book.keys.has('signing')) throw new ProtocolError('not-allowed', 'administrators invite');
    const address = normaliseEmail(email);
    const invitationUid = newUid();
    const secret = newInvitationSecret();
    const expiresAtMs = session.deviceNow() + days * dayMs;
    const note = { secret, expiresAtMs, email: address };
    const { accountUid, dataKey } = account.keys;
    await session.call(OrganisationService.method.createInvitation, {
      invitationUid: uidBytes(invitationUid),
      email: address,
      tokenHash: sha256(invitationToken({ invitationUid, secret })),
      sealedSecret: await sealInvitationNote(dataKey, accountUid, invitationUid, note),
      expiresAtMs: BigInt(expiresAtMs),
    });
    const organisationKeyHash = hashOfOrganisationKey(book.organisation.publicKey);
    const fragment = encodeInvitation({ invitationUid, secret, organisationKeyHash });
    wipe(secret);
    return { invitationUid, fragment, expiresAt: expiresAtMs };
  }

  async list(): Promise<InvitationEntry[]> {
    const { account } = this.#parts;
    return (await this.#fetch()).map((invitation) => ({
      uid: uidOf(invitation.invitationUid),
      email: invitation.email,
      own: uidOf(invitation.inviterUid) === account.keys.accountUid,
      expiresAt: Number(invitation.expiresAtMs),
      acceptedAt: invitation.acceptedAtMs > 0n ? Number(invitation.acceptedAtMs) : null,
    }));
  }

  /** The roster ends it, so that a server that keeps it is of no use. Throws `not-allowed`. */
  async revoke(invitationUid: Uid): Promise<void> {
    await this.#parts.members.endInvitation(invitationUid);
    await this.#parts.session.call(OrganisationService.method.revokeInvitation, {
      invitationUid: uidBytes(invitationUid),
    });
  }

  /**
   * Takes into the roster who accepted an invitation of this account and proved it, under the address that this account
   * invited. What the server says beyond the proof counts for nothing.
   */
  async certifyAccepted(): Promise<void> {
    const { book, members, account } = this.#parts;
    if (book.membership !== 'administrator' || !book.keys.has('signing')) return;
    const waiting = book.pending.filter(({ accountUid }) => !this.#refused.has(uidOf(accountUid)));
    if (waiting.length === 0) return;
    const own = (await this.#fetch()).filter(
      ({ inviterUid }) => uidOf(inviterUid) === account.keys.accountUid,
    );
    const invitations = new Map(own.map((invitation) => [uidOf(invitation.invitationUid), invitation]));
    const proved: InvitedMember[] = [];
    for (const pending of waiting) {
      const invitation = invitations.get(uidOf(pending.invitationUid));
      const person = invitation && (await this.#verified(pending, invitation));
      if (person) proved.push(person);
    }
    if (proved.length > 0) await members.add(proved);
  }

  async #verified(pending: PendingMember, { sealedSecret }: Invitation): Promise<InvitedMember | null> {
    const { account, session, book, warn } = this.#parts;
    const invitationUid = uidOf(pending.invitationUid);
    try {
      const { accountUid, dataKey } = account.keys;
      const note = await openInvitationNote(dataKey, accountUid, invitationUid, sealedSecret);
      if (!pending.certificate) throw new ProtocolError('malformed', 'no certificate');
      const link = { invitationUid, secret: note.secret };
      requireInvitationProof(link, pending.certificate.body, pending.proof);
      wipe(note.secret);
      if (session.deviceNow() > note.expiresAtMs + graceMs)
        throw new ProtocolError('expired', 'the invitation ended long ago');
      const identity = verifyAccountCertificate(pending.certificate);
      if (hasEnded(book.roster, invitationUid) || hasEnded(book.roster, identity.accountUid))
        throw new ProtocolError('untrusted', 'the invitation was used or withdrawn, or the account removed');
      return { member: { ...identity, administrator: false, email: note.email }, invitationUid };
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#refused.add(uidOf(pending.accountUid));
      warn(`somebody who accepted an invitation was not certified: ${error.code}`);
      return null;
    }
  }

  async #fetch(): Promise<readonly Invitation[]> {
    const { session } = this.#parts;
    return (await session.call(OrganisationService.method.listInvitations, {})).invitations;
  }
}
