import { isObject, type JsonObject } from '../../protocol/json.ts';
import { connectionKindOf, connectionProtocolOf } from '../../protocol/records/connection-protocols.ts';
import { memberOf } from '../../protocol/records/withholding.ts';
import { isEmptyValue } from '../../protocol/records/field-values.ts';
import { fieldTypeOf } from '../../protocol/records/field-types.ts';
import { malformed } from './json-values.ts';
import type { RecordDraft } from './record-draft.ts';

/** References to other records and files: read as links and attachments, never kept as values. */
const references = /^(fileRef|cardRef|addressRef|recordRef|trafficEncryptionSeed|passkey)$/;

/** Those that no link takes the place of. */
const pointers = /^(cardRef|addressRef)$/;

/** Names that older exports give to fields that are types today. */
const known: Readonly<Record<string, string>> = { 'TFC:Keeper': 'oneTimeCode' };

/** One member of `custom_fields`: `$type:label`, `$type`, `$type:label:2` or a bare label, with one value or several. */
export function readKeeperField(record: RecordDraft, name: string, value: unknown, where: string): void {
  const [type, label] = named(name);
  if (references.test(type)) {
    if (type === 'passkey') record.leave('the passkey', 'make a new one on that site');
    else if (pointers.test(type))
      record.leave(
        `"${(label || type).slice(0, 100)}"`,
        'it points at another record, which is taken by itself',
      );
    return;
  }
  for (const one of Array.isArray(value) ? value : [value])
    readValue(record, type, label, one, `${where}: ${name}`);
}

function named(name: string): readonly [type: string, label: string] {
  const old = Object.hasOwn(known, name) ? known[name] : undefined;
  if (old !== undefined) return [old, ''];
  const match = /^\$([A-Za-z0-9]+)(?::(.*))?$/s.exec(name);
  const label = (match?.[2] ?? '').replace(/(^|:)\d+$/, '').trim();
  if (match?.[1] === undefined) return ['', name];
  return [match[1], label];
}

function readValue(record: RecordDraft, type: string, label: string, value: unknown, where: string): void {
  if (value === null || value === undefined) return;
  if (Array.isArray(value)) throw malformed(`${where} is a list within a list`);
  const text = typeof value === 'string' ? value : null;
  if (type === 'oneTimeCode' && text !== null) return record.oneTimeCode(text, label || undefined);
  if (type === 'pamSettings' || type === 'pamRemoteBrowserSettings') return readSettings(record, type, value);
  if (type === 'pamHostname' || (fieldTypeOf(type)?.internal === undefined && fieldTypeOf(type) !== null))
    return readTyped(record, type, label, value);
  if (isObject(value))
    record.leave(`"${(label || type || 'a field').slice(0, 100)}"`, 'values of this kind are not known');
  else record.text(label || type || 'Field', String(value));
}

function readTyped(record: RecordDraft, type: string, label: string, value: unknown): void {
  const shape = fieldTypeOf(type)?.shape.kind;
  const fitting = shape === 'members' ? isObject(value) : !isObject(value);
  if (!fitting)
    return record.leave(
      `"${(label || type).slice(0, 100)}"`,
      'its value does not have the form that such a field has',
    );
  const given = shape === 'members' && isObject(value) ? withTexts(value) : value;
  if (
    typeof given !== 'string' &&
    typeof given !== 'number' &&
    typeof given !== 'boolean' &&
    !isObject(given)
  )
    return;
  const held =
    shape === 'text'
      ? String(given)
      : shape === 'date' && typeof given === 'string'
        ? Date.parse(given)
        : given;
  if (!isEmptyValue(held)) record.put(type, held, label || undefined);
}

/** Ports are numbers in some exports and texts in others; empty members are nothing. */
function withTexts(value: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const members = Object.entries(value).filter(
    ([, held]) => held !== null && held !== undefined && held !== '',
  );
  return Object.fromEntries(
    members.map(([name, held]) => [name, typeof held === 'number' ? String(held) : held]),
  );
}

/** What the protocol's settings are here, too; credentials become links. */
function readSettings(
  record: RecordDraft,
  type: 'pamSettings' | 'pamRemoteBrowserSettings',
  value: unknown,
): void {
  if (!isObject(value) || !isObject(value['connection'])) return;
  const protocol = connectionProtocolOf(value['connection']['protocol']);
  if (protocol === null) return record.leave('the connection settings', 'the protocol is not known');
  const known = connectionKindOf(protocol).settings.map(({ path }) => path);
  const settings = [...known, ...common].reduce<JsonObject>(
    (kept, path) => withPart(kept, path, memberOf(value, path)),
    { connection: { protocol } },
  );
  record.put(type, settings);
  const others = Object.keys(value['connection']).filter((name) => !isKept(name, known));
  if (others.length > 0)
    record.leave('the further connection settings', 'gateway and connection are set in the record itself');
}

/** Of every protocol. */
const common = ['disableCopy', 'disablePaste', 'colorScheme', 'fontSize', 'hostKey'].map(
  (name) => `connection.${name}`,
);
/** Read as links. */
const links =
  /^(protocol|launchCredentials|launchCredentialUid|administrativeCredentials|httpCredentialsUid|userRecords)$/;

function isKept(name: string, known: readonly string[]): boolean {
  const path = `connection.${name}`;
  return links.test(name) || [...known, ...common].some((one) => one === path || one.startsWith(`${path}.`));
}

/** With that part at the end of the path, where it is one that a setting can be. */
function withPart(value: JsonObject, path: string, part: unknown): JsonObject {
  if (typeof part !== 'string' && typeof part !== 'number' && typeof part !== 'boolean') return value;
  if (part === '') return value;
  const [name = '', ...inner] = path.split('.');
  const held = value[name];
  const within = isObject(held) ? held : {};
  return { ...value, [name]: inner.length === 0 ? part : withPart(within, inner.join('.'), part) };
}
