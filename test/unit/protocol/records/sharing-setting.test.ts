import { expect, test } from 'vitest';
import { readPamSettings } from '../../../../protocol/records/pam-settings.ts';

const sharingOf = (sessionSharing: unknown) => {
  const value = [{ connection: { protocol: 'ssh', sessionSharing } }] as never;
  const content = { type: 'pamMachine', title: '', fields: [{ type: 'pamSettings', value }] };
  return readPamSettings(content).connection.sharing;
};

test.each(['off', 'watch', 'type'])('a record that says %s is taken at its word', (said) => {
  expect(sharingOf(said)).toBe(said);
});

test.each([undefined, null, ''])('one that says nothing (%s) leaves it to its gateway’s rule', (said) => {
  expect(sharingOf(said)).toBe(undefined);
});

test.each(['everybody', 'TYPE', true, 2])('what cannot be read (%s) forbids sharing', (said) => {
  expect(sharingOf(said)).toBe('off');
});
