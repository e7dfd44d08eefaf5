import { ProtocolError } from '../../../protocol/errors.ts';
import { hasLinks, linksOf, type RecordLink } from '../../../protocol/records/links.ts';
import type { Uid } from '../../../protocol/uid.ts';
import type { RecordReference } from '../../api.ts';
import type { RecordBook } from './record-book.ts';

interface Known {
  readonly revision: number;
  readonly links: readonly RecordLink[];
}

/** Which records link a user. Each that can is opened when it is first asked for, and again when it has changed. */
export class LinkIndex {
  readonly #book: Pick<RecordBook, 'all' | 'open'>;
  #known = new Map<Uid, Known>();

  constructor(book: Pick<RecordBook, 'all' | 'open'>) {
    this.#book = book;
  }

  /** By title. */
  async linksTo(recordUid: Uid): Promise<RecordReference[]> {
    const now = new Map<Uid, Known>();
    const references: RecordReference[] = [];
    for (const { uid, revision, deleted, entry } of [...this.#book.all()]) {
      if (deleted || entry === null || entry.launchOnly || !hasLinks(entry.type)) continue;
      const known = this.#known.get(uid);
      const links = known?.revision === revision ? known.links : await this.#linksOf(uid);
      now.set(uid, { revision, links });
      const roles = links.flatMap((link) => (link.recordUid === recordUid ? [link.role] : []));
      if (roles.length > 0) references.push({ recordUid: uid, type: entry.type, title: entry.title, roles });
    }
    this.#known = now;
    return references.sort((a, b) => a.title.localeCompare(b.title));
  }

  /** None of a record that went meanwhile, does not open, or says nothing valid. */
  async #linksOf(uid: Uid): Promise<readonly RecordLink[]> {
    try {
      return linksOf((await this.#book.open(uid)).content);
    } catch (error) {
      if (error instanceof ProtocolError) return [];
      throw error;
    }
  }
}
