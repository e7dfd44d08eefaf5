// Session tokens: 32 random bytes that only the device keeps; the store has their hash.
import { randomBytes } from '../../protocol/crypto/random.ts';
import { sha256 } from '../../protocol/crypto/hash.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import type { Database, Tx } from '../store/database.ts';
import type { Session } from './call.ts';
import { networkOf } from './network.ts';

/** Sessions of one account; the oldest login makes room. */
const sessionsPerAccount = 200;
/** A session in use is renewed when this much of it has gone: not a write for each call. */
const renewAfterMs = 60_000;

/** Starts a session of a device that has just logged in. */
export async function createSession(
  tx: Tx,
  accountUid: Uid,
  deviceUid: Uid,
  now: number,
): Promise<{ sessionToken: Uint8Array; expiresAtMs: bigint; serverTimeMs: bigint }> {
  const sessionToken = randomBytes(32);
  await makeRoom(tx, accountUid, now);
  await tx
    .insertInto('session')
    .values({
      token_hash: sha256(sessionToken),
      account_uid: uidBytes(accountUid),
      device_uid: uidBytes(deviceUid),
      login_at: now,
      expires_at: now + limits.sessionTokenMs,
    })
    .execute();
  return {
    sessionToken,
    expiresAtMs: BigInt(now + limits.sessionTokenMs),
    serverTimeMs: BigInt(now),
  };
}

/** The live session of a token. Throws `not-signed-in`. */
export async function findSession(db: Database, token: Uint8Array, now: number): Promise<Session> {
  if (token.length !== 32) throw new ProtocolError('not-signed-in');
  return await findSessionByHash(db, sha256(token), now);
}

/** The same by the token's hash, which is all that is kept of it. */
export async function findSessionByHash(db: Database, tokenHash: Uint8Array, now: number): Promise<Session> {
  const found = await selectSession(db, tokenHash, now);
  if (!found) throw new ProtocolError('not-signed-in');
  return {
    tokenHash: found.token_hash,
    accountUid: uidOf(found.account_uid),
    deviceUid: uidOf(found.device_uid),
    devicePublicKey: found.public_key,
    loginAt: found.login_at,
    expiresAt: found.expires_at,
  };
}

/** Slides the expiry of a session in use, and notes when and from where its device was seen. Returns the new expiry. */
export async function renewSession(
  db: Database,
  session: Session,
  now: number,
  address: string | null = null,
): Promise<number> {
  const expiresAt = now + limits.sessionTokenMs;
  if (expiresAt - session.expiresAt < renewAfterMs) return session.expiresAt;
  await db
    .updateTable('session')
    .set({ expires_at: expiresAt })
    .where('token_hash', '=', session.tokenHash)
    .execute();
  await db
    .updateTable('device')
    .set({ last_seen_at: now, ...(address === null ? {} : { network: networkOf(address) }) })
    .where('account_uid', '=', uidBytes(session.accountUid))
    .where('device_uid', '=', uidBytes(session.deviceUid))
    .execute();
  return expiresAt;
}

/** Ends every session of a device. Returns the hashes of their tokens. */
export async function endSessionsOfDevice(tx: Tx, accountUid: Uid, deviceUid: Uid): Promise<Uint8Array[]> {
  const ended = await tx
    .deleteFrom('session')
    .where('account_uid', '=', uidBytes(accountUid))
    .where('device_uid', '=', uidBytes(deviceUid))
    .returning('token_hash')
    .execute();
  return ended.map(({ token_hash }) => token_hash);
}

/** Ends one session, or all of the account's but `except`. */
export async function endSessions(
  db: Database | Tx,
  accountUid: Uid,
  which: { readonly only: Uint8Array } | { readonly except: Uint8Array | null },
): Promise<void> {
  let query = db.deleteFrom('session').where('account_uid', '=', uidBytes(accountUid));
  if ('only' in which) query = query.where('token_hash', '=', which.only);
  else if (which.except) query = query.where('token_hash', '!=', which.except);
  await query.execute();
}

async function selectSession(db: Database, tokenHash: Uint8Array, now: number) {
  return await db
    .selectFrom('session')
    .innerJoin('device', (join) =>
      join
        .onRef('device.account_uid', '=', 'session.account_uid')
        .onRef('device.device_uid', '=', 'session.device_uid'),
    )
    .select([
      'token_hash',
      'session.account_uid',
      'session.device_uid',
      'public_key',
      'login_at',
      'expires_at',
    ])
    .where('token_hash', '=', tokenHash)
    .where('expires_at', '>', now)
    .executeTakeFirst();
}

async function makeRoom(tx: Tx, accountUid: Uid, now: number): Promise<void> {
  const account = uidBytes(accountUid);
  await tx.deleteFrom('session').where('account_uid', '=', account).where('expires_at', '<=', now).execute();
  const surplus = tx
    .selectFrom('session')
    .select('token_hash')
    .where('account_uid', '=', account)
    .orderBy('login_at', 'desc')
    .offset(sessionsPerAccount - 1);
  await tx.deleteFrom('session').where('token_hash', 'in', surplus).execute();
}
