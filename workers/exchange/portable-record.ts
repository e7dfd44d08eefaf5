import { parseContent, type RecordContent } from '../../protocol/records/content.ts';
import { linkRoles } from '../../protocol/records/links.ts';
import { exchangeBounds } from './bounds.ts';
import type { ExportedRecord } from './export-source.ts';
import type { FolderPath, ImportedLink } from './imported.ts';
import { integerIn, listIn, malformed, objectIn, textIn } from './json-values.ts';

/** One record as our own exports write it, without the bytes of its attachments. */
export interface PortableRecord {
  readonly content: RecordContent;
  readonly folder: FolderPath;
  readonly favourite: boolean;
  readonly tags: readonly string[];
  readonly links: readonly ImportedLink[];
  readonly attachments: readonly PortableAttachment[];
}

export interface PortableAttachment {
  readonly name: string;
  readonly mediaType: string;
  readonly size: number;
  /** In a zip: the part that holds the bytes. */
  readonly path?: string;
}

/** JSON text of a record. `pathOf` names the part of a zip for its attachment of that number. */
export function encodePortable(
  record: ExportedRecord,
  pathOf?: (attachment: number, name: string) => string,
): string {
  const attachments = record.attachments.map(({ name, mediaType, size }, at) =>
    pathOf ? { name, mediaType, size, path: pathOf(at, name) } : { name, mediaType, size },
  );
  const { content, folder, favourite, tags, links } = record;
  return JSON.stringify({ content, folder, favourite, tags, links, attachments });
}

/** Strict reader of what {@link encodePortable} writes. Throws `malformed` with the place. */
export function parsePortable(value: unknown, where: string): PortableRecord {
  const record = objectIn(value, where);
  const content = parseContent(JSON.stringify(objectIn(record['content'], `${where}: content`)));
  if (content.fields.length + (content.custom?.length ?? 0) > exchangeBounds.fieldsPerRecord)
    throw malformed(`${where} has too many fields`);
  return {
    content,
    folder: textsIn(record['folder'], `${where}: folder`, exchangeBounds.folderDepth),
    favourite: record['favourite'] === true,
    tags: textsIn(record['tags'], `${where}: tags`, exchangeBounds.tagsPerRecord),
    links: listIn(record['links'], `${where}: links`, exchangeBounds.fieldsPerRecord).map((link) =>
      linkIn(link, where),
    ),
    attachments: listIn(
      record['attachments'],
      `${where}: attachments`,
      exchangeBounds.attachmentsPerRecord,
    ).map((file) => attachmentIn(file, `${where}: attachment`)),
  };
}

/** A list of texts. Throws `malformed`. */
export function textsIn(value: unknown, where: string, most: number): readonly string[] {
  return listIn(value, where, most).map((text) => textIn(text, where));
}

function linkIn(value: unknown, where: string): ImportedLink {
  const { role, to } = objectIn(value, `${where}: link`);
  const known = linkRoles.find((one) => one === role);
  if (known === undefined) throw malformed(`${where}: the role of a link is not known`);
  return { role: known, to: integerIn(to, `${where}: link`, 0, exchangeBounds.records) };
}

function attachmentIn(value: unknown, where: string): PortableAttachment {
  const file = objectIn(value, where);
  const path = textIn(file['path'], where);
  return {
    name: textIn(file['name'], where),
    mediaType: textIn(file['mediaType'], where),
    size: integerIn(file['size'], `${where}: size`, 0, exchangeBounds.attachmentBytes),
    ...(path === '' ? {} : { path }),
  };
}
