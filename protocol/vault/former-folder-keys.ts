import { encodeBase64url, parseBase64url, uint32, wipe, type Bytes } from '../bytes.ts';
import { openEnvelope, sealEnvelope } from '../crypto/envelope.ts';
import { purposes } from '../crypto/labels.ts';
import { SymmetricKey } from '../crypto/symmetric-key.ts';
import { ProtocolError } from '../errors.ts';
import { objectIn } from '../json.ts';
import { limits } from '../limits.ts';
import type { Uid } from '../uid.ts';

/**
 * A folder key that was replaced, kept in what the folder says of itself: who has the present key opens what authors
 * have not wrapped anew yet. protocol.md §19.4.
 */
export interface FormerFolderKey {
  readonly keyVersion: number;
  /** Under the present folder key: who may only launch does not open it. */
  readonly sealedKey: Bytes;
  /** The former launch key, 32 bytes: every member has the present one. */
  readonly launchKey: Bytes;
}

/** A former folder key under the present one. */
async function wrapFormerFolderKey(
  folderKey: Bytes,
  folderUid: Uid,
  formerVersion: number,
  formerKey: Bytes,
): Promise<Bytes> {
  const key = await SymmetricKey.import(folderKey);
  return await sealEnvelope(key, purposes.formerFolderKey, [folderUid, uint32(formerVersion)], formerKey);
}

/** Inverse of {@link wrapFormerFolderKey}, 32 raw bytes. Throws `open-failed`. */
export async function unwrapFormerFolderKey(
  folderKey: Bytes,
  folderUid: Uid,
  { keyVersion, sealedKey }: FormerFolderKey,
): Promise<Bytes> {
  const key = await SymmetricKey.import(folderKey);
  return await openEnvelope(key, purposes.formerFolderKey, [folderUid, uint32(keyVersion)], sealedKey);
}

/**
 * What a folder keeps when its key is replaced: its former keys, and the one that is replaced, under the next one. Those
 * that do not open are left out, and the oldest of more than `limits.formerFolderKeys`.
 */
export async function renewFormerKeys(
  folderUid: Uid,
  replaced: { readonly key: Bytes; readonly launchKey: Bytes; readonly keyVersion: number },
  nextKey: Bytes,
  formerKeys: readonly FormerFolderKey[],
): Promise<FormerFolderKey[]> {
  const renewed = formerKeys.map(async (former) => {
    const key = await unwrapFormerFolderKey(replaced.key, folderUid, former).catch(() => null);
    if (key === null) return [];
    const sealedKey = await wrapFormerFolderKey(nextKey, folderUid, former.keyVersion, key);
    wipe(key);
    return [{ ...former, sealedKey }];
  });
  const { key, launchKey, keyVersion } = replaced;
  const newest = {
    keyVersion,
    launchKey,
    sealedKey: await wrapFormerFolderKey(nextKey, folderUid, keyVersion, key),
  };
  return [...(await Promise.all(renewed)).flat(), newest].slice(-limits.formerFolderKeys);
}

/** As they stand in the folder's JSON. */
export function formerKeysToJson(keys: readonly FormerFolderKey[]): object[] {
  return keys.map(({ keyVersion, sealedKey, launchKey }) => ({
    keyVersion,
    sealedKey: encodeBase64url(sealedKey),
    launchKey: encodeBase64url(launchKey),
  }));
}

/** Inverse of {@link formerKeysToJson}: versions from 1 on, rising. Throws `malformed` or `too-large`. */
export function parseFormerKeys(value: unknown): FormerFolderKey[] {
  if (!Array.isArray(value)) throw new ProtocolError('malformed', 'no list of former folder keys');
  if (value.length > limits.formerFolderKeys) throw new ProtocolError('too-large', 'too many former keys');
  const keys = value.map(parseFormerKey);
  if (keys.some(({ keyVersion }, i) => keyVersion <= (keys[i - 1]?.keyVersion ?? 0)))
    throw new ProtocolError('malformed', 'versions of former folder keys do not rise');
  return keys;
}

function parseFormerKey(value: unknown): FormerFolderKey {
  const { keyVersion, sealedKey, launchKey } = objectIn(value, 'not a former folder key');
  const isVersion =
    typeof keyVersion === 'number' && Number.isInteger(keyVersion) && keyVersion <= 0xffff_ffff;
  if (!isVersion || typeof sealedKey !== 'string' || typeof launchKey !== 'string')
    throw new ProtocolError('malformed', 'not a former folder key');
  const former = { keyVersion, sealedKey: parseBase64url(sealedKey), launchKey: parseBase64url(launchKey) };
  if (former.launchKey.length !== 32) throw new ProtocolError('malformed', 'not a launch key');
  return former;
}
