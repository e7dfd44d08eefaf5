import { parseUtf8, uint64, utf8, type Bytes } from '../bytes.ts';
import { openEnvelope, sealEnvelope } from '../crypto/envelope.ts';
import { purposes } from '../crypto/labels.ts';
import { pad, unpad } from '../crypto/padding.ts';
import type { SymmetricKey } from '../crypto/symmetric-key.ts';
import { ProtocolError } from '../errors.ts';
import { parseObject } from '../json.ts';
import { parseUid, type Uid } from '../uid.ts';

/** Where an account keeps a record or shared folder for itself, and how it marked it. protocol.md §9.8. */
export interface Card {
  /** A folder of its own; null: at the top. */
  readonly folderUid: Uid | null;
  readonly favourite: boolean;
  /** Trimmed, without duplicates, sorted. */
  readonly tags: readonly string[];
}

/** Where a thing is that has no card: at the top, unmarked. */
export const noCard: Card = { folderUid: null, favourite: false, tags: [] };

const most = { tags: 50, tagLength: 64 };

/** Which card, of whom. */
export interface CardScope {
  readonly accountUid: Uid;
  readonly objectUid: Uid;
  readonly revision: bigint;
}

/** Padded JSON under the account's data key, bound to account, object and revision. */
export function sealCard(dataKey: SymmetricKey, scope: CardScope, card: Card): Promise<Bytes> {
  const { folderUid, favourite, tags } = card;
  const text = JSON.stringify({ ...(folderUid && { folderUid }), ...(favourite && { favourite }), tags });
  return sealEnvelope(dataKey, purposes.card, objectsOf(scope), pad(utf8(text)));
}

/** Inverse of {@link sealCard}. Throws `open-failed` or `malformed`. */
export async function openCard(dataKey: SymmetricKey, scope: CardScope, sealed: Uint8Array): Promise<Card> {
  return parseCard(parseUtf8(unpad(await openEnvelope(dataKey, purposes.card, objectsOf(scope), sealed))));
}

/** Tags as a card keeps them. Throws `malformed` for too many or too long ones. */
export function normaliseTags(tags: readonly string[]): string[] {
  const clean = [...new Set(tags.map((tag) => tag.trim()).filter((tag) => tag !== ''))].sort();
  if (clean.length > most.tags || clean.some((tag) => tag.length > most.tagLength))
    throw new ProtocolError('malformed', `at most ${most.tags} tags of ${most.tagLength} characters`);
  return clean;
}

function parseCard(text: string): Card {
  const value = parseObject(text, 'not a card');
  const { folderUid, favourite, tags } = value;
  if (!Array.isArray(tags) || !tags.every((tag) => typeof tag === 'string'))
    throw new ProtocolError('malformed', 'not a card');
  if (folderUid !== undefined && typeof folderUid !== 'string')
    throw new ProtocolError('malformed', 'not a card');
  return {
    folderUid: folderUid === undefined ? null : parseUid(folderUid),
    favourite: favourite === true,
    tags: normaliseTags(tags),
  };
}

function objectsOf({ accountUid, objectUid, revision }: CardScope): readonly (string | Uint8Array)[] {
  return [accountUid, objectUid, uint64(revision)];
}
