import { describe, expect, test } from 'vitest';
import {
  guacdParameters,
  type GuacdSettings,
  type ParameterSource,
} from '../../../gateway/targets/parameters.ts';

const source = (changes: Partial<ParameterSource>): ParameterSource => ({
  ...{ host: '127.0.0.1', port: 40_000, machine: 'desk.lan', credential: {}, terminal: {} },
  settings: { protocol: 'vnc', destHost: '', destPort: null, audioServer: null },
  display: { width: 1280, height: 720, dpi: 96 },
  policy: { disableCopy: false, disablePaste: true },
  ...changes,
});
const rdp: Extract<GuacdSettings, { protocol: 'rdp' }> = {
  protocol: 'rdp',
  security: 'any',
  ...{ ignoreCert: false, disableAuth: false, loadBalanceInfo: '' },
  ...{ preconnectionId: null, preconnectionBlob: '', disableAudio: false, enableFullWindowDrag: false },
  ...{ enableWallpaper: false, resizes: false, drive: null },
};
const telnet: Extract<GuacdSettings, { protocol: 'telnet' }> = {
  protocol: 'telnet',
  ...{ usernameRegex: '', passwordRegex: '' },
  ...{ loginSuccessRegex: '', loginFailureRegex: '' },
};

const everywhere = {
  ...{ hostname: '127.0.0.1', port: '40000', 'disable-copy': 'false', 'disable-paste': 'true' },
};

describe('guacd’s parameters', () => {
  test('of VNC', () => {
    expect(guacdParameters(source({ credential: { username: '', password: 'secret' } }))).toEqual({
      ...everywhere,
      ...{ password: 'secret', 'color-depth': '24' },
    });
    const behind = { protocol: 'vnc', destHost: 'desk', destPort: null, audioServer: null } as const;
    expect(guacdParameters(source({ settings: behind }))).toMatchObject({
      ...{ 'dest-host': 'desk', 'dest-port': '5900' },
    });
    const heard = (audioServer: string) => ({ ...behind, destHost: '', audioServer });
    const own = { 'enable-audio': 'true', 'audio-servername': 'desk.lan' };
    expect(guacdParameters(source({ settings: heard('') }))).toMatchObject(own);
    const other = { ...own, 'audio-servername': 'sound.lan' };
    expect(guacdParameters(source({ settings: heard('sound.lan') }))).toMatchObject(other);
  });

  test('of telnet: a terminal, and a login by expressions where they are set', () => {
    const credential = { username: 'ada', password: 'secret' };
    const settings = { ...telnet, usernameRegex: 'login:', loginFailureRegex: 'wrong' };
    expect(guacdParameters(source({ settings, credential, terminal: { scrollback: 100_000 } }))).toEqual({
      ...{ ...everywhere, ...credential, 'username-regex': 'login:', 'login-failure-regex': 'wrong' },
      ...{ 'font-size': '12', scrollback: '5000', 'color-scheme': '' },
      ...{ 'terminal-type': 'xterm-256color', locale: 'C.UTF-8' },
    });
  });

  test('of RDP: every setting by its own name', () => {
    const settings: typeof rdp = {
      ...rdp,
      security: 'nla',
      ...{ ignoreCert: true, disableAuth: true, loadBalanceInfo: 'info' },
      ...{ preconnectionId: 7, preconnectionBlob: 'blob', disableAudio: true, enableFullWindowDrag: true },
      ...{ enableWallpaper: true, resizes: true },
    };
    const credential = { username: 'CORP\\ada', password: 'secret' };
    expect(guacdParameters(source({ settings, credential, timezone: 'Europe/Berlin' }))).toEqual({
      ...everywhere,
      ...{ domain: 'CORP', username: 'ada', password: 'secret', timezone: 'Europe/Berlin' },
      ...{ width: '1280', height: '720', dpi: '96', 'color-depth': '24', 'client-name': 'Sallyport' },
      ...{ security: 'nla', 'ignore-cert': 'true', 'disable-auth': 'true', 'load-balance-info': 'info' },
      ...{ 'preconnection-id': '7', 'preconnection-blob': 'blob', 'disable-audio': 'true' },
      ...{ 'enable-full-window-drag': 'true', 'enable-wallpaper': 'true', 'enable-font-smoothing': 'true' },
      'resize-method': 'display-update',
    });
    expect(guacdParameters(source({ settings: rdp }))).toMatchObject({ 'ignore-cert': 'false' });
    const upn = { username: 'ada@corp.example' };
    expect(guacdParameters(source({ settings: rdp, credential: upn }))).toMatchObject(upn);
  });

  test('never any of guacd’s own recordings, drives, file transfers or listening for targets', () => {
    for (const settings of [rdp, telnet, source({}).settings]) {
      const names = Object.keys(guacdParameters(source({ settings })));
      expect(names.join(' ')).not.toMatch(
        /recording|typescript|drive|sftp|printing|reverse|listen|wol|read-only/,
      );
    }
  });
});
