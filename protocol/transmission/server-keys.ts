import { equal, type Bytes, copy } from '../bytes.ts';
import { checkPublicKey } from '../crypto/ecdh.ts';
import { verifySignature, type Signer } from '../crypto/ecdsa.ts';
import { sha256 } from '../crypto/hash.ts';
import { signatureContexts } from '../crypto/labels.ts';
import { ProtocolError } from '../errors.ts';
import { decodeMessage } from '../messages/decode.ts';
import { encodeMessage } from '../messages/encode.ts';
import { ServerKeysSchema, ServerKeySetSchema, type ServerKeySet } from '../messages/gen/api_pb.js';

/** A transmission key of the server as clients see it. protocol.md §7.1. */
export interface ServerPublicKey {
  readonly id: number;
  readonly publicKey: Bytes;
}

export interface ServerPrivateKey extends ServerPublicKey {
  readonly privateKey: Bytes;
}

/** What a client remembers of a server: who it is and how new its keys were. */
export interface ServerPin {
  /** SHA-256 of the identity key, 32 bytes. */
  readonly identity: Bytes;
  readonly keySetVersion: bigint;
}

/** Encoded ServerKeys, signed by the identity key. */
export async function signServerKeys(identity: Signer, keySet: ServerKeySet): Promise<Bytes> {
  const bytes = encodeMessage(ServerKeySetSchema, keySet);
  const signature = await identity.sign(signatureContexts.serverKeys, bytes);
  return encodeMessage(ServerKeysSchema, { keySet: bytes, signature, identityKey: identity.publicKey });
}

/**
 * The server's current key. With a pin, throws `untrusted` when the identity is another one or the key set is
 * older than one seen before; without, pins what it finds. Throws `malformed` or `bad-signature`.
 */
export function verifyServerKeys(
  encoded: Uint8Array,
  pin: ServerPin | null,
): { key: ServerPublicKey; pin: ServerPin } {
  const { keySet: bytes, signature, identityKey } = decodeMessage(ServerKeysSchema, encoded);
  verifySignature(identityKey, signatureContexts.serverKeys, bytes, signature);
  const keySet = decodeMessage(ServerKeySetSchema, bytes);
  const found = { identity: sha256(identityKey), keySetVersion: keySet.version };
  if (pin !== null) checkPin(pin, found);
  const current = keySet.keys[0];
  if (current === undefined) throw new ProtocolError('malformed', 'the server has no key');
  checkPublicKey(current.publicKey);
  return { key: { id: current.keyId, publicKey: copy(current.publicKey) }, pin: found };
}

function checkPin(pin: ServerPin, found: ServerPin): void {
  if (!equal(pin.identity, found.identity))
    throw new ProtocolError('untrusted', 'the server has another identity');
  if (found.keySetVersion < pin.keySetVersion)
    throw new ProtocolError('untrusted', 'the server shows old keys');
}
