import { concat, free, type Bytes } from '../bytes.ts';
import { importAesKey, openBlob, sealBlob } from '../crypto/aes-gcm.ts';
import { encodeContext } from '../crypto/context.ts';
import { sha256 } from '../crypto/hash.ts';
import { pad, unpad } from '../crypto/padding.ts';
import { ProtocolError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { ServerPrivateKey, ServerPublicKey } from './server-keys.ts';
import { unwrapTransmissionKey, wrappedKeyLength, wrapTransmissionKey } from './wrapped-key.ts';

/**
 * One API call (protocol.md §7): request body = wrapped transmission key(130) ‖ blob(padded payload);
 * response body = blob(padded payload), both under the transmission key. AAD binds direction, method and the
 * wrapped key, so a response answers this very request.
 */
export interface SealedRequest {
  readonly body: Bytes;
  /** Opens the response to this request. Throws `open-failed`. */
  openResponse(body: Uint8Array): Promise<Bytes>;
}

export interface OpenedRequest {
  readonly payload: Bytes;
  /** Unique for every request: what a replay cache and the device signature hold on to. */
  readonly wrappedKey: Bytes;
  sealResponse(payload: Bytes): Promise<Bytes>;
}

/**
 * Client side. `method` is "Service/Method". `payloadOf` gets the wrapped key because the device signature
 * inside the payload covers it.
 */
export async function sealRequest(
  serverKey: ServerPublicKey,
  method: string,
  payloadOf: (wrappedKey: Bytes) => Promise<Bytes>,
): Promise<SealedRequest> {
  const { key: raw, wrapped } = await wrapTransmissionKey(serverKey, method);
  const key = await importAesKey(raw);
  const padded = pad(await payloadOf(wrapped));
  const blob = await sealBlob(key, padded, aadOf('request', method, wrapped));
  free(padded);
  const body = concat(wrapped, blob);
  free(blob);
  return {
    body,
    openResponse: async (response) =>
      unpad(await openBlob(key, response, aadOf('response', method, wrapped))),
  };
}

/** Server side. Throws `too-large`, `malformed`, `unsupported-version`, `unknown-server-key` or `open-failed`. */
export async function openRequest(
  serverKeys: readonly ServerPrivateKey[],
  method: string,
  body: Uint8Array,
): Promise<OpenedRequest> {
  if (body.length > limits.apiBody) throw new ProtocolError('too-large');
  if (body.length < wrappedKeyLength) throw new ProtocolError('malformed', 'the request is cut');
  const wrappedKey = concat(body.subarray(0, wrappedKeyLength));
  const key = await importAesKey(await unwrapTransmissionKey(serverKeys, method, wrappedKey));
  const sealed = body.subarray(wrappedKeyLength);
  const payload = unpad(await openBlob(key, sealed, aadOf('request', method, wrappedKey)));
  return {
    payload,
    wrappedKey,
    sealResponse: (response) => sealBlob(key, pad(response), aadOf('response', method, wrappedKey)),
  };
}

function aadOf(direction: 'request' | 'response', method: string, wrappedKey: Bytes): Bytes {
  return encodeContext('sallyport api', direction, method, sha256(wrappedKey));
}
