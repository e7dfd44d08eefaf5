import { expect } from 'vitest';
import { encodeHex, parseHex, type Bytes } from '../../protocol/bytes.ts';
import { importAesKey, openBlob } from '../../protocol/crypto/aes-gcm.ts';
import { encodeContext } from '../../protocol/crypto/context.ts';
import { sha256 } from '../../protocol/crypto/hash.ts';
import { unpad } from '../../protocol/crypto/padding.ts';
import { verifyApiRequest } from '../../protocol/signed/api-request.ts';
import { verifyDeviceProof } from '../../protocol/signed/device-proof.ts';
import { verifyLinkProof } from '../../protocol/signed/link-proof.ts';
import { acceptLink } from '../../protocol/transmission/link-channel.ts';
import { openRequest } from '../../protocol/transmission/request.ts';
import { verifyServerKeys } from '../../protocol/transmission/server-keys.ts';
import { runVectors } from './cases.ts';
import apiSignatures from './api-signatures.json' with { type: 'json' };
import deviceProofs from './device-proofs.json' with { type: 'json' };
import linkProofs from './link-proofs.json' with { type: 'json' };
import links from './links.json' with { type: 'json' };
import requests from './requests.json' with { type: 'json' };
import serverKeys from './server-keys.json' with { type: 'json' };

interface ServerKeyHex {
  readonly id: number;
  readonly privateKey: string;
  readonly publicKey: string;
}

const keysOf = (keys: readonly ServerKeyHex[]) =>
  keys.map(({ id, privateKey, publicKey }) => ({
    id,
    privateKey: parseHex(privateKey),
    publicKey: parseHex(publicKey),
  }));

interface Request {
  readonly serverKeys: ServerKeyHex[];
  readonly method: string;
  readonly transmissionKey: string;
  readonly body: string;
  readonly payload: string;
  readonly response?: string;
  readonly responsePayload?: string;
}

runVectors<Request>('API request', requests, async (vector) => {
  const { method } = vector;
  const opened = await openRequest(keysOf(vector.serverKeys), method, parseHex(vector.body));
  expect(encodeHex(opened.payload)).toBe(vector.payload);
  expect(encodeHex(opened.wrappedKey)).toBe(vector.body.slice(0, 260));
  const open = (response: Bytes) => openResponse(vector, opened.wrappedKey, response);
  expect(await open(await opened.sealResponse(parseHex('0102')))).toBe('0102');
  if (vector.response === undefined) return;
  expect(await open(parseHex(vector.response))).toBe(vector.responsePayload);
});

/** The client's side from the transmission key, which a real client never shows. */
async function openResponse(vector: Request, wrappedKey: Bytes, response: Bytes): Promise<string> {
  const key = await importAesKey(parseHex(vector.transmissionKey));
  const aad = encodeContext('sallyport api', 'response', vector.method, sha256(wrappedKey));
  return encodeHex(unpad(await openBlob(key, response, aad)));
}

interface Link {
  readonly serverKeys: ServerKeyHex[];
  readonly opening: string;
  readonly binding: string;
  readonly frames: string[];
  readonly opened: string[];
}

runVectors<Link>('link', links, async (vector) => {
  const channel = await acceptLink(keysOf(vector.serverKeys), parseHex(vector.opening));
  expect(encodeHex(channel.binding)).toBe(vector.binding);
  const opened: string[] = [];
  for (const frame of vector.frames) opened.push(encodeHex(await channel.open(parseHex(frame))));
  expect(opened).toEqual(vector.opened);
});

interface ServerKeySet {
  readonly serverKeys: string;
  readonly pin: { readonly identity: string; readonly version: number } | null;
  readonly key: { readonly keyId: number; readonly publicKey: string };
}

runVectors<ServerKeySet>('server keys', serverKeys, (vector) => {
  const { pin } = vector;
  const known =
    pin === null ? null : { identity: parseHex(pin.identity), keySetVersion: BigInt(pin.version) };
  const verified = verifyServerKeys(parseHex(vector.serverKeys), known);
  expect({ keyId: verified.key.id, publicKey: encodeHex(verified.key.publicKey) }).toEqual(vector.key);
});

interface ApiSignature {
  readonly publicKey: string;
  readonly method: string;
  readonly wrappedKey: string;
  readonly issuedAtMs: number;
  readonly sessionToken: string;
  readonly payload: string;
  readonly signature: string;
}

runVectors<ApiSignature>('device signature of a call', apiSignatures, async (vector) => {
  const call = {
    method: vector.method,
    wrappedKey: parseHex(vector.wrappedKey),
    issuedAtMs: BigInt(vector.issuedAtMs),
    sessionToken: parseHex(vector.sessionToken),
    payload: parseHex(vector.payload),
  };
  await verifyApiRequest(parseHex(vector.publicKey), call, parseHex(vector.signature));
});

interface LinkProof {
  readonly publicKey: string;
  readonly subject: 'vault' | 'gateway';
  readonly identity: string;
  readonly challenge: string;
  readonly binding: string;
  readonly signature: string;
}

runVectors<LinkProof>('link proof', linkProofs, (vector) => {
  const proof = {
    subject: vector.subject,
    identity: parseHex(vector.identity),
    challenge: parseHex(vector.challenge),
    binding: parseHex(vector.binding),
  };
  verifyLinkProof(parseHex(vector.publicKey), proof, parseHex(vector.signature));
});

interface DeviceProofHex {
  readonly publicKey: string;
  readonly method: string;
  readonly loginUid: string;
  readonly deviceUid: string;
  readonly signature: string;
}

runVectors<DeviceProofHex>('device proof', deviceProofs, (vector) => {
  const { method } = vector;
  const proof = { method, loginUid: parseHex(vector.loginUid), deviceUid: parseHex(vector.deviceUid) };
  verifyDeviceProof(parseHex(vector.publicKey), proof, parseHex(vector.signature));
});
