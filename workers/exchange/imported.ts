import { utf8, type Bytes } from '../../protocol/bytes.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { encodeContent, type RecordContent } from '../../protocol/records/content.ts';
import type { LinkRole } from '../../protocol/records/links.ts';
import { exchangeBounds } from './bounds.ts';
import { oneLine } from './field-parts.ts';

/** What a reader makes of a foreign file: plain content and a report, nothing of the vault yet. */
export interface ImportedVault {
  readonly source: string;
  /** Paths, parents before children, each once; empty folders too. */
  readonly folders: readonly FolderPath[];
  readonly records: readonly ImportedRecord[];
  readonly left: readonly NotTaken[];
}

/** Names from the outermost folder inwards; empty means no folder. */
export type FolderPath = readonly string[];

export interface ImportedRecord {
  readonly content: RecordContent;
  readonly folder: FolderPath;
  readonly favourite: boolean;
  readonly tags: readonly string[];
  readonly attachments: readonly ImportedAttachment[];
  /** Links to other records of the same import, by their index in `records`. */
  readonly links?: readonly ImportedLink[];
}

export interface ImportedAttachment {
  readonly name: string;
  readonly mediaType: string;
  readonly bytes: Bytes;
}

export interface ImportedLink {
  readonly role: LinkRole;
  readonly to: number;
}

/** One thing that stayed behind, worded for people: names and places, never a value. */
export interface NotTaken {
  readonly what: string;
  readonly why: string;
}

/** Collects an import and holds its bounds. Throws `malformed` when there is more than one vault can be. */
export class VaultDraft {
  readonly #source: string;
  readonly #folders = new Map<string, FolderPath>();
  readonly #records: ImportedRecord[] = [];
  readonly #left: NotTaken[] = [];
  #unlisted = 0;
  #attachmentBytes = 0;

  constructor(source: string) {
    this.#source = source;
  }

  /** The folder and those around it. Returns the path as it is kept: names trimmed and shortened, empty ones dropped. */
  folder(path: FolderPath): FolderPath {
    const names = path
      .map((name) => oneLine(name).slice(0, exchangeBounds.folderName).trim())
      .filter(Boolean);
    if (names.length > exchangeBounds.folderDepth)
      throw new ProtocolError('malformed', `folders are nested deeper than ${exchangeBounds.folderDepth}`);
    for (let depth = 1; depth <= names.length; depth++) {
      const outer = names.slice(0, depth);
      this.#folders.set(JSON.stringify(outer), outer);
    }
    if (this.#folders.size > exchangeBounds.folders)
      throw new ProtocolError('malformed', `more than ${exchangeBounds.folders} folders`);
    return names;
  }

  /** Takes the record, or reports why not. Returns its index for links, or null. */
  add(record: ImportedRecord): number | null {
    if (this.#records.length >= exchangeBounds.records)
      throw new ProtocolError('malformed', `more than ${exchangeBounds.records} records`);
    const fitting = fitted(record);
    if (fitting === null) {
      this.leave(`"${record.content.title}"`, 'it is larger than a record can be; put part of it in a file');
      return null;
    }
    this.#attachmentBytes += fitting.attachments.reduce((sum, { bytes }) => sum + bytes.length, 0);
    if (this.#attachmentBytes > exchangeBounds.attachmentBytes)
      throw new ProtocolError('malformed', 'the attachments are larger than an import can be');
    return this.#records.push({ ...fitting, folder: this.folder(fitting.folder) }) - 1;
  }

  /** Links a record that was added to another one. */
  link(from: number, link: ImportedLink): void {
    const record = this.#records[from];
    if (record) this.#records[from] = { ...record, links: [...(record.links ?? []), link] };
  }

  /** Reports what stays behind. Neither text may hold a value of the file. */
  leave(what: string, why: string): void {
    if (this.#left.length < exchangeBounds.reportLines) this.#left.push({ what, why });
    else this.#unlisted++;
  }

  finish(): ImportedVault {
    const more = { what: `${this.#unlisted} more`, why: 'the report shows only the first ones' };
    return {
      source: this.#source,
      folders: [...this.#folders.values()],
      records: this.#records,
      left: this.#unlisted > 0 ? [...this.#left, more] : this.#left,
    };
  }
}

/** As it is, or with its notes as a file when they are what makes it too large, or null. */
function fitted(record: ImportedRecord): ImportedRecord | null {
  if (fits(record.content)) return record;
  const { notes, ...content } = record.content;
  if (notes === undefined || !fits(content)) return null;
  const file = { name: 'notes.txt', mediaType: 'text/plain', bytes: utf8(notes) };
  return { ...record, content, attachments: [...record.attachments, file] };
}

/** An eighth is left for what the vault adds: links, files, a traffic seed. */
function fits(content: RecordContent): boolean {
  const text = encodeContent(content);
  const room = (limits.recordPlaintext * 7) / 8;
  return text.length <= room && utf8(text).length <= room;
}
