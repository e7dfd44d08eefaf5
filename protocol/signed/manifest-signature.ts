import { uint64, type Bytes } from '../bytes.ts';
import { encodeContext } from '../crypto/context.ts';
import type { SealedManifest } from '../messages/gen/manifest_pb.js';
import { uidBytes, type Uid } from '../uid.ts';

/** What an account signs of its manifest, without its content: the server checks it too. protocol.md §9.7. */
export function encodeManifest(
  accountUid: Uid,
  { version, sealed }: Pick<SealedManifest, 'version' | 'sealed'>,
): Bytes {
  return encodeContext(uidBytes(accountUid), uint64(version), sealed);
}
