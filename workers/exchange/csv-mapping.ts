import type { CsvDelimiter } from './csv-rows.ts';

/** Where the values of one column go. A label makes a custom field of them. */
export type CsvTarget =
  { readonly kind: CsvField } | { readonly kind: 'custom'; readonly label: string; readonly secret: boolean };

/** `ignore` columns are named in the report. `attributes`: lines of "label: value", each a custom field. */
export const csvFields = [
  'title',
  'login',
  'password',
  'url',
  'oneTimeCode',
  'notes',
  'folder',
  'tags',
  'favourite',
  'type',
  'attributes',
  'ignore',
] as const;
export type CsvField = (typeof csvFields)[number];

/**
 * Whose columns they are. It decides what cannot be told column by column: how folders are joined, LastPass's notes
 * of a type, and the marks that our own export puts before formulas.
 */
export type CsvFlavour = 'plain' | 'lastpass' | 'sallyport';

export interface CsvMapping {
  readonly delimiter: CsvDelimiter;
  readonly flavour: CsvFlavour;
  /** One for each column, in order. */
  readonly columns: readonly CsvTarget[];
}

/** Header of our own export, in order. */
export const sallyportHeader = [
  'type',
  'title',
  'folder',
  'favourite',
  'tags',
  'login',
  'password',
  'url',
  'oneTimeCode',
  'notes',
  'attributes',
] as const;

/** Names that browsers and other vaults give such columns, in lower case without blanks and signs. */
const names: Readonly<Record<Exclude<CsvField, 'ignore'>, readonly string[]>> = {
  title: ['title', 'name', 'account', 'itemname', 'item'],
  login: ['login', 'username', 'user', 'loginusername', 'loginname', 'email', 'useremail', 'usernameoremail'],
  password: ['password', 'loginpassword', 'pass', 'passwd'],
  url: ['url', 'website', 'loginuri', 'uri', 'site', 'loginurl', 'websiteaddress', 'webaddress', 'urls'],
  oneTimeCode: ['onetimecode', 'totp', 'otp', 'logintotp', 'otpauth', 'otpurl', 'otpsecret', '2fa'],
  notes: ['notes', 'note', 'extra', 'comment', 'comments', 'description'],
  folder: ['folder', 'grouping', 'group', 'category', 'path', 'vault', 'collections'],
  tags: ['tags', 'tag', 'labels'],
  favourite: ['favourite', 'favorite', 'fav', 'starred'],
  type: ['type'],
  attributes: ['attributes', 'fields', 'customfields'],
};

/** Columns that programs write and that say nothing to a person. */
const machinery = [
  'httprealm',
  'formactionorigin',
  'guid',
  'timecreated',
  'timelastused',
  'timepasswordchanged',
  'reprompt',
  'icon',
  'created',
  'lastmodified',
];

const lastpassColumns = ['url', 'username', 'password', 'extra', 'name', 'grouping', 'fav'];

/** What the columns seem to be; a person may change it before anything is read. */
export function suggestMapping(headers: readonly string[], delimiter: CsvDelimiter): CsvMapping {
  const taken = new Set<CsvField>();
  const columns = headers.map((header) => suggestTarget(header, taken));
  return { delimiter, flavour: flavourOf(headers), columns };
}

function suggestTarget(header: string, taken: Set<CsvField>): CsvTarget {
  const plain = header.toLowerCase().replace(/[^a-z0-9]/g, '');
  if (machinery.includes(plain)) return { kind: 'ignore' };
  const field = csvFields.find(
    (kind) => kind !== 'ignore' && names[kind].includes(plain) && !taken.has(kind),
  );
  if (field === undefined)
    return { kind: 'custom', label: header.trim() || 'Column', secret: looksSecret(header) };
  taken.add(field);
  return { kind: field };
}

/** Whether a column's name says that its values are not for every eye. */
export function looksSecret(header: string): boolean {
  return /pass|secret|\bpin\b|cvv|cvc|\bkey\b|token|otp|answer|private|code\b|card ?num|iban|\bssn\b/i.test(
    header,
  );
}

function flavourOf(headers: readonly string[]): CsvFlavour {
  const plain = headers.map((header) => header.trim());
  if (plain.length === sallyportHeader.length && sallyportHeader.every((name, at) => plain[at] === name))
    return 'sallyport';
  return lastpassColumns.every((name) => plain.includes(name)) ? 'lastpass' : 'plain';
}
