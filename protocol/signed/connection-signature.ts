import { parseBase64url, uint32, utf8, type Bytes } from '../bytes.ts';
import { encodeContext } from '../crypto/context.ts';
import { verifySignature, type Signer } from '../crypto/ecdsa.ts';
import { signatureContexts } from '../crypto/labels.ts';
import { ProtocolError } from '../errors.ts';
import type { RecordContent } from '../records/content.ts';
import { readHostname, readPamSettings } from '../records/pam-settings.ts';
import { uidBytes, type Uid } from '../uid.ts';

/** Whose machine a statement is about. */
export interface ConnectionScope {
  readonly recordUid: Uid;
  readonly ownerUid: Uid;
}

/** The owner's word on where a machine leads and with which credential, 64 bytes. protocol.md §10.8. */
export function signConnection(
  owner: Signer,
  scope: ConnectionScope,
  content: RecordContent,
): Promise<Bytes> {
  return owner.sign(signatureContexts.connection, encodeConnection(scope, content));
}

/** Whether the content leads where its owner signed that it does. Never throws a ProtocolError. */
export function isConnectionSigned(
  ownerKey: Uint8Array,
  scope: ConnectionScope,
  content: RecordContent,
): boolean {
  try {
    const signature = parseBase64url(readPamSettings(content).confirmation ?? '');
    verifySignature(ownerKey, signatureContexts.connection, encodeConnection(scope, content), signature);
    return true;
  } catch (error) {
    if (error instanceof ProtocolError) return false;
    throw error;
  }
}

/** The bytes that are signed: all that decides who is given the credential. Throws `malformed`. */
export function encodeConnection({ recordUid, ownerUid }: ConnectionScope, content: RecordContent): Bytes {
  const { configurationUid, connection } = readPamSettings(content);
  const { protocol, launchCredentialUid, hostKey = '', hostKeyPolicy } = connection;
  const { host, port } = hostOf(content);
  const linked = [configurationUid, launchCredentialUid].map((uid) =>
    uid === undefined ? new Uint8Array(0) : uidBytes(uid),
  );
  return encodeContext(
    ...[recordUid, ownerUid].map(uidBytes),
    ...linked,
    utf8(protocol),
    utf8(host),
    uint32(port),
    utf8(hostKey),
    utf8(hostKeyPolicy),
  );
}

/** A machine that is not finished leads nowhere, and that can be signed as well. */
function hostOf(content: RecordContent): { readonly host: string; readonly port: number } {
  try {
    return readHostname(content);
  } catch (error) {
    if (error instanceof ProtocolError) return { host: '', port: 0 };
    throw error;
  }
}
