import { ByteReader, concat, uint32, type Bytes } from '../bytes.ts';
import { publicKeyLength } from '../crypto/ecdh.ts';
import { openWithPrivateKey, sealToPublicKey } from '../crypto/ecies.ts';
import { aesKeyLength, nonceLength, tagLength } from '../crypto/aes-gcm.ts';
import { randomBytes } from '../crypto/random.ts';
import { ProtocolError } from '../errors.ts';
import type { ServerPrivateKey, ServerPublicKey } from './server-keys.ts';

/** version(1) ‖ server key id(4) ‖ ECIES(transmission key): 130 bytes. protocol.md §7.2. */
const version = 1;
export const wrappedKeyLength = 1 + 4 + publicKeyLength + nonceLength + aesKeyLength + tagLength;

/** A fresh transmission key wrapped to the server for one request, or one link. */
export async function wrapTransmissionKey(
  serverKey: ServerPublicKey,
  subject: string,
): Promise<{ key: Bytes; wrapped: Bytes }> {
  const key = randomBytes(aesKeyLength);
  const sealed = await sealToPublicKey(
    serverKey.publicKey,
    'transmission-key',
    [subject, uint32(serverKey.id)],
    key,
  );
  return { key, wrapped: concat(Uint8Array.of(version), uint32(serverKey.id), sealed) };
}

/**
 * Inverse of {@link wrapTransmissionKey}. Throws `unsupported-version`, `unknown-server-key`, or `open-failed`
 * whatever else is wrong.
 */
export async function unwrapTransmissionKey(
  serverKeys: readonly ServerPrivateKey[],
  subject: string,
  wrapped: Uint8Array,
): Promise<Bytes> {
  const reader = new ByteReader(wrapped);
  if (reader.byte() !== version) throw new ProtocolError('unsupported-version');
  const id = reader.uint32();
  const serverKey = serverKeys.find((candidate) => candidate.id === id);
  if (serverKey === undefined) throw new ProtocolError('unknown-server-key');
  return await openWithPrivateKey(serverKey, 'transmission-key', [subject, uint32(id)], reader.rest());
}
