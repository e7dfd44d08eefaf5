import { copy, wipe, type Bytes } from '../../protocol/bytes.ts';
import { openEnvelope, sealEnvelope } from '../../protocol/crypto/envelope.ts';
import { purposes } from '../../protocol/crypto/labels.ts';
import { randomBytes } from '../../protocol/crypto/random.ts';
import { SymmetricKey } from '../../protocol/crypto/symmetric-key.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { decodeMessage } from '../../protocol/messages/decode.ts';
import { encodeMessage } from '../../protocol/messages/encode.ts';
import {
  LocalAccountSchema,
  LocalStateSchema,
  type LocalAccount,
} from '../../protocol/messages/gen/local_pb.js';
import type { ServerPin } from '../../protocol/transmission/server-keys.ts';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import { openDataKey, sealDataKey } from '../../protocol/vault/account-keys.ts';
import type { DeviceSession } from './device-session.ts';
import { deriveLocalKey, localKeyCosts } from './local-key.ts';
import { openAccount, type OpenedAccount } from './opened-account.ts';
import type { SignedIn } from './signed-in.ts';

/** What the device holds of an account, opened. */
export interface LocalVault extends SignedIn {
  readonly pin: ServerPin;
}

/** The address of a stored account, which needs no key. */
export function emailOf(encoded: Bytes): string {
  return decodeMessage(LocalAccountSchema, encoded).email;
}

/** Whose account it is. */
export function accountUidOf(encoded: Bytes): Uid {
  return uidOf(decodeMessage(LocalAccountSchema, encoded).accountUid);
}

/** Seals an account for this device: data key under the Argon2id key of the password, state under the data key. */
export async function sealLocalAccount(password: string, vault: LocalVault): Promise<Bytes> {
  const { accountUid, dataKey } = vault.account.keys;
  const argon2 = { salt: randomBytes(16), ...localKeyCosts };
  const localKey = await deriveLocalKey(password, argon2);
  return encodeMessage(LocalAccountSchema, {
    email: vault.account.email,
    accountUid: uidBytes(accountUid),
    argon2,
    sealedDataKey: await sealDataKey(localKey, accountUid, 'local', vault.dataKey),
    sealedState: await sealState(dataKey, accountUid, vault),
  });
}

/** The same account with a newer state; the way to its data key stays as it is. */
export async function resealState(encoded: Bytes, vault: Omit<LocalVault, 'dataKey'>): Promise<Bytes> {
  const stored = decodeMessage(LocalAccountSchema, encoded);
  const { accountUid, dataKey } = vault.account.keys;
  return encodeMessage(LocalAccountSchema, {
    ...stored,
    sealedState: await sealState(dataKey, accountUid, vault),
  });
}

/**
 * Opens the stored account, without the server. Throws `wrong-password`, `weak-parameters` before trying anything
 * with costs out of bounds, or `untrusted` when the stored state does not hold together.
 */
export async function openLocalAccount(encoded: Bytes, password: string): Promise<LocalVault> {
  const stored = decodeMessage(LocalAccountSchema, encoded);
  const accountUid = uidOf(stored.accountUid);
  const dataKey = await unwrapDataKey(stored, accountUid, password);
  const key = await SymmetricKey.import(dataKey);
  const opened = await openEnvelope(key, purposes.localState, [accountUid], stored.sealedState);
  const state = decodeMessage(LocalStateSchema, opened);
  return {
    account: await openAccount(stored.email, dataKey, state.account, state.organisation),
    dataKey,
    session: { token: copy(state.sessionToken), expiresAtMs: Number(state.sessionExpiresAtMs) },
    pin: { identity: copy(state.serverIdentity), keySetVersion: state.serverKeySetVersion },
  };
}

async function unwrapDataKey(stored: LocalAccount, accountUid: Uid, password: string): Promise<Bytes> {
  if (!stored.argon2) throw new ProtocolError('weak-parameters', 'the stored account names no costs');
  const localKey = await deriveLocalKey(password, { ...stored.argon2, salt: copy(stored.argon2.salt) });
  try {
    return await openDataKey(localKey, accountUid, 'local', stored.sealedDataKey);
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
  });
  const sealed = await sealEnvelope(dataKey, purposes.localState, [accountUid], state);
  wipe(state);
  return sealed;
}
