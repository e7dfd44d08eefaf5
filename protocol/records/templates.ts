import type { RecordContent, RecordField } from './content.ts';

/** How a field is shown and edited; `secret` values stay in the worker until a person asks to see them. */
export interface FieldTemplate {
  readonly type: string;
  readonly label?: string;
  /** Shown when it differs from the label. */
  readonly title: string;
  readonly secret?: boolean;
  readonly multiline?: boolean;
}

export interface RecordTemplate {
  readonly type: string;
  readonly title: string;
  readonly fields: readonly FieldTemplate[];
  /** Made and edited by its own screens, not in the record form. */
  readonly internal?: boolean;
}

/** Record types as in the reference of record types; more come with the everyday vault. */
export const recordTemplates: readonly RecordTemplate[] = [
  {
    type: 'pamMachine',
    title: 'Machine',
    fields: [
      { type: 'pamHostname', title: 'Host' },
      { type: 'pamSettings', title: 'Connection' },
      { type: 'trafficEncryptionSeed', title: 'Traffic seed', secret: true },
      { type: 'text', label: 'operatingSystem', title: 'Operating system' },
    ],
  },
  {
    type: 'pamUser',
    title: 'Machine user',
    fields: [
      { type: 'login', title: 'Login' },
      { type: 'password', title: 'Password', secret: true },
      { type: 'secret', label: 'privatePEMKey', title: 'Private key', secret: true, multiline: true },
      { type: 'secret', label: 'passphrase', title: 'Key passphrase', secret: true },
    ],
  },
  {
    type: 'login',
    title: 'Login',
    fields: [
      { type: 'login', title: 'Login' },
      { type: 'password', title: 'Password', secret: true },
      { type: 'url', title: 'Website' },
    ],
  },
  { type: 'app', title: 'Application', fields: [], internal: true },
  {
    type: 'pamNetworkConfiguration',
    title: 'Gateway configuration',
    internal: true,
    fields: [{ type: 'pamResources', title: 'Gateway' }],
  },
];

/** Field types whose values are secret whatever record they are in. */
const secretTypes: ReadonlySet<string> = new Set([
  'password',
  'secret',
  'trafficEncryptionSeed',
  'oneTimeCode',
  'pinCode',
  'keyPair',
  'note',
]);

/** Whether a field's values stay in the worker until they are asked for. */
export function isSecretField(field: Pick<RecordField, 'type'>): boolean {
  return secretTypes.has(field.type);
}

/** Returns null for a type that has no template. */
export function templateOf(type: string): RecordTemplate | null {
  return recordTemplates.find((template) => template.type === type) ?? null;
}

/** An empty content of that type with all its fields in order. */
export function emptyContent(template: RecordTemplate): RecordContent {
  const fields = template.fields.map(({ type, label }) =>
    label === undefined ? { type, value: [] } : { type, label, value: [] },
  );
  return { type: template.type, title: '', fields };
}
