// What an application reads, kept as it was answered for as long as nothing of it changes. protocol.md §31.3.
import { sql } from 'kysely';
import type { Bytes } from '../../protocol/bytes.ts';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import type { Database } from '../store/database.ts';

/** Bytes of all answers that are kept, and of one. */
const mostBytes = 64 * 1024 * 1024;
const mostOfOne = 8 * 1024 * 1024;
/** What keeping one takes beside its content and its key: small answers to many questions fill memory, too. */
const overhead = 512;
/** Changes of an account that are told apart, before they are made one: each is looked at with every request. */
const mostChanges = 64;

/** How far the account's changes have come: the same only while nothing did. */
export interface SecretChanges {
  readonly count: number;
  readonly newest: number;
}

export interface KeptAnswer {
  readonly changes: SecretChanges;
  /** When some access that it is built on ends. */
  readonly until: number;
  /** JSON of everything that every client of the application is told. */
  readonly content: Bytes;
}

/** Ciphertext alone, in bounded memory: what was not asked for longest goes first. */
export class AnswerCache {
  readonly #kept = new Map<string, KeptAnswer>();
  #bytes = 0;

  /** `changes` are those that the store tells now; an answer of before them is none. */
  get(key: string, changes: SecretChanges, now: number): Bytes | null {
    const kept = this.#kept.get(key);
    if (!kept) return null;
    const isSame = kept.changes.count === changes.count && kept.changes.newest === changes.newest;
    this.#drop(key);
    if (!isSame || kept.until <= now) return null;
    this.#put(key, kept);
    return kept.content;
  }

  /** `changes` as they were before it was read: what it holds beyond them does no harm. */
  keep(key: string, answer: KeptAnswer): void {
    this.#drop(key);
    if (answer.content.length > mostOfOne) return;
    this.#put(key, answer);
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= mostBytes) return;
      this.#drop(oldest);
    }
  }

  #put(key: string, answer: KeptAnswer): void {
    this.#kept.set(key, answer);
    this.#bytes += bytesOf(key, answer);
  }

  #drop(key: string): void {
    const kept = this.#kept.get(key);
    if (!kept) return;
    this.#bytes -= bytesOf(key, kept);
    this.#kept.delete(key);
  }
}

function bytesOf(key: string, { content }: KeptAnswer): number {
  return content.length + 2 * key.length + overhead;
}

/** Whether it is time to make them one. */
export function areMany({ count }: SecretChanges): boolean {
  return count > mostChanges;
}

/**
 * Many changes become one, a new one: so the account has a set of them that it never had. Who finds that another did it adds none:
 * many at once would never be done.
 */
export async function foldChanges(db: Database, accountUid: Uid, changes: SecretChanges): Promise<void> {
  if (!areMany(changes)) return;
  await sql`
    WITH gone AS (
      DELETE FROM secret_change WHERE account_uid = ${uidBytes(accountUid)} AND change <= ${changes.newest}
      RETURNING account_uid
    )
    INSERT INTO secret_change (account_uid) SELECT DISTINCT account_uid FROM gone`.execute(db);
}

/** The same of every account: of some nobody asks for anything, and their changes are noted all the same. */
export async function foldAllChanges(db: Database): Promise<void> {
  const { rows } = await sql<SecretChanges & { readonly account_uid: Uint8Array }>`
    SELECT account_uid, count(*) AS count, max(change) AS newest FROM secret_change
    GROUP BY account_uid HAVING count(*) > ${mostChanges}`.execute(db);
  for (const { account_uid: account, ...changes } of rows) await foldChanges(db, uidOf(account), changes);
}
