import type { SessionSettings } from '../../protocol/records/session-settings.ts';
import { driveName } from '../drive/drives.ts';
import type { Display } from '../guacd/handshake.ts';
import { terminalParameters } from '../terminal/settings.ts';
import type { TerminalSettings } from '../terminal/settings.ts';

/** What guacd is told of a session over its own protocols; SSH is the gateway's (decision 3). */
export type GuacdSettings = Exclude<SessionSettings, { protocol: 'ssh' }>;

/** How guacd logs in; each part may be missing: then the target asks, or lets in without. */
export interface GuacdCredential {
  readonly username?: string;
  readonly password?: string;
}

export interface ParameterSource {
  readonly settings: GuacdSettings;
  /** Where guacd goes: the gateway's relay, or the target. */
  readonly host: string;
  readonly port: number;
  /** The target's own address: guacd goes to its sound server by itself. */
  readonly machine: string;
  readonly credential: GuacdCredential;
  readonly terminal: TerminalSettings;
  readonly display: Display;
  readonly timezone?: string;
  /** Where the gateway has made a drive for the session. */
  readonly drivePath?: string;
  readonly policy: { readonly disableCopy: boolean; readonly disablePaste: boolean };
}

type Parameters = Readonly<Record<string, string>>;

/**
 * guacd's parameters by the names of its `args` list (1.3.0 to 1.6.0). Everything that is not named here stays empty:
 * no recording or typescript of its own, no printer, no file transfer, no listening for targets.
 */
export function guacdParameters(source: ParameterSource): Parameters {
  const { host, port, policy } = source;
  return {
    ...protocolParameters(source),
    ...present({ hostname: host, port: String(port) }),
    'disable-copy': String(policy.disableCopy),
    'disable-paste': String(policy.disablePaste),
  };
}

function protocolParameters(source: ParameterSource): Parameters {
  const { settings } = source;
  switch (settings.protocol) {
    case 'telnet':
      return {
        ...terminalParameters(source.terminal),
        ...login(source.credential),
        ...present({
          'username-regex': settings.usernameRegex,
          'password-regex': settings.passwordRegex,
          'login-success-regex': settings.loginSuccessRegex,
          'login-failure-regex': settings.loginFailureRegex,
        }),
      };
    case 'vnc':
      return {
        ...login(source.credential),
        'color-depth': '24',
        ...(settings.destHost !== '' && {
          'dest-host': settings.destHost,
          'dest-port': String(settings.destPort ?? usualVncPort),
        }),
        ...(settings.audioServer !== null && {
          'enable-audio': 'true',
          'audio-servername': settings.audioServer || source.machine,
        }),
      };
    case 'rdp':
      return rdpParameters(source, settings);
  }
}

const usualVncPort = 5900;

function rdpParameters(
  { credential, display, timezone = '', drivePath }: ParameterSource,
  settings: Extract<GuacdSettings, { protocol: 'rdp' }>,
): Parameters {
  return {
    ...rdpLogin(credential),
    width: String(display.width),
    height: String(display.height),
    dpi: String(display.dpi),
    'color-depth': '24', // 16 is the default, and a picture of 16 is no smaller as PNG
    'client-name': 'Sallyport',
    'enable-font-smoothing': 'true',
    security: settings.security,
    'ignore-cert': String(settings.ignoreCert),
    'disable-auth': String(settings.disableAuth),
    'disable-audio': String(settings.disableAudio),
    ...(drivePath !== undefined && driveParameters(drivePath)),
    'enable-full-window-drag': String(settings.enableFullWindowDrag),
    'enable-wallpaper': String(settings.enableWallpaper),
    ...present({
      timezone,
      'load-balance-info': settings.loadBalanceInfo,
      'preconnection-id': settings.preconnectionId === null ? '' : String(settings.preconnectionId),
      'preconnection-blob': settings.preconnectionBlob,
      'resize-method': settings.resizes ? 'display-update' : '',
    }),
  };
}

/** The files go by the gateway: guacd is to offer the page none itself. */
function driveParameters(path: string): Parameters {
  const unneeded = { 'create-drive-path': 'false', 'disable-download': 'true', 'disable-upload': 'true' };
  return { 'enable-drive': 'true', 'drive-name': driveName, 'drive-path': path, ...unneeded };
}

/** "DOMAIN\user", as Windows writes it; a user principal name goes as it is. */
function rdpLogin({ username = '', password = '' }: GuacdCredential): Parameters {
  const [, domain = '', user = username] = /^([^\\]+)\\(.*)$/s.exec(username) ?? [];
  return present({ domain, username: user, password });
}

function login({ username = '', password = '' }: GuacdCredential): Parameters {
  return present({ username, password });
}

/** What guacd would not take as "not given" is left out. */
function present(parameters: Parameters): Parameters {
  return Object.fromEntries(Object.entries(parameters).filter(([, value]) => value !== ''));
}
