import { encodeBase64url, wipe } from '../../../protocol/bytes.ts';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import type { RecordContent } from '../../../protocol/records/content.ts';
import { newUid, parseUid, uidOf, type Uid } from '../../../protocol/uid.ts';
import type { AccountKeys } from '../../../protocol/vault/account-keys.ts';
import type { MachineConfirmation } from '../records/machine-confirmation.ts';
import type { RecordBook } from '../records/record-book.ts';
import { openPolicy, type Draft, type RecordWriter } from '../records/record-writer.ts';

export interface ConfirmedParts {
  readonly keys: Pick<AccountKeys, 'signer'>;
  readonly book: RecordBook;
  readonly writer: RecordWriter;
  readonly confirmation: MachineConfirmation;
}

const type = 'keyRotation';
/** Lines of one record, 40 bytes each. */
const mostLines = 2_000;

/**
 * Which machines the owner stood by when the keys changed, each at the very revision: a signature of the former key says
 * nothing about it any more. The list is an internal record, covered by the manifest, so that a vault that was cut off
 * goes on with it. protocol.md §23.5.
 */
export class ConfirmedMachines {
  readonly #parts: ConfirmedParts;

  constructor(parts: ConfirmedParts) {
    this.#parts = parts;
  }

  /** Before the keys change. */
  async remember(): Promise<void> {
    const lines = await this.#confirmed();
    const { writer } = this.#parts;
    await writer.remove(this.#lists());
    const drafts: Draft[] = [];
    for (let i = 0; i < lines.length; i += mostLines)
      drafts.push({
        ...{ uid: newUid(), key: randomBytes(32), baseRevision: 0n, policy: openPolicy },
        content: contentOf(this.#signingKey, lines.slice(i, i + mostLines)),
      });
    await writer.write(drafts);
  }

  /** Under the new keys: signs where those lead that nobody has changed since. */
  async confirm(): Promise<void> {
    const { book, writer } = this.#parts;
    for (const list of this.#lists()) {
      const { content, key, row } = await book.open(list);
      wipe(key);
      const [former = '', ...lines] = textsOf(content);
      if (former === this.#signingKey) continue; // the keys did not change yet
      const isMine = uidOf(row.writerUid) === book.accountUid;
      const drafts = isMine ? await this.#due(lines) : [];
      await writer.writeMany(drafts);
      await writer.remove([list]);
    }
  }

  /** Nothing of it stays when the keys did not change. */
  async forget(): Promise<void> {
    await this.#parts.writer.remove(this.#lists());
  }

  async #confirmed(): Promise<string[]> {
    const { book, confirmation } = this.#parts;
    const lines: string[] = [];
    for (const { uid } of book.ofType('pamMachine')) {
      const opened = await book.open(uid);
      wipe(opened.key);
      const isProved = book.get(uid)?.proved === true;
      if (isProved && (await confirmation.isConfirmed(opened))) lines.push(`${uid} ${opened.row.revision}`);
    }
    return lines;
  }

  async #due(lines: readonly string[]): Promise<Draft[]> {
    const { book, writer, confirmation } = this.#parts;
    const drafts: Draft[] = [];
    for (const line of lines) {
      const [text = '', revision = ''] = line.split(' ');
      const uid: Uid = parseUid(text);
      const known = book.get(uid);
      const isSame =
        known?.proved === true && !known.deleted && book.isOwn(known) && String(known.revision) === revision;
      if (!isSame) continue;
      const draft = await writer.draftOf(uid);
      if (!(await confirmation.isConfirmed(draft))) drafts.push({ ...draft, confirms: 'anew' });
    }
    return drafts;
  }

  #lists(): Uid[] {
    return this.#parts.book
      .entries()
      .filter((entry) => entry.type === type)
      .map(({ uid }) => uid);
  }

  get #signingKey(): string {
    return encodeBase64url(this.#parts.keys.signer.publicKey);
  }
}

function contentOf(formerKey: string, lines: readonly string[]): RecordContent {
  const text = (label: string, value: readonly string[]) => ({ type: 'text', label, value: [...value] });
  return { type, title: 'Key rotation', fields: [text('former', [formerKey]), text('confirmed', lines)] };
}

function textsOf({ fields }: RecordContent): string[] {
  return fields.flatMap(({ value }) => value.filter((one) => typeof one === 'string'));
}
