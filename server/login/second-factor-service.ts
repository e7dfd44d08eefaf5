import {
  SecondFactorKind,
  type FinishAuthenticatorAppRequest,
  type FinishSecurityKeyRequest,
  type RemoveSecondFactorRequest,
  type RenameSecondFactorRequest,
  type SecondFactorService,
} from '../../protocol/messages/gen/factor_pb.js';
import { ProtocolError } from '../../protocol/errors.ts';
import { uidBytes, type Uid } from '../../protocol/uid.ts';
import { signedIn, type Handlers, type SignedInCall } from '../api/call.ts';
import type { Logger } from '../log/logger.ts';
import type { Head } from '../router/head/head.ts';
import type { Database } from '../store/database.ts';
import { checkName } from './bundle.ts';
import { Ceremonies } from './ceremonies.ts';
import { requireRecentLogin } from './recent-login.ts';
import { rowsOf, type SecondFactors } from './second-factors.ts';
import type { LoginThrottle } from './throttle.ts';
import { totpSecretLength, totpStepOf } from './totp.ts';
import { relyingPartyOf, requireParty, verifyAttestation } from './webauthn.ts';

export interface FactorParts {
  readonly db: Database;
  readonly head: Head;
  readonly log: Logger;
  readonly publicUrl: string | null;
  readonly factors: SecondFactors;
  readonly codeThrottle: LoginThrottle;
}

/** protocol.md §8.7. */
export function secondFactorHandlers(parts: FactorParts): Handlers<typeof SecondFactorService> {
  const { db, head, log, publicUrl, factors, codeThrottle } = parts;
  const apps = new Ceremonies();
  const keys = new Ceremonies();

  function changed(accountUid: Uid, event: string): void {
    head.publish(`acct.${accountUid}`, { kind: 'account-news' });
    log.info({ event, account: accountUid });
  }

  async function listSecondFactors(_input: unknown, { session }: SignedInCall) {
    const rows = await rowsOf(db, session.accountUid);
    return {
      factors: rows.map((row) => ({
        factorUid: row.factor_uid,
        kind: row.sealed_secret ? SecondFactorKind.TOTP : SecondFactorKind.SECURITY_KEY,
        name: row.name,
        createdAtMs: BigInt(row.created_at),
        lastUsedAtMs: BigInt(row.last_used_at),
      })),
      backupCodesLeft: await factors.codes.count(db, session.accountUid),
    };
  }

  async function startAuthenticatorApp(_input: unknown, { session, now }: SignedInCall) {
    requireRecentLogin(session, now);
    const { ceremonyUid, bytes } = apps.begin(session.accountUid, totpSecretLength, null, now);
    return { ceremonyUid, secret: bytes };
  }

  /** A code of the app shows that it has the secret and a right clock; that code does not sign in any more. */
  async function finishAuthenticatorApp(
    input: FinishAuthenticatorAppRequest,
    { session, now, address }: SignedInCall,
  ) {
    requireRecentLogin(session, now);
    const { accountUid } = session;
    const name = checkName(input.name);
    codeThrottle.attempt(accountUid, address, now);
    const { bytes: secret } = apps.find(accountUid, input.ceremonyUid, now);
    const step = totpStepOf(secret, input.code, now, 0);
    if (step === null) throw new ProtocolError('login-refused', 'the code is wrong');
    codeThrottle.succeeded(accountUid, address);
    apps.take(accountUid, input.ceremonyUid, now);
    const added = await db
      .transaction()
      .execute((tx) => factors.addApp(tx, accountUid, { secret, step, name, now }));
    changed(accountUid, 'second-factor-added');
    return { factorUid: uidBytes(added.factorUid), backupCodes: added.backupCodes };
  }

  async function startSecurityKey(_input: unknown, { session, now, host }: SignedInCall) {
    requireRecentLogin(session, now);
    const party = requireParty(relyingPartyOf(publicUrl, host));
    const { ceremonyUid, bytes } = keys.begin(session.accountUid, 32, party, now);
    const rows = await rowsOf(db, session.accountUid);
    const existingIds = rows.flatMap(({ credential_id }) => (credential_id ? [credential_id] : []));
    return { ceremonyUid, challenge: bytes, existingIds };
  }

  async function finishSecurityKey(input: FinishSecurityKeyRequest, { session, now }: SignedInCall) {
    requireRecentLogin(session, now);
    const { accountUid } = session;
    const name = checkName(input.name);
    const { bytes: challenge, party: made } = keys.take(accountUid, input.ceremonyUid, now);
    const party = requireParty(made);
    const credential = await verifyAttestation(input.attestation, {
      party,
      challenge,
      userVerification: false,
    });
    const added = await db
      .transaction()
      .execute((tx) => factors.addKey(tx, accountUid, { credential, rpId: party.id, name, now }));
    changed(accountUid, 'second-factor-added');
    return { factorUid: uidBytes(added.factorUid), backupCodes: added.backupCodes };
  }

  async function renameSecondFactor(input: RenameSecondFactorRequest, { session }: SignedInCall) {
    const { numUpdatedRows } = await db
      .updateTable('second_factor')
      .set({ name: checkName(input.name) })
      .where('account_uid', '=', uidBytes(session.accountUid))
      .where('factor_uid', '=', input.factorUid)
      .executeTakeFirst();
    if (numUpdatedRows === 0n) throw new ProtocolError('not-found', 'no such second factor');
    changed(session.accountUid, 'second-factor-renamed');
    return {};
  }

  async function removeSecondFactor(input: RemoveSecondFactorRequest, { session, now }: SignedInCall) {
    requireRecentLogin(session, now);
    await db.transaction().execute((tx) => factors.remove(tx, session.accountUid, input.factorUid));
    changed(session.accountUid, 'second-factor-removed');
    return {};
  }

  async function renewBackupCodes(_input: unknown, { session, now }: SignedInCall) {
    requireRecentLogin(session, now);
    const { accountUid } = session;
    const backupCodes = await db.transaction().execute(async (tx) => {
      if ((await rowsOf(tx, accountUid)).length === 0)
        throw new ProtocolError('not-allowed', 'backup codes stand in for a second factor: add one first');
      return await factors.codes.renew(tx, accountUid);
    });
    changed(accountUid, 'backup-codes-renewed');
    return { backupCodes };
  }

  return {
    listSecondFactors: signedIn(listSecondFactors),
    startAuthenticatorApp: signedIn(startAuthenticatorApp),
    finishAuthenticatorApp: signedIn(finishAuthenticatorApp),
    startSecurityKey: signedIn(startSecurityKey),
    finishSecurityKey: signedIn(finishSecurityKey),
    renameSecondFactor: signedIn(renameSecondFactor),
    removeSecondFactor: signedIn(removeSecondFactor),
    renewBackupCodes: signedIn(renewBackupCodes),
  };
}
