import { encodeContext } from '../../../protocol/crypto/context.ts';
import { sha256 } from '../../../protocol/crypto/hash.ts';
import { labels } from '../../../protocol/crypto/labels.ts';
import { wordsOf } from '../../../protocol/sharing/fingerprint.ts';

/** Six words (66 bits) of a device's key, the same on the device that waits and on those that may approve it. */
export function deviceWords(publicKey: Uint8Array): string[] {
  return wordsOf(sha256(encodeContext(labels.deviceFingerprint, publicKey))).slice(0, 6);
}
