// What the cryptography of one request costs by itself, by the platform's own functions and with nothing around them.
import {
  createCipheriv,
  createDecipheriv,
  createECDH,
  createHash,
  createPublicKey,
  randomBytes,
  verify,
  type KeyObject,
} from 'node:crypto';
import type { ServerPrivateKey } from '../../../protocol/transmission/server-keys.ts';
import type { RawRequest } from '../../fixtures/secrets/raw-requests.ts';

export interface LimitInput {
  readonly requests: readonly RawRequest[];
  readonly clientPublicKey: Uint8Array;
  readonly serverKey: ServerPrivateKey;
  /** Bytes of an answer before it is sealed. */
  readonly answerBytes: number;
}

/** Milliseconds of processor time for one: ECIES and body opened, signature verified, an answer of that size sealed. */
export function cryptoMs({ requests, clientPublicKey, serverKey, answerBytes }: LimitInput): number {
  const key = verifyingKey(clientPublicKey);
  const answer = randomBytes(answerBytes);
  const ecdh = createECDH('prime256v1');
  ecdh.setPrivateKey(serverKey.privateKey);
  const before = process.cpuUsage();
  for (const { headers, body } of requests) {
    const wrapped = Buffer.from(headers['TransmissionKey'] ?? '', 'base64');
    const signature = Buffer.from((headers['Authorization'] ?? '').slice('Signature '.length), 'base64');
    const agreed = createHash('sha256')
      .update(ecdh.computeSecret(wrapped.subarray(0, 65)))
      .digest();
    const transmissionKey = open(agreed, wrapped.subarray(65));
    open(transmissionKey, body);
    if (!verify('sha256', Buffer.concat([wrapped, body]), key, signature)) throw new Error('not signed');
    seal(transmissionKey, answer);
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / requests.length;
}

/** SubjectPublicKeyInfo (RFC 5480) around an uncompressed point. */
function verifyingKey(point: Uint8Array): KeyObject {
  const head = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex');
  return createPublicKey({ key: Buffer.concat([head, point]), format: 'der', type: 'spki' });
}

function open(key: Uint8Array, blob: Uint8Array): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, blob.subarray(0, 12));
  decipher.setAuthTag(blob.subarray(-16));
  return Buffer.concat([decipher.update(blob.subarray(12, -16)), decipher.final()]);
}

function seal(key: Uint8Array, plaintext: Uint8Array): Buffer {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  return Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}
