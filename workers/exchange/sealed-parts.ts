import { ByteReader, concat, empty, type Bytes } from '../../protocol/bytes.ts';
import { exchangeBounds } from './bounds.ts';
import { malformed, objectIn, parseJsonBytes } from './json-values.ts';
import { parsePortable, type PortableRecord } from './portable-record.ts';
import type { RestoredVault } from './restored-vault.ts';

/**
 * What is inside the frames of an encrypted export: kind(1) ‖ length(4) ‖ bytes, one after another. `head` (JSON with
 * the folders) comes first; each `record` (JSON) is followed by the bytes of its attachments in order, in as many
 * `data` parts as it takes.
 */
export const partKinds = { head: 1, record: 2, data: 3 } as const;

/** Bytes of one `data` part. */
export const dataPart = 64 * 1024;

const prefixLength = 5;

interface Waiting {
  readonly record: PortableRecord;
  readonly files: Bytes[];
  parts: Bytes[];
  length: number;
}

/** Takes the content of frames as it comes and fills the vault. Holds one record and its attachments at a time. */
export class SealedParts {
  readonly #vault: RestoredVault;
  #rest: Bytes = empty;
  #waiting: Waiting | null = null;
  #bytes = 0;

  constructor(vault: RestoredVault) {
    this.#vault = vault;
  }

  /** Throws `malformed` for parts that are too long, unknown or out of order. */
  feed(chunk: Bytes): void {
    const bytes = this.#rest.length === 0 ? chunk : concat(this.#rest, chunk);
    let at = 0;
    while (bytes.length - at >= prefixLength) {
      const reader = new ByteReader(bytes.subarray(at, at + prefixLength));
      const kind = reader.byte();
      const length = reader.uint32();
      if (length > (kind === partKinds.data ? dataPart : exchangeBounds.sealedPart))
        throw malformed('the export has a part that is too long');
      const end = at + prefixLength + length;
      if (end > bytes.length) break;
      this.#take(kind, bytes.slice(at + prefixLength, end));
      at = end;
    }
    this.#rest = bytes.slice(at);
  }

  /** Throws `malformed` when something is missing. */
  end(): void {
    if (this.#rest.length > 0 || this.#waiting !== null) throw malformed('the export ends within a part');
  }

  #take(kind: number, bytes: Bytes): void {
    const where = `record ${this.#vault.count + 1}`;
    if (kind === partKinds.data) return this.#takeData(bytes, where);
    if (this.#waiting !== null) throw malformed(`${where} lacks bytes of an attachment`);
    if (kind === partKinds.head)
      return this.#vault.takeHead(objectIn(parseJsonBytes(bytes, 'the head'), 'the head'));
    if (kind !== partKinds.record) throw malformed('the export has a part that is not known');
    this.#waiting = {
      record: parsePortable(parseJsonBytes(bytes, where), where),
      files: [],
      parts: [],
      length: 0,
    };
    this.#closeFull();
  }

  #takeData(bytes: Bytes, where: string): void {
    const waiting = this.#waiting;
    const file = waiting?.record.attachments[waiting.files.length];
    if (waiting === null || file === undefined)
      throw malformed(`${where} has bytes that belong to no attachment`);
    waiting.parts.push(bytes);
    waiting.length += bytes.length;
    this.#bytes += bytes.length;
    if (waiting.length > file.size) throw malformed(`${where} has an attachment that is longer than it says`);
    if (this.#bytes > exchangeBounds.attachmentBytes)
      throw malformed('the attachments are larger than an import can be');
    this.#closeFull();
  }

  /** Closes attachments that have all their bytes (empty ones at once), and the record after its last one. */
  #closeFull(): void {
    const waiting = this.#waiting;
    if (waiting === null) return;
    const { attachments } = waiting.record;
    while (attachments[waiting.files.length]?.size === waiting.length) {
      waiting.files.push(concat(...waiting.parts));
      waiting.parts = [];
      waiting.length = 0;
    }
    if (waiting.files.length < attachments.length) return;
    this.#waiting = null;
    this.#vault.take(waiting.record, waiting.files);
  }
}
