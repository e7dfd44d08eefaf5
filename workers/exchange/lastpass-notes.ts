import { cardExpiry, dayIn, hostOf, nameOf } from './field-parts.ts';
import type { VaultDraft } from './imported.ts';
import { RecordDraft } from './record-draft.ts';
import { looksSecret } from './csv-mapping.ts';

/** LastPass writes a secure note as a row with this address. */
export function isLastPassNote(url: string): boolean {
  return url.trim() === 'http://sn';
}

type Lines = Map<string, string>;

/** What the types of LastPass notes become. The names on the left of each "label:value" line are LastPass's own. */
const types: Readonly<
  Record<string, { readonly type: string; readonly read: (record: RecordDraft, lines: Lines) => void }>
> = {
  'Credit Card': { type: 'bankCard', read: readCard },
  'Bank Account': { type: 'bankAccount', read: readAccount },
  Address: { type: 'contact', read: readContact },
  Server: { type: 'serverCredentials', read: readServer },
  Database: { type: 'databaseCredentials', read: readDatabase },
  'SSH Key': { type: 'sshKeys', read: readKey },
  'Software License': { type: 'softwareLicense', read: readLicence },
};

/** A secure note, or the record that its `NoteType:` line says it is. Lines without a home become custom fields. */
export function readLastPassNote(vault: VaultDraft, title: string, text: string): RecordDraft {
  const kind = /^NoteType:([^\r\n]*)/.exec(text)?.[1]?.trim();
  if (kind === undefined) {
    const note = new RecordDraft(vault, 'encryptedNotes', title);
    note.note(text);
    return note;
  }
  const lines = linesOf(text);
  const known = Object.hasOwn(types, kind) ? types[kind] : undefined;
  const record = new RecordDraft(vault, known?.type ?? 'encryptedNotes', title);
  lines.delete('NoteType');
  lines.delete('Language');
  known?.read(record, lines);
  if (known === undefined) record.text('Kind', kind);
  record.note(take(lines, 'Notes'));
  for (const [label, value] of lines) record.text(label, value, isSecretLine(label));
  return record;
}

/** "Label:value" lines; a line without a label goes on with the value before it, and everything after Notes is notes. */
function linesOf(text: string): Lines {
  const lines: Lines = new Map();
  let last = '';
  for (const line of text.split(/\r\n|\n|\r/)) {
    const match = last === 'Notes' ? null : /^([A-Za-z][\w '/()#.-]{0,60}):(.*)$/.exec(line);
    if (match?.[1] !== undefined) {
      last = match[1];
      lines.set(last, match[2] ?? '');
    } else if (last !== '') lines.set(last, `${lines.get(last) ?? ''}\n${line}`);
  }
  return lines;
}

function take(lines: Lines, label: string): string {
  const value = lines.get(label) ?? '';
  lines.delete(label);
  return value;
}

function isSecretLine(label: string): boolean {
  return looksSecret(label) || /number|ssn|social/i.test(label);
}

function readCard(record: RecordDraft, lines: Lines): void {
  const [month = '', year = ''] = take(lines, 'Expiration Date').split(',');
  record.put('paymentCard', {
    cardNumber: take(lines, 'Number'),
    cardExpirationDate: cardExpiry(month, year),
    cardSecurityCode: take(lines, 'Security Code'),
  });
  record.put('text', take(lines, 'Name on Card'), 'cardholderName');
  const [, startYear = ''] = (lines.get('Start Date') ?? '').split(',');
  if (startYear === '') lines.delete('Start Date');
}

function readAccount(record: RecordDraft, lines: Lines): void {
  record.put('bankAccount', {
    accountType: 'Other',
    otherType: take(lines, 'Account Type'),
    routingNumber: take(lines, 'Routing Number'),
    accountNumber: take(lines, 'IBAN Number') || take(lines, 'Account Number'),
  });
  record.custom('pinCode', 'PIN', take(lines, 'Pin'));
}

function readContact(record: RecordDraft, lines: Lines): void {
  const [first, middle, last] = [
    take(lines, 'First Name'),
    take(lines, 'Middle Name'),
    take(lines, 'Last Name'),
  ];
  record.put('name', { first, middle, last });
  record.put('text', take(lines, 'Company'), 'company');
  record.put('email', take(lines, 'Email Address'));
  record.put('address', {
    street1: take(lines, 'Address 1'),
    street2: [take(lines, 'Address 2'), take(lines, 'Address 3')].filter(Boolean).join(', '),
    city: take(lines, 'City / Town'),
    state: take(lines, 'State') || take(lines, 'County'),
    zip: take(lines, 'Zip / Postal Code'),
    country: take(lines, 'Country'),
  });
  const birthday = lines.get('Birthday');
  const [month = '', day = '', year = ''] = birthday?.split(',') ?? [];
  const date = dayIn(
    `${cardExpiry(month, year).slice(3)}-${cardExpiry(month, year).slice(0, 2)}-${day.padStart(2, '0')}`,
  );
  if (date !== null) {
    record.put('birthDate', date);
    lines.delete('Birthday');
  }
}

function readServer(record: RecordDraft, lines: Lines): void {
  record.put('host', hostOf(take(lines, 'Hostname')));
  record.put('login', take(lines, 'Username'));
  record.put('password', take(lines, 'Password'));
}

function readDatabase(record: RecordDraft, lines: Lines): void {
  record.put('text', take(lines, 'Type'), 'type');
  record.put('host', hostOf(take(lines, 'Hostname'), take(lines, 'Port')));
  record.put('text', take(lines, 'Database'), 'database');
  record.put('login', take(lines, 'Username'));
  record.put('password', take(lines, 'Password'));
}

function readKey(record: RecordDraft, lines: Lines): void {
  record.put('keyPair', { publicKey: take(lines, 'Public Key'), privateKey: take(lines, 'Private Key') });
  record.put('password', take(lines, 'Passphrase'), 'passphrase');
  record.put('host', hostOf(take(lines, 'Hostname')));
}

function readLicence(record: RecordDraft, lines: Lines): void {
  record.put('licenseNumber', take(lines, 'License Key'));
  const licensee = take(lines, 'Licensee');
  if (licensee !== '') record.put('name', nameOf(licensee));
}
