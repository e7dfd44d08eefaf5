import { describe, expect, test } from 'vitest';
import {
  connectionKindOf,
  connectionProtocols,
  protocolsOf,
} from '../../../../protocol/records/connection-protocols.ts';
import { secretMembersOf } from '../../../../protocol/records/field-types.ts';
import { readPamSettings, requireSession } from '../../../../protocol/records/pam-settings.ts';

const machine = (protocol?: string) => ({
  type: 'pamMachine',
  title: 'm',
  fields: [{ type: 'pamSettings', value: [{ connection: protocol === undefined ? {} : { protocol } }] }],
});

describe('protocols of connections', () => {
  test.each(connectionProtocols)('%s belongs to a record type and names each setting once', (protocol) => {
    const types = ['pamMachine', 'pamDirectory', 'pamDatabase', 'pamRemoteBrowser'];
    expect(types.some((type) => protocolsOf(type).includes(protocol))).toBe(true);
    const { settings, port } = connectionKindOf(protocol);
    expect(new Set(settings.map(({ path }) => path)).size).toBe(settings.length);
    expect(new Set(settings.map(({ title }) => title)).size).toBe(settings.length);
    expect(port).toBeGreaterThan(0);
  });

  test('what is secret among the settings is withheld from the page', () => {
    const secret = connectionProtocols.flatMap((protocol) =>
      connectionKindOf(protocol).settings.filter((setting) => setting.secret),
    );
    expect(secret.map(({ path }) => path)).toEqual(secretMembersOf('pamSettings'));
  });

  test('settings of every protocol are read; sessions are for four of them', () => {
    for (const protocol of connectionProtocols)
      expect(readPamSettings(machine(protocol)).connection.protocol).toBe(protocol);
    expect(() => requireSession(readPamSettings(machine()))).not.toThrow();
    expect(() => requireSession(readPamSettings(machine('kubernetes')))).toThrow(
      'the protocol is not supported',
    );
    expect(() => readPamSettings(machine('carrier-pigeon'))).toThrow('the protocol is not known');
  });

  test('without a protocol it is the usual one of the type', () => {
    const database = { type: 'pamDatabase', title: 'd', fields: [] };
    expect(readPamSettings(database).connection.protocol).toBe('postgresql');
  });
});

test.each([
  [undefined, 0],
  ['', 0],
  [0, 0],
  [15, 15],
  ['15', 15],
  [1e9, 10_080],
  [-5, 1],
  [1.5, 1],
  ['soon', 1],
  [{}, 1],
])('a limit of sessions of %j is %i minutes: what cannot be read is the shortest', (written, minutes) => {
  const connection = { idleTimeoutMinutes: written, maxSessionMinutes: written } as never;
  const content = {
    ...{ type: 'pamMachine', title: '', custom: [] },
    fields: [{ type: 'pamSettings', value: [{ connection }] }],
  };
  expect(readPamSettings(content).connection).toMatchObject({
    ...{ limits: { idle: minutes, longest: minutes }, watermark: false },
  });
});
