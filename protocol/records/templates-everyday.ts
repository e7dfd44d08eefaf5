import type { FieldTemplate, RecordTemplate } from './templates.ts';

const file: FieldTemplate = { type: 'fileRef', title: 'Files' };
const oneTimeCode: FieldTemplate = { type: 'oneTimeCode', title: 'One-time code' };
const login: FieldTemplate = { type: 'login', title: 'Login' };
const password: FieldTemplate = { type: 'password', title: 'Password' };

function text(label: string, title: string): FieldTemplate {
  return { type: 'text', label, title };
}

function secret(label: string, title: string): FieldTemplate {
  return { type: 'secret', label, title };
}

/** Record types of every day. */
export const everydayTemplates: readonly RecordTemplate[] = [
  {
    type: 'login',
    title: 'Login',
    fields: [login, password, { type: 'url', title: 'Website' }, oneTimeCode, file],
  },
  {
    type: 'encryptedNotes',
    title: 'Secure note',
    fields: [{ type: 'note', title: 'Note' }, { type: 'date', title: 'Date' }, file],
  },
  {
    type: 'bankCard',
    title: 'Payment card',
    fields: [
      { type: 'paymentCard', title: 'Payment card' },
      text('cardholderName', 'Cardholder'),
      { type: 'pinCode', title: 'PIN' },
      { type: 'address', title: 'Billing address' },
      file,
    ],
  },
  {
    type: 'bankAccount',
    title: 'Bank account',
    fields: [
      { type: 'bankAccount', title: 'Bank account' },
      { type: 'name', title: 'Account holder' },
      login,
      password,
      { type: 'url', title: 'Website' },
      oneTimeCode,
      file,
    ],
  },
  {
    type: 'contact',
    title: 'Contact',
    fields: [
      { type: 'name', title: 'Name' },
      text('company', 'Company'),
      { type: 'email', title: 'Email' },
      { type: 'phone', title: 'Phone' },
      { type: 'address', title: 'Address' },
      file,
    ],
  },
  { type: 'address', title: 'Address', fields: [{ type: 'address', title: 'Address' }, file] },
  {
    type: 'sshKeys',
    title: 'SSH key',
    fields: [
      login,
      { type: 'keyPair', title: 'Key pair' },
      { type: 'password', label: 'passphrase', title: 'Key passphrase' },
      { type: 'host', title: 'Host' },
      file,
    ],
  },
  {
    type: 'serverCredentials',
    title: 'Server',
    fields: [{ type: 'host', title: 'Host' }, login, password, oneTimeCode, file],
  },
  {
    type: 'databaseCredentials',
    title: 'Database login',
    fields: [
      text('type', 'Kind of database'),
      { type: 'host', title: 'Host' },
      text('database', 'Database name'),
      login,
      password,
      file,
    ],
  },
  {
    type: 'apiCredential',
    title: 'API credential',
    fields: [
      { type: 'url', title: 'Address' },
      text('clientId', 'Client ID'),
      secret('apiKey', 'API key or token'),
      secret('clientSecret', 'Client secret'),
      text('scope', 'Scope'),
      { type: 'expirationDate', title: 'Expires' },
      file,
    ],
  },
  {
    type: 'softwareLicense',
    title: 'Software licence',
    fields: [
      { type: 'licenseNumber', title: 'Licence number' },
      { type: 'expirationDate', title: 'Expires' },
      { type: 'date', label: 'dateActive', title: 'Active since' },
      file,
    ],
  },
  { type: 'file', title: 'File', fields: [file] },
];
