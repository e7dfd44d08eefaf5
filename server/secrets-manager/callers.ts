// Clients of the secrets-manager API as the store knows them. protocol.md §31.3.
import { CompiledQuery } from 'kysely';
import { ClientKind } from '../../protocol/messages/gen/application_pb.js';
import { uidOf, type Uid } from '../../protocol/uid.ts';
import { byteName } from '../byte-name.ts';
import type { Database } from '../store/database.ts';
import { prepared } from '../store/prepared.ts';
import type { SecretChanges } from './answer-cache.ts';

export interface Caller {
  readonly clientId: Uint8Array;
  /** Its id as the key of a map. */
  readonly name: string;
  readonly applicationUid: Uint8Array;
  /** Account of the application. */
  readonly ownerUid: Uid;
  readonly appData: Uint8Array;
  readonly isGateway: boolean;
  /** Null before the first access. */
  readonly publicKey: Uint8Array | null;
  readonly encryptedAppKey: Uint8Array | null;
  readonly appOwnerPublicKey: Uint8Array;
  readonly lockIp: boolean;
  /** Null: none yet. A device that had its key from the start gets it with its first access. */
  readonly boundAddress: string | null;
  readonly firstAccessExpiresAt: number;
  /** 0: never. */
  readonly accessExpiresAt: number;
  readonly lastAccessAt: number;
  /** Of the latest access that was noted. */
  readonly address: string;
  readonly clientVersion: string;
  /** Of what applications of its account read. */
  readonly changes: SecretChanges;
}

/** Clients that one statement asks for. */
const mostAtOnce = 500;
/** A statement without an answer, as over a dead connection, holds up the next one for so long and no longer. */
const longestTurnMs = 1_000;

interface Batch {
  readonly ids: Map<string, Uint8Array>;
  readonly found: Promise<ReadonlyMap<string, Caller>>;
}

/**
 * Finds clients. Those that are asked for while the store answers are one statement, the next: asking costs a server half of what a
 * request takes beside its cryptography. Nobody is told what was true before it was asked.
 */
export class Callers {
  readonly #db: Database;
  readonly #turnMs: number;
  #next: Batch | null = null;
  /** The latest statement, until the store has answered it. */
  #last: Promise<unknown> | null = null;

  constructor(db: Database, turnMs = longestTurnMs) {
    this.#db = db;
    this.#turnMs = turnMs;
  }

  /** The client of that id; null: there is none. The one query of a request whose answer is kept. */
  async find(clientId: Uint8Array): Promise<Caller | null> {
    const name = byteName(clientId);
    const batch = this.#batch();
    batch.ids.set(name, clientId);
    return (await batch.found).get(name) ?? null;
  }

  /** The one that has not been sent yet. */
  #batch(): Batch {
    if (this.#next && this.#next.ids.size < mostAtOnce) return this.#next;
    const ids = new Map<string, Uint8Array>();
    const found = this.#ask(ids, this.#last);
    // Whoever waits for these hears of it; the next are asked for all the same.
    const answered = () => {
      if (this.#last === last) this.#last = null;
    };
    const last = found.then(answered, answered);
    this.#last = last;
    return (this.#next = { ids, found });
  }

  async #ask(ids: Batch['ids'], last: Promise<unknown> | null): Promise<ReadonlyMap<string, Caller>> {
    if (last) await settled(last, this.#turnMs);
    await arrived();
    if (this.#next?.ids === ids) this.#next = null;
    return await readCallers(this.#db, [...ids.values()]);
  }
}

/** Settles with the promise, and no later than that. */
async function settled(promise: Promise<unknown>, milliseconds: number): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, milliseconds);
  await Promise.race([promise, late.promise]);
  clearTimeout(timer);
}

/** All requests whose bytes are here by now have been read. */
function arrived(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

interface CallerRow {
  readonly client_id: Uint8Array;
  readonly application_uid: Uint8Array;
  readonly owner_uid: Uint8Array;
  readonly app_data: Uint8Array;
  readonly kind: number;
  readonly public_key: Uint8Array | null;
  readonly encrypted_app_key: Uint8Array | null;
  readonly app_owner_public_key: Uint8Array;
  readonly lock_ip: boolean;
  readonly bound_address: string | null;
  readonly first_access_expires_at: number;
  readonly access_expires_at: number;
  readonly last_access_at: number | null;
  readonly address: string;
  readonly client_version: string;
  readonly count: number;
  readonly newest: number;
}

/** Written out: to put the same statement together again takes as long as to send it. */
const findCallers = prepared(
  'secrets-callers',
  `
    SELECT client_id, client.application_uid, owner_uid, app_data, kind, public_key, encrypted_app_key,
      app_owner_public_key, lock_ip, bound_address, first_access_expires_at, access_expires_at, last_access_at, address,
      client_version, changes.count, changes.newest
    FROM client JOIN application ON application.application_uid = client.application_uid
    CROSS JOIN LATERAL (SELECT count(*) AS count, coalesce(max(change), 0) AS newest FROM secret_change
      WHERE secret_change.account_uid = owner_uid) changes
    WHERE client_id = ANY($1::bytea[])`,
);

async function readCallers(db: Database, ids: readonly Uint8Array[]): Promise<Map<string, Caller>> {
  const clientIds = ids.map((id) => Buffer.from(id.buffer, id.byteOffset, id.byteLength));
  const { rows } = await db.executeQuery<CallerRow>(CompiledQuery.raw(findCallers, [clientIds]));
  return new Map(rows.map(callerOf).map((caller) => [caller.name, caller]));
}

function callerOf(row: CallerRow): Caller {
  return {
    clientId: row.client_id,
    name: byteName(row.client_id),
    applicationUid: row.application_uid,
    ownerUid: uidOf(row.owner_uid),
    appData: row.app_data,
    isGateway: row.kind === Number(ClientKind.GATEWAY),
    publicKey: row.public_key,
    encryptedAppKey: row.encrypted_app_key,
    appOwnerPublicKey: row.app_owner_public_key,
    lockIp: row.lock_ip,
    boundAddress: row.bound_address,
    firstAccessExpiresAt: row.first_access_expires_at,
    accessExpiresAt: row.access_expires_at,
    lastAccessAt: row.last_access_at ?? 0,
    address: row.address,
    clientVersion: row.client_version,
    changes: { count: row.count, newest: row.newest },
  };
}
