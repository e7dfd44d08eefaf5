// What an account's files may take: attachments, and what its applications read of them, together.
import { sql } from 'kysely';
import { ProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { uidBytes, type Uid } from '../../protocol/uid.ts';
import type { Tx } from '../store/database.ts';

/** What is about to be added. `size`: sealed bytes. */
export interface NewFile {
  readonly kind: 'file' | 'secret-file';
  readonly size: number;
}

interface Counts {
  readonly bytes: string;
  readonly files: string;
  readonly uploads: string;
  readonly secret_files: string;
  readonly secret_uploads: string;
}

/** Throws `limit-reached` with the bound that would be passed. In a transaction that holds the account. */
export async function requireFileRoom(tx: Tx, account: Uid, file: NewFile, quota: number): Promise<void> {
  const { rows } = await sql<Counts>`
    SELECT (own.bytes + copies.bytes)::text AS bytes, own.files::text, own.uploads::text,
      copies.files::text AS secret_files, copies.uploads::text AS secret_uploads
    FROM (SELECT coalesce(sum(sealed_size), 0) AS bytes, count(*) AS files,
        count(*) FILTER (WHERE NOT named) AS uploads
      FROM file WHERE account_uid = ${uidBytes(account)}) own,
    (SELECT coalesce(sum(size), 0) AS bytes, count(*) AS files,
        count(*) FILTER (WHERE NOT finished) AS uploads
      FROM secret_file WHERE account_uid = ${uidBytes(account)}) copies`.execute(tx);
  const [counts] = rows;
  if (!counts) throw new Error('a sum without a row');
  if (Number(counts.bytes) + file.size > quota)
    throw new ProtocolError('limit-reached', `the files of this account may take ${inWords(quota)}`);
  const { files, uploads, most, what } =
    file.kind === 'file'
      ? { ...counts, most: limits.filesPerAccount, what: 'files' }
      : {
          files: counts.secret_files,
          uploads: counts.secret_uploads,
          most: limits.secrets.filesPerAccount,
          what: 'files for applications',
        };
  if (Number(files) >= most)
    throw new ProtocolError('limit-reached', `an account has at most ${most} ${what}`);
  if (Number(uploads) >= limits.uploadsPerAccount)
    throw new ProtocolError('limit-reached', 'too many uploads are under way');
}

/** Its former chunks are still being removed: they must not take new ones with them. Throws `conflict`. */
export async function requireNotRemoved(tx: Tx, folder: string): Promise<void> {
  const removal = await tx
    .selectFrom('chunk_removal')
    .select('folder')
    .where('folder', '=', folder)
    .executeTakeFirst();
  if (removal) throw new ProtocolError('conflict', 'the file was removed');
}

/** "5 GiB": for the message of a bound. */
export function inWords(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  const step = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  return `${Number((bytes / 1024 ** step).toFixed(1))} ${units[step]}`;
}
