import { envelopeOverhead } from '../../protocol/crypto/envelope.ts';
import { sha256 } from '../../protocol/crypto/hash.ts';
import { paddedLength } from '../../protocol/crypto/padding.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type {
  CreateShareLinkRequest,
  OpenShareLinkRequest,
  PeekShareLinkRequest,
  RevokeShareLinkRequest,
  ShareLinkService,
} from '../../protocol/messages/gen/share-link_pb.js';
import { verifyShareLinkOpen } from '../../protocol/signed/share-link-open.ts';
import { encodeBase64url } from '../../protocol/bytes.ts';
import { uidOf } from '../../protocol/uid.ts';
import { open, signedIn, type Call, type Handlers, type SignedInCall } from '../api/call.ts';
import { networkOf } from '../api/network.ts';
import { requireNoWait } from '../api/refusal.ts';
import { RateLimiter, type Rate } from '../api/token-bucket.ts';
import type { Database } from '../store/database.ts';
import type { ShareLinkExpiry } from './expiry.ts';
import {
  deleteShareLink,
  findShareLink,
  insertShareLink,
  listShareLinks,
  takeView,
} from './share-link-rows.ts';

export interface ShareLinkRates {
  readonly perLink: Rate;
  readonly perAddress: Rate;
}

/** Of attempts that fail: whoever has the link waits for nobody, and 256 bits are not guessed at any rate. */
export const shareLinkRates: ShareLinkRates = {
  perLink: { burst: 10, perSecond: 1 / 30 },
  perAddress: { burst: 60, perSecond: 1 / 2 },
};

export interface ShareLinkParts {
  readonly db: Database;
  readonly expiry: ShareLinkExpiry;
  readonly rates: ShareLinkRates;
}

const sealedMost = (plaintext: number) => paddedLength(plaintext) + envelopeOverhead;
const titleMost = 16 * 1024;
/** A link that is asked for by a clock that is ahead is not refused for it. */
const slackMs = limits.clockSkewMs;

/** protocol.md §18. */
export function shareLinkHandlers({ db, expiry, rates }: ShareLinkParts): Handlers<typeof ShareLinkService> {
  const perLink = new RateLimiter(rates.perLink);
  const perAddress = new RateLimiter(rates.perAddress);

  async function create(input: CreateShareLinkRequest, { session, now }: SignedInCall) {
    checkCreation(input, now);
    await insertShareLink(db, session.accountUid, input, now);
    expiry.wake();
    return {};
  }

  async function list(_: object, { session, now }: SignedInCall) {
    const rows = await listShareLinks(db, session.accountUid, now);
    return {
      links: rows.map((row) => ({
        linkUid: row.link_uid,
        sealedTitle: row.sealed_title,
        createdAtMs: BigInt(row.created_at),
        expiresAtMs: BigInt(row.expires_at),
        views: row.views,
        viewsLeft: row.views_left,
        oneBrowser: row.one_browser,
        lastOpenedAtMs: BigInt(row.last_opened_at),
      })),
    };
  }

  async function revoke({ linkUid }: RevokeShareLinkRequest, { session }: SignedInCall) {
    uidOf(linkUid);
    await deleteShareLink(db, session.accountUid, linkUid);
    return {};
  }

  async function peek(input: PeekShareLinkRequest, call: Call) {
    const tokenHash = tokenHashOf(input);
    const found = await counted(input.linkUid, call, () =>
      findShareLink(db, input.linkUid, tokenHash, call.now),
    );
    return {
      expiresAtMs: BigInt(found.expires_at),
      viewsLeft: found.views_left,
      oneBrowser: found.one_browser,
    };
  }

  async function openLink(input: OpenShareLinkRequest, call: Call) {
    const tokenHash = tokenHashOf(input);
    const browserKey = browserKeyOf(input);
    const opening = { link: input.linkUid, tokenHash, browserKey, now: call.now };
    return await counted(input.linkUid, call, () => takeView(db, opening));
  }

  /** Takes a token first and gives it back for a success: what fails is counted before anything is looked up. */
  async function counted<T>(link: Uint8Array, { address, now }: Call, attempt: () => Promise<T>): Promise<T> {
    const [network, name] = [networkOf(address), encodeBase64url(link)];
    requireNoWait(perAddress.take(network, now));
    requireNoWait(perLink.take(name, now));
    const result = await attempt();
    perAddress.giveBack(network);
    perLink.giveBack(name);
    return result;
  }

  return {
    createShareLink: signedIn(create),
    listShareLinks: signedIn(list),
    revokeShareLink: signedIn(revoke),
    peekShareLink: open(peek),
    openShareLink: open(openLink),
  };
}

function checkCreation(input: CreateShareLinkRequest, now: number): void {
  uidOf(input.linkUid);
  if (input.tokenHash.length !== 32) throw new ProtocolError('malformed', 'not the hash of a token');
  requireEnvelope(input.sealedContent, sealedMost(limits.shareLink.plaintext));
  requireEnvelope(input.sealedTitle, titleMost);
  const left = Number(input.expiresAtMs) - now;
  if (!(left > 0 && left <= limits.shareLink.longestMs + slackMs))
    throw new ProtocolError('malformed', 'a link lasts at most 90 days');
  if (input.views < 1 || input.views > limits.shareLink.views)
    throw new ProtocolError('malformed', `a link may be opened 1 to ${limits.shareLink.views} times`);
}

function requireEnvelope(bytes: Uint8Array, most: number): void {
  if (bytes.length <= envelopeOverhead || bytes[0] !== 1)
    throw new ProtocolError('malformed', 'not an envelope');
  if (bytes.length > most) throw new ProtocolError('too-large', 'the link holds too much');
}

function tokenHashOf({ linkUid, accessToken }: PeekShareLinkRequest | OpenShareLinkRequest): Uint8Array {
  uidOf(linkUid);
  if (accessToken.length !== 32) throw new ProtocolError('malformed', 'not an access token');
  return sha256(accessToken);
}

/** Null when none was given: good for links that any browser may open. Throws `bad-signature`. */
function browserKeyOf(input: OpenShareLinkRequest): Uint8Array | null {
  if (input.browserPublicKey.length === 0) return null;
  const { browserPublicKey, linkUid, accessToken, browserSignature } = input;
  verifyShareLinkOpen(browserPublicKey, uidOf(linkUid), accessToken, browserSignature);
  return browserPublicKey;
}
