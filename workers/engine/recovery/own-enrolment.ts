import { copy, encodeBase64url, type Bytes } from '../../../protocol/bytes.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { RecoveryService } from '../../../protocol/messages/gen/recovery_pb.js';
import {
  recoveryKeyWords,
  requireEnrolment,
  sealEnrolment,
  type RecoveryIdentity,
} from '../../../protocol/organisation/recovery.ts';
import type { RecoveryView, WordGaps } from '../../api/recovery.ts';
import { identityOf, type OpenedAccount } from '../account/opened-account.ts';
import type { OrganisationBook } from '../organisation/organisation-book.ts';
import type { VaultSession } from '../connection/vault-session.ts';
import { WordCheck } from './word-check.ts';

export interface RecoveryParts {
  readonly account: OpenedAccount;
  readonly session: VaultSession;
  readonly book: OrganisationBook;
  readonly warn: (message: string) => void;
}

interface Asked {
  /** Of the recovery key that the words are of. */
  readonly key: string;
  readonly check: WordCheck;
}

/** Whether this account lets its organisation recover it: never by itself, and only for a key whose words were compared. */
export class OwnEnrolment {
  readonly #parts: RecoveryParts;
  #asked: Asked | null = null;

  constructor(parts: RecoveryParts) {
    this.#parts = parts;
  }

  async state(): Promise<RecoveryView['enrolment']> {
    const { account, session, book, warn } = this.#parts;
    const { enrolment } = await session.call(RecoveryService.method.getEnrolment, {});
    if (!enrolment) return 'none';
    try {
      const { recoveryPublicKey } = book.roster;
      requireEnrolment(book.organisation.uid, identityOf(account.keys), recoveryPublicKey, enrolment);
      return 'enrolled';
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      if (error.code === 'untrusted') return 'ended'; // this account's own, for another key
      warn(`the server shows an enrolment that this account did not make: ${error.code}`);
      return 'none';
    }
  }

  /** Throws `not-found` when the organisation has no recovery. */
  async ask(): Promise<WordGaps> {
    await this.#parts.book.refresh();
    const identity = this.#identity();
    const check = new WordCheck(recoveryKeyWords(identity));
    this.#asked = { key: encodeBase64url(identity.recoveryKey), check };
    return check.gaps;
  }

  /** `dataKey`: raw, of a fresh login. Throws `untrusted` for other words, or when the key has changed since they were asked for. */
  async enrol(words: readonly string[], dataKey: Bytes): Promise<void> {
    const { account, session } = this.#parts;
    const identity = this.#identity();
    const asked = this.#asked;
    if (asked?.key !== encodeBase64url(identity.recoveryKey))
      throw new ProtocolError('untrusted', 'the recovery key is not the one that was compared');
    asked.check.require(words);
    const enrolment = await sealEnrolment(identity, account.keys, dataKey);
    await session.call(RecoveryService.method.enrol, { enrolment });
    this.#asked = null;
  }

  async withdraw(): Promise<void> {
    await this.#parts.session.call(RecoveryService.method.withdraw, {});
  }

  #identity(): RecoveryIdentity & { readonly recoveryKey: Bytes } {
    return requireIdentityOf(this.#parts.book);
  }
}

/** Throws `not-found` when the organisation has no recovery. */
export function requireIdentityOf({ organisation, roster }: OrganisationBook) {
  const recoveryKey = copy(roster.recoveryPublicKey);
  if (recoveryKey.length === 0) throw new ProtocolError('not-found', 'the organisation has no recovery');
  return { organisationUid: organisation.uid, organisationKey: organisation.publicKey, recoveryKey };
}
