import { ProtocolError, type ErrorCode } from '../../../protocol/errors.ts';
import type { RecordContent } from '../../../protocol/records/content.ts';
import type { PasswordHolder } from '../../tools/report.ts';
import type { RecordEntry } from './record-entry.ts';

/** What the report needs of a book of records. */
export interface OpenableBook {
  entries(): Iterable<HeldEntry> | Promise<Iterable<HeldEntry>>;
  open(uid: HeldEntry['uid']): Promise<{ readonly content: RecordContent }>;
}

type HeldEntry = Pick<RecordEntry, 'uid' | 'title' | 'changedAt'>;

/** What happens to one record while others are read: it is deleted, or what the server gave does not open. */
const passable: ReadonlySet<ErrorCode> = new Set(['not-found', 'open-failed', 'not-allowed']);

/** Records between two words about how far it is. */
const toldEvery = 25;

/**
 * Every record with its passwords, opened one at a time and forgotten at once. `book` is asked for anew each time, so
 * that a vault which is locked meanwhile ends it with `locked`.
 */
export async function* passwordHolders(
  book: () => OpenableBook,
  onProgress?: (done: number, of: number) => void,
): AsyncGenerator<PasswordHolder> {
  const entries = [...(await book().entries())];
  for (const [at, { uid, title, changedAt }] of entries.entries()) {
    if (at % toldEvery === 0) onProgress?.(at, entries.length);
    const content = await openOrNull(book(), uid);
    if (content !== null) yield { recordUid: uid, title, changedAt, passwords: passwordsOf(content) };
  }
}

function passwordsOf({ fields, custom = [] }: RecordContent): string[] {
  return [...fields, ...custom]
    .filter(({ type }) => type === 'password')
    .flatMap(({ value }) => value.filter((one) => typeof one === 'string'));
}

async function openOrNull(book: OpenableBook, uid: HeldEntry['uid']): Promise<RecordContent | null> {
  try {
    return (await book.open(uid)).content;
  } catch (error) {
    if (error instanceof ProtocolError && passable.has(error.code)) return null;
    throw error;
  }
}
