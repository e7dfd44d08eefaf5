import { encodeBase64url, equal, utf8 } from '../../../protocol/bytes.ts';
import { sha256 } from '../../../protocol/crypto/hash.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { firstValue, withValue, type RecordContent } from '../../../protocol/records/content.ts';
import {
  confirmationCounter,
  encodeConnection,
  isConnectionSigned,
  signConnection,
  type ConnectionScope,
} from '../../../protocol/signed/connection-signature.ts';
import type { Uid } from '../../../protocol/uid.ts';
import type { AccountKeys } from '../../../protocol/vault/account-keys.ts';
import { ConfirmationList } from './confirmation-list.ts';
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
 * Who may edit a machine could lead it to a host of their own, or back to a former one, and the gateway would send it the
 * owner's password. So the owner's vault hands a machine to a gateway only when the owner's newest word on it is the one
 * that it has. protocol.md §10.8.
 */
export class MachineConfirmation {
  readonly #keys: ConfirmationKeys;
  readonly #book: RecordBook;
  readonly #list: ConfirmationList;

  constructor(keys: ConfirmationKeys, book: RecordBook) {
    this.#keys = keys;
    this.#book = book;
    this.#list = new ConfirmationList(book);
  }

  /** Whether an own machine leads where this account said last, those drafts counted; other records lead nowhere. */
  async isConfirmed(asked: Asked, drafts: readonly Draft[] = []): Promise<boolean> {
    if (asked.content.type !== 'pamMachine') return true;
    if (!this.wasConfirmed(asked)) return false;
    return (await this.#list.of(asked.uid, drafts)) === wordOf(asked.content);
  }

  /** Whether this account has said of an own machine where it leads, wherever it leads now. */
  async wasEverConfirmed(uid: Uid): Promise<boolean> {
    return (await this.#list.of(uid)) !== null;
  }

  /** Whether an own machine leads where this account said once, be it long ago. */
  wasConfirmed({ uid, ownerUid = this.#keys.accountUid, content }: Asked): boolean {
    const { accountUid, signer } = this.#keys;
    const scope = { recordUid: uid, ownerUid };
    return ownerUid === accountUid && isConnectionSigned(signer.publicKey, scope, content);
  }

  /** Whether somebody else's machine leads where its owner, of that signing key, said; be it long ago. */
  isConfirmedBy(ownerKey: Uint8Array, { uid, ownerUid, content }: Required<Asked>): boolean {
    const scope = { recordUid: uid, ownerUid };
    return content.type !== 'pamMachine' || isConnectionSigned(ownerKey, scope, content);
  }

  /**
   * The drafts with the owner's word, and what has to be written with them so that it is the word that counts. A new one is
   * said when a person says so here, and then only on top of what they stood by before. Everything else keeps the former,
   * which holds when the connection is the same.
   */
  async settle(given: readonly Draft[]): Promise<readonly Draft[]> {
    const drafts = await Promise.all(given.map((draft) => this.#settle(draft)));
    const said = drafts.flatMap(({ draft, isNew }) => (isNew ? [draft] : []));
    const words = new Map(said.map(({ uid, content }) => [uid, wordOf(content)] as const));
    return [...drafts.map(({ draft }) => draft), ...(await this.#list.draftsWith(words))];
  }

  /** What takes machines that are gone for good off the list. */
  async without(uids: readonly Uid[]): Promise<readonly Draft[]> {
    return await this.#list.draftsWith(new Map(uids.map((uid) => [uid, null] as const)));
  }

  async #settle(draft: Draft): Promise<{ readonly draft: Draft; readonly isNew: boolean }> {
    if (draft.content.type !== 'pamMachine') return { draft, isNew: false };
    const { accountUid } = this.#keys;
    const { uid, ownerUid = accountUid, confirms, baseRevision } = draft;
    const current = baseRevision > 0n ? (await this.#book.openAny(uid)).content : null;
    const stoodBy = current === null || (await this.isConfirmed({ uid, ownerUid, content: current }));
    const isSame =
      current !== null && stoodBy && leadsAlike({ recordUid: uid, ownerUid }, draft.content, current);
    const isSaid = ownerUid === accountUid && (confirms === 'anew' || (confirms === 'further' && stoodBy));
    if (isSaid && !isSame) {
      const word = await this.#sign(uid, baseRevision + 1n, draft.content);
      return { draft: { ...draft, content: withConfirmation(draft.content, word) }, isNew: true };
    }
    const former = current === null ? '' : confirmationIn(current);
    const kept = isSame ? former : confirmationIn(draft.content) || former;
    const settled = kept === '' ? draft : { ...draft, content: withConfirmation(draft.content, kept) };
    return { draft: settled, isNew: false };
  }

  /** Nothing for settings that nobody can read: such a machine is confirmed when it is mended. */
  async #sign(recordUid: Uid, counter: bigint, content: RecordContent): Promise<string> {
    const { accountUid, signer } = this.#keys;
    try {
      const scope = { recordUid, ownerUid: accountUid };
      return encodeBase64url(await signConnection(signer, scope, counter, content));
    } catch (error) {
      if (error instanceof ProtocolError) return '';
      throw error;
    }
  }
}

/** What the list says of a machine: the counter of the word, and its hash, because two devices may use one counter. */
function wordOf(content: RecordContent): string {
  const hash = sha256(utf8(confirmationIn(content))).subarray(0, 16);
  return `${confirmationCounter(content)} ${encodeBase64url(hash)}`;
}

/** Whether both lead to the same place with the same credential. */
function leadsAlike(scope: ConnectionScope, one: RecordContent, other: RecordContent): boolean {
  try {
    return equal(encodeConnection(scope, 0n, one), encodeConnection(scope, 0n, other));
  } catch (error) {
    if (error instanceof ProtocolError) return false;
    throw error;
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
