import type { Bytes } from '../../protocol/bytes.ts';
import type { Uid } from '../../protocol/uid.ts';
import type { CsvField, CsvMapping, CsvTarget } from '../exchange/csv-mapping.ts';
import type { CsvPreview } from '../exchange/csv-reader.ts';
import type { ImportFormat } from '../exchange/formats.ts';
import type { NotTaken } from '../exchange/imported.ts';
import type { Progress, RecordFilter } from './organising.ts';

export type { CsvField, CsvMapping, CsvPreview, CsvTarget, ImportFormat, NotTaken };

/** Moving in and out. Files are read and made in the worker; what is in them never goes to the server in clear. */
export interface ExchangeVerbs {
  /** What a file is, by its content; null for what cannot be read. */
  detectImport(input: { name: string; bytes: Bytes }): Promise<DetectedImport | null>;
  /**
   * Reads the file and shows what an import would make, without making anything. There is one preview at a time; it is
   * gone with the next one, and when the vault locks. Rejects with `malformed` (what is wrong, and where),
   * `wrong-password` (also when one is needed and none is given), `weak-parameters`, `unsupported-version`, `too-large`.
   */
  previewImport(input: ImportRequest): Promise<ImportPreview>;
  /**
   * Makes what the preview showed: folders (those of the same name are used again) within `folderUid`, records with
   * links, favourites and tags, then attachments. What was made when it is cancelled stays, and the result says so.
   * Rejects with `not-found` for a preview that is gone.
   */
  runImport(input: RunImport, onProgress?: Progress): Promise<ImportResult>;
  discardImport(previewUid: Uid): Promise<void>;
  /**
   * Writes the vault to `onChunk`, piece by piece: the next one comes when its promise is settled, and a rejection ends
   * the export. Everything but `sealed` is in clear. Rejects with `weak-parameters` for a password that is too short,
   * `conflict` when the vault changed meanwhile, `cancelled`.
   */
  exportVault(
    input: ExportRequest,
    onChunk: (bytes: Bytes) => Promise<void> | void,
    onProgress?: Progress,
  ): Promise<ExportResult>;
  /** Ends the import or export that is under way. */
  cancelExchange(): Promise<void>;
}

export interface DetectedImport {
  readonly format: ImportFormat;
  /** The file has a password of its own. */
  readonly needsPassword: boolean;
  /** For tables: the columns, the first rows and where they seem to go. Values of secret columns are dots. */
  readonly table: CsvPreview | null;
}

export interface ImportRequest {
  readonly format: ImportFormat;
  readonly bytes: Bytes;
  readonly password?: string;
  readonly mapping?: CsvMapping;
}

export interface ImportPreview {
  readonly previewUid: Uid;
  /** What the file is, for people. */
  readonly source: string;
  readonly records: number;
  readonly folders: number;
  readonly attachments: number;
  readonly attachmentBytes: number;
  readonly links: number;
  /** Records of the same type, title and login, host or website that the vault has already. */
  readonly known: number;
  /** The first 1,000. */
  readonly rows: readonly ImportRow[];
  readonly left: readonly NotTaken[];
}

export interface ImportRow {
  readonly type: string;
  readonly title: string;
  /** Login, host or URL, never a secret. */
  readonly subtitle: string;
  readonly folder: readonly string[];
  readonly attachments: number;
  readonly known: boolean;
}

export interface RunImport {
  readonly previewUid: Uid;
  /** A personal folder to import into; null: the top. */
  readonly folderUid: Uid | null;
  /** Leaves out what the vault seems to have already. */
  readonly skipKnown?: boolean;
}

export interface ImportResult {
  /** What was made, in the file's order: for showing it, or for putting it into the trash again. */
  readonly recordUids: readonly Uid[];
  readonly folders: number;
  readonly attachments: number;
  /** What the reader left, and what could not be stored. */
  readonly left: readonly NotTaken[];
  readonly cancelled: boolean;
}

/** `sealed`: encrypted, with attachments; `zip`: in clear, with attachments; `json`, `csv`: in clear, without. */
export type ExportFormat = 'sealed' | 'zip' | 'json' | 'csv';

export interface ExportRequest {
  readonly format: ExportFormat;
  /** For `sealed`. */
  readonly password?: string;
  /** Everything outside the trash when it is not said. */
  readonly filter?: RecordFilter;
}

export interface ExportResult {
  readonly records: number;
  readonly attachments: number;
  readonly bytes: number;
  readonly left: readonly NotTaken[];
}
