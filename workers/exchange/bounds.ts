import { limits } from '../../protocol/limits.ts';

/**
 * What an import or export may take, each with its reason. A foreign file is hostile until it is read: every reader
 * holds these while it reads, not afterwards.
 */
export const exchangeBounds = {
  /** One file. Browsers refuse larger arrays before two of these fit. */
  fileBytes: 1024 * 1024 * 1024,
  /** Text of one file, or of one part of an archive: a hundred thousand large records. */
  textBytes: 192 * 1024 * 1024,
  records: 100_000,
  folders: 20_000,
  /** Folders within folders. */
  folderDepth: 32,
  folderName: 200,
  title: 1_000,
  fieldsPerRecord: 500,
  fieldLabel: 200,
  /** As a card keeps them. */
  tagsPerRecord: 50,
  tag: 64,
  attachmentsPerRecord: limits.filesPerRecord,
  /** All attachments of one import together, unpacked. */
  attachmentBytes: 1024 * 1024 * 1024,
  /** Lines of the report; what is beyond is counted, not listed. */
  reportLines: 5_000,
  /** One record, or all folders, in an encrypted export of our own. */
  sealedPart: 16 * 1024 * 1024,
  csvColumns: 1_000,
  csvCell: 1024 * 1024,
  archiveEntries: 200_000,
  /** Elements within elements: a folder of folderDepth, and what an entry holds in it. */
  xmlDepth: 64,
  xmlElements: 10_000_000,
  /** Passes and memory that a foreign file may ask of the key derivation. */
  foreignArgon2: { memoryKib: 1024 * 1024, passes: 100, parallelism: 64 },
  foreignPbkdf2: 10_000_000,
  foreignAesRounds: 200_000_000,
} as const;
