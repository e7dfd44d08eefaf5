import type {
  AddedFactor,
  AuthenticatorApp,
  SecondFactors as View,
  WebAuthnAttestation,
  WebAuthnCreation,
} from '../../api/factors.ts';
import { copy, wipe, type Bytes } from '../../../protocol/bytes.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { SecondFactorKind, SecondFactorService } from '../../../protocol/messages/gen/factor_pb.js';
import { uidBytes, uidOf, type Uid } from '../../../protocol/uid.ts';
import type { OpenedAccount } from './opened-account.ts';
import type { VaultSession } from '../connection/vault-session.ts';

const { method } = SecondFactorService;

/** Second factors of an open account. */
export class SecondFactors {
  readonly #session: VaultSession;
  readonly #account: OpenedAccount;
  /** Of what is being added. */
  #appUid: Bytes | null = null;
  #keyUid: Bytes | null = null;

  constructor(session: VaultSession, account: OpenedAccount) {
    this.#session = session;
    this.#account = account;
  }

  async list(): Promise<View> {
    const { factors, backupCodesLeft } = await this.#session.call(method.listSecondFactors, {});
    const views = factors.map((factor) => ({
      uid: uidOf(factor.factorUid),
      kind: factor.kind === SecondFactorKind.TOTP ? ('totp' as const) : ('security-key' as const),
      name: factor.name,
      createdAt: Number(factor.createdAtMs),
      lastUsedAt: Number(factor.lastUsedAtMs),
    }));
    return { factors: views, backupCodesLeft };
  }

  async startApp(): Promise<AuthenticatorApp> {
    const { ceremonyUid, secret } = await this.#session.call(method.startAuthenticatorApp, {});
    this.#appUid = copy(ceremonyUid);
    const text = encodeBase32(secret);
    wipe(secret);
    return { secret: text, uri: otpauthUri(this.#account.email, text) };
  }

  async finishApp({ code, name }: { code: string; name: string }): Promise<AddedFactor> {
    const ceremonyUid = begun(this.#appUid);
    const request = { ceremonyUid, code: code.replace(/\s/g, ''), name };
    const { backupCodes } = await this.#session.call(method.finishAuthenticatorApp, request);
    this.#appUid = null;
    return { backupCodes };
  }

  async startKey(): Promise<WebAuthnCreation> {
    const { ceremonyUid, challenge, existingIds } = await this.#session.call(method.startSecurityKey, {});
    this.#keyUid = copy(ceremonyUid);
    return creationOf(this.#account, challenge, existingIds);
  }

  async finishKey(input: WebAuthnAttestation & { name: string }): Promise<AddedFactor> {
    const ceremonyUid = begun(this.#keyUid);
    this.#keyUid = null;
    const request = { ceremonyUid, name: input.name, attestation: attestationMessage(input) };
    const { backupCodes } = await this.#session.call(method.finishSecurityKey, request);
    return { backupCodes };
  }

  async rename(uid: Uid, name: string): Promise<void> {
    await this.#session.call(method.renameSecondFactor, { factorUid: uidBytes(uid), name });
  }

  async remove(uid: Uid): Promise<void> {
    await this.#session.call(method.removeSecondFactor, { factorUid: uidBytes(uid) });
  }

  async renewBackupCodes(): Promise<readonly string[]> {
    return (await this.#session.call(method.renewBackupCodes, {})).backupCodes;
  }
}

/** What the page's ceremony makes a credential of. The account's UID is its user handle: it names nobody. */
export function creationOf(
  { keys, email }: OpenedAccount,
  challenge: Uint8Array,
  existingIds: readonly Uint8Array[],
): WebAuthnCreation {
  return {
    challenge: copy(challenge),
    userId: uidBytes(keys.accountUid),
    userName: email,
    existingIds: existingIds.map(copy),
  };
}

export function attestationMessage({ credentialId, clientData, attestation }: WebAuthnAttestation) {
  return { credentialId, clientDataJson: clientData, attestationObject: attestation };
}

/** Throws `expired` when nothing was begun. */
export function begun(ceremonyUid: Bytes | null): Bytes {
  if (ceremonyUid === null) throw new ProtocolError('expired', 'nothing is being added');
  return ceremonyUid;
}

/** RFC 4648 §6, without padding: 20 bytes need none. */
function encodeBase32(bytes: Uint8Array): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const groups = bits.match(/.{5}/g) ?? [];
  return groups.map((group) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'[Number.parseInt(group, 2)]).join('');
}

/** As every authenticator app reads it; its other parameters are the defaults of that format. */
function otpauthUri(email: string, secret: string): string {
  return `otpauth://totp/${encodeURIComponent(`Sallyport:${email}`)}?secret=${secret}&issuer=Sallyport`;
}
