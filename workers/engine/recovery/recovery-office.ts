import { copy, empty, equal, wipe, type Bytes } from '../../../protocol/bytes.ts';
import { generateEcdhKeyPair } from '../../../protocol/crypto/ecdh.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { RecoveryService, type WaitingRecovery } from '../../../protocol/messages/gen/recovery_pb.js';
import { offerKey } from '../../../protocol/organisation/keys.ts';
import {
  openEnrolment,
  recoveryKeyWords,
  recoveryRequestWords,
  requireEnrolment,
  sealRelease,
} from '../../../protocol/organisation/recovery.ts';
import { findMember } from '../../../protocol/signed/roster.ts';
import { uidBytes, uidOf, type Uid } from '../../../protocol/uid.ts';
import type { RecoveryRequestEntry } from '../../api/recovery.ts';
import type { RosterWriter } from '../organisation/roster-writer.ts';
import { requireIdentityOf, type RecoveryParts } from './own-enrolment.ts';
import { WordCheck } from './word-check.ts';

interface Shown {
  readonly message: WaitingRecovery;
  readonly check: WordCheck;
}

/** What an administrator does about recovery. */
export class RecoveryOffice {
  readonly #parts: RecoveryParts;
  readonly #writer: RosterWriter;
  /** As the administrator saw them: what the server says of one later changes nothing. */
  readonly #shown = new Map<Uid, Shown>();

  constructor(parts: RecoveryParts, writer: RosterWriter) {
    this.#parts = parts;
    this.#writer = writer;
  }

  /** Null without a recovery key, and for who is no administrator. */
  get words(): readonly string[] | null {
    const { book } = this.#parts;
    if (book.membership !== 'administrator' || book.roster.recoveryPublicKey.length === 0) return null;
    return recoveryKeyWords(requireIdentityOf(book));
  }

  /** A new key in the next roster, offered to every administrator. */
  async setUp(): Promise<void> {
    const { organisation } = this.#parts.book;
    const { privateKey, publicKey } = generateEcdhKeyPair();
    try {
      await this.#writer.change(async ({ members }, signer) => {
        const administrators = members.filter(({ administrator }) => administrator);
        const offers = await Promise.all(
          administrators.map((member) => offerKey(signer, organisation.uid, 'recovery', member, privateKey)),
        );
        return { roster: { recoveryPublicKey: publicKey }, offers };
      });
    } finally {
      wipe(privateKey);
    }
  }

  async switchOff(): Promise<void> {
    await this.#writer.change(async ({ recoveryPublicKey }) =>
      recoveryPublicKey.length === 0 ? null : { roster: { recoveryPublicKey: empty } },
    );
  }

  /** Those of members, under their own address, with an enrolment that they signed; others are not shown. */
  async list(): Promise<RecoveryRequestEntry[]> {
    const { book, session, warn } = this.#parts;
    if (this.words === null) return [];
    const { requests } = await session.call(RecoveryService.method.listRequests, {});
    await book.refresh();
    const entries: RecoveryRequestEntry[] = [];
    for (const message of requests) {
      try {
        entries.push(this.#show(message));
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        warn(`a request for recovery was not shown: ${error.code}: ${error.message}`);
      }
    }
    return entries;
  }

  /** Throws `untrusted` for other words than the request's, `not-found` for one that was not shown. */
  async approve(requestUid: Uid, words: readonly string[], resetSecondFactors: boolean): Promise<void> {
    const { account, book, session } = this.#parts;
    const shown = this.#shown.get(requestUid);
    if (!shown) throw new ProtocolError('not-found', 'no such request');
    shown.check.require(words);
    const { message } = shown;
    this.#requireGenuine(message);
    const organisationUid = book.organisation.uid;
    const accountUid = uidOf(message.accountUid);
    const dataKey = await this.#open(message);
    try {
      const temporaryKey = copy(message.temporaryKey);
      const release = { organisationUid, accountUid, requestUid, temporaryKey };
      const sealed = await sealRelease(release, account.keys, resetSecondFactors, dataKey);
      const request = { requestUid: uidBytes(requestUid), release: sealed };
      await session.call(RecoveryService.method.approveRequest, request);
    } finally {
      wipe(dataKey);
    }
    this.#shown.delete(requestUid);
  }

  async refuse(requestUid: Uid): Promise<void> {
    await this.#parts.session.call(RecoveryService.method.refuseRequest, {
      requestUid: uidBytes(requestUid),
    });
    this.#shown.delete(requestUid);
  }

  #show(message: WaitingRecovery): RecoveryRequestEntry {
    this.#requireGenuine(message);
    const uid = uidOf(message.requestUid);
    const { email, deviceName, network, temporaryKey } = message;
    const known = this.#shown.get(uid);
    const same = known && equal(known.message.temporaryKey, temporaryKey) && known.message.email === email;
    const words = recoveryRequestWords({ requestUid: uid, email, temporaryKey });
    const check = same ? known.check : new WordCheck(words);
    this.#shown.set(uid, { message, check });
    return {
      ...{ uid, email, deviceName, network, gaps: check.gaps },
      requestedAt: Number(message.requestedAtMs),
      expiresAt: Number(message.expiresAtMs),
    };
  }

  /** Throws `untrusted` or `bad-signature`. */
  #requireGenuine({ accountUid, email, enrolment }: WaitingRecovery): void {
    const { organisation, roster } = this.#parts.book;
    const member = findMember(roster, uidOf(accountUid));
    if (member?.email !== email || !enrolment)
      throw new ProtocolError('untrusted', 'the request is of nobody in the organisation');
    const { recoveryPublicKey } = roster;
    requireEnrolment(organisation.uid, member, recoveryPublicKey, enrolment);
  }

  async #open({ accountUid, enrolment }: WaitingRecovery): Promise<Bytes> {
    const { book } = this.#parts;
    if (!enrolment) throw new ProtocolError('malformed', 'no enrolment');
    return await book.keys.use('recovery', async (privateKey) => {
      const pair = { privateKey, publicKey: copy(book.roster.recoveryPublicKey) };
      return await openEnrolment(book.organisation.uid, uidOf(accountUid), pair, enrolment);
    });
  }
}
