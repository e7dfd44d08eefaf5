import { decodeBase64, empty, parseUtf8, uint64, utf8, type Bytes } from '../bytes.ts';
import { encodeContext } from '../crypto/context.ts';
import { openEnvelope, sealEnvelope } from '../crypto/envelope.ts';
import { hkdf } from '../crypto/hash.ts';
import { labels, purposes } from '../crypto/labels.ts';
import { pad, unpad } from '../crypto/padding.ts';
import { SymmetricKey } from '../crypto/symmetric-key.ts';
import { ProtocolError } from '../errors.ts';
import { parseObject } from '../json.ts';
import { parseUid, type Uid } from '../uid.ts';
import type { RecordScope } from './record-seal.ts';

/**
 * What somebody needs to connect to a machine that is not theirs, and nothing of its credential (protocol.md §9.9):
 * the record's name, the gateway with its pinned key, and the seed of the session's signalling keys.
 */
export interface LaunchCard {
  readonly type: string;
  readonly title: string;
  /** Shown beside the title: host and port. */
  readonly subtitle: string;
  readonly protocol: string;
  readonly gatewayUid: Uid;
  /** base64url, 65 bytes: answers that this key did not sign are not believed. */
  readonly gatewayKey: string;
  readonly applicationUid: Uid;
  readonly configurationUid: Uid;
  readonly configurationRevision: number;
  /** Empty without one, and then its revision is 0. */
  readonly launchCredentialUid: Uid | '';
  readonly credentialRevision: number;
  /** base64, 32 bytes. */
  readonly trafficSeed: string;
  /** "type base64"; empty without one. */
  readonly hostKey: string;
  /** Of the machine through which this one is reached; absent without one. */
  readonly jump?: JumpCard;
}

/** A jump machine with the revisions of it and of its credential. */
export interface JumpCard {
  readonly recordUid: Uid;
  readonly revision: number;
  readonly credentialRevision: number;
}

/** HKDF of the record key, 32 bytes: what those get who may launch and no more. */
export function recordLaunchKeyOf(recordKey: Uint8Array, recordUid: Uid): Bytes {
  return hkdf(recordKey, empty, encodeContext(labels.recordLaunchKey, recordUid));
}

/** Padded JSON under the record's launch key, bound to record, owner and revision. */
export async function sealLaunchCard(
  launchKey: Bytes,
  scope: RecordScope,
  revision: bigint,
  card: LaunchCard,
): Promise<Bytes> {
  const key = await SymmetricKey.import(launchKey);
  const padded = pad(utf8(JSON.stringify(card)));
  return await sealEnvelope(key, purposes.launchCard, objectsOf(scope, revision), padded);
}

/** Inverse of {@link sealLaunchCard}. Throws `open-failed` or `malformed`. */
export async function openLaunchCard(
  launchKey: Bytes,
  scope: RecordScope,
  revision: bigint,
  sealed: Uint8Array,
): Promise<LaunchCard> {
  const key = await SymmetricKey.import(launchKey);
  const padded = await openEnvelope(key, purposes.launchCard, objectsOf(scope, revision), sealed);
  return parseLaunchCard(parseUtf8(unpad(padded)));
}

const texts = ['type', 'title', 'subtitle', 'protocol', 'gatewayKey', 'trafficSeed', 'hostKey'] as const;
const uids = ['gatewayUid', 'applicationUid', 'configurationUid', 'launchCredentialUid'] as const;
const revisions = ['configurationRevision', 'credentialRevision'] as const;

function parseLaunchCard(text: string): LaunchCard {
  const value = parseObject(text, 'not a launch card');
  const sound =
    texts.every((name) => typeof value[name] === 'string') &&
    uids.every((name) => typeof value[name] === 'string') &&
    revisions.every((name) => Number.isSafeInteger(value[name]) && Number(value[name]) >= 0);
  if (!sound) throw new ProtocolError('malformed', 'not a launch card');
  for (const name of uids)
    if (name !== 'launchCredentialUid' || value[name] !== '') parseUid(String(value[name]));
  if (decodeBase64(String(value['trafficSeed'])).length !== 32)
    throw new ProtocolError('malformed', 'the launch card has no traffic seed');
  if (value['jump'] !== undefined) checkJump(value['jump']);
  return value as unknown as LaunchCard;
}

function checkJump(value: unknown): void {
  const jump: Readonly<Record<string, unknown>> =
    typeof value === 'object' && value !== null ? { ...value } : {};
  const { recordUid, revision, credentialRevision } = jump;
  const counts = [revision, credentialRevision];
  const sound =
    typeof recordUid === 'string' &&
    counts.every((count) => Number.isSafeInteger(count) && Number(count) >= 1);
  if (!sound) throw new ProtocolError('malformed', 'not a jump machine');
  parseUid(recordUid);
}

function objectsOf(scope: RecordScope, revision: bigint): readonly (string | Uint8Array)[] {
  return [scope.ownerUid, scope.recordUid, uint64(revision)];
}
