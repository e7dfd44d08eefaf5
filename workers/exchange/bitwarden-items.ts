import { type JsonObject } from '../../protocol/json.ts';
import { exchangeBounds } from './bounds.ts';
import { cardExpiry } from './field-parts.ts';
import type { VaultDraft } from './imported.ts';
import { listIn, objectIn, optionalObject, textIn } from './json-values.ts';
import { RecordDraft } from './record-draft.ts';

type Reader = (record: RecordDraft, part: JsonObject, where: string) => void;

/** Its item types by number: our type, and the member that holds what is special. */
const kinds: Readonly<
  Record<string, { readonly type: string; readonly member: string; readonly read: Reader }>
> = {
  '1': { type: 'login', member: 'login', read: readLogin },
  '2': { type: 'encryptedNotes', member: 'secureNote', read: () => {} },
  '3': { type: 'bankCard', member: 'card', read: readCard },
  '4': { type: 'contact', member: 'identity', read: readIdentity },
  '5': { type: 'sshKeys', member: 'sshKey', read: readKey },
};

/** One item with its fields; what has no home is reported. Throws `malformed` naming the item. */
export function readBitwardenItem(vault: VaultDraft, item: JsonObject, where: string): RecordDraft {
  const number = textIn(item['type'], `${where}: type`);
  const kind = Object.hasOwn(kinds, number) ? kinds[number] : undefined;
  const record = new RecordDraft(
    vault,
    kind?.type ?? 'encryptedNotes',
    textIn(item['name'], `${where}: name`),
  );
  if (kind) kind.read(record, optionalObject(item[kind.member], `${where}: ${kind.member}`), where);
  else
    record.leave('the special part', 'items of this kind are not known; name, notes and fields were taken');
  record.note(textIn(item['notes'], `${where}: notes`));
  record.favourite = item['favorite'] === true;
  readFields(record, item, where);
  const history = listIn(item['passwordHistory'], `${where}: passwordHistory`);
  if (history.length > 0) record.leave('the password history', 'only the present state is taken');
  return record;
}

function readFields(record: RecordDraft, item: JsonObject, where: string): void {
  listIn(item['fields'], `${where}: fields`, exchangeBounds.fieldsPerRecord * 4).forEach((value, at) => {
    const place = `${where}: field ${at + 1}`;
    const field = objectIn(value, place);
    const label = textIn(field['name'], place);
    const text = textIn(field['value'], place);
    const kind = textIn(field['type'], place);
    if (kind === '2') record.custom('checkbox', label, text === 'true');
    else if (kind === '3')
      record.leave(`the linked field "${label.slice(0, 100)}"`, 'it only repeats another field');
    else record.text(label, text, kind === '1');
  });
}

function readLogin(record: RecordDraft, login: JsonObject, where: string): void {
  record.put('login', textIn(login['username'], `${where}: username`));
  record.put('password', textIn(login['password'], `${where}: password`));
  record.oneTimeCode(textIn(login['totp'], `${where}: totp`));
  for (const value of listIn(login['uris'], `${where}: uris`, exchangeBounds.fieldsPerRecord))
    record.put('url', textIn(objectIn(value, `${where}: uri`)['uri'], `${where}: uri`));
  if (listIn(login['fido2Credentials'], `${where}: fido2Credentials`).length > 0)
    record.leave(
      'the passkey',
      'passkeys of other vaults cannot be used here yet; make a new one on that site',
    );
}

function readCard(record: RecordDraft, card: JsonObject, where: string): void {
  const text = textsOf(card, `${where}: card`);
  record.put('paymentCard', {
    cardNumber: text('number'),
    cardExpirationDate: cardExpiry(text('expMonth'), text('expYear')),
    cardSecurityCode: text('code'),
  });
  record.put('text', text('cardholderName'), 'cardholderName');
  record.text('Brand', text('brand'));
}

function readIdentity(record: RecordDraft, identity: JsonObject, where: string): void {
  const text = textsOf(identity, `${where}: identity`);
  record.put('name', { first: text('firstName'), middle: text('middleName'), last: text('lastName') });
  record.put('text', text('company'), 'company');
  record.put('email', text('email'));
  if (text('phone') !== '') record.put('phone', { number: text('phone') });
  record.put('address', {
    street1: text('address1'),
    street2: [text('address2'), text('address3')].filter(Boolean).join(', '),
    city: text('city'),
    state: text('state'),
    zip: text('postalCode'),
    country: text('country'),
  });
  record.text('Title', text('title'));
  record.put('login', text('username'));
  record.text('Social security number', text('ssn'), true);
  record.text('Passport number', text('passportNumber'), true);
  record.text('Licence number', text('licenseNumber'), true);
}

function readKey(record: RecordDraft, key: JsonObject, where: string): void {
  const text = textsOf(key, `${where}: sshKey`);
  record.put('keyPair', { publicKey: text('publicKey'), privateKey: text('privateKey') });
  record.text('Fingerprint', text('keyFingerprint') || text('fingerprint'));
}

/** Reads members of one part as texts. */
export function textsOf(part: JsonObject, where: string): (member: string) => string {
  return (member) => textIn(part[member], `${where}: ${member}`);
}
