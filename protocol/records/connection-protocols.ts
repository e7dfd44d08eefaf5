import type { Choice, TextFormat } from './field-types.ts';

/** One setting inside of a settings value. */
export interface Setting {
  /** Its members from the outside in, with dots between them. */
  readonly path: string;
  readonly title: string;
  readonly kind: 'text' | 'lines' | 'number' | 'switch' | 'choice' | 'record';
  readonly options?: readonly Choice[];
  /** What a text or number has to look like. */
  readonly format?: TextFormat;
  /** Of a `record` setting: the types of record that it may name. */
  readonly types?: readonly string[];
  /** Stays in the worker until it is asked for. */
  readonly secret?: true;
}

export interface ConnectionKind {
  readonly title: string;
  readonly port: number;
  /** Shown as text, with colours and a font. */
  readonly terminal: boolean;
  /** What it has besides clipboard, colours, font and host key. */
  readonly settings: readonly Setting[];
}

export const connectionProtocols = [
  'ssh',
  'rdp',
  'vnc',
  'telnet',
  'kubernetes',
  'postgresql',
  'mysql',
  'mariadb',
  'sql-server',
  'oracle',
  'mongodb',
  'redis',
  'elasticsearch',
  'clickhouse',
  'dynamodb',
  'http',
] as const;
export type ConnectionProtocol = (typeof connectionProtocols)[number];

/** The known protocol of that name, or null. */
export function connectionProtocolOf(name: unknown): ConnectionProtocol | null {
  return connectionProtocols.find((known) => known === name) ?? null;
}

const machines = ['ssh', 'rdp', 'vnc', 'telnet', 'kubernetes'] as const;
const databases = connectionProtocols.filter(
  (name) => name !== 'http' && !machines.some((machine) => machine === name),
);

/** Over which protocols records of that type are reached, the usual one first; none for types without connections. */
export function protocolsOf(type: string): readonly ConnectionProtocol[] {
  switch (type) {
    case 'pamMachine':
      return machines;
    case 'pamDirectory':
      return ['rdp', 'ssh', 'vnc', 'telnet'];
    case 'pamDatabase':
      return databases;
    case 'pamRemoteBrowser':
      return ['http'];
    default:
      return [];
  }
}

function text(name: string, title: string): Setting {
  return { path: `connection.${name}`, title, kind: 'text' };
}

function lines(name: string, title: string): Setting {
  return { path: `connection.${name}`, title, kind: 'lines' };
}

function number(name: string, title: string, more: Pick<Setting, 'format'> = {}): Setting {
  return { path: `connection.${name}`, title, kind: 'number', ...more };
}

function port(name: string, title: string): Setting {
  return { path: `connection.${name}`, title, kind: 'text', format: 'port' };
}

function record(name: string, title: string, types: readonly string[]): Setting {
  return { path: `connection.${name}`, title, kind: 'record', types };
}

function onOff(name: string, title: string): Setting {
  return { path: `connection.${name}`, title, kind: 'switch' };
}

function choice(name: string, title: string, options: Readonly<Record<string, string>>): Setting {
  const list = Object.entries(options).map(([value, option]) => ({ value, title: option }));
  return { path: `connection.${name}`, title, kind: 'choice', options: list };
}

const scrollback = number('scrollback', 'Lines to scroll back');
const files = [
  onOff('sftp.enableSftp', 'Files by SFTP'),
  text('sftp.sftpRootDirectory', 'Folder of the files'),
];
const ownFiles = [
  ...files,
  onOff('sftp.disableUpload', 'Without uploads and changes'),
  onOff('sftp.disableDownload', 'Without downloads'),
];
const filesElsewhere = [
  ...files,
  record('sftp.sftpResourceUid', 'Machine of the files', ['pamMachine']),
  record('sftp.sftpUserUid', 'User for the files', ['pamUser']),
  text('sftp.sftpDirectory', 'Folder for uploads'),
  number('sftp.sftpServerAliveInterval', 'Seconds between signs of life of SFTP'),
];

const ssh = [text('command', 'Command in place of a shell'), scrollback, ...ownFiles];
const rdp = [
  choice('security', 'Security', {
    any: 'Any',
    nla: 'Network level authentication',
    tls: 'TLS',
    vmconnect: 'Hyper-V',
    rdp: 'RDP encryption',
  }),
  onOff('ignoreCert', 'Ignore the certificate'),
  onOff('disableAuth', 'Without authentication'),
  text('loadBalanceInfo', 'Load balancing information'),
  text('preconnectionId', 'Preconnection ID'),
  text('preconnectionBlob', 'Preconnection blob'),
  onOff('disableAudio', 'Without sound'),
  onOff('enableFullWindowDrag', 'Windows drawn while they are dragged'),
  onOff('enableWallpaper', 'Wallpaper'),
  choice('resizeMethod', 'When the window changes its size', { 'display-update': 'Change the display' }),
  onOff('drive.enableDrive', 'Drive for files, “Sallyport” in the machine'),
  onOff('drive.disableUpload', 'Drive without uploads and changes'),
  onOff('drive.disableDownload', 'Drive without downloads'),
  ...filesElsewhere,
];
const vnc = [
  text('destHost', 'Host behind a repeater'),
  port('destPort', 'Port behind a repeater'),
  onOff('enableAudio', 'Sound of a PulseAudio server'),
  text('audioServername', 'PulseAudio server, where it is not the machine'),
  ...filesElsewhere,
];
const telnet = [
  text('usernameRegex', 'How the prompt for the login looks'),
  text('passwordRegex', 'How the prompt for the password looks'),
  text('loginSuccessRegex', 'How a successful login looks'),
  text('loginFailureRegex', 'How a failed login looks'),
  scrollback,
];
const kubernetes: readonly Setting[] = [
  text('namespace', 'Namespace'),
  text('pod', 'Pod'),
  text('container', 'Container'),
  onOff('useSSL', 'Use TLS'),
  onOff('ignoreCert', 'Ignore the certificate'),
  lines('caCert', 'Certificate of the authority'),
  lines('clientCert', 'Certificate of the client'),
  { ...lines('clientKey', 'Key of the client'), secret: true },
  scrollback,
];
const database = [
  text('database', 'Database'),
  onOff('disableCsvExport', 'Without export to CSV'),
  onOff('disableCsvImport', 'Without import of CSV'),
];
const browser = [
  onOff('allowUrlManipulation', 'Address bar and navigation'),
  lines('allowedUrlPatterns', 'Addresses that may be opened'),
  lines('allowedResourceUrlPatterns', 'Addresses that pages may load from'),
  lines('autofillConfiguration', 'Rules that fill in forms'),
  onOff('ignoreInitialSslCert', 'Ignore the certificate of the first page'),
  choice('sessionPersistence', 'What stays of a session', {
    none: 'Nothing',
    user: 'For each user',
    resource: 'For all users',
  }),
  onOff('allowFileUploads', 'Uploads'),
  onOff('allowFileDownloads', 'Downloads'),
  onOff('disableAudio', 'Without sound'),
  number('audioChannels', 'Channels of sound'),
  choice('audioBps', 'Bits of sound', { '8': '8', '16': '16' }),
  number('audioSampleRate', 'Samples of sound in a second'),
];

const terminalPicture = choice('terminalPicture', 'Recorded picture', {
  text: 'Drawn from the terminal’s text: small',
  guacd: 'As it was drawn in the session: large',
});

const recording = [
  onOff('sessionRecording', 'Record the picture'),
  onOff('typescriptRecording', 'Record the text of terminals'),
  onOff('recordingIncludeKeys', 'Record keystrokes'),
  onOff('recordingIncludeClipboard', 'Record the clipboard with the picture'),
  choice('recordingPolicy', 'When it cannot be recorded', {
    required: 'No session',
    'best-effort': 'The session goes on, and says so',
  }),
];

const sessions = [
  number('idleTimeoutMinutes', 'Minutes without input until a session ends', { format: 'minutes' }),
  number('maxSessionMinutes', 'Minutes that a session lasts at most', { format: 'minutes' }),
  number('reconnectSeconds', 'Seconds that a session waits when its connection is lost (at most 900)'),
  choice('sessionSharing', 'Who opened a session may let colleagues into it', {
    off: 'No, and no administrator looks on',
    watch: 'To look on',
    type: 'To look on, or to type too',
  }),
  onOff('watermark', 'Watermark: person, machine and time over the screen'),
];

const jump = record('jumpMachineUid', 'Jump machine: reached through its SSH', ['pamMachine']);

const common = [
  number('port', 'Port of the session, where it is another one', { format: 'port' }),
  onOff('allowSupplyUser', 'Users may bring their own credential'),
  ...sessions,
  ...recording,
];

/** Of a whole settings value, beside its connection. */
const around: readonly Setting[] = [
  { path: 'allowSupplyHost', title: 'Users may name the host', kind: 'switch' },
  { path: 'portForward.port', title: 'Port of tunnels', kind: 'text', format: 'port' },
  { path: 'portForward.reusePort', title: 'Tunnels use the same local port again', kind: 'switch' },
];

function kind(title: string, port: number, terminal: boolean, settings: readonly Setting[]): ConnectionKind {
  return { title, port, terminal, settings };
}

function onPort(settings: readonly Setting[]): readonly Setting[] {
  return [...settings, ...common, ...around];
}

const kinds: Readonly<Record<ConnectionProtocol, ConnectionKind>> = {
  ssh: kind('SSH', 22, true, onPort([jump, ...ssh, terminalPicture])),
  rdp: kind('RDP', 3389, false, onPort([jump, ...rdp])),
  vnc: kind('VNC', 5900, false, onPort([jump, ...vnc])),
  telnet: kind('Telnet', 23, true, onPort([jump, ...telnet, terminalPicture])),
  kubernetes: kind('Kubernetes', 8080, true, onPort(kubernetes)),
  postgresql: kind('PostgreSQL', 5432, true, onPort([...database, scrollback])),
  mysql: kind('MySQL', 3306, true, onPort([...database, scrollback])),
  mariadb: kind('MariaDB', 3306, false, onPort(database)),
  'sql-server': kind('SQL Server', 1433, true, onPort([...database, scrollback])),
  oracle: kind('Oracle', 1521, false, onPort(database)),
  mongodb: kind('MongoDB', 27017, false, onPort(database)),
  redis: kind('Redis', 6379, false, onPort(database)),
  elasticsearch: kind('Elasticsearch', 9200, false, onPort(database)),
  clickhouse: kind('ClickHouse', 8123, false, onPort(database)),
  dynamodb: kind('DynamoDB', 443, false, onPort(database)),
  http: kind('Web page', 443, false, [
    ...browser,
    onOff('allowSupplyUser', 'Users may bring their own credential'),
    ...recording,
  ]),
};

/** Title, usual port and settings of a protocol. */
export function connectionKindOf(protocol: ConnectionProtocol): ConnectionKind {
  return kinds[protocol];
}
