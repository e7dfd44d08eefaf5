import type { OneTimeCode } from '../api.ts';
import { uint64, wipe } from '../../protocol/bytes.ts';
import { oneTimeCodeMac } from '../../protocol/crypto/one-time-code-mac.ts';
import { parseOneTimeSecret, type OneTimeSecret } from '../../protocol/records/one-time-secret.ts';

/** The code of a `oneTimeCode` field's text at that time (RFC 6238). Throws `malformed`, saying what is wrong. */
export function oneTimeCode(text: string, nowMs: number): OneTimeCode {
  const settings = parseOneTimeSecret(text);
  const { periodSeconds } = settings;
  const seconds = Math.floor(nowMs / 1000);
  try {
    return {
      code: codeAt(settings, Math.floor(seconds / periodSeconds)),
      periodSeconds,
      secondsLeft: periodSeconds - (seconds % periodSeconds),
    };
  } finally {
    wipe(settings.secret);
  }
}

/** RFC 4226 §5.3: four bytes from where the last half byte points, without their sign, to that many digits. */
function codeAt({ secret, hash, digits }: OneTimeSecret, step: number): string {
  const mac = oneTimeCodeMac(hash, secret, uint64(BigInt(step)));
  const offset = (mac[mac.length - 1] ?? 0) & 0x0f;
  const truncated = new DataView(mac.buffer).getUint32(offset) & 0x7fffffff;
  return String(truncated % 10 ** digits).padStart(digits, '0');
}
