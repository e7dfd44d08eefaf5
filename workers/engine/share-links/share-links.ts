import type { NewShareLink, ShareLinkView } from '../../api.ts';
import { wipe } from '../../../protocol/bytes.ts';
import { sha256 } from '../../../protocol/crypto/hash.ts';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import { ShareLinkService, type ShareLink } from '../../../protocol/messages/gen/share-link_pb.js';
import type { RecordContent } from '../../../protocol/records/content.ts';
import { fieldTypeOf, isSecretField, secretMembersOf } from '../../../protocol/records/field-types.ts';
import { fieldText } from '../../../protocol/records/withholding.ts';
import { newUid, uidBytes, uidOf, type Uid } from '../../../protocol/uid.ts';
import type { AccountKeys } from '../../../protocol/vault/account-keys.ts';
import {
  deriveShareLinkKeys,
  encodeShareLink,
  openShareLinkTitle,
  sealSharedContent,
  sealShareLinkTitle,
  type SharedContent,
  type SharedField,
} from '../../../protocol/vault/share-link.ts';
import type { VaultSession } from '../connection/vault-session.ts';

export interface ShareLinkParts {
  readonly origin: string;
  readonly session: VaultSession;
  readonly keys: AccountKeys;
  readonly read: (recordUid: Uid) => Promise<RecordContent>;
  readonly warn: (message: string) => void;
}

/** Links that the account gives out. protocol.md §18. */
export class ShareLinks {
  readonly #parts: ShareLinkParts;

  constructor(parts: ShareLinkParts) {
    this.#parts = parts;
  }

  /** Throws `malformed` for terms that no link has, `too-large`. */
  async create(input: NewShareLink): Promise<{ linkUid: Uid; url: string }> {
    requireTerms(input);
    const { session, keys, origin } = this.#parts;
    const content = await this.#parts.read(input.recordUid);
    const secret = { linkUid: newUid(), key: randomBytes(32) };
    const { accessToken, contentKey } = await deriveShareLinkKeys(secret);
    const { linkUid } = secret;
    const title = { title: content.title, recordUid: input.recordUid };
    await session.call(ShareLinkService.method.createShareLink, {
      linkUid: uidBytes(linkUid),
      tokenHash: sha256(accessToken),
      sealedContent: await sealSharedContent(contentKey, linkUid, snapshotOf(content, input)),
      sealedTitle: await sealShareLinkTitle(keys.dataKey, keys.accountUid, linkUid, title),
      expiresAtMs: BigInt(session.now() + input.lastsMs),
      views: input.views,
      oneBrowser: input.oneBrowser,
    });
    const url = `${origin}/#share=${encodeShareLink(secret)}`;
    wipe(secret.key, accessToken);
    return { linkUid, url };
  }

  async list(): Promise<ShareLinkView[]> {
    const { links } = await this.#parts.session.call(ShareLinkService.method.listShareLinks, {});
    const views = await Promise.all(
      links.slice(0, limits.shareLink.perAccount).map((link) => this.#viewOf(link)),
    );
    return views.filter((view) => view !== null);
  }

  async revoke(linkUid: Uid): Promise<void> {
    await this.#parts.session.call(ShareLinkService.method.revokeShareLink, { linkUid: uidBytes(linkUid) });
  }

  /** Null for what this account did not seal. */
  async #viewOf(link: ShareLink): Promise<ShareLinkView | null> {
    const { dataKey, accountUid } = this.#parts.keys;
    try {
      const linkUid = uidOf(link.linkUid);
      const { title, recordUid } = await openShareLinkTitle(dataKey, accountUid, linkUid, link.sealedTitle);
      const { views, viewsLeft, oneBrowser } = link;
      const [createdAt, expiresAt] = [Number(link.createdAtMs), Number(link.expiresAtMs)];
      const lastOpenedAt = Number(link.lastOpenedAtMs);
      return {
        ...{ linkUid, title, recordUid, createdAt, expiresAt, lastOpenedAt },
        views,
        viewsLeft,
        oneBrowser,
      };
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#parts.warn(`the server lists a share link that is not ours: ${error.code}`);
      return null;
    }
  }
}

function requireTerms({ fields, notes, lastsMs, views }: NewShareLink): void {
  const { longestMs, views: mostViews } = limits.shareLink;
  if (!(lastsMs > 0 && lastsMs <= longestMs))
    throw new ProtocolError('malformed', 'a link lasts at most 90 days');
  if (!Number.isInteger(views) || views < 1 || views > mostViews)
    throw new ProtocolError('malformed', `a link may be opened 1 to ${mostViews} times`);
  if (fields.length === 0 && !notes) throw new ProtocolError('malformed', 'nothing was chosen');
}

/** The chosen values as they are now: later changes of the record are not for the viewer. */
function snapshotOf(content: RecordContent, { fields, notes }: NewShareLink): SharedContent {
  const shared = fields.map(({ path, label }): SharedField => ({
    label,
    value: valueText(content, path),
    secret: isSecret(content, path),
  }));
  return { title: content.title, note: notes ? (content.notes ?? '') : '', fields: shared };
}

/** As a person reads it: a day is stored as milliseconds. */
function valueText(content: RecordContent, path: NewShareLink['fields'][number]['path']): string {
  const text = fieldText(content, path);
  const type = content[path.group]?.[path.index]?.type ?? '';
  const isDay = fieldTypeOf(type)?.shape.kind === 'date' && /^-?\d{1,15}$/.test(text);
  return isDay ? new Date(Number(text)).toISOString().slice(0, 10) : text;
}

function isSecret(content: RecordContent, path: NewShareLink['fields'][number]['path']): boolean {
  const field = content[path.group]?.[path.index];
  if (!field) return true;
  const members = secretMembersOf(field.type);
  const { member } = path;
  if (isSecretField(field) || member === undefined) return isSecretField(field) || members.length > 0;
  // A whole of which any part is secret is secret.
  return members.some((secret) => secret === member || secret.startsWith(`${member}.`));
}
