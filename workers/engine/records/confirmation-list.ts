import { wipe } from '../../../protocol/bytes.ts';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import type { RecordContent } from '../../../protocol/records/content.ts';
import { newUid, type Uid } from '../../../protocol/uid.ts';
import { draftFrom, openPolicy, type Draft } from './draft.ts';
import type { RecordBook } from './record-book.ts';

const type = 'confirmations';
/** Lines of one record: 70 bytes each, far under what a record holds. */
const mostLines = 1_000;

interface Sheet {
  readonly revision: number;
  /** By machine. */
  readonly lines: ReadonlyMap<string, string>;
}

/**
 * Which word of the owner's counts for each own machine: the newest, and no other. The list is kept in internal records,
 * covered by the manifest, and written in one step with the machines that it is about: what an editor brings back from
 * before is not on it. protocol.md §10.8.
 */
export class ConfirmationList {
  readonly #book: RecordBook;
  readonly #read = new Map<Uid, Sheet>();

  constructor(book: RecordBook) {
    this.#book = book;
  }

  /** What is written down of that machine, or in one of those drafts; null when it was never confirmed. */
  async of(machineUid: Uid, drafts: readonly Draft[] = []): Promise<string | null> {
    const drafted = drafts.filter(({ content }) => content.type === type);
    const kept = (await this.#sheets()).filter(({ uid }) => drafted.every((draft) => draft.uid !== uid));
    for (const lines of [
      ...drafted.map(({ content }) => linesIn(content)),
      ...kept.map(({ sheet }) => sheet.lines),
    ]) {
      const said = lines.get(machineUid);
      if (said !== undefined) return said;
    }
    return null;
  }

  /** The records of the list with these words in the place of the former ones; null takes a machine off it. */
  async draftsWith(words: ReadonlyMap<Uid, string | null>): Promise<Draft[]> {
    const sheets = await this.#sheets();
    const changed = new Map<Uid, Map<string, string>>();
    const linesOf = (uid: Uid) =>
      changed.get(uid) ?? new Map(sheets.find((one) => one.uid === uid)?.sheet.lines);
    for (const [machineUid, said] of words) {
      const uids = [...new Set([...sheets.map(({ uid }) => uid), ...changed.keys()])];
      const at = uids.find((uid) => linesOf(uid).has(machineUid));
      if (at === undefined && said === null) continue;
      const uid = at ?? uids.find((one) => linesOf(one).size < mostLines) ?? newUid();
      const lines = linesOf(uid);
      if (said === null) lines.delete(machineUid);
      else lines.set(machineUid, said);
      changed.set(uid, lines);
    }
    return await Promise.all([...changed].map(([uid, lines]) => this.#draftOf(uid, contentOf(lines))));
  }

  async #draftOf(uid: Uid, content: RecordContent): Promise<Draft> {
    if (this.#book.has(uid)) return { ...draftFrom(await this.#book.open(uid)), content };
    return { uid, key: randomBytes(32), baseRevision: 0n, content, policy: openPolicy };
  }

  async #sheets(): Promise<{ readonly uid: Uid; readonly sheet: Sheet }[]> {
    const uids = this.#book.ofType(type).map(({ uid }) => uid);
    const sheets = await Promise.all(
      uids.map(async (uid) => {
        const sheet = await this.#sheetOf(uid);
        return sheet === null ? [] : [{ uid, sheet }];
      }),
    );
    return sheets.flat();
  }

  /** Null for what an editor, or a former owner, gave this type. */
  async #sheetOf(uid: Uid): Promise<Sheet | null> {
    const revision = this.#book.get(uid)?.revision ?? 0;
    const known = this.#read.get(uid);
    if (known?.revision === revision) return known;
    const { content, key } = await this.#book.open(uid);
    wipe(key);
    if (content.type !== type) return null;
    const sheet = { revision, lines: linesIn(content) };
    this.#read.set(uid, sheet);
    return sheet;
  }
}

function contentOf(lines: ReadonlyMap<string, string>): RecordContent {
  const value = [...lines].map(([machineUid, said]) => `${machineUid} ${said}`);
  return { type, title: 'Confirmed machines', fields: [{ type: 'text', label: 'confirmed', value }] };
}

function linesIn({ fields }: RecordContent): Map<string, string> {
  const texts = fields.flatMap(({ value }) => value.filter((line) => typeof line === 'string'));
  return new Map(
    texts.map((line) => {
      const at = line.indexOf(' ');
      return [line.slice(0, at), line.slice(at + 1)] as const;
    }),
  );
}
