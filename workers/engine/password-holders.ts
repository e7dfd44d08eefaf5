import { ProtocolError, type ErrorCode } from '../../protocol/errors.ts';
import type { RecordContent } from '../../protocol/records/content.ts';
import type { PasswordHolder } from '../tools/report.ts';
import type { RecordEntry } from './records/record-entry.ts';

/** What the report needs of a book of records. */
export interface OpenableBook {
  entries(): Iterable<HeldEntry> | Promise<Iterable<HeldEntry>>;
  open(uid: HeldEntry['uid']): Promise<{ readonly content: RecordContent }>;
}

type HeldEntry = Pick<RecordEntry, 'uid' | 'title' | 'changedAt'>;

/** What happens to one record while others are read: it is deleted, or what the server gave does not open. */
const passable: ReadonlySet<ErrorCode> = new Set(['not-found', 'open-failed', 'not-allowed']);

/**
 * Every record with its passwords, opened one at a time and forgotten at once. `book` is asked for anew each time, so
 * that a vault which is locked meanwhile ends it with `locked`.
 */
export async function* passwordHolders(book: () => OpenableBook): AsyncGenerator<PasswordHolder> {
  for (const { uid, title, changedAt } of await book().entries()) {
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
