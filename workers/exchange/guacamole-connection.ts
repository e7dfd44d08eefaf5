import { readHostKey } from '../../protocol/records/machine-pin.ts';
import type { FieldValue } from '../../protocol/records/content.ts';
import type { FolderPath, VaultDraft } from './imported.ts';
import { RecordDraft } from './record-draft.ts';

export interface GuacamoleConnection {
  readonly name: string;
  readonly folder: FolderPath;
  readonly protocol: string;
  readonly parameters: ReadonlyMap<string, string>;
}

const ports: Readonly<Record<string, string>> = {
  ssh: '22',
  telnet: '23',
  rdp: '3389',
  vnc: '5900',
  kubernetes: '8080',
};

/** Parameters that a connection's settings have, by Guacamole's name; `flag` values are true or false there. */
const settings: Readonly<
  Record<string, { readonly name: string; readonly kind: 'text' | 'number' | 'flag' }>
> = {
  'ca-cert': { name: 'caCert', kind: 'text' },
  'client-cert': { name: 'clientCert', kind: 'text' },
  'client-key': { name: 'clientKey', kind: 'text' },
  'color-scheme': { name: 'colorScheme', kind: 'text' },
  command: { name: 'command', kind: 'text' },
  container: { name: 'container', kind: 'text' },
  'dest-host': { name: 'destHost', kind: 'text' },
  'dest-port': { name: 'destPort', kind: 'text' },
  'disable-audio': { name: 'disableAudio', kind: 'flag' },
  'disable-auth': { name: 'disableAuth', kind: 'flag' },
  'disable-copy': { name: 'disableCopy', kind: 'flag' },
  'disable-paste': { name: 'disablePaste', kind: 'flag' },
  'enable-full-window-drag': { name: 'enableFullWindowDrag', kind: 'flag' },
  'enable-wallpaper': { name: 'enableWallpaper', kind: 'flag' },
  'font-size': { name: 'fontSize', kind: 'number' },
  'ignore-cert': { name: 'ignoreCert', kind: 'flag' },
  'load-balance-info': { name: 'loadBalanceInfo', kind: 'text' },
  'login-failure-regex': { name: 'loginFailureRegex', kind: 'text' },
  'login-success-regex': { name: 'loginSuccessRegex', kind: 'text' },
  namespace: { name: 'namespace', kind: 'text' },
  'password-regex': { name: 'passwordRegex', kind: 'text' },
  pod: { name: 'pod', kind: 'text' },
  'preconnection-blob': { name: 'preconnectionBlob', kind: 'text' },
  'preconnection-id': { name: 'preconnectionId', kind: 'text' },
  'resize-method': { name: 'resizeMethod', kind: 'text' },
  scrollback: { name: 'scrollback', kind: 'number' },
  security: { name: 'security', kind: 'text' },
  'use-ssl': { name: 'useSSL', kind: 'flag' },
  'username-regex': { name: 'usernameRegex', kind: 'text' },
};

const credential: ReadonlySet<string> = new Set([
  'username',
  'password',
  'private-key',
  'passphrase',
  'domain',
]);

/** `${GUAC_USERNAME}` and the like: filled in by Guacamole when somebody connects, never a value. */
const token = /\$\{[A-Z_:]+\}/;

/** Adds the machine, its user when there is a credential, and the link between them. */
export function addGuacamoleConnection(vault: VaultDraft, connection: GuacamoleConnection): void {
  const { protocol, parameters } = connection;
  const host = (parameters.get('hostname') ?? '').trim();
  const title = connection.name.trim() || host || `${protocol} connection`;
  if (!Object.hasOwn(ports, protocol)) {
    vault.leave(`connection "${title.slice(0, 200)}"`, 'only ssh, rdp, vnc, telnet and kubernetes are taken');
    return;
  }
  const machine = new RecordDraft(vault, 'pamMachine', title);
  machine.folder = connection.folder;
  machine.put('pamHostname', {
    hostName: host,
    port: (parameters.get('port') ?? '').trim() || (ports[protocol] ?? ''),
  });
  machine.put('pamSettings', { connection: readSettings(machine, protocol, parameters) });
  readOthers(machine, parameters);
  const index = machine.add();
  const user = addUser(vault, connection, title);
  if (index !== null && user !== null) vault.link(index, { role: 'launch', to: user });
}

function readSettings(
  machine: RecordDraft,
  protocol: string,
  parameters: GuacamoleConnection['parameters'],
): Record<string, FieldValue> {
  const read: Record<string, FieldValue> = { protocol };
  for (const [name, text] of parameters) {
    const setting = Object.hasOwn(settings, name) ? settings[name] : undefined;
    if (setting === undefined || text === '') continue;
    const number = Number(text);
    if (setting.kind === 'flag') read[setting.name] = text === 'true';
    else if (setting.kind === 'text') read[setting.name] = text;
    else if (Number.isInteger(number)) read[setting.name] = number;
    else machine.leave(`"${name}"`, 'it is not a number');
  }
  const hostKey = readHostKey(parameters.get('host-key') ?? '');
  return protocol === 'ssh' && hostKey !== null ? { ...read, hostKey } : read;
}

/** What no setting is for stays on the machine under its Guacamole name. */
function readOthers(machine: RecordDraft, parameters: GuacamoleConnection['parameters']): void {
  for (const [name, text] of parameters) {
    const known =
      Object.hasOwn(settings, name) || credential.has(name) || ['hostname', 'port'].includes(name);
    if (known || text === '' || (name === 'host-key' && readHostKey(text) !== null)) continue;
    machine.text(name || 'parameter', text, /pass|key|secret/.test(name));
  }
}

function addUser(
  vault: VaultDraft,
  { folder, parameters }: GuacamoleConnection,
  title: string,
): number | null {
  const given = (name: string) => {
    const text = parameters.get(name) ?? '';
    if (!token.test(text)) return text;
    vault.leave(`"${name}" of "${title.slice(0, 200)}"`, 'it was to be filled in at each connection');
    return '';
  };
  const [username, password, key, passphrase, domain] = [
    'username',
    'password',
    'private-key',
    'passphrase',
    'domain',
  ].map(given);
  if (!username && !password && !key) return null;
  const user = new RecordDraft(vault, 'pamUser', `${username || 'User'} on ${title}`);
  user.folder = folder;
  user.put('login', username ?? '');
  user.put('password', password ?? '');
  user.put('secret', key ?? '', 'privatePEMKey');
  user.put('secret', passphrase ?? '', 'passphrase');
  user.text('Domain', domain ?? '');
  return user.add();
}
