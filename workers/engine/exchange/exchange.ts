import type {
  DetectedImport,
  ExportRequest,
  ExportResult,
  ImportPreview,
  ImportRequest,
  ImportResult,
  ImportRow,
  RunImport,
} from '../../api/exchange.ts';
import type { Progress } from '../../api/organising.ts';
import type { Bytes } from '../../../protocol/bytes.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import type { RecordContent } from '../../../protocol/records/content.ts';
import { newUid, type Uid } from '../../../protocol/uid.ts';
import type { ByteSink, ExportSource } from '../../exchange/export-source.ts';
import { detectFormat, readVault } from '../../exchange/formats.ts';
import type { ImportedVault } from '../../exchange/imported.ts';
import { describeRecord, subtitleOf } from '../records/record-entry.ts';
import type { ExchangeVault } from './exchange-vault.ts';
import { ImportRun } from './import-run.ts';
import { VaultSource } from './vault-source.ts';

interface Preview {
  readonly uid: Uid;
  readonly imported: ImportedVault;
  readonly known: ReadonlySet<number>;
}

const shownRows = 1000;

/** Import and export of one unlocked vault. Goes with it: what a file held is let go of when the vault locks. */
export class Exchange {
  readonly #vault: ExchangeVault;
  #preview: Preview | null = null;
  #running: AbortController | null = null;

  constructor(vault: ExchangeVault) {
    this.#vault = vault;
    vault.signal.addEventListener('abort', () => this.#close(), { once: true });
  }

  async detect(name: string, bytes: Bytes): Promise<DetectedImport | null> {
    const found = await detectFormat(name, bytes);
    if (found === null) return null;
    const isTable = found.format === 'csv' || found.format === 'lastpass';
    return {
      ...found,
      table: isTable ? (await import('../../exchange/csv-reader.ts')).sniffCsv(bytes) : null,
    };
  }

  async preview({ format, bytes, password, mapping }: ImportRequest): Promise<ImportPreview> {
    this.#preview = null;
    const options = {
      ...(password === undefined ? {} : { password }),
      ...(mapping === undefined ? {} : { mapping }),
    };
    const imported = await readVault(format, bytes, options);
    const known = await this.#knownOf(imported);
    this.#requireOpen();
    const preview = { uid: newUid(), imported, known };
    this.#preview = preview;
    return previewOf(preview);
  }

  /** Throws `not-found` for a preview that is gone, `conflict` while something else is under way. */
  async run({ previewUid, folderUid, skipKnown }: RunImport, onProgress: Progress): Promise<ImportResult> {
    const preview = this.#preview;
    if (preview?.uid !== previewUid)
      throw new ProtocolError('not-found', 'the preview is gone; read the file again');
    const skip = skipKnown ? preview.known : new Set<number>();
    return await this.#exclusively(async (signal) => {
      const result = await new ImportRun(this.#vault, preview.imported, {
        folderUid,
        skip,
        signal,
        onProgress,
      }).run();
      this.#preview = null;
      return result;
    });
  }

  discard(previewUid: Uid): void {
    if (this.#preview?.uid === previewUid) this.#preview = null;
  }

  async export(
    request: ExportRequest,
    onChunk: (bytes: Bytes) => Promise<void> | void,
    onProgress: Progress,
  ): Promise<ExportResult> {
    const write = await writerOf(request);
    return await this.#exclusively(async (signal) => {
      const records = await this.#vault.list(request.filter ?? {});
      const passes = request.format === 'zip' ? 2 : 1;
      let [done, bytes] = [0, 0];
      const onRecord = () => onProgress(++done, source.count * passes);
      const source = new VaultSource(this.#vault, records, await this.#vault.folders(), onRecord);
      await write(source, async (chunk) => {
        requireGoing(signal);
        bytes += chunk.length;
        await onChunk(chunk);
      });
      return { records: source.count, attachments: source.attachments, bytes, left: source.left };
    });
  }

  cancel(): void {
    this.#running?.abort();
  }

  #close(): void {
    this.#preview = null;
    this.cancel();
  }

  async #exclusively<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    this.#requireOpen();
    if (this.#running !== null) throw new ProtocolError('conflict', 'another import or export is under way');
    const running = new AbortController();
    this.#running = running;
    try {
      return await work(running.signal);
    } finally {
      this.#running = null;
    }
  }

  #requireOpen(): void {
    if (this.#vault.signal.aborted) throw new ProtocolError('locked', 'the vault is locked');
  }

  /** Indexes of records of the same type, title and login, host or website as one that is here. */
  async #knownOf({ records }: ImportedVault): Promise<ReadonlySet<number>> {
    const here = await this.#vault.list({});
    const keys = new Set(here.map(({ type, title, subtitle }) => keyOf(type, title, subtitle)));
    const known = records.flatMap(({ content }, at) =>
      keys.has(keyOf(content.type, content.title, subtitleIn(content))) ? [at] : [],
    );
    return new Set(known);
  }
}

type Write = (source: ExportSource, sink: ByteSink) => Promise<void>;

/** Writers are loaded when they are asked for, as readers are. */
async function writerOf({ format, password = '' }: ExportRequest): Promise<Write> {
  switch (format) {
    case 'sealed': {
      if (Array.from(password.normalize('NFC')).length < limits.password.min)
        throw new ProtocolError(
          'weak-parameters',
          `the password has at least ${limits.password.min} characters`,
        );
      const { exportSealed } = await import('../../exchange/sealed-writer.ts');
      return async (source, sink) => await exportSealed(source, password, sink);
    }
    case 'zip':
      return (await import('../../exchange/zip-writer.ts')).exportZip;
    case 'json':
      return (await import('../../exchange/json-writer.ts')).exportJson;
    case 'csv':
      return (await import('../../exchange/csv-writer.ts')).exportCsv;
  }
}

function previewOf({ uid, imported, known }: Preview): ImportPreview {
  const { source, records, folders, left } = imported;
  const attachments = records.flatMap((record) => record.attachments);
  return {
    previewUid: uid,
    source,
    records: records.length,
    folders: folders.length,
    attachments: attachments.length,
    attachmentBytes: attachments.reduce((sum, { bytes }) => sum + bytes.length, 0),
    links: records.reduce((sum, record) => sum + (record.links?.length ?? 0), 0),
    known: known.size,
    rows: records.slice(0, shownRows).map((record, at): ImportRow => ({
      type: record.content.type,
      title: record.content.title,
      subtitle: subtitleIn(record.content),
      folder: record.folder,
      attachments: record.attachments.length,
      known: known.has(at),
    })),
    left,
  };
}

function keyOf(type: string, title: string, subtitle: string): string {
  return JSON.stringify([type, title.trim().toLowerCase(), subtitle.toLowerCase()]);
}

/** As a list shows it, once the record is in the vault. */
function subtitleIn(content: RecordContent): string {
  const nobody = new Uint8Array(16);
  return subtitleOf(
    describeRecord({ recordUid: nobody, ownerUid: nobody, changedAtMs: 0n, deleted: false }, content),
  );
}

function requireGoing(signal: AbortSignal): void {
  if (signal.aborted) throw new ProtocolError('cancelled', 'the export was cancelled');
}
