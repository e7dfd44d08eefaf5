import { isObject, type JsonObject } from '../../protocol/json.ts';
import { cardExpiry, dayOfSeconds, hostOf, nameOf } from './field-parts.ts';
import { listIn, objectIn, optionalObject, textIn } from './json-values.ts';
import type { NamedDocument } from './onepassword-reader.ts';
import type { RecordDraft } from './record-draft.ts';

/** What an item category becomes, and where fields of certain ids go; all others become custom fields. */
export interface Category {
  readonly type: string;
  /** Fields that make one value together are taken from here before the others are read. */
  readonly gather?: (record: RecordDraft, take: (id: string) => string) => void;
}

const login: Category = { type: 'login' };
const note: Category = { type: 'encryptedNotes' };

const categories: Readonly<Record<string, Category>> = {
  '001': login,
  '002': { type: 'bankCard', gather: gatherCard },
  '003': note,
  '004': { type: 'contact', gather: gatherIdentity },
  '005': login,
  '006': { type: 'file' },
  '100': { type: 'softwareLicense', gather: (record, take) => record.put('licenseNumber', take('reg_code')) },
  '101': { type: 'bankAccount', gather: gatherAccount },
  '102': { type: 'databaseCredentials', gather: gatherDatabase },
  '109': { type: 'login' },
  '110': { type: 'serverCredentials', gather: gatherServer },
  '111': { type: 'login' },
  '112': { type: 'apiCredential', gather: gatherApi },
  '114': { type: 'sshKeys' },
};

/** Secure note for a category that has no type here: its fields become custom ones. */
export function categoryOf(uuid: string): Category {
  return (Object.hasOwn(categories, uuid) ? categories[uuid] : undefined) ?? note;
}

interface SectionField {
  readonly id: string;
  readonly label: string;
  readonly kind: string;
  readonly value: unknown;
}

/** Reads all sections into the record. Returns the files that its fields name. */
export function readSections(
  record: RecordDraft,
  details: JsonObject,
  category: Category,
  where: string,
): readonly NamedDocument[] {
  const fields = listIn(details['sections'], `${where}: sections`, 5000).flatMap((value) =>
    fieldsOf(objectIn(value, `${where}: section`), where),
  );
  const taken = new Set<SectionField>();
  category.gather?.(record, (id) => {
    const field = fields.find((one) => one.id === id && plainText(one.value) !== null);
    if (field) taken.add(field);
    return field ? (plainText(field.value) ?? '') : '';
  });
  return fields.filter((field) => !taken.has(field)).flatMap((field) => readField(record, field, where));
}

function fieldsOf(section: JsonObject, where: string): readonly SectionField[] {
  return listIn(section['fields'], `${where}: fields`, 5000).map((value) => {
    const field = objectIn(value, `${where}: field`);
    const id = textIn(field['id'], `${where}: field id`);
    const held = optionalObject(field['value'], `${where}: field value`);
    const kind = Object.keys(held)[0] ?? '';
    return {
      id,
      label: textIn(field['title'], `${where}: field title`) || id || 'Field',
      kind,
      value: held[kind],
    };
  });
}

function readField(record: RecordDraft, field: SectionField, where: string): readonly NamedDocument[] {
  const { kind, label, value } = field;
  if (value === null || value === undefined || value === '') return [];
  const text = plainText(value);
  switch (kind) {
    case 'concealed':
    case 'creditCardNumber':
      record.text(label, text ?? '', true);
      break;
    case 'totp':
      record.oneTimeCode(text ?? '');
      break;
    case 'url':
      record.custom('url', label, text ?? '');
      break;
    case 'email':
      record.custom('email', label, text ?? textIn(objectIn(value, where)['email_address'], where));
      break;
    case 'phone':
      record.custom('phone', label, { number: text ?? '' });
      break;
    case 'date':
      putDate(record, label, value);
      break;
    case 'monthYear':
      record.text(label, monthYear(text ?? ''));
      break;
    case 'address':
      record.put('address', addressOf(objectIn(value, `${where}: address`), where));
      break;
    case 'sshKey':
      putKey(record, objectIn(value, `${where}: sshKey`), where);
      break;
    case 'file':
      return documentsOf(objectIn(value, `${where}: file`), where);
    case 'reference':
    case 'ssoLogin':
      record.leave(`"${label.slice(0, 100)}"`, 'it points at another item, which is not kept');
      break;
    default:
      if (text !== null) record.text(label, text);
      else record.leave(`"${label.slice(0, 100)}"`, 'values of this kind are not known');
  }
  return [];
}

function plainText(value: unknown): string | null {
  return isObject(value) || Array.isArray(value) || value === null || value === undefined
    ? null
    : String(value);
}

function putDate(record: RecordDraft, label: string, value: unknown): void {
  const day = typeof value === 'number' ? dayOfSeconds(value) : null;
  if (day !== null) record.custom('date', label, day);
  else record.text(label, plainText(value) ?? '');
}

function monthYear(text: string): string {
  return /^\d{6}$/.test(text) ? cardExpiry(text.slice(4), text.slice(0, 4)) : text;
}

function addressOf(value: JsonObject, where: string) {
  const text = (member: string) => textIn(value[member], `${where}: address`);
  const [street1, city, state, zip, country] = ['street', 'city', 'state', 'zip', 'country'].map(text);
  return { street1, city, state, zip, country };
}

function putKey(record: RecordDraft, value: JsonObject, where: string): void {
  const metadata = optionalObject(value['metadata'], `${where}: sshKey`);
  const text = (member: string) => textIn(metadata[member], `${where}: sshKey`);
  const privateKey = textIn(value['privateKey'], `${where}: sshKey`) || text('privateKey');
  record.put('keyPair', { publicKey: text('publicKey'), privateKey });
  record.text('Fingerprint', text('fingerprint'));
}

function documentsOf(value: JsonObject, where: string): readonly NamedDocument[] {
  const id = textIn(value['documentId'], `${where}: documentId`);
  return id === '' ? [] : [{ id, name: textIn(value['fileName'], `${where}: fileName`) }];
}

type Take = (id: string) => string;

function gatherCard(record: RecordDraft, take: Take): void {
  record.put('paymentCard', {
    cardNumber: take('ccnum'),
    cardExpirationDate: monthYear(take('expiry')),
    cardSecurityCode: take('cvv'),
  });
  record.put('text', take('cardholder'), 'cardholderName');
  record.put('pinCode', take('pin'));
}

function gatherAccount(record: RecordDraft, take: Take): void {
  record.put('bankAccount', {
    accountType: 'Other',
    otherType: take('accountType'),
    routingNumber: take('swift') || take('routingNo'),
    accountNumber: take('iban') || take('accountNo'),
  });
  const owner = take('owner');
  if (owner !== '') record.put('name', nameOf(owner));
}

function gatherIdentity(record: RecordDraft, take: Take): void {
  record.put('name', { first: take('firstname'), middle: take('initial'), last: take('lastname') });
  record.put('text', take('company'), 'company');
  record.put('email', take('email'));
  const phone = take('defphone');
  if (phone !== '') record.put('phone', { number: phone });
}

function gatherDatabase(record: RecordDraft, take: Take): void {
  record.put('text', take('database_type'), 'type');
  const host = take('hostname');
  if (host !== '') record.put('host', hostOf(host, take('port')));
  record.put('text', take('database'), 'database');
  record.put('login', take('username'));
  record.put('password', take('password'));
}

function gatherServer(record: RecordDraft, take: Take): void {
  const host = take('url');
  if (host !== '') record.put('host', hostOf(host));
  record.put('login', take('username'));
  record.put('password', take('password'));
}

function gatherApi(record: RecordDraft, take: Take): void {
  record.put('text', take('username'), 'clientId');
  record.put('secret', take('credential'), 'apiKey');
  record.put('url', take('hostname'));
}
