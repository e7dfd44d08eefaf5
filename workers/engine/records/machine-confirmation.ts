import { encodeBase64url } from '../../../protocol/bytes.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { firstValue, withValue, type RecordContent } from '../../../protocol/records/content.ts';
import { isConnectionSigned, signConnection } from '../../../protocol/signed/connection-signature.ts';
import type { Uid } from '../../../protocol/uid.ts';
import type { AccountKeys } from '../../../protocol/vault/account-keys.ts';
import type { Draft } from './draft.ts';
import type { RecordBook } from './record-book.ts';

export type ConfirmationKeys = Pick<AccountKeys, 'accountUid' | 'signer'>;

/** A record of which it is asked whether its owner stands by where it leads. */
interface Asked {
  readonly uid: Uid;
  readonly ownerUid?: Uid;
  readonly content: RecordContent;
}

/**
 * Who may edit a machine could lead it to a host of their own, and the gateway would send it the owner's password. So the
 * owner's vault hands a machine to a gateway only when its owner signed where it leads. protocol.md §10.8.
 */
export class MachineConfirmation {
  readonly #keys: ConfirmationKeys;
  readonly #book: RecordBook;

  constructor(keys: ConfirmationKeys, book: RecordBook) {
    this.#keys = keys;
    this.#book = book;
  }

  /** Whether an own machine leads where this account said; other records lead nowhere. */
  isConfirmed({ uid, ownerUid = this.#keys.accountUid, content }: Asked): boolean {
    if (content.type !== 'pamMachine') return true;
    const { accountUid, signer } = this.#keys;
    const scope = { recordUid: uid, ownerUid };
    return ownerUid === accountUid && isConnectionSigned(signer.publicKey, scope, content);
  }

  /** Whether somebody else's machine leads where its owner, of that signing key, said. */
  isConfirmedBy(ownerKey: Uint8Array, { uid, ownerUid, content }: Required<Asked>): boolean {
    const scope = { recordUid: uid, ownerUid };
    return content.type !== 'pamMachine' || isConnectionSigned(ownerKey, scope, content);
  }

  /**
   * The draft with the owner's word: a new one when a person says so here, and then only on top of what they stood by
   * before. Everything else keeps the former, which holds when the connection is the same.
   */
  async settle(draft: Draft): Promise<Draft> {
    if (draft.content.type !== 'pamMachine') return draft;
    const { accountUid } = this.#keys;
    const { uid, ownerUid = accountUid, confirms, baseRevision } = draft;
    const current = baseRevision > 0n ? (await this.#book.openAny(uid)).content : null;
    const stoodBy = current === null || this.isConfirmed({ uid, ownerUid, content: current });
    if (ownerUid === accountUid && (confirms === 'anew' || (confirms === 'further' && stoodBy))) {
      const signature = await this.#sign(uid, draft.content);
      return { ...draft, content: withConfirmation(draft.content, signature) };
    }
    const kept = confirmationIn(draft.content) || (current === null ? '' : confirmationIn(current));
    return kept === '' ? draft : { ...draft, content: withConfirmation(draft.content, kept) };
  }

  /** Nothing for settings that nobody can read: such a machine is confirmed when it is mended. */
  async #sign(recordUid: Uid, content: RecordContent): Promise<string> {
    const { accountUid, signer } = this.#keys;
    try {
      return encodeBase64url(await signConnection(signer, { recordUid, ownerUid: accountUid }, content));
    } catch (error) {
      if (error instanceof ProtocolError) return '';
      throw error;
    }
  }
}

/** The content without the owner's word, which is no page's to show or to send back. */
export function withoutConfirmation(content: RecordContent): RecordContent {
  if (confirmationIn(content) === '') return content;
  const { confirmation: _, ...settings } = settingsOf(content);
  return withValue(content, 'pamSettings', Object.keys(settings).length > 0 ? [settings] : []);
}

function confirmationIn(content: RecordContent): string {
  const { confirmation } = settingsOf(content);
  return typeof confirmation === 'string' ? confirmation : '';
}

function withConfirmation(content: RecordContent, confirmation: string): RecordContent {
  return withValue(content, 'pamSettings', [{ ...settingsOf(content), confirmation }]);
}

function settingsOf(content: RecordContent): Readonly<Record<string, unknown>> {
  const value = firstValue(content, 'pamSettings');
  return typeof value === 'object' && value !== null ? value : {};
}
