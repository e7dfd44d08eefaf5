import { randomBytes } from '../../../protocol/crypto/random.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import type { RecordContent } from '../../../protocol/records/content.ts';
import { newUid, type Uid } from '../../../protocol/uid.ts';
import { openPolicy, type Draft } from '../records/draft.ts';
import type { RecordBook } from '../records/record-book.ts';
import type { RecordEntry } from '../records/record-entry.ts';
import type { RecordWriter } from '../records/record-writer.ts';

/** Characters of a folder's name. */
const longestName = 200;

/** Personal folders: records of their own type, each of which names the one that it is in. */
export class PersonalFolders {
  readonly #book: RecordBook;
  readonly #writer: RecordWriter;

  constructor(book: RecordBook, writer: RecordWriter) {
    this.#book = book;
    this.#writer = writer;
  }

  all(): RecordEntry[] {
    return this.#book.ofType('folder');
  }

  /**
   * Where a folder is shown: its parent, or the top when that is gone. Two devices that moved at once can have put
   * folders into each other: those are shown at the top.
   */
  parentOf(uid: Uid): Uid | null {
    const parentUid = this.#entry(uid)?.parentUid ?? null;
    return parentUid !== null && this.#entry(parentUid) && !this.#isIn(parentUid, uid) ? parentUid : null;
  }

  /** The folder and all below it. */
  below(uid: Uid): Uid[] {
    return this.all().flatMap((folder) =>
      folder.uid === uid || this.#isIn(folder.uid, uid) ? [folder.uid] : [],
    );
  }

  async create({ name, parentUid }: { name: string; parentUid: Uid | null }): Promise<Uid> {
    if (parentUid !== null) this.require(parentUid);
    const uid = newUid();
    const content = contentOf(name, parentUid);
    const policy = { ...openPolicy, connections: false };
    await this.#writer.write([{ uid, key: randomBytes(32), baseRevision: 0n, policy, content }]);
    return uid;
  }

  async rename(folderUid: Uid, name: string): Promise<void> {
    await this.#writer.write([await this.#changed(folderUid, name, this.parentOf(folderUid))]);
  }

  /** Throws `conflict` when the folder would come to be in itself. */
  async move(folderUid: Uid, parentUid: Uid | null): Promise<void> {
    await this.#writer.write([await this.moved(folderUid, parentUid)]);
  }

  /** The same, to be written with others. */
  async moved(folderUid: Uid, parentUid: Uid | null): Promise<Draft> {
    const { title } = this.require(folderUid);
    if (parentUid !== null) {
      this.require(parentUid);
      if (parentUid === folderUid || this.#isIn(parentUid, folderUid))
        throw new ProtocolError('conflict', 'a folder cannot be in itself');
    }
    return await this.#changed(folderUid, title, parentUid);
  }

  /** Throws `not-found`. */
  require(uid: Uid): RecordEntry {
    const entry = this.#entry(uid);
    if (!entry) throw new ProtocolError('not-found', 'there is no such folder');
    return entry;
  }

  async #changed(uid: Uid, name: string, parentUid: Uid | null): Promise<Draft> {
    this.require(uid);
    return { ...(await this.#writer.draftOf(uid)), content: contentOf(name, parentUid) };
  }

  #entry(uid: Uid): RecordEntry | null {
    const entry = this.#book.entry(uid);
    return entry?.type === 'folder' && this.#book.isOwn(entry) ? entry : null;
  }

  /** Whether the one is somewhere in the other. */
  #isIn(uid: Uid, ancestorUid: Uid): boolean {
    const seen = new Set<Uid>();
    for (let at = this.#entry(uid)?.parentUid ?? null; at !== null && !seen.has(at);) {
      if (at === ancestorUid) return true;
      seen.add(at);
      at = this.#entry(at)?.parentUid ?? null;
    }
    return false;
  }
}

function contentOf(name: string, parentUid: Uid | null): RecordContent {
  const title = name.trim();
  if (title === '' || title.length > longestName)
    throw new ProtocolError('malformed', `a folder's name has 1 to ${longestName} characters`);
  return { type: 'folder', title, fields: parentUid ? [{ type: 'parentFolder', value: [parentUid] }] : [] };
}
