import { equal, uint32, uint64, type Bytes } from '../bytes.ts';
import { encodeContext } from '../crypto/context.ts';
import { verifySignature } from '../crypto/ecdsa.ts';
import { openEnvelope, sealEnvelope } from '../crypto/envelope.ts';
import { hmacSha256With, sha256OfPublic } from '../crypto/hash.ts';
import { purposes, signatureContexts } from '../crypto/labels.ts';
import { randomBytes } from '../crypto/random.ts';
import { ProtocolError } from '../errors.ts';
import { decodeMessage } from '../messages/decode.ts';
import { encodeMessage } from '../messages/encode.ts';
import { ManifestSchema, type ManifestWriter, type SealedManifest } from '../messages/gen/manifest_pb.js';
import { encodeManifest } from '../signed/manifest-signature.ts';
import { uidBytes, uidOf, type Uid } from '../uid.ts';
import type { AccountKeys } from './account-keys.ts';

/**
 * What an account owns, as one digest (protocol.md §9.7): the XOR of an HMAC for each object. The key is in the sealed
 * manifest alone, so a server cannot find other objects with the same digest, and a write changes it in constant time.
 */
export interface Manifest {
  readonly version: bigint;
  /** 32 bytes. */
  readonly setKey: Bytes;
  /** 32 bytes. */
  readonly digest: Bytes;
  readonly count: bigint;
  readonly securityVersion: number;
  readonly rosterVersion: bigint;
  /** Which manifest each of the account's devices wrote last. */
  readonly writers?: ReadonlyMap<Uid, bigint>;
}

/** Devices that are remembered as writers; those that wrote longest ago are forgotten. */
const mostWriters = 256;

/** What this code accepts and writes. Rises when a format or parameter is given up; never falls. */
export const securityVersion = 1;

export type ElementKind = 'record' | 'card' | 'folder';

/** One object as the owner last wrote it. */
export interface ManifestElement {
  readonly kind: ElementKind;
  readonly uid: Uid;
  readonly revision: bigint;
  /** Of a record's key; of other things 0. */
  readonly keyVersion: number;
  /**
   * The first 16 bytes of the SHA-256 of its sealed data. Not its GCM tag: who has the key can make another content of
   * the same tag.
   */
  readonly tag: Uint8Array;
  readonly deleted: boolean;
}

/** The manifest of an account that owns nothing yet. */
export function newManifest(rosterVersion: bigint): Manifest {
  const digest = new Uint8Array(32);
  return { version: 0n, setKey: randomBytes(32), digest, count: 0n, securityVersion, rosterVersion };
}

/** What elements name of sealed data, 16 bytes. */
export function tagOf(sealed: Uint8Array): Bytes {
  return sha256OfPublic(sealed).slice(0, 16);
}

/** HMAC-SHA-256 of elements under the set key, 32 bytes each: the key is scheduled once for all of them. */
export function elementMacs(setKey: Uint8Array): (element: ManifestElement) => Bytes {
  const mac = hmacSha256With(setKey);
  return ({ kind, uid, revision, keyVersion, tag, deleted }) => {
    const flag = new Uint8Array([deleted ? 1 : 0]);
    return mac(encodeContext(kind, uidBytes(uid), uint64(revision), uint32(keyVersion), tag, flag));
  };
}

/** `digest` with another element's MAC in or out: XOR does either. Changes `digest` in place. */
export function toggle(digest: Uint8Array, mac: Uint8Array): void {
  for (let i = 0; i < digest.length; i++) digest[i] = (digest[i] ?? 0) ^ (mac[i] ?? 0);
}

/** The next manifest after some elements went out of the set and others came in. */
export function nextManifest(
  before: Manifest,
  change: { readonly out: readonly ManifestElement[]; readonly in: readonly ManifestElement[] },
  rosterVersion: bigint,
  deviceUid?: Uid,
): Manifest {
  const digest = new Uint8Array(before.digest);
  const mac = elementMacs(before.setKey);
  for (const element of [...change.out, ...change.in]) toggle(digest, mac(element));
  const version = before.version + 1n;
  return {
    version,
    setKey: before.setKey,
    digest,
    count: before.count + BigInt(change.in.length - change.out.length),
    securityVersion: Math.max(before.securityVersion, securityVersion),
    rosterVersion: rosterVersion > before.rosterVersion ? rosterVersion : before.rosterVersion,
    writers: withWriter(before.writers ?? new Map<Uid, bigint>(), deviceUid, version),
  };
}

/**
 * Whether a manifest may have come after another one that was seen: none of its writers has gone back. A server that
 * keeps two histories of one vault apart cannot show one to who knows the other.
 */
export function follows(next: Manifest, seen: Manifest): boolean {
  const writers = next.writers ?? new Map<Uid, bigint>();
  const forgotten = writers.size < mostWriters ? 0n : ([...writers.values()][0] ?? 0n);
  const isThere = ([deviceUid, version]: readonly [Uid, bigint]) =>
    version <= (writers.get(deviceUid) ?? 0n) || version < forgotten;
  const sameDigest = next.version > seen.version || equal(next.digest, seen.digest);
  return next.version >= seen.version && sameDigest && [...(seen.writers ?? [])].every(isThere);
}

function withWriter(writers: ReadonlyMap<Uid, bigint>, deviceUid: Uid | undefined, version: bigint) {
  if (deviceUid === undefined) return writers;
  const others = [...writers].filter(([uid]) => uid !== deviceUid);
  return new Map([
    ...others.slice(Math.max(0, others.length + 1 - mostWriters)),
    [deviceUid, version] as const,
  ]);
}

/** Sealed under the data key, signed by the account. */
export async function sealManifest(
  keys: Pick<AccountKeys, 'accountUid' | 'dataKey' | 'signer'>,
  manifest: Manifest,
): Promise<{ version: bigint; sealed: Bytes; signature: Bytes }> {
  const { version, writers = new Map<Uid, bigint>(), ...members } = manifest;
  const objects = [keys.accountUid, uint64(version)];
  const plaintext = encodeMessage(ManifestSchema, {
    ...members,
    writers: [...writers].map(([uid, at]) => ({ deviceUid: uidBytes(uid), version: at })),
  });
  const sealed = await sealEnvelope(keys.dataKey, purposes.manifest, objects, plaintext);
  const signed = encodeManifest(keys.accountUid, { version, sealed });
  return { version, sealed, signature: await keys.signer.sign(signatureContexts.manifest, signed) };
}

/**
 * The manifest that this account signed. Throws `bad-signature`, `open-failed`, `malformed`, or `untrusted` for one that
 * demands a newer security version than this code has.
 */
export async function openManifest(
  keys: Pick<AccountKeys, 'accountUid' | 'dataKey' | 'signer'>,
  { version, sealed, signature }: SealedManifest,
): Promise<Manifest> {
  const signed = encodeManifest(keys.accountUid, { version, sealed });
  verifySignature(keys.signer.publicKey, signatureContexts.manifest, signed, signature);
  const objects = [keys.accountUid, uint64(version)];
  const message = decodeMessage(
    ManifestSchema,
    await openEnvelope(keys.dataKey, purposes.manifest, objects, sealed),
  );
  if (message.setKey.length !== 32 || message.digest.length !== 32)
    throw new ProtocolError('malformed', 'not a manifest');
  if (message.securityVersion > securityVersion)
    throw new ProtocolError('untrusted', 'the vault was used by a newer version: reload the page');
  return {
    version,
    setKey: new Uint8Array(message.setKey),
    digest: new Uint8Array(message.digest),
    count: message.count,
    securityVersion: message.securityVersion,
    rosterVersion: message.rosterVersion,
    writers: writersOf(message.writers),
  };
}

function writersOf(writers: readonly ManifestWriter[]): ReadonlyMap<Uid, bigint> {
  if (writers.length > mostWriters) throw new ProtocolError('too-large', 'too many devices in a manifest');
  return new Map(writers.map(({ deviceUid, version }) => [uidOf(deviceUid), version]));
}

/** Whether the objects that are here are exactly those of the manifest. */
export function fitsManifest(manifest: Manifest, digest: Uint8Array, count: number): boolean {
  return manifest.count === BigInt(count) && equal(manifest.digest, digest);
}
