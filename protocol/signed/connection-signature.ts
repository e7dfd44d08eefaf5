import { concat, parseBase64url, uint32, uint64, utf8, type Bytes } from '../bytes.ts';
import { encodeContext } from '../crypto/context.ts';
import { verifySignature, type Signer } from '../crypto/ecdsa.ts';
import { signatureContexts } from '../crypto/labels.ts';
import { ProtocolError } from '../errors.ts';
import type { RecordContent } from '../records/content.ts';
import { readHostname, readPamSettings } from '../records/pam-settings.ts';
import { readSessionSettings } from '../records/session-settings.ts';
import { uidBytes, type Uid } from '../uid.ts';

/** Whose machine a statement is about. */
export interface ConnectionScope {
  readonly recordUid: Uid;
  readonly ownerUid: Uid;
}

/** Bytes of a confirmation: its counter and its signature. */
const confirmationLength = 8 + 64;

/**
 * The owner's word on where a machine leads and with which credential, 72 bytes: the counter, which rises with each word
 * on this machine, and the signature. protocol.md §10.8.
 */
export async function signConnection(
  owner: Signer,
  scope: ConnectionScope,
  counter: bigint,
  content: RecordContent,
): Promise<Bytes> {
  const signature = await owner.sign(signatureContexts.connection, encodeConnection(scope, counter, content));
  return concat(uint64(counter), signature);
}

/** Whether the content leads where its owner once signed that it does. Never throws a ProtocolError. */
export function isConnectionSigned(
  ownerKey: Uint8Array,
  scope: ConnectionScope,
  content: RecordContent,
): boolean {
  try {
    const confirmation = confirmationOf(content);
    const counter = confirmationCounter(content);
    if (confirmation === null || counter === 0n) return false;
    const signed = encodeConnection(scope, counter, content);
    verifySignature(ownerKey, signatureContexts.connection, signed, confirmation.subarray(8));
    return true;
  } catch (error) {
    if (error instanceof ProtocolError) return false;
    throw error;
  }
}

/**
 * The counter that a machine's confirmation names, whether it is signed or not; 0 without one, and for one that is none.
 * Never throws a ProtocolError.
 */
export function confirmationCounter(content: RecordContent): bigint {
  const confirmation = confirmationOf(content);
  if (confirmation === null) return 0n;
  const counter = new DataView(confirmation.buffer, confirmation.byteOffset).getBigUint64(0);
  return counter > BigInt(Number.MAX_SAFE_INTEGER) ? 0n : counter;
}

/** Null for what is none, and for settings that cannot be read. */
function confirmationOf(content: RecordContent): Bytes | null {
  try {
    const confirmation = parseBase64url(readPamSettings(content).confirmation ?? '');
    return confirmation.length === confirmationLength ? confirmation : null;
  } catch (error) {
    if (error instanceof ProtocolError) return null;
    throw error;
  }
}

/** The bytes that are signed: all that decides who is given the credential. Throws `malformed`. */
export function encodeConnection(
  { recordUid, ownerUid }: ConnectionScope,
  counter: bigint,
  content: RecordContent,
): Bytes {
  const { configurationUid, connection } = readPamSettings(content);
  const { protocol, launchCredentialUid, jumpMachineUid, hostKey = '', hostKeyPolicy } = connection;
  const { host, port } = hostOf(content);
  const linked = [configurationUid, launchCredentialUid].map((uid) =>
    uid === undefined ? new Uint8Array(0) : uidBytes(uid),
  );
  return encodeContext(
    ...[recordUid, ownerUid].map(uidBytes),
    uint64(counter),
    ...linked,
    utf8(protocol),
    utf8(host),
    uint32(port),
    utf8(hostKey),
    utf8(hostKeyPolicy),
    utf8(settingsIn(content, jumpMachineUid)),
  );
}

/** A repeater, a jump machine, a certificate that is not looked at or a command lead elsewhere as much as another host does. */
function settingsIn(content: RecordContent, jumpMachineUid: Uid | undefined): string {
  const settings = readSessionSettings(content);
  if (settings === null) return '';
  const { protocol: _, ...members } = settings;
  return Object.entries({ ...members, jumpMachineUid: jumpMachineUid ?? '' })
    .filter(([, value]) => value !== '' && value !== null && value !== false)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .sort()
    .join('\n');
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
