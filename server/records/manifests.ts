// The account's signed digest of what it owns: each write of own things brings the next one. protocol.md §9.7.
import type { KeyObject } from 'node:crypto';
import { envelopeOverhead } from '../../protocol/crypto/envelope.ts';
import { signatureContexts } from '../../protocol/crypto/labels.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import type { SealedManifest } from '../../protocol/messages/gen/manifest_pb.js';
import { encodeManifest } from '../../protocol/signed/manifest-signature.ts';
import { uidBytes, type Uid } from '../../protocol/uid.ts';
import type { Tx } from '../store/database.ts';
import { requireSignatures } from './signatures.ts';

const mostSealed = 1024;

/** Throws `malformed` or `bad-signature`. */
export async function checkManifest(key: KeyObject, owner: Uid, manifest: SealedManifest): Promise<void> {
  const { sealed, signature, version } = manifest;
  if (sealed.length < envelopeOverhead || sealed.length > mostSealed || version < 1n)
    throw new ProtocolError('malformed', 'not a manifest');
  const message = encodeManifest(owner, manifest);
  await requireSignatures(key, signatureContexts.manifest, [{ message, signature }]);
}

/**
 * Stores the next manifest. Call it when the account's row is locked. Throws `conflict` unless its version follows the
 * stored one, and for a missing one where there was one before.
 */
export async function storeManifest(tx: Tx, owner: Uid, manifest: SealedManifest | undefined): Promise<void> {
  const version = manifest ? Number(manifest.version) : 0;
  const { numUpdatedRows } = await tx
    .updateTable('account')
    .set({
      manifest_version: version,
      ...(manifest && { manifest_sealed: manifest.sealed, manifest_signature: manifest.signature }),
    })
    .where('account_uid', '=', uidBytes(owner))
    .where('manifest_version', '=', Math.max(version - 1, 0))
    .executeTakeFirst();
  if (numUpdatedRows !== 1n) throw new ProtocolError('conflict', 'the vault was changed meanwhile');
}
