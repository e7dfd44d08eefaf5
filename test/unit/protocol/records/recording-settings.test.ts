import { expect, test } from 'vitest';
import { defaultConnection, recordingOver } from '../../../../protocol/records/pam-settings.ts';

const { recording: nothing } = defaultConnection;
const said = (protocol: string, asked: object) => {
  const { graphical, text, keys, clipboard } = recordingOver(protocol, { ...nothing, ...asked });
  return Object.entries({ graphical, text, keys, clipboard }).flatMap(([name, on]) => (on ? [name] : []));
};

test.each([
  ['ssh', {}, []],
  ['ssh', { graphical: true }, ['text']],
  ['telnet', { graphical: true }, ['text']],
  ['ssh', { graphical: true, text: true, keys: true }, ['text', 'keys']],
  ['ssh', { keys: true }, ['keys']],
  ['ssh', { graphical: true, guacdPicture: true }, ['graphical']],
  ['ssh', { graphical: true, guacdPicture: true, text: true }, ['graphical', 'text']],
  // What went through the clipboard is part of what guacd draws.
  ['ssh', { graphical: true, clipboard: true }, ['graphical', 'clipboard']],
  ['ssh', { guacdPicture: true }, []],
  ['vnc', { graphical: true }, ['graphical']],
  ['rdp', { text: true, keys: true }, ['graphical']],
  ['vnc', {}, []],
])('over %s with %j is recorded: %j', (protocol, asked, expected) => {
  expect(said(protocol, asked)).toEqual(expected);
});
