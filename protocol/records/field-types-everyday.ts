import type { Choice, FieldMember, FieldType, ValueShape } from './field-types.ts';

const text: ValueShape = { kind: 'text' };
const date: ValueShape = { kind: 'date' };
const checkbox: ValueShape = { kind: 'checkbox' };

function members(...list: readonly FieldMember[]): ValueShape {
  return { kind: 'members', members: list };
}

function member(name: string, title: string, more: Partial<FieldMember> = {}): FieldMember {
  return { name, title, kind: 'text', ...more };
}

function sameTitles(...values: readonly string[]): readonly Choice[] {
  return values.map((value) => ({ value, title: value }));
}

const secret = { secret: true } as const;

/** Field types of everyday records. Member names are those of other clients of this format. */
export const everydayFieldTypes: readonly FieldType[] = [
  { type: 'text', title: 'Text', shape: text },
  { type: 'multiline', title: 'Text of several lines', shape: text, multiline: true },
  { type: 'secret', title: 'Secret', shape: text, secret: true },
  { type: 'note', title: 'Secret note', shape: text, secret: true, multiline: true },
  { type: 'login', title: 'Login', shape: text },
  { type: 'password', title: 'Password', shape: text, secret: true },
  { type: 'oneTimeCode', title: 'One-time code', shape: text, secret: true },
  { type: 'pinCode', title: 'PIN', shape: text, secret: true },
  { type: 'url', title: 'Website', shape: text },
  { type: 'email', title: 'Email', shape: text },
  {
    type: 'phone',
    title: 'Phone',
    many: true,
    shape: members(
      member('region', 'Country code'),
      member('number', 'Number'),
      member('ext', 'Extension'),
      member('type', 'Kind', { options: sameTitles('Mobile', 'Home', 'Work') }),
    ),
  },
  {
    type: 'name',
    title: 'Name',
    shape: members(
      member('first', 'First name'),
      member('middle', 'Middle name'),
      member('last', 'Last name'),
    ),
  },
  {
    type: 'address',
    title: 'Address',
    shape: members(
      member('street1', 'Street'),
      member('street2', 'Street, second line'),
      member('city', 'City'),
      member('state', 'State or region'),
      member('zip', 'Postal code'),
      member('country', 'Country'),
    ),
  },
  {
    type: 'paymentCard',
    title: 'Payment card',
    shape: members(
      member('cardNumber', 'Card number', secret),
      member('cardExpirationDate', 'Valid until'),
      member('cardSecurityCode', 'Security code', secret),
    ),
  },
  {
    type: 'bankAccount',
    title: 'Bank account',
    shape: members(
      member('accountType', 'Kind of account', { options: sameTitles('Checking', 'Savings', 'Other') }),
      member('otherType', 'Other kind'),
      member('routingNumber', 'Routing number or BIC'),
      member('accountNumber', 'Account number or IBAN', secret),
    ),
  },
  {
    type: 'keyPair',
    title: 'Key pair',
    shape: members(
      member('publicKey', 'Public key', { multiline: true }),
      member('privateKey', 'Private key', { secret: true, multiline: true }),
    ),
  },
  {
    type: 'securityQuestion',
    title: 'Security question',
    many: true,
    shape: members(member('question', 'Question'), member('answer', 'Answer', secret)),
  },
  {
    type: 'host',
    title: 'Host',
    shape: members(member('hostName', 'Host name or address'), member('port', 'Port')),
  },
  { type: 'date', title: 'Date', shape: date },
  { type: 'birthDate', title: 'Date of birth', shape: date },
  { type: 'expirationDate', title: 'Expires', shape: date },
  { type: 'licenseNumber', title: 'Licence number', shape: text },
  { type: 'accountNumber', title: 'Account number', shape: text },
  { type: 'groupNumber', title: 'Group number', shape: text },
  { type: 'checkbox', title: 'Checkbox', shape: checkbox },
  { type: 'dropdown', title: 'Choice', shape: text },
  { type: 'json', title: 'Secret JSON', shape: text, secret: true, multiline: true },
  {
    type: 'wifiEncryption',
    title: 'Wi-Fi encryption',
    shape: { kind: 'choice', options: sameTitles('WPA3', 'WPA2', 'WPA', 'WEP', 'None') },
  },
  { type: 'isSSIDHidden', title: 'Hidden network', shape: checkbox },
  {
    type: 'fileRef',
    title: 'Files',
    many: true,
    internal: true,
    orUid: true,
    shape: members(
      member('fileUid', 'File'),
      member('name', 'Name'),
      member('size', 'Size', { kind: 'number' }),
      member('mediaType', 'Media type'),
      member('key', 'File key', secret),
      member('chunks', 'Chunks', { kind: 'number' }),
    ),
  },
  { type: 'addressRef', title: 'Address of another record', shape: text, internal: true },
  { type: 'cardRef', title: 'Card of another record', shape: text, internal: true },
  { type: 'recordRef', title: 'Other record', shape: text, many: true, internal: true },
];
