import { create } from '@bufbuild/protobuf';
import { copy, equal, wipe, type Bytes } from '../../../protocol/bytes.ts';
import { openEnvelope, sealEnvelope } from '../../../protocol/crypto/envelope.ts';
import { purposes } from '../../../protocol/crypto/labels.ts';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { SymmetricKey } from '../../../protocol/crypto/symmetric-key.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { decodeMessage } from '../../../protocol/messages/decode.ts';
import { encodeMessage } from '../../../protocol/messages/encode.ts';
import {
  LocalAccountSchema,
  LocalPasskeySchema,
  LocalStateSchema,
  type LocalAccount,
  type LocalPasskey,
} from '../../../protocol/messages/gen/local_pb.js';
import type { ServerPin } from '../../../protocol/transmission/server-keys.ts';
import { uidBytes, uidOf, type Uid } from '../../../protocol/uid.ts';
import { openDataKey, passkeyWrappingKey, sealDataKey } from '../../../protocol/vault/account-keys.ts';
import type { DeviceSession } from '../connection/device-session.ts';
import { deriveLocalKey, localKeyCosts } from './local-key.ts';
import { openAccount, type OpenedAccount } from './opened-account.ts';

/** What the device holds of an account, opened. */
export interface LocalVault {
  readonly account: OpenedAccount;
  /** Raw, to be wiped. */
  readonly dataKey: Bytes;
  readonly session: DeviceSession;
  readonly pin: ServerPin;
}

/** A way to open the copy on this device. */
export type LocalWay =
  | { readonly kind: 'password'; readonly password: string }
  | { readonly kind: 'passkey'; readonly credentialId: Bytes; readonly sealedDataKey: Bytes };

/** Whether it is one at all. */
export function isLocalAccount(encoded: Bytes): boolean {
  try {
    accountUidOf(encoded);
    return emailOf(encoded) !== '';
  } catch (error) {
    if (error instanceof ProtocolError && error.code === 'malformed') return false;
    throw error;
  }
}

/** The address of a stored account, which needs no key. */
export function emailOf(encoded: Bytes): string {
  return decodeMessage(LocalAccountSchema, encoded).email;
}

/** Whose account it is. */
export function accountUidOf(encoded: Bytes): Uid {
  return uidOf(decodeMessage(LocalAccountSchema, encoded).accountUid);
}

/** Credential ids of the passkeys that open the stored account. */
export function passkeysOf(encoded: Bytes): Bytes[] {
  return decodeMessage(LocalAccountSchema, encoded).passkeys.map(({ credentialId }) => copy(credentialId));
}

/**
 * Seals an account for this device: data key under the Argon2id key of the password, or as the passkey wraps it; state
 * under the data key. Other ways in that `before` has, of the same account, stay.
 */
export async function sealLocalAccount(
  way: LocalWay,
  vault: LocalVault,
  before: Bytes | null = null,
): Promise<Bytes> {
  const { accountUid, dataKey } = vault.account.keys;
  const stored = before === null ? null : decodeMessage(LocalAccountSchema, before);
  const kept = stored && equal(stored.accountUid, uidBytes(accountUid)) ? waysOf(stored) : { passkeys: [] };
  return encodeMessage(LocalAccountSchema, {
    ...kept,
    ...(await sealWay(way, vault, kept.passkeys)),
    email: vault.account.email,
    accountUid: uidBytes(accountUid),
    sealedState: await sealState(dataKey, accountUid, vault),
  });
}

async function sealWay(way: LocalWay, vault: LocalVault, passkeys: LocalAccount['passkeys']) {
  if (way.kind === 'passkey') {
    const { credentialId, sealedDataKey } = way;
    const others = passkeys.filter((passkey) => !equal(passkey.credentialId, credentialId));
    return { passkeys: [...others, localPasskey(credentialId, sealedDataKey)] };
  }
  const argon2 = { salt: randomBytes(16), ...localKeyCosts };
  const localKey = await deriveLocalKey(way.password, argon2);
  const { accountUid } = vault.account.keys;
  return { argon2, sealedDataKey: await sealDataKey(localKey, accountUid, 'local', vault.dataKey) };
}

function waysOf({ argon2, sealedDataKey, passkeys }: LocalAccount) {
  return { ...(argon2 ? { argon2, sealedDataKey } : {}), passkeys };
}

/** Whether that data key is the one of the stored account: another one opens nothing that is here. */
export async function isDataKeyOf(encoded: Bytes, dataKey: SymmetricKey): Promise<boolean> {
  const { accountUid, sealedState } = decodeMessage(LocalAccountSchema, encoded);
  try {
    await openEnvelope(dataKey, purposes.localState, [uidOf(accountUid)], sealedState);
    return true;
  } catch (error) {
    if (error instanceof ProtocolError && error.code === 'open-failed') return false;
    throw error;
  }
}

/** The same account with a newer state; the ways to its data key stay as they are. */
export async function resealState(encoded: Bytes, vault: Omit<LocalVault, 'dataKey'>): Promise<Bytes> {
  const stored = decodeMessage(LocalAccountSchema, encoded);
  const { accountUid, dataKey } = vault.account.keys;
  return encodeMessage(LocalAccountSchema, {
    ...stored,
    sealedState: await sealState(dataKey, accountUid, vault),
  });
}

/** The same account, opened by another passkey too. */
export function addLocalPasskey(encoded: Bytes, credentialId: Bytes, sealedDataKey: Bytes): Bytes {
  const stored = decodeMessage(LocalAccountSchema, encoded);
  const others = stored.passkeys.filter((passkey) => !equal(passkey.credentialId, credentialId));
  return encodeMessage(LocalAccountSchema, {
    ...stored,
    passkeys: [...others, localPasskey(credentialId, sealedDataKey)],
  });
}

function localPasskey(credentialId: Bytes, sealedDataKey: Bytes): LocalPasskey {
  return create(LocalPasskeySchema, { credentialId, sealedDataKey });
}

/** The same account without the passkeys that are not among these; null when it has no other. */
export function keepLocalPasskeys(encoded: Bytes, credentialIds: readonly Uint8Array[]): Bytes | null {
  const stored = decodeMessage(LocalAccountSchema, encoded);
  const passkeys = stored.passkeys.filter(({ credentialId }) =>
    credentialIds.some((id) => equal(id, credentialId)),
  );
  if (passkeys.length === stored.passkeys.length) return null;
  return encodeMessage(LocalAccountSchema, { ...stored, passkeys });
}

/**
 * Opens the stored account, without the server. Throws `wrong-password`, `weak-parameters` before trying anything
 * with costs out of bounds, or `untrusted` when the stored state does not hold together.
 */
export async function openLocalAccount(encoded: Bytes, password: string): Promise<LocalVault> {
  const stored = decodeMessage(LocalAccountSchema, encoded);
  return await openStored(stored, await unwrapByPassword(stored, uidOf(stored.accountUid), password));
}

/** The same by a passkey's PRF result. Throws `login-refused` when it opens nothing here, or `untrusted`. */
export async function openLocalAccountByPasskey(
  encoded: Bytes,
  credentialId: Bytes,
  prf: Bytes,
): Promise<LocalVault> {
  const stored = decodeMessage(LocalAccountSchema, encoded);
  const accountUid = uidOf(stored.accountUid);
  const passkey = stored.passkeys.find((known) => equal(known.credentialId, credentialId));
  try {
    if (!passkey) throw new ProtocolError('not-found');
    const key = await passkeyWrappingKey(copy(prf), accountUid, credentialId);
    return await openStored(stored, await openDataKey(key, accountUid, 'passkey', passkey.sealedDataKey));
  } catch (error) {
    if (error instanceof ProtocolError && error.code === 'untrusted') throw error;
    throw new ProtocolError('login-refused', 'this passkey does not open the copy on this device');
  }
}

async function openStored(stored: LocalAccount, dataKey: Bytes): Promise<LocalVault> {
  const key = await SymmetricKey.import(dataKey);
  const opened = await openEnvelope(key, purposes.localState, [uidOf(stored.accountUid)], stored.sealedState);
  const state = decodeMessage(LocalStateSchema, opened);
  const account = await openAccount(stored.email, dataKey, state.account, state.organisation);
  account.organisation.keepTeamKeys(state.teamKeys);
  return {
    account,
    dataKey,
    session: { token: copy(state.sessionToken), expiresAtMs: Number(state.sessionExpiresAtMs) },
    pin: { identity: copy(state.serverIdentity), keySetVersion: state.serverKeySetVersion },
  };
}

async function unwrapByPassword(stored: LocalAccount, accountUid: Uid, password: string): Promise<Bytes> {
  const { argon2, sealedDataKey } = stored;
  if (!argon2) {
    // Signed in with a passkey alone: the server knows whether the password is right.
    const code = sealedDataKey.length === 0 ? 'wrong-password' : 'weak-parameters';
    throw new ProtocolError(code, 'the stored account names no costs');
  }
  const localKey = await deriveLocalKey(password, { ...argon2, salt: copy(argon2.salt) });
  try {
    return await openDataKey(localKey, accountUid, 'local', sealedDataKey);
  } catch {
    throw new ProtocolError('wrong-password', 'the master password is wrong');
  }
}

async function sealState(
  dataKey: SymmetricKey,
  accountUid: Uid,
  { account, session, pin }: { account: OpenedAccount; session: DeviceSession; pin: ServerPin },
): Promise<Bytes> {
  const state = encodeMessage(LocalStateSchema, {
    sessionToken: session.token,
    sessionExpiresAtMs: BigInt(session.expiresAtMs),
    account: account.accountBundle,
    organisation: account.organisationBundle,
    serverIdentity: pin.identity,
    serverKeySetVersion: pin.keySetVersion,
    teamKeys: [...account.organisation.teamKeys],
  });
  const sealed = await sealEnvelope(dataKey, purposes.localState, [accountUid], state);
  wipe(state);
  return sealed;
}
