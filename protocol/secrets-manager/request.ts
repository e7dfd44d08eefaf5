import { concat, encodeBase64, parseUtf8, utf8, type Bytes } from '../bytes.ts';
import { aesKeyLength } from '../crypto/aes-gcm.ts';
import { signDer } from '../crypto/ecdsa-der.ts';
import { randomBytes } from '../crypto/random.ts';
import { ProtocolError } from '../errors.ts';
import { parseJson } from '../json.ts';
import { limits } from '../limits.ts';
import { openLegacyBlob, sealLegacyBlob, sealLegacyEcies } from './legacy-crypto.ts';

/** A server key as both sides name it. protocol.md §10.4. */
export interface SecretsManagerServerKey {
  readonly id: number;
  readonly publicKey: Bytes;
}

export interface SealedSecretsManagerRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Bytes;
  /** The JSON value of a status 200 body; null when it is empty. Throws `open-failed` or `malformed`. */
  openResponse(body: Uint8Array): Promise<unknown>;
}

/** Headers and body of `POST /api/rest/sm/v1/{method}`, with a fresh transmission key. */
export async function sealSecretsManagerRequest(
  serverKey: SecretsManagerServerKey,
  privateKey: Bytes,
  payload: object,
): Promise<SealedSecretsManagerRequest> {
  const key = randomBytes(aesKeyLength);
  const wrapped = await sealLegacyEcies(serverKey.publicKey, key);
  const body = await sealLegacyBlob(key, utf8(JSON.stringify(payload)));
  const headers = {
    PublicKeyId: String(serverKey.id),
    TransmissionKey: encodeBase64(wrapped),
    Authorization: `Signature ${encodeBase64(signDer(privateKey, concat(wrapped, body)))}`,
    'Content-Type': 'application/octet-stream',
  };
  return { headers, body, openResponse: (response) => openResponse(key, response) };
}

async function openResponse(key: Bytes, body: Uint8Array): Promise<unknown> {
  if (body.length === 0) return null;
  if (body.length > limits.secretsManagerBody) throw new ProtocolError('too-large');
  return parseJson(parseUtf8(await openLegacyBlob(key, body)), 'not json');
}
