// Ten codes on paper for the day on which the phone is gone. Each works once.
import { encodeContext } from '../../protocol/crypto/context.ts';
import { hmacSha256 } from '../../protocol/crypto/hash.ts';
import { labels } from '../../protocol/crypto/labels.ts';
import { randomBytes } from '../../protocol/crypto/random.ts';
import { uidBytes, type Uid } from '../../protocol/uid.ts';
import type { Database, Tx } from '../store/database.ts';

const codes = 10;
/** 60 random bits each: with the throttle there is nothing to guess. */
const characters = 12;
/** Crockford's base 32: nothing in it is mistaken for something else on paper. */
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';

export class BackupCodes {
  readonly #key: Uint8Array;

  constructor(key: Uint8Array) {
    this.#key = key;
  }

  /** New codes in the place of all former ones. They are shown once: the store has their hashes. */
  async renew(tx: Tx, accountUid: Uid): Promise<string[]> {
    const account_uid = uidBytes(accountUid);
    const made = Array.from({ length: codes }, newCode);
    await this.erase(tx, accountUid);
    const rows = made.map((code) => ({
      account_uid,
      code_hash: hashBackupCode(this.#key, accountUid, code),
    }));
    await tx.insertInto('backup_code').values(rows).execute();
    return made.map((code) => code.replace(/(.{4})(?=.)/g, '$1-'));
  }

  /** Whether it was a code of the account that nobody had used: it is one no more. */
  async use(tx: Tx, accountUid: Uid, text: string): Promise<boolean> {
    const code = normalise(text);
    if (code.length !== characters) return false;
    const { numDeletedRows } = await tx
      .deleteFrom('backup_code')
      .where('account_uid', '=', uidBytes(accountUid))
      .where('code_hash', '=', hashBackupCode(this.#key, accountUid, code))
      .executeTakeFirst();
    return numDeletedRows > 0n;
  }

  async count(db: Database | Tx, accountUid: Uid): Promise<number> {
    const { count } = await db
      .selectFrom('backup_code')
      .select((of) => of.fn.countAll<number>().as('count'))
      .where('account_uid', '=', uidBytes(accountUid))
      .executeTakeFirstOrThrow();
    return Number(count);
  }

  async erase(tx: Tx, accountUid: Uid): Promise<void> {
    await tx.deleteFrom('backup_code').where('account_uid', '=', uidBytes(accountUid)).execute();
  }
}

/** What the store keeps of a code, 32 bytes. protocol.md §3.1. */
export function hashBackupCode(key: Uint8Array, accountUid: Uid, code: string): Uint8Array {
  return hmacSha256(key, encodeContext(labels.backupCode, accountUid, code));
}

/** 32 divides 256: no character is more likely than another. */
function newCode(): string {
  return Array.from(randomBytes(characters), (byte) => alphabet[byte % alphabet.length]).join('');
}

/** As it is read off paper: capitals, dashes and the letters that look like digits do not matter. */
function normalise(text: string): string {
  return text.toLowerCase().replace(/[\s-]/g, '').replace(/o/g, '0').replace(/[il]/g, '1');
}
