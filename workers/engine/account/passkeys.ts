import type { NewPasskey, PasskeyCreation, PasskeyView } from '../../api/factors.ts';
import { copy, equal, wipe, type Bytes } from '../../../protocol/bytes.ts';
import { PasskeyService } from '../../../protocol/messages/gen/factor_pb.js';
import { uidBytes, uidOf, type Uid } from '../../../protocol/uid.ts';
import { passkeyInput, passkeyWrappingKey, sealDataKey } from '../../../protocol/vault/account-keys.ts';
import type { AccountDesk } from './account-desk.ts';
import type { FreshDataKey } from './fresh-data-key.ts';
import { addLocalPasskey, keepLocalPasskeys } from './local-account.ts';
import type { OpenedAccount } from './opened-account.ts';
import { attestationMessage, begun, creationOf } from './second-factors.ts';
import type { VaultSession } from '../connection/vault-session.ts';

const { method } = PasskeyService;

export interface PasskeyParts {
  readonly session: VaultSession;
  readonly account: OpenedAccount;
  readonly accounts: AccountDesk;
  readonly fresh: FreshDataKey;
  /** The ways to open the copy on this device changed. */
  readonly onChanged: () => Promise<void>;
}

/** Passkeys of an open account, at the server and on this device. */
export class Passkeys {
  readonly #parts: PasskeyParts;
  #ceremonyUid: Bytes | null = null;

  constructor(parts: PasskeyParts) {
    this.#parts = parts;
  }

  async list(): Promise<PasskeyView[]> {
    const { passkeys } = await this.#parts.session.call(method.listPasskeys, {});
    const here = (await this.#parts.accounts.stored())?.passkeys ?? [];
    return passkeys.map((passkey) => ({
      uid: uidOf(passkey.passkeyUid),
      name: passkey.name,
      createdAt: Number(passkey.createdAtMs),
      lastUsedAt: Number(passkey.lastUsedAtMs),
      onThisDevice: here.some((id) => equal(id, passkey.credentialId)),
    }));
  }

  /** Throws `login-too-old` before the person is bothered with a ceremony. */
  async start(): Promise<PasskeyCreation> {
    const { session, account, fresh } = this.#parts;
    fresh.require();
    const { ceremonyUid, challenge, existingIds } = await session.call(method.startPasskey, {});
    this.#ceremonyUid = copy(ceremonyUid);
    return { ...creationOf(account, challenge, existingIds), input: passkeyInput() };
  }

  /** The data key under what the passkey gave: at the server as a way to sign in, here as a way to unlock. */
  async finish(input: NewPasskey): Promise<void> {
    const { session, account, accounts, fresh } = this.#parts;
    const { accountUid } = account.keys;
    const ceremonyUid = begun(this.#ceremonyUid);
    this.#ceremonyUid = null;
    const credentialId = copy(input.credentialId);
    const wrappingKey = await passkeyWrappingKey(input.prf, accountUid, credentialId);
    wipe(input.prf);
    const sealedDataKey = await sealDataKey(wrappingKey, accountUid, 'passkey', fresh.require());
    const attestation = attestationMessage(input);
    await session.call(method.finishPasskey, { ceremonyUid, attestation, name: input.name, sealedDataKey });
    await accounts.change((encoded) => addLocalPasskey(encoded, credentialId, sealedDataKey));
    await this.#parts.onChanged();
  }

  async rename(uid: Uid, name: string): Promise<void> {
    await this.#parts.session.call(method.renamePasskey, { passkeyUid: uidBytes(uid), name });
  }

  async remove(uid: Uid): Promise<void> {
    await this.#parts.session.call(method.removePasskey, { passkeyUid: uidBytes(uid) });
    await this.dropRemoved();
  }

  /** A passkey that was removed, here or elsewhere, does not open this device any more either. */
  async dropRemoved(): Promise<void> {
    const { session, accounts } = this.#parts;
    if (((await accounts.stored())?.passkeys.length ?? 0) === 0) return;
    const { passkeys } = await session.call(method.listPasskeys, {});
    const known = passkeys.map(({ credentialId }) => credentialId);
    await accounts.change((encoded) => keepLocalPasskeys(encoded, known));
    await this.#parts.onChanged();
  }
}
