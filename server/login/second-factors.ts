// Second factors in the store, and whether an answer is right. protocol.md §8.7.
import { openEnvelope, sealEnvelope } from '../../protocol/crypto/envelope.ts';
import { purposes } from '../../protocol/crypto/labels.ts';
import { SymmetricKey } from '../../protocol/crypto/symmetric-key.ts';
import { copy, equal } from '../../protocol/bytes.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { SecondFactorMethod, type CompleteLoginRequest } from '../../protocol/messages/gen/account_pb.js';
import { SecondFactorKind } from '../../protocol/messages/gen/factor_pb.js';
import type { WebAuthnAssertion } from '../../protocol/messages/gen/webauthn_pb.js';
import { newUid, uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import type { Insertable } from 'kysely';
import type { Schema } from '../store/schema.ts';
import { lockAccount } from '../store/account-lock.ts';
import type { Database, Tx } from '../store/database.ts';
import { isUniqueViolation } from '../store/violation.ts';
import { BackupCodes } from './backup-codes.ts';
import { totpStepOf } from './totp.ts';
import { verifyAssertion, type Credential, type RelyingParty } from './webauthn.ts';

const factorsPerAccount = 10;

export type SecondFactorAnswer = CompleteLoginRequest['answer'];

/** What a login asks for. */
export interface SecondFactorQuestion {
  readonly methods: readonly SecondFactorMethod[];
  readonly credentialIds: readonly Uint8Array[];
}

export class SecondFactors {
  readonly codes: BackupCodes;
  readonly #key: SymmetricKey;

  private constructor(key: SymmetricKey, codes: BackupCodes) {
    this.#key = key;
    this.codes = codes;
  }

  /** With the 32 bytes of the key file. */
  static async load(key: Uint8Array): Promise<SecondFactors> {
    return new SecondFactors(await SymmetricKey.import(copy(key)), new BackupCodes(key));
  }

  /** Null for an account without a second factor. */
  async questionOf(
    db: Database | Tx,
    accountUid: Uid,
    party: RelyingParty | null,
  ): Promise<SecondFactorQuestion | null> {
    const rows = await rowsOf(db, accountUid);
    if (rows.length === 0) return null;
    const credentialIds = rows.flatMap((row) =>
      row.credential_id && row.rp_id === party?.id ? [row.credential_id] : [],
    );
    const methods = [SecondFactorMethod.BACKUP_CODE];
    if (credentialIds.length > 0) methods.unshift(SecondFactorMethod.SECURITY_KEY);
    if (rows.some((row) => row.sealed_secret)) methods.unshift(SecondFactorMethod.TOTP);
    return { methods, credentialIds };
  }

  /** Uses up what the answer uses up. Throws `login-refused` unless it is right. */
  async check(
    tx: Tx,
    accountUid: Uid,
    answer: SecondFactorAnswer,
    expected: { party: RelyingParty | null; challenge: Uint8Array; now: number },
  ): Promise<void> {
    const right = await this.#isRight(tx, accountUid, answer, expected);
    if (!right) throw new ProtocolError('login-refused', 'the code is wrong, or was used before');
  }

  async #isRight(
    tx: Tx,
    accountUid: Uid,
    answer: SecondFactorAnswer,
    expected: { party: RelyingParty | null; challenge: Uint8Array; now: number },
  ): Promise<boolean> {
    switch (answer.case) {
      case 'totpCode':
        return await this.#useCode(tx, accountUid, answer.value, expected.now);
      case 'backupCode':
        return await this.codes.use(tx, accountUid, answer.value);
      case 'assertion':
        return await this.#useKey(tx, accountUid, answer.value, expected);
      case undefined:
        throw new ProtocolError('malformed', 'no second factor');
    }
  }

  /** A code works once: the step it belongs to is remembered before anything is given for it. */
  async #useCode(tx: Tx, accountUid: Uid, code: string, now: number): Promise<boolean> {
    for (const { factor_uid, sealed_secret } of await rowsOf(tx, accountUid)) {
      if (!sealed_secret) continue;
      const secret = await this.openSecret(accountUid, uidOf(factor_uid), sealed_secret);
      const step = totpStepOf(secret, code, now, 0);
      if (step === null) continue;
      const { numUpdatedRows } = await tx
        .updateTable('second_factor')
        .set({ last_step: step, last_used_at: now })
        .where('factor_uid', '=', factor_uid)
        .where('last_step', '<', step)
        .executeTakeFirst();
      if (numUpdatedRows > 0n) return true;
    }
    return false;
  }

  async #useKey(
    tx: Tx,
    accountUid: Uid,
    assertion: WebAuthnAssertion,
    expected: { party: RelyingParty | null; challenge: Uint8Array; now: number },
  ): Promise<boolean> {
    const row = (await rowsOf(tx, accountUid)).find(
      ({ credential_id }) => credential_id && equal(credential_id, assertion.credentialId),
    );
    const { party, challenge, now } = expected;
    if (!row?.credential_id || !row.credential_key || !party || row.rp_id !== party.id) return false;
    const credential = {
      id: row.credential_id,
      publicKey: row.credential_key,
      signCount: row.sign_count,
    };
    const signCount = await verifyAssertion(assertion, credential, {
      party,
      challenge,
      userVerification: false,
    });
    await tx
      .updateTable('second_factor')
      .set({ sign_count: signCount, last_used_at: now })
      .where('factor_uid', '=', row.factor_uid)
      .execute();
    return true;
  }

  /** Adds an app with a code that was shown to be right. Returns the codes of an account's first factor, else none. */
  async addApp(
    tx: Tx,
    accountUid: Uid,
    app: { secret: Uint8Array; step: number; name: string; now: number },
  ): Promise<{ factorUid: Uid; backupCodes: string[] }> {
    const factorUid = newUid();
    const objects = [accountUid, factorUid];
    const sealed_secret = await sealEnvelope(this.#key, purposes.totpSecret, objects, copy(app.secret));
    const kind = { kind: SecondFactorKind.TOTP, sealed_secret, last_step: app.step };
    return await this.#add(tx, accountUid, factorUid, { ...kind, name: app.name, created_at: app.now });
  }

  /** The same for a security key. Throws `conflict` for one that is there already. */
  async addKey(
    tx: Tx,
    accountUid: Uid,
    key: { credential: Credential; rpId: string; name: string; now: number },
  ): Promise<{ factorUid: Uid; backupCodes: string[] }> {
    return await this.#add(tx, accountUid, newUid(), {
      kind: SecondFactorKind.SECURITY_KEY,
      credential_id: key.credential.id,
      credential_key: key.credential.publicKey,
      sign_count: key.credential.signCount,
      rp_id: key.rpId,
      name: key.name,
      created_at: key.now,
    });
  }

  async #add(
    tx: Tx,
    accountUid: Uid,
    factorUid: Uid,
    values: Omit<Insertable<Schema['second_factor']>, 'factor_uid' | 'account_uid'>,
  ): Promise<{ factorUid: Uid; backupCodes: string[] }> {
    await lockAccount(tx, accountUid);
    const count = (await rowsOf(tx, accountUid)).length;
    if (count >= factorsPerAccount) throw new ProtocolError('limit-reached', 'too many second factors');
    const row = { factor_uid: uidBytes(factorUid), account_uid: uidBytes(accountUid), ...values };
    await insertCredential(() => tx.insertInto('second_factor').values(row).execute());
    return { factorUid, backupCodes: count === 0 ? await this.codes.renew(tx, accountUid) : [] };
  }

  /** With the last factor, the backup codes go too. Throws `not-found`. */
  async remove(tx: Tx, accountUid: Uid, factorUid: Uint8Array): Promise<void> {
    await lockAccount(tx, accountUid);
    const { numDeletedRows } = await tx
      .deleteFrom('second_factor')
      .where('account_uid', '=', uidBytes(accountUid))
      .where('factor_uid', '=', factorUid)
      .executeTakeFirst();
    if (numDeletedRows === 0n) throw new ProtocolError('not-found', 'no such second factor');
    if ((await rowsOf(tx, accountUid)).length === 0) await this.codes.erase(tx, accountUid);
  }

  /** Throws `open-failed` when the key file is not the one that this store was made with. */
  async openSecret(accountUid: Uid, factorUid: Uid, sealed: Uint8Array): Promise<Uint8Array> {
    return await openEnvelope(this.#key, purposes.totpSecret, [accountUid, factorUid], sealed);
  }
}

export async function rowsOf(db: Database | Tx, accountUid: Uid) {
  return await db
    .selectFrom('second_factor')
    .selectAll()
    .where('account_uid', '=', uidBytes(accountUid))
    .orderBy('created_at')
    .execute();
}

/** Throws `conflict` for a credential that is known already. */
export async function insertCredential(insert: () => Promise<unknown>): Promise<void> {
  try {
    await insert();
  } catch (error) {
    if (isUniqueViolation(error)) throw new ProtocolError('conflict', 'this key is registered already');
    throw error;
  }
}
