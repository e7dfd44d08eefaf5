import type { FieldType } from './field-types.ts';

const databases = [
  ['postgresql', 'PostgreSQL'],
  ['postgresql-flexible', 'PostgreSQL, flexible server'],
  ['mysql', 'MySQL'],
  ['mysql-flexible', 'MySQL, flexible server'],
  ['mariadb', 'MariaDB'],
  ['mariadb-flexible', 'MariaDB, flexible server'],
  ['mssql', 'SQL Server'],
  ['oracle', 'Oracle'],
  ['mongodb', 'MongoDB'],
] as const;

const directories = [
  ['active_directory', 'Active Directory'],
  ['openldap', 'OpenLDAP'],
] as const;

const choices = (pairs: readonly (readonly [string, string])[]) =>
  pairs.map(([value, title]) => ({ value, title }));

/** Field types of privileged access. Settings are objects with readers of their own: pam-settings.ts, links.ts. */
export const pamFieldTypes: readonly FieldType[] = [
  { type: 'databaseType', title: 'Database', shape: { kind: 'choice', options: choices(databases) } },
  { type: 'directoryType', title: 'Directory', shape: { kind: 'choice', options: choices(directories) } },
  { type: 'rbiUrl', title: 'Address', shape: { kind: 'text' } },
  {
    type: 'pamHostname',
    title: 'Host',
    internal: true,
    shape: {
      kind: 'members',
      members: [
        { name: 'hostName', title: 'Host name or address', kind: 'text' },
        { name: 'port', title: 'Port', kind: 'text' },
      ],
    },
  },
  {
    type: 'pamSettings',
    title: 'Connection',
    internal: true,
    shape: {
      kind: 'members',
      members: [
        { name: 'configurationUid', title: 'Configuration', kind: 'text' },
        { name: 'allowSupplyHost', title: 'Host may be supplied', kind: 'checkbox' },
        // Of a Kubernetes target; its certificates are no secrets.
        { name: 'connection', title: 'Connection', kind: 'json', secretParts: ['clientKey'] },
        { name: 'portForward', title: 'Port forward', kind: 'json' },
      ],
    },
  },
  {
    type: 'pamRemoteBrowserSettings',
    title: 'Browser',
    internal: true,
    shape: {
      kind: 'members',
      members: [
        { name: 'configurationUid', title: 'Configuration', kind: 'text' },
        { name: 'connection', title: 'Connection', kind: 'json' },
      ],
    },
  },
  {
    type: 'pamResources',
    title: 'Gateway',
    internal: true,
    shape: {
      kind: 'members',
      members: [
        { name: 'controllerUid', title: 'Gateway', kind: 'text' },
        { name: 'folderUid', title: 'Folder', kind: 'text' },
        { name: 'applicationUid', title: 'Application', kind: 'text' },
        { name: 'organisationUid', title: 'Organisation', kind: 'text' },
        { name: 'organisationKey', title: 'Organisation key', kind: 'text' },
        { name: 'rosterVersion', title: 'Roster', kind: 'number' },
        { name: 'gatewayKey', title: 'Gateway key', kind: 'text' },
        { name: 'resourceRef', title: 'Resources', kind: 'list' },
        { name: 'adminCredentialRef', title: 'Administrative credential', kind: 'text' },
      ],
    },
  },
  {
    type: 'parentFolder',
    title: 'In folder',
    internal: true,
    shape: { kind: 'text' },
  },
  {
    type: 'schedule',
    title: 'Schedule',
    internal: true,
    shape: {
      kind: 'members',
      members: [
        { name: 'type', title: 'Kind', kind: 'text' },
        { name: 'cron', title: 'Cron', kind: 'text' },
        { name: 'tz', title: 'Time zone', kind: 'text' },
        { name: 'time', title: 'Time', kind: 'text' },
        { name: 'utcTime', title: 'Time, UTC', kind: 'text' },
        { name: 'month', title: 'Month', kind: 'text' },
        { name: 'monthDay', title: 'Day of the month', kind: 'number' },
        { name: 'weekday', title: 'Day of the week', kind: 'text' },
        { name: 'occurrence', title: 'Which one', kind: 'text' },
        { name: 'intervalCount', title: 'Every', kind: 'number' },
      ],
    },
  },
  {
    type: 'script',
    title: 'Script',
    many: true,
    internal: true,
    shape: {
      kind: 'members',
      members: [
        { name: 'fileRef', title: 'File', kind: 'text' },
        { name: 'command', title: 'Command', kind: 'text' },
        { name: 'recordRef', title: 'Records', kind: 'list' },
      ],
    },
  },
  {
    type: 'trafficEncryptionSeed',
    title: 'Traffic seed',
    secret: true,
    internal: true,
    shape: { kind: 'text' },
  },
];
