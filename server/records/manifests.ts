// The account's signed digest of what it owns: each write of own things brings the next one. protocol.md §9.7.
import type { KeyObject } from 'node:crypto';
import { envelopeOverhead } from '../../protocol/crypto/envelope.ts';
import { signatureContexts } from '../../protocol/crypto/labels.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import type { SealedManifest } from '../../protocol/messages/gen/manifest_pb.js';
import { encodeManifest } from '../../protocol/signed/manifest-signature.ts';
import { uidBytes, type Uid } from '../../protocol/uid.ts';
import type { Tx } from '../store/database.ts';
import { storedNumber } from './record-bounds.ts';
import { requireSignatures } from './signatures.ts';

/** It names up to 256 devices. */
const mostSealed = 16 * 1024;

/** Throws `malformed` or `bad-signature`. */
export async function checkManifest(key: KeyObject, owner: Uid, manifest: SealedManifest): Promise<void> {
  const { sealed, signature, version } = manifest;
  if (sealed.length < envelopeOverhead || sealed.length > mostSealed || version < 1n)
    throw new ProtocolError('malformed', 'not a manifest');
  const message = encodeManifest(owner, manifest);
  await requireSignatures(key, signatureContexts.manifest, [{ message, signature }]);
}

/** Throws `malformed` when it is missing: no own thing is written without one. */
export function requireManifest(manifest: SealedManifest | undefined): SealedManifest {
  if (!manifest) throw new ProtocolError('malformed', 'the manifest is missing');
  return manifest;
}

/**
 * Stores the next one. Call it when the account's row is locked. Throws `conflict` unless it follows the stored one;
 * `rebuilt`: at any distance.
 */
export async function storeManifest(
  tx: Tx,
  owner: Uid,
  manifest: SealedManifest,
  rebuilt = false,
): Promise<void> {
  const version = storedNumber(manifest.version);
  const { numUpdatedRows } = await tx
    .updateTable('account')
    .set({
      manifest_version: version,
      manifest_sealed: manifest.sealed,
      manifest_signature: manifest.signature,
    })
    .where('account_uid', '=', uidBytes(owner))
    .where('manifest_version', rebuilt ? '<' : '=', rebuilt ? version : version - 1)
    .executeTakeFirst();
  if (numUpdatedRows !== 1n) throw new ProtocolError('conflict', 'the vault was changed meanwhile');
}
