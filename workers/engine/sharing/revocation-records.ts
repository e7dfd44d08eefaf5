import { wipe } from '../../../protocol/bytes.ts';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { ProtocolError, toProtocolError } from '../../../protocol/errors.ts';
import type { RecordContent } from '../../../protocol/records/content.ts';
import { newUid, parseUid, type Uid } from '../../../protocol/uid.ts';
import type { RecordBook } from '../records/record-book.ts';
import { openPolicy, type Draft, type RecordWriter } from '../records/record-writer.ts';
import type { Revocation } from './revocations.ts';
import type { ShareBook } from './share-book.ts';

export interface RevocationRecordParts {
  readonly book: RecordBook;
  readonly writer: RecordWriter;
  readonly shares: ShareBook;
  readonly sync: () => Promise<void>;
}

/** Lines of one record: 100 bytes each, far under what a record holds. */
const mostLines = 1_000;
/** How often one is written against other devices that write too. */
const mostAttempts = 4;
const type = 'revocations';

/**
 * Keeps what was taken back in internal records of the account: sealed, signed and covered by its manifest, so that the
 * server neither reads nor forgets it. protocol.md §19.8.
 */
export class RevocationRecords {
  readonly #parts: RevocationRecordParts;
  readonly #read = new Map<Uid, { readonly revision: number; readonly lines: readonly string[] }>();

  constructor(parts: RevocationRecordParts) {
    this.#parts = parts;
  }

  /** Takes over what this account's devices wrote. */
  async load(): Promise<void> {
    for (const uid of this.#uids()) {
      const lines = await this.#linesOf(uid);
      this.#parts.shares.revoke(lines.map(parseLine).filter((revocation) => revocation !== null));
    }
  }

  /** They count from now on, on every device: written before anything is asked of the server. Throws `conflict`. */
  async remember(revocations: readonly Revocation[]): Promise<void> {
    for (let i = 0; i < revocations.length; i += mostLines)
      await this.#append(revocations.slice(i, i + mostLines).map(lineOf));
    this.#parts.shares.revoke(revocations);
  }

  async #append(lines: readonly string[]): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#parts.writer.write([await this.#draftWith(lines)]);
      } catch (error) {
        if (toProtocolError(error)?.code !== 'conflict' || attempt === mostAttempts) throw error;
      }
      await this.#parts.sync();
    }
  }

  async #draftWith(lines: readonly string[]): Promise<Draft> {
    for (const uid of this.#uids()) {
      const known = await this.#linesOf(uid);
      if (known.length === 0 || known.length + lines.length > mostLines) continue;
      const draft = await this.#parts.writer.draftOf(uid);
      return { ...draft, content: contentOf([...known, ...lines]) };
    }
    return {
      ...{ uid: newUid(), key: randomBytes(32), baseRevision: 0n },
      ...{ content: contentOf(lines), policy: openPolicy },
    };
  }

  async #linesOf(uid: Uid): Promise<readonly string[]> {
    const revision = this.#parts.book.get(uid)?.revision ?? 0;
    const known = this.#read.get(uid);
    if (known?.revision === revision) return known.lines;
    const { content, key } = await this.#parts.book.open(uid);
    wipe(key);
    const lines =
      content.type !== type // as it opens: never what an editor made of a shared record
        ? []
        : content.fields.flatMap(({ value }) => value.filter((line) => typeof line === 'string'));
    this.#read.set(uid, { revision, lines });
    return lines;
  }

  #uids(): Uid[] {
    return this.#parts.book.ofType(type).map(({ uid }) => uid);
  }
}

function contentOf(lines: readonly string[]): RecordContent {
  return { type, title: 'Revocations', fields: [{ type: 'text', label: 'revoked', value: [...lines] }] };
}

function lineOf({ kind, objectUid, outUid, signerUid, untilMs, keyVersion }: Revocation): string {
  return [kind, objectUid, outUid, signerUid ?? '*', untilMs, keyVersion].join(' ');
}

/** Null for what a later version may have written. */
function parseLine(line: string): Revocation | null {
  const [kind, objectUid, outUid, signerUid, until, version] = line.split(' ');
  if (kind !== 'record' && kind !== 'folder' && kind !== 'entry') return null;
  const [untilMs, keyVersion] = [Number(until), Number(version)];
  if (!Number.isSafeInteger(untilMs) || !Number.isSafeInteger(keyVersion)) return null;
  try {
    return {
      ...{ kind, untilMs, keyVersion },
      objectUid: parseUid(objectUid ?? ''),
      outUid: parseUid(outUid ?? ''),
      signerUid: signerUid === '*' ? null : parseUid(signerUid ?? ''),
    };
  } catch (error) {
    if (error instanceof ProtocolError) return null;
    throw error;
  }
}
