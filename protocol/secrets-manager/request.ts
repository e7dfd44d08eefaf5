import { concat, empty, encodeBase64, encodeBase64url, parseUtf8, utf8, wipe, type Bytes } from '../bytes.ts';
import { aesKeyLength, nonceLength, tagLength } from '../crypto/aes-gcm.ts';
import { importEcdhKey, publicKeyLength } from '../crypto/ecdh.ts';
import { signDer, verifyDer } from '../crypto/ecdsa-der.ts';
import { sha256 } from '../crypto/hash.ts';
import { randomBytes } from '../crypto/random.ts';
import { ProtocolError } from '../errors.ts';
import { parseJson } from '../json.ts';
import { limits } from '../limits.ts';
import { openLegacyBlob, openLegacyEciesBy, sealLegacyBlob, sealLegacyEcies } from './legacy-crypto.ts';
import { parseAnyBase64 } from './members.ts';

/** A server key as both sides name it. protocol.md §10.4. */
export interface SecretsManagerServerKey {
  readonly id: number;
  readonly publicKey: Bytes;
}

export interface SecretsManagerServerPrivateKey extends SecretsManagerServerKey {
  readonly privateKey: Bytes;
}

export interface SealedSecretsManagerRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Bytes;
  /** The JSON value of a status 200 body; null when it is empty. Throws `open-failed` or `malformed`. */
  openResponse(body: Uint8Array): Promise<unknown>;
}

export interface OpenedSecretsManagerRequest {
  /** Not yet checked beyond being JSON; see messages.ts. Not yet trusted: verify the signature first. */
  readonly payload: unknown;
  readonly signedBytes: Bytes;
  readonly signature: Bytes;
  /** Names the wrapped transmission key, the same however it was spelt: what a replay cache remembers. */
  readonly transmissionKeyId: string;
  /** Body of a status 200 response; null makes it empty, bytes are its JSON already. */
  sealResponse(payload: object | Bytes | null): Promise<Bytes>;
}

const wrappedKeyLength = publicKeyLength + nonceLength + aesKeyLength + tagLength;
const signaturePrefix = 'Signature ';

/** Client side: headers and body of `POST /api/rest/sm/v1/{method}`, with a fresh transmission key. */
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
    Authorization: signaturePrefix + encodeBase64(signDer(privateKey, concat(wrapped, body))),
    'Content-Type': 'application/octet-stream',
  };
  return { headers, body, openResponse: (response) => openResponse(key, response) };
}

/**
 * Server side. `headers` by lower-case names, as Node gives them; `body` raw, whatever its content type says.
 * Throws `unknown-server-key`, `malformed`, `too-large`, or `open-failed`. The signature is the caller's to verify,
 * because the key to verify it with depends on the payload's client id.
 */
export async function openSecretsManagerRequest(request: {
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Uint8Array;
  readonly serverKeys: readonly SecretsManagerServerPrivateKey[];
}): Promise<OpenedSecretsManagerRequest> {
  const { headers, body, serverKeys } = request;
  const serverKey = findServerKey(serverKeys, header(headers, 'publickeyid'));
  if (body.length > limits.apiBody) throw new ProtocolError('too-large');
  const wrapped = parseAnyBase64(header(headers, 'transmissionkey'));
  const signature = parseSignature(header(headers, 'authorization'));
  if (wrapped.length !== wrappedKeyLength) throw new ProtocolError('malformed', 'transmission key length');
  const key = await unwrapTransmissionKey(serverKey, wrapped);
  return {
    payload: parseJson(parseUtf8(await openLegacyBlob(key, body)), 'not json'),
    signedBytes: concat(wrapped, body),
    signature,
    transmissionKeyId: encodeBase64url(sha256(wrapped)),
    sealResponse: (payload) => sealResponse(key, payload),
  };
}

/** Throws `bad-signature`. Before a client is bound the key is the payload's, afterwards only the stored one. */
export async function verifyClientSignature(
  publicKey: Uint8Array,
  signedBytes: Uint8Array,
  signature: Uint8Array,
): Promise<void> {
  await verifyDer(publicKey, signedBytes, signature);
}

async function openResponse(key: Bytes, body: Uint8Array): Promise<unknown> {
  if (body.length === 0) return null;
  if (body.length > limits.secretsManagerBody) throw new ProtocolError('too-large');
  return parseJson(parseUtf8(await openLegacyBlob(key, body)), 'not json');
}

async function sealResponse(key: Bytes, payload: object | Bytes | null): Promise<Bytes> {
  if (payload === null) return empty;
  return await sealLegacyBlob(key, isBytes(payload) ? payload : utf8(JSON.stringify(payload)));
}

function isBytes(payload: object | Bytes): payload is Bytes {
  return payload instanceof Uint8Array;
}

/** The platform's own of each server key, for as long as there is that key. */
const platformKeys = new WeakMap<SecretsManagerServerPrivateKey, Promise<CryptoKey>>();

function platformKeyOf(serverKey: SecretsManagerServerPrivateKey): Promise<CryptoKey> {
  const known = platformKeys.get(serverKey);
  if (known) return known;
  const imported = importEcdhKey(serverKey);
  platformKeys.set(serverKey, imported);
  return imported;
}

async function unwrapTransmissionKey(serverKey: SecretsManagerServerPrivateKey, wrapped: Bytes) {
  const key = await openLegacyEciesBy(platformKeyOf(serverKey), wrapped);
  if (key.length === aesKeyLength) return key;
  wipe(key);
  throw new ProtocolError('open-failed');
}

function findServerKey(keys: readonly SecretsManagerServerPrivateKey[], id: string) {
  if (!/^(0|[1-9]\d{0,8})$/.test(id)) throw new ProtocolError('malformed', 'server key id');
  const key = keys.find((candidate) => candidate.id === Number(id));
  if (key === undefined) throw new ProtocolError('unknown-server-key');
  return key;
}

function parseSignature(value: string): Bytes {
  if (!value.startsWith(signaturePrefix)) throw new ProtocolError('malformed', 'authorization header');
  return parseAnyBase64(value.slice(signaturePrefix.length));
}

function header(headers: Readonly<Record<string, string | readonly string[] | undefined>>, name: string) {
  const value = headers[name];
  if (typeof value !== 'string') throw new ProtocolError('malformed', `${name} header`);
  return value;
}
