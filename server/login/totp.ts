// Codes of authenticator apps (RFC 6238): SHA-1, six digits, 30 seconds, which is what every app can do.
import { createHmac, timingSafeEqual } from 'node:crypto';

export const totpSecretLength = 20;
const stepMs = 30_000;
/** Steps before and after now: the person's clock and the time it takes to type. */
const window = 1;

/** The code of a time step. */
export function totpCode(secret: Uint8Array, step: number): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const digest = createHmac('sha1', secret).update(counter).digest();
  const offset = (digest[19] ?? 0) & 0xf;
  return String((digest.readUInt32BE(offset) & 0x7fff_ffff) % 1_000_000).padStart(6, '0');
}

/** The time step within the window and after `lastStep` whose code this is, or null. */
export function totpStepOf(secret: Uint8Array, code: string, now: number, lastStep: number): number | null {
  if (!/^\d{6}$/.test(code)) return null;
  const current = Math.floor(now / stepMs);
  let found: number | null = null;
  for (let step = current - window; step <= current + window; step++)
    if (timingSafeEqual(Buffer.from(totpCode(secret, step)), Buffer.from(code)) && step > lastStep)
      found = step;
  return found;
}
