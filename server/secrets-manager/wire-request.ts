// A request of the secrets-manager API from its headers and its body. protocol.md §10.4.
import { parseUtf8 } from '../../protocol/bytes.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { parseJson } from '../../protocol/json.ts';
import { limits } from '../../protocol/limits.ts';
import type { ServerPrivateKey } from '../../protocol/transmission/server-keys.ts';
import { digest, openBlob, sealBlob, sealedLength, unwrapKey, wrappedKeyLength } from './wire-crypto.ts';

/** Names in lower case, as Node gives them. */
export type RequestHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

export interface WireRequest {
  readonly headers: RequestHeaders;
  /** Raw, whatever its content type says. */
  readonly body: Uint8Array;
  readonly serverKeys: readonly ServerPrivateKey[];
}

export interface OpenedRequest {
  /** Not yet checked beyond being JSON. Not yet trusted: verify the signature first. */
  readonly payload: unknown;
  readonly signedBytes: Uint8Array;
  readonly signature: Uint8Array;
  /** SHA-256 of the wrapped transmission key, the same however that was spelt: what a replay is known by. */
  readonly mark: Uint8Array;
  /** Body of a status 200 response, of a plaintext in parts; of none the body is empty. */
  seal(parts: readonly Uint8Array[]): SealedAnswer;
}

/** A body as it is sent. */
export interface SealedAnswer {
  /** Of all pieces. */
  readonly length: number;
  /** To be gone through once: each is sealed when its turn comes, and nobody else's. */
  readonly pieces: Iterable<Uint8Array>;
}

const nothing: SealedAnswer = { length: 0, pieces: [] };
const signaturePrefix = 'Signature ';

/**
 * Throws `unknown-server-key`, `malformed`, `too-large`, or `open-failed`. The signature is the caller's to verify, because the key
 * to verify it with depends on the payload's client id.
 */
export function openWireRequest({ headers, body, serverKeys }: WireRequest): OpenedRequest {
  const serverKey = findServerKey(serverKeys, header(headers, 'publickeyid'));
  if (body.length > limits.apiBody) throw new ProtocolError('too-large');
  const wrapped = parseBase64(header(headers, 'transmissionkey'));
  const signature = parseSignature(header(headers, 'authorization'));
  if (wrapped.length !== wrappedKeyLength) throw new ProtocolError('malformed', 'transmission key length');
  const key = unwrapKey(serverKey, wrapped);
  return {
    payload: parseJson(parseUtf8(openBlob(key, body)), 'not json'),
    signedBytes: Buffer.concat([wrapped, body]),
    signature,
    mark: digest(wrapped),
    seal: (parts) =>
      parts.length === 0 ? nothing : { length: sealedLength(parts), pieces: sealBlob(key, parts) },
  };
}

function findServerKey(keys: readonly ServerPrivateKey[], id: string): ServerPrivateKey {
  if (!/^(0|[1-9]\d{0,8})$/.test(id)) throw new ProtocolError('malformed', 'server key id');
  const key = keys.find((candidate) => candidate.id === Number(id));
  if (key === undefined) throw new ProtocolError('unknown-server-key');
  return key;
}

function parseSignature(value: string): Uint8Array {
  if (!value.startsWith(signaturePrefix)) throw new ProtocolError('malformed', 'authorization header');
  return parseBase64(value.slice(signaturePrefix.length));
}

/** Of either alphabet, with or without padding, as everywhere in this protocol (parseAnyBase64). Throws `malformed`. */
function parseBase64(text: string): Uint8Array {
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  if (!/^[\w+/-]*={0,2}$/.test(text) || (text.length - padding) % 4 === 1)
    throw new ProtocolError('malformed', 'not base64');
  return Buffer.from(text, 'base64');
}

function header(headers: RequestHeaders, name: string): string {
  const value = headers[name];
  if (typeof value !== 'string') throw new ProtocolError('malformed', `${name} header`);
  return value;
}
