import type { Bytes } from '../../protocol/bytes.ts';
import { type JsonObject } from '../../protocol/json.ts';
import { exchangeBounds } from './bounds.ts';
import { VaultDraft, type ImportedLink, type ImportedVault } from './imported.ts';
import { listIn, malformed } from './json-values.ts';
import { portableContent } from './portable-content.ts';
import { textsIn, type PortableRecord } from './portable-record.ts';
import { oneLine } from './field-parts.ts';

/** Puts one of our own exports together again: its head, then its records in order. */
export class RestoredVault {
  readonly #vault: VaultDraft;
  /** By position in the file: where the record is now, or null when it was too large. */
  readonly #indexes: (number | null)[] = [];
  readonly #links: (readonly [from: number, link: ImportedLink])[] = [];
  #head = false;

  constructor(source: string) {
    this.#vault = new VaultDraft(source);
  }

  get count(): number {
    return this.#indexes.length;
  }

  /** Throws `malformed` for a second one. */
  takeHead(head: JsonObject): void {
    if (this.#head) throw malformed('the export has two heads');
    this.#head = true;
    for (const path of listIn(head['folders'], 'folders', exchangeBounds.folders))
      this.#vault.folder(textsIn(path, 'folder', exchangeBounds.folderDepth));
  }

  /** A record with the bytes of its attachments; null for one that the export does not hold. Throws `malformed`. */
  take({ links, ...record }: PortableRecord, files: readonly (Bytes | null)[]): void {
    if (!this.#head) throw malformed('the export does not start with its head');
    const attachments = record.attachments.flatMap(({ name, mediaType, size }, at) => {
      const bytes = files[at] ?? null;
      if (bytes === null)
        this.#vault.leave(`a file of "${record.content.title}"`, 'the export does not hold it');
      else if (bytes.length !== size) throw malformed('an attachment is not as long as its record says');
      return bytes === null ? [] : [{ name, mediaType, bytes }];
    });
    const { content, dropped } = portableContent(record.content);
    for (const name of dropped)
      this.#vault.leave(`"${oneLine(name)}" of "${content.title}"`, 'it cannot be moved');
    const from = this.#indexes.push(this.#vault.add({ ...record, content, attachments })) - 1;
    for (const link of links) this.#links.push([from, link]);
  }

  /** Throws `malformed` without a head, and for a link to nowhere. */
  finish(): ImportedVault {
    if (!this.#head) throw malformed('the export has no head');
    for (const [from, { role, to }] of this.#links) {
      const [at, target] = [this.#indexes[from], this.#indexes[to]];
      if (target === undefined) throw malformed('a link leads to a record that is not there');
      if (at !== undefined && at !== null && target !== null) this.#vault.link(at, { role, to: target });
    }
    return this.#vault.finish();
  }
}
