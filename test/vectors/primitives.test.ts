import { expect, test } from 'vitest';
import { encodeBase64url, encodeHex, parseBase64url, parseHex } from '../../protocol/bytes.ts';
import { encodeContext } from '../../protocol/crypto/context.ts';
import { signerOf, verifySignature, verifySignatureAside } from '../../protocol/crypto/ecdsa.ts';
import { openWithPrivateKey } from '../../protocol/crypto/ecies.ts';
import { openEnvelope } from '../../protocol/crypto/envelope.ts';
import type { Purpose, SignatureContext } from '../../protocol/crypto/labels.ts';
import { pad, unpad } from '../../protocol/crypto/padding.ts';
import { keyIdOf, SymmetricKey } from '../../protocol/crypto/symmetric-key.ts';
import { applicationKeyOf, applicationRecordKeyOf } from '../../protocol/session/application-copy.ts';
import { proveGatewayIdentity } from '../../protocol/session/gateway-identity.ts';
import { parseUid, uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import { wordsOf } from '../../protocol/sharing/fingerprint.ts';
import {
  accountWrappingKey,
  localWrappingKey,
  passkeyInput,
  passkeyWrappingKey,
} from '../../protocol/vault/account-keys.ts';
import { deviceWords } from '../../workers/engine/devices/device-words.ts';
import { partsOf, runVectors, type ShownPart } from './cases.ts';
import base64url from './base64url.json' with { type: 'json' };
import contexts from './contexts.json' with { type: 'json' };
import derivations from './derivations.json' with { type: 'json' };
import ecies from './ecies.json' with { type: 'json' };
import envelopes from './envelopes.json' with { type: 'json' };
import padding from './padding.json' with { type: 'json' };
import signatures from './signatures.json' with { type: 'json' };
import uids from './uid.json' with { type: 'json' };

runVectors<{ text: string; bytes: string }>('base64url', base64url, ({ text, bytes }) => {
  expect(encodeHex(parseBase64url(text))).toBe(bytes);
  expect(encodeBase64url(parseHex(bytes))).toBe(text);
});

runVectors<{ text: string; bytes: string }>('uid', uids, ({ text, bytes }) => {
  expect(encodeHex(uidBytes(parseUid(text)))).toBe(bytes);
  expect(uidOf(parseHex(bytes))).toBe(text);
});

runVectors<{ parts: ShownPart[]; context: string }>('context', contexts, ({ parts, context }) => {
  expect(encodeHex(encodeContext(...partsOf(parts)))).toBe(context);
});

test('no two lists of the context vectors give the same bytes', () => {
  expect(new Set(contexts.cases.map(({ context }) => context)).size).toBe(contexts.cases.length);
});

interface Padding {
  readonly plaintext?: { readonly length: number; readonly byte: number };
  readonly paddedLength?: number;
  readonly padded: string;
}

runVectors<Padding>('padding', padding, ({ plaintext, paddedLength, padded }) => {
  if (plaintext === undefined) return unpad(parseHex(padded));
  const bytes = new Uint8Array(plaintext.length).fill(plaintext.byte);
  expect(pad(bytes).length).toBe(paddedLength);
  expect(unpad(pad(bytes))).toEqual(bytes);
});

interface Envelope {
  readonly key: string;
  readonly purpose: Purpose;
  readonly objects: ShownPart[];
  readonly envelope: string;
  readonly plaintext: string;
}

runVectors<Envelope>('envelope', envelopes, async ({ key, purpose, objects, envelope, plaintext }) => {
  const imported = await SymmetricKey.import(parseHex(key));
  const opened = await openEnvelope(imported, purpose, partsOf(objects), parseHex(envelope));
  expect(encodeHex(opened)).toBe(plaintext);
});

interface Ecies {
  readonly privateKey: string;
  readonly publicKey: string;
  readonly purpose: string;
  readonly objects: ShownPart[];
  readonly sealed: string;
  readonly plaintext: string;
}

runVectors<Ecies>('ECIES', ecies, async ({ privateKey, publicKey, purpose, objects, sealed, plaintext }) => {
  const own = { privateKey: parseHex(privateKey), publicKey: parseHex(publicKey) };
  const opened = await openWithPrivateKey(own, purpose, partsOf(objects), parseHex(sealed));
  expect(encodeHex(opened)).toBe(plaintext);
});

interface Signature {
  readonly privateKey: string;
  readonly publicKey: string;
  readonly context: SignatureContext;
  readonly message: string;
  readonly signature: string;
}

runVectors<Signature>('signature', signatures, async (vector) => {
  const message = parseHex(vector.message);
  const [publicKey, signature] = [parseHex(vector.publicKey), parseHex(vector.signature)];
  const aside = await verifySignatureAside(publicKey, vector.context, message, signature).then(
    () => true,
    () => false,
  );
  const valid = isTaken(() => verifySignature(publicKey, vector.context, message, signature));
  expect(aside).toBe(valid); // also of those that are wrong
  verifySignature(publicKey, vector.context, message, signature);
  const signer = signerOf(parseHex(vector.privateKey));
  expect(encodeHex(await signer.sign(vector.context, message))).toBe(vector.signature);
  expect(encodeHex(signer.publicKey)).toBe(vector.publicKey);
});

interface Derivation {
  readonly name: string;
  readonly key: string;
  readonly applicationUid: Uid;
  readonly recordUid: Uid;
  readonly gatewayUid: Uid;
  readonly devicePublicKey: string;
  readonly derived: string;
}

runVectors<Derivation>('labels', derivations, async (vector) => {
  const { name, applicationUid, recordUid, derived } = vector;
  const key = parseHex(vector.key);
  const idOfDerived = encodeHex(keyIdOf(parseHex(derived)));
  if (name === 'keyId') expect(encodeHex(keyIdOf(key))).toBe(derived);
  if (name === 'applicationKey') expect(encodeHex(applicationKeyOf(key, applicationUid))).toBe(derived);
  if (name === 'applicationRecordKey')
    expect(encodeHex(applicationRecordKeyOf(key, applicationUid, recordUid))).toBe(derived);
  // These three give keys that are not extractable: their ids tell whether they are right.
  if (name === 'accountWrappingKey/password')
    expect(encodeHex((await accountWrappingKey(key, 'password')).id)).toBe(idOfDerived);
  if (name === 'accountWrappingKey/recovery')
    expect(encodeHex((await accountWrappingKey(key, 'recovery')).id)).toBe(idOfDerived);
  if (name === 'localWrappingKey') expect(encodeHex((await localWrappingKey(key)).id)).toBe(idOfDerived);
  if (name === 'passkeyWrappingKey') {
    const credential = uidBytes(parseUid(vector.gatewayUid));
    expect(encodeHex((await passkeyWrappingKey(key, applicationUid, credential)).id)).toBe(idOfDerived);
  }
  if (name === 'passkeyInput') expect(encodeHex(passkeyInput())).toBe(derived);
  if (name === 'deviceFingerprint')
    expect(deviceWords(parseHex(vector.devicePublicKey))).toEqual(wordsOf(parseHex(derived)).slice(0, 6));
  if (name === 'gatewayIdentity') {
    const proof = proveGatewayIdentity(key, vector.gatewayUid, parseHex(vector.devicePublicKey));
    expect(encodeHex(proof)).toBe(derived);
  }
});

test('no two labels give the same key', () => {
  expect(new Set(derivations.cases.map(({ derived }) => derived)).size).toBe(derivations.cases.length);
});

function isTaken(verify: () => void): boolean {
  try {
    verify();
    return true;
  } catch {
    return false;
  }
}
