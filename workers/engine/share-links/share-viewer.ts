import type { SharedView, SharePeek } from '../../api.ts';
import { wipe } from '../../../protocol/bytes.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { ShareLinkService } from '../../../protocol/messages/gen/share-link_pb.js';
import { signShareLinkOpen } from '../../../protocol/signed/share-link-open.ts';
import { uidBytes } from '../../../protocol/uid.ts';
import {
  deriveShareLinkKeys,
  openSharedContent,
  parseShareLink,
  type SharedContent,
} from '../../../protocol/vault/share-link.ts';
import type { ApiClient } from '../connection/api-client.ts';
import type { Environment } from '../environment.ts';

/** A link in the hands of someone who may have no account. protocol.md §18.3. */
export class ShareViewer {
  readonly #api: ApiClient;
  readonly #environment: Environment;
  #opened: SharedContent | null = null;

  constructor(environment: Environment, api: ApiClient) {
    this.#environment = environment;
    this.#api = api;
  }

  /** Throws `not-found` for a link that is used up, expired, revoked, wrong or never was. */
  async peek(link: string): Promise<SharePeek> {
    const secret = parseShareLink(link);
    const { accessToken } = await deriveShareLinkKeys(secret);
    const linkUid = uidBytes(secret.linkUid);
    const answer = await this.#api.call(ShareLinkService.method.peekShareLink, { linkUid, accessToken });
    wipe(secret.key, accessToken);
    const { viewsLeft, oneBrowser } = answer;
    return { expiresAt: Number(answer.expiresAtMs), viewsLeft, oneBrowser };
  }

  /** Uses up a view. The browser's key is shown only for a link that asks for it: it would tell two openings apart. */
  async open(link: string): Promise<SharedView> {
    const { oneBrowser } = await this.peek(link);
    const secret = parseShareLink(link);
    const { accessToken, contentKey } = await deriveShareLinkKeys(secret);
    const proof = oneBrowser ? await this.#proof(secret.linkUid, accessToken) : {};
    const answer = await this.#api.call(ShareLinkService.method.openShareLink, {
      linkUid: uidBytes(secret.linkUid),
      accessToken,
      ...proof,
    });
    wipe(secret.key, accessToken);
    this.#opened = await openSharedContent(contentKey, secret.linkUid, answer.sealedContent);
    const { title, note, fields } = this.#opened;
    const shown = fields.map(({ label, value, secret: hidden }) => ({ label, value: hidden ? null : value }));
    return { title, note, fields: shown, viewsLeft: answer.viewsLeft };
  }

  /** Throws `not-found`. */
  reveal(index: number): string {
    const field = this.#opened?.fields[index];
    if (!field) throw new ProtocolError('not-found', 'there is no such field');
    return field.value;
  }

  close(): void {
    this.#opened = null;
  }

  async #proof(linkUid: Parameters<typeof signShareLinkOpen>[1], accessToken: Uint8Array) {
    const signer = await this.#environment.storage.linkSigner();
    const browserSignature = await signShareLinkOpen(signer, linkUid, accessToken);
    return { browserPublicKey: signer.publicKey, browserSignature };
  }
}
