import { wipe, type Bytes } from '../../../protocol/bytes.ts';
import type { Uid } from '../../../protocol/uid.ts';
import type { Application, ApplicationBook } from './application-book.ts';
import type { ServerState } from './server-state.ts';
import type { TakeOverOutcome } from './take-over.ts';
import { wipeWanted, type Wanted } from './wanted.ts';

/** What one look at applications has before it: what they are to have, what the server has, and what was taken over. */
export interface Round {
  readonly wanted: Wanted;
  /** Kept in step with what is sent. */
  readonly state: ServerState;
  readonly taken: Pick<TakeOverOutcome, 'records' | 'folders'>;
  /** Records and folders of which something of an application waits, as far as that was asked for. */
  readonly waiting: ReadonlySet<Uid>;
  /** Keys of applications and shared folders. */
  readonly holderKeys: ReadonlyMap<Uid, Bytes>;
  /** Throws `cancelled` once the vault is locked. */
  readonly going: () => void;
  /** Something was sent. */
  changed: boolean;
}

export async function holderKeysOf(
  applications: readonly Application[],
  book: ApplicationBook,
  wanted: Wanted,
): Promise<Map<Uid, Bytes>> {
  const keys = new Map<Uid, Bytes>();
  for (const { uid } of applications) keys.set(uid, await book.key(uid));
  for (const { uid, rootUid, key } of wanted.folders.values()) if (uid === rootUid) keys.set(uid, key);
  return keys;
}

export function wipeRound({ wanted, holderKeys }: Pick<Round, 'wanted' | 'holderKeys'>): void {
  wipeWanted(wanted);
  for (const key of holderKeys.values()) wipe(key);
}

/** So many at a time. */
export function* inParts<T>(things: readonly T[], most: number): Generator<readonly T[]> {
  for (let at = 0; at < things.length; at += most) yield things.slice(at, at + most);
}
