import type { Bytes } from '../../protocol/bytes.ts';
import type { RecordContent } from '../../protocol/records/content.ts';
import type { FolderPath, ImportedLink } from './imported.ts';

/** Where an export goes, piece by piece. The promise is when there is room for more: nothing is held whole. */
export type ByteSink = (bytes: Bytes) => Promise<void>;

/** What is exported. `records` may be gone through more than once and gives the same records in the same order. */
export interface ExportSource {
  readonly folders: readonly FolderPath[];
  records(): AsyncIterable<ExportedRecord>;
}

/** `content` holds no UIDs of this vault: references are `links`, files are `attachments`. */
export interface ExportedRecord {
  readonly content: RecordContent;
  readonly folder: FolderPath;
  readonly favourite: boolean;
  readonly tags: readonly string[];
  readonly links: readonly ImportedLink[];
  readonly attachments: readonly ExportedAttachment[];
}

export interface ExportedAttachment {
  readonly name: string;
  readonly mediaType: string;
  /** Bytes that `read` gives. */
  readonly size: number;
  read(): AsyncIterable<Bytes>;
}
