// STUN messages (RFC 8489) with what TURN adds (RFC 8656): as much as asking for a relay takes.
import { createHash, createHmac, randomBytes } from 'node:crypto';

const cookie = 0x2112a442;

export const methods = { binding: 0x001, allocate: 0x003, refresh: 0x004 } as const;

const attributes = {
  username: 0x0006,
  integrity: 0x0008,
  error: 0x0009,
  lifetime: 0x000d,
  realm: 0x0014,
  nonce: 0x0015,
  relayedAddress: 0x0016,
  requestedTransport: 0x0019,
  mappedAddress: 0x0020,
} as const;

/** What the server asked for by refusing the first request; with the credentials, what signs the next. */
export interface Login {
  readonly username: string;
  readonly credential: string;
  readonly realm: string;
  readonly nonce: Buffer;
}

export interface StunAnswer {
  readonly transaction: string;
  readonly success: boolean;
  /** 0 with success. */
  readonly errorCode: number;
  readonly realm: string;
  readonly nonce: Buffer;
  readonly mappedAddress: string | null;
  readonly relayedAddress: string | null;
}

/** A request and its transaction. Allocate asks for UDP; `lifetimeSeconds` goes with refresh, 0 gives the relay back. */
export function encodeRequest(
  method: keyof typeof methods,
  login: Login | null,
  lifetimeSeconds: number | null = null,
): { readonly bytes: Buffer; readonly transaction: string } {
  const transaction = randomBytes(12);
  const body: Buffer[] = [];
  if (method === 'allocate') body.push(attribute(attributes.requestedTransport, Buffer.from([17, 0, 0, 0])));
  if (lifetimeSeconds !== null) body.push(attribute(attributes.lifetime, uint32(lifetimeSeconds)));
  if (login) {
    body.push(attribute(attributes.username, Buffer.from(login.username)));
    body.push(attribute(attributes.realm, Buffer.from(login.realm)));
    body.push(attribute(attributes.nonce, login.nonce));
  }
  const length = body.reduce((sum, { length: each }) => sum + each, 0) + (login ? 24 : 0);
  const head = Buffer.concat([uint16(methods[method]), uint16(length), uint32(cookie), transaction]);
  const unsigned = Buffer.concat([head, ...body]);
  const bytes = login
    ? Buffer.concat([unsigned, attribute(attributes.integrity, signatureOf(unsigned, login))])
    : unsigned;
  return { bytes, transaction: transaction.toString('hex') };
}

/** The long-term key is an MD5 hash, as RFC 8489 §9.2.2 has it. */
function signatureOf(unsigned: Buffer, { username, realm, credential }: Login): Buffer {
  const key = createHash('md5').update(`${username}:${realm}:${credential}`).digest();
  return createHmac('sha1', key).update(unsigned).digest();
}

/** Null for anything but a whole answer. */
export function parseAnswer(bytes: Buffer): StunAnswer | null {
  if (bytes.length < 20 || bytes.readUInt32BE(4) !== cookie || bytes.length < 20 + bytes.readUInt16BE(2))
    return null;
  const kind = bytes.readUInt16BE(0) & 0x0110;
  if (kind !== 0x0100 && kind !== 0x0110) return null;
  const found = attributesOf(bytes.subarray(20, 20 + bytes.readUInt16BE(2)));
  const error = found.get(attributes.error);
  return {
    transaction: bytes.subarray(8, 20).toString('hex'),
    success: kind === 0x0100,
    errorCode: error && error.length >= 4 ? (error[2] ?? 0) * 100 + (error[3] ?? 0) : 0,
    realm: found.get(attributes.realm)?.toString('utf8') ?? '',
    nonce: found.get(attributes.nonce) ?? Buffer.alloc(0),
    mappedAddress: addressIn(found.get(attributes.mappedAddress)),
    relayedAddress: addressIn(found.get(attributes.relayedAddress)),
  };
}

/** How long a message is that begins so, once its head is there: a stream has no other borders. */
export function messageLength(bytes: Buffer): number | null {
  return bytes.length < 20 ? null : 20 + bytes.readUInt16BE(2);
}

function attributesOf(body: Buffer): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (let at = 0; at + 4 <= body.length;) {
    const [type, length] = [body.readUInt16BE(at), body.readUInt16BE(at + 2)];
    if (at + 4 + length > body.length) break;
    if (!found.has(type)) found.set(type, body.subarray(at + 4, at + 4 + length));
    at += 4 + Math.ceil(length / 4) * 4;
  }
  return found;
}

/** Of IPv4; another family is only named. */
function addressIn(value: Buffer | undefined): string | null {
  if (!value || value.length < 8) return null;
  const port = value.readUInt16BE(2) ^ (cookie >>> 16);
  if (value[1] !== 1) return `[IPv6]:${port}`;
  const address = uint32((value.readUInt32BE(4) ^ cookie) >>> 0);
  return `${[...address].join('.')}:${port}`;
}

function attribute(type: number, value: Buffer): Buffer {
  const padding = Buffer.alloc((4 - (value.length % 4)) % 4);
  return Buffer.concat([uint16(type), uint16(value.length), value, padding]);
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
