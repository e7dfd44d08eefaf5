import { createHash, timingSafeEqual } from 'node:crypto';
import type { HostKey } from '../terminal/failure.ts';

/** Host key algorithms we accept, best first. SHA-1 signatures (ssh-rsa) and DSA are not among them. */
const algorithms = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
] as const;
const rsaAlgorithms = ['rsa-sha2-512', 'rsa-sha2-256'] as const;

export type HostKeyAlgorithm = (typeof algorithms)[number] | (typeof rsaAlgorithms)[number];

/** A host key as it came from the wire (RFC 4253 §6.6), in the two forms people deal in. */
export function describeHostKey(blob: Buffer): HostKey {
  const digest = createHash('sha256').update(blob).digest('base64').replace(/=+$/, '');
  return { key: `${keyType(blob)} ${blob.toString('base64')}`, fingerprint: `SHA256:${digest}` };
}

/** Tells whether two pins ("type base64", a comment may follow) are of one key. */
export function isSameKey(one: string | undefined, other: string | undefined): boolean {
  const bytes = bytesOf(one ?? '');
  return bytes.length > 0 && bytes.equals(bytesOf(other ?? ''));
}

/** Tells whether the key is one of the pinned ones ("type base64", a comment may follow). */
export function isPinned(blob: Buffer, pins: readonly string[]): boolean {
  return pins.some((pin) => {
    const pinned = bytesOf(pin);
    return pinned.length > 0 && pinned.length === blob.length && timingSafeEqual(pinned, blob);
  });
}

/** The algorithms to offer: those of the pinned keys first, or a host with several keys would show another one. */
export function preferPinned(pins: readonly string[]): HostKeyAlgorithm[] {
  const pinned = new Set(pins.map((pin) => pin.trim().split(/\s+/)[0]));
  const all: HostKeyAlgorithm[] = [...algorithms, ...rsaAlgorithms];
  const isFirst = (name: HostKeyAlgorithm) => pinned.has(name.startsWith('rsa-') ? 'ssh-rsa' : name);
  return [...all.filter(isFirst), ...all.filter((name) => !isFirst(name))];
}

function bytesOf(pin: string): Buffer {
  return Buffer.from(pin.trim().split(/\s+/)[1] ?? '', 'base64');
}

function keyType(blob: Buffer): string {
  const length = blob.length >= 4 ? blob.readUInt32BE(0) : 0;
  const type = blob.subarray(4, 4 + Math.min(length, 64)).toString('latin1');
  return /^[\w@.-]+$/.test(type) ? type : 'unknown';
}
