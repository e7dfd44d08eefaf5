import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ProtocolError } from '../../../../protocol/errors.ts';
import type { RecordContent } from '../../../../protocol/records/content.ts';
import { readHostname } from '../../../../protocol/records/pam-settings.ts';
import { readSessionSettings } from '../../../../protocol/records/session-settings.ts';
import { runs } from '../../../fuzz-runs.ts';

function machine(connection: Record<string, unknown>, port: unknown = ''): RecordContent {
  const fields = [
    { type: 'pamHostname', value: [{ hostName: 'box', port }] },
    { type: 'pamSettings', value: [{ connection }] },
  ];
  return { type: 'pamMachine', title: 'Machine', fields, custom: [] } as unknown as RecordContent;
}

const settingsOf = (connection: Record<string, unknown>) => readSessionSettings(machine(connection));

test('what is not set is as usual; other protocols have no sessions', () => {
  expect(settingsOf({})).toEqual({ protocol: 'ssh', command: '', files: null });
  expect(settingsOf({ protocol: 'vnc' })).toEqual({
    ...{ protocol: 'vnc', destHost: '', destPort: null, audioServer: null },
  });
  expect(settingsOf({ protocol: 'vnc', enableAudio: true })).toMatchObject({ audioServer: '' });
  const sound = { enableAudio: true, audioServername: 'sound.lan' };
  expect(settingsOf({ protocol: 'vnc', ...sound })).toMatchObject({ audioServer: 'sound.lan' });
  expect(settingsOf({ protocol: 'telnet' })).toEqual({
    ...{ protocol: 'telnet', usernameRegex: '', passwordRegex: '' },
    ...{ loginSuccessRegex: '', loginFailureRegex: '' },
  });
  expect(settingsOf({ protocol: 'rdp' })).toEqual({
    ...{ protocol: 'rdp', security: 'any', ignoreCert: false, disableAuth: false, loadBalanceInfo: '' },
    ...{
      drive: null,
      preconnectionId: null,
      preconnectionBlob: '',
      disableAudio: false,
      enableFullWindowDrag: false,
    },
    ...{ enableWallpaper: false, resizes: false },
  });
  expect(settingsOf({ protocol: 'kubernetes' })).toBeNull();
});

test('files are there when the record says so, each way unless it says not', () => {
  const files = (sftp: Record<string, unknown>) => {
    const settings = settingsOf({ sftp });
    return settings?.protocol === 'ssh' ? settings.files : undefined;
  };
  expect(files({ enableSftp: true })).toEqual({ root: '', upload: true, download: true });
  expect(files({ enableSftp: false, sftpRootDirectory: '/srv' })).toBeNull();
  const held = { enableSftp: true, sftpRootDirectory: '/srv', disableUpload: true, disableDownload: true };
  expect(files(held)).toEqual({ root: '/srv', upload: false, download: false });
  for (const unmeant of [{ enableSftp: 'yes' }, { sftpRootDirectory: 'a\0b' }, { disableUpload: 1 }])
    expect(() => files(unmeant)).toThrow(ProtocolError);
});

test('a drive is there when the record says so, each way unless it says not', () => {
  const driveOf = (drive: Record<string, unknown>) => {
    const settings = settingsOf({ protocol: 'rdp', drive });
    return settings?.protocol === 'rdp' ? settings.drive : undefined;
  };
  expect(driveOf({ enableDrive: true })).toEqual({ root: '', upload: true, download: true });
  expect(driveOf({ disableUpload: true })).toBeNull();
  const held = { enableDrive: true, disableUpload: true, disableDownload: true };
  expect(driveOf(held)).toEqual({ root: '', upload: false, download: false });
  for (const unmeant of [{ enableDrive: 1 }, { disableUpload: 'no' }, { disableDownload: {} }])
    expect(() => driveOf(unmeant)).toThrow(ProtocolError);
});

test('every setting is read as the form writes it, numbers as digits too', () => {
  expect(settingsOf({ command: 'top -d 1' })).toMatchObject({ protocol: 'ssh', command: 'top -d 1' });
  expect(settingsOf({ protocol: 'vnc', destHost: 'desk-7.lan', destPort: '5901' })).toMatchObject({
    destHost: 'desk-7.lan',
    destPort: 5901,
  });
  const regexes = { usernameRegex: '[Ll]ogin:', passwordRegex: 'Pass.*:', loginSuccessRegex: '[$#] $' };
  expect(settingsOf({ protocol: 'telnet', ...regexes, loginFailureRegex: 'wrong' })).toMatchObject(regexes);
  const switches = { ignoreCert: true, disableAuth: true, disableAudio: true, enableWallpaper: true };
  const texts = { loadBalanceInfo: 'Cookie: msts=1', preconnectionBlob: 'vm-1', preconnectionId: 7 };
  const rdp = { security: 'nla', enableFullWindowDrag: true, ...switches, ...texts };
  expect(settingsOf({ protocol: 'rdp', ...rdp, resizeMethod: 'display-update' })).toEqual({
    ...{ protocol: 'rdp', ...rdp, resizes: true, drive: null },
  });
});

describe('what cannot be meant is refused by its name', () => {
  test.each([
    ['ssh', 'command', 'a\nb'],
    ['ssh', 'command', 'x'.repeat(1_025)],
    ['ssh', 'command', 7],
    ['vnc', 'destHost', 'a b'],
    ['vnc', 'destHost', '$(id)'],
    ['vnc', 'destPort', 0],
    ['vnc', 'destPort', 65_536],
    ['vnc', 'destPort', '12x'],
    ['vnc', 'enableAudio', 'yes'],
    ['telnet', 'usernameRegex', '(a)\\1'],
    ['telnet', 'passwordRegex', '(a{9}){9}'],
    ['telnet', 'loginSuccessRegex', 'x'.repeat(257)],
    ['telnet', 'loginFailureRegex', 'a\u0000b'],
    ['rdp', 'security', 'none'],
    ['rdp', 'security', true],
    ['rdp', 'ignoreCert', 'true'],
    ['rdp', 'disableAuth', 1],
    ['rdp', 'resizeMethod', 'reconnect'],
    ['rdp', 'preconnectionId', -1],
    ['rdp', 'preconnectionId', 2 ** 32],
    ['rdp', 'loadBalanceInfo', 'a\r\nb'],
    ['rdp', 'preconnectionBlob', {}],
  ])('%s: %s', (protocol, name, value) => {
    expect(() => settingsOf({ protocol, [name]: value })).toThrow(`${name} is not valid`);
  });
});

test('whatever a record says is read or refused', () => {
  const protocol = fc.constantFrom('ssh', 'rdp', 'vnc', 'telnet', 'kubernetes', 'x');
  fc.assert(
    fc.property(protocol, fc.dictionary(fc.string(), fc.anything()), (name, rest) => {
      try {
        settingsOf({ ...rest, protocol: name });
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError);
      }
    }),
    { numRuns: runs(100) },
  );
});

test('the port is that of sessions, of the machine, or the usual one of the protocol', () => {
  const portOf = (connection: Record<string, unknown>, port: unknown) =>
    readHostname(machine(connection, port)).port;
  expect(portOf({ protocol: 'vnc', port: 5999 }, '5901')).toBe(5999);
  expect(portOf({ protocol: 'vnc' }, '5901')).toBe(5901);
  expect(['ssh', 'rdp', 'vnc', 'telnet'].map((protocol) => portOf({ protocol }, ''))).toEqual([
    22, 3389, 5900, 23,
  ]);
  expect(() => portOf({ port: 70_000 }, '22')).toThrow('the port is not 1 to 65535');
});
