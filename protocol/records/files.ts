import { parseBase64url } from '../bytes.ts';
import { ProtocolError } from '../errors.ts';
import { limits } from '../limits.ts';
import { parseUid, type Uid } from '../uid.ts';
import { withValue, type FieldValue, type RecordContent } from './content.ts';

/** One attachment, as the record that holds it describes it. */
export interface FileRef {
  readonly fileUid: Uid;
  readonly name: string;
  /** Bytes of the file itself. */
  readonly size: number;
  /** `type/subtype`, lower case, or empty when it is not known. */
  readonly mediaType: string;
  /** base64url of 32 bytes. Withheld from the page like every secret member. */
  readonly key: string;
  /** Sealed chunks at the server. */
  readonly chunks: number;
}

const members = ['fileUid', 'name', 'size', 'mediaType', 'key', 'chunks'];
const mediaType = /^[a-z0-9][a-z0-9!#$&^_.+-]*\/[a-z0-9][a-z0-9!#$&^_.+-]*$/;

/** A `fileRef` value from outside: every member there, none besides. Throws `malformed`, `too-large`. */
export function parseFileRef(value: unknown): FileRef {
  if (typeof value !== 'object' || value === null) throw malformed('a file is an object');
  const { fileUid, name, size, mediaType: media, key, chunks } = value as Readonly<Record<string, unknown>>;
  if (Object.keys(value).length !== members.length) throw malformed('a file has other members');
  return {
    fileUid: parseUid(textIn(fileUid)),
    name: fileNameIn(textIn(name)),
    size: countIn(size),
    mediaType: mediaTypeIn(textIn(media)),
    key: keyIn(textIn(key)),
    chunks: countIn(chunks),
  };
}

/** The attachments of a record in order. What other clients attach by UID alone is left out. Throws `malformed`. */
export function filesOf(content: RecordContent): readonly FileRef[] {
  return valuesOf(content)
    .filter((value) => typeof value === 'object')
    .map(parseFileRef);
}

/** The content with that attachment last, or in place of the one with its UID. */
export function withFile(content: RecordContent, file: FileRef): RecordContent {
  const values = valuesOf(content);
  const at = values.findIndex((value) => uidOfValue(value) === file.fileUid);
  return withValue(content, 'fileRef', at < 0 ? [...values, { ...file }] : values.with(at, { ...file }));
}

/** The content without that attachment; the same content when it is not there. */
export function withoutFile(content: RecordContent, fileUid: Uid): RecordContent {
  const values = valuesOf(content);
  const kept = values.filter((value) => uidOfValue(value) !== fileUid);
  return kept.length === values.length ? content : withValue(content, 'fileRef', kept);
}

function valuesOf(content: RecordContent): readonly FieldValue[] {
  return content.fields.find(({ type }) => type === 'fileRef')?.value ?? [];
}

function uidOfValue(value: FieldValue): unknown {
  return typeof value === 'object' ? value['fileUid'] : value;
}

/** A name and no path, without characters that would make a download folder or a list show another name. */
function fileNameIn(name: string): string {
  if (name.length > limits.fileName) throw new ProtocolError('too-large', 'the file name is too long');
  // eslint-disable-next-line no-control-regex -- control characters and direction marks are what it looks for
  const forbidden = /[\u0000-\u001f\u007f-\u009f/\\\u2028-\u202e\u2066-\u2069]/;
  if (name.trim() === '' || name === '.' || name === '..' || forbidden.test(name))
    throw malformed('not a file name');
  return name;
}

function mediaTypeIn(text: string): string {
  if (text.length > limits.mediaType) throw new ProtocolError('too-large', 'the media type is too long');
  if (text !== '' && !mediaType.test(text)) throw malformed('not a media type');
  return text;
}

function keyIn(text: string): string {
  if (parseBase64url(text).length !== 32) throw malformed('a file key has 32 bytes');
  return text;
}

function countIn(value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw malformed('not a count');
  return value;
}

function textIn(value: unknown): string {
  if (typeof value !== 'string') throw malformed('not a text');
  return value;
}

function malformed(message: string): ProtocolError {
  return new ProtocolError('malformed', message);
}
