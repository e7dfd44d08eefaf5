import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ProtocolError } from '../../../../protocol/errors.ts';
import type { RecordContent } from '../../../../protocol/records/content.ts';
import { linksOf, withLink, withoutLink } from '../../../../protocol/records/links.ts';
import { readPamSettings } from '../../../../protocol/records/pam-settings.ts';
import { newUid, type Uid } from '../../../../protocol/uid.ts';
import { runs } from '../../../fuzz-runs.ts';
import { hostileJson } from '../fuzz/mutation.ts';

const [root, deploy, backup] = [newUid(), newUid(), newUid()];

function machine(connection: object, type = 'pamMachine'): RecordContent {
  return { type, title: 'web', fields: [{ type: 'pamSettings', value: [{ other: 1, connection }] }] };
}

function settings(content: RecordContent): unknown {
  return content.fields.find(({ type }) => /Settings$/.test(type))?.value[0];
}

describe('links', () => {
  test('are the launch credential, the administrative one, then the others', () => {
    const content = machine({
      launchCredentialUid: deploy,
      administrativeCredentialUid: root,
      userRecords: [backup, deploy, backup],
    });
    expect(linksOf(content)).toEqual([
      { recordUid: deploy, role: 'launch' },
      { recordUid: root, role: 'administrative' },
      { recordUid: backup, role: 'user' },
    ]);
    expect(linksOf(machine({}))).toEqual([]);
    expect(linksOf({ type: 'pamMachine', title: '', fields: [] })).toEqual([]);
    expect(linksOf({ type: 'login', title: '', fields: [] })).toEqual([]);
  });

  test('are added beside what else the settings hold, where sessions read them', () => {
    const before = machine({ protocol: 'ssh', fontSize: 14, tomorrow: true });
    const linked = withLink(withLink(before, { recordUid: deploy, role: 'launch' }), {
      recordUid: backup,
      role: 'user',
    });
    expect(settings(linked)).toEqual({
      other: 1,
      connection: {
        protocol: 'ssh',
        fontSize: 14,
        tomorrow: true,
        launchCredentialUid: deploy,
        userRecords: [backup],
      },
    });
    expect(readPamSettings(linked).connection.launchCredentialUid).toBe(deploy);
  });

  test('a role that only one can have goes over, and who gets it is no plain user any more', () => {
    const before = machine({ launchCredentialUid: root, userRecords: [deploy, backup] });
    expect(linksOf(withLink(before, { recordUid: deploy, role: 'launch' }))).toEqual([
      { recordUid: deploy, role: 'launch' },
      { recordUid: backup, role: 'user' },
    ]);
  });

  test('one user may have both roles', () => {
    const both = withLink(machine({ launchCredentialUid: root }), {
      recordUid: root,
      role: 'administrative',
    });
    expect(linksOf(both).map(({ role }) => role)).toEqual(['launch', 'administrative']);
  });

  test('are taken away one by one', () => {
    const full = machine({ launchCredentialUid: root, userRecords: [deploy, backup] });
    expect(linksOf(withoutLink(full, { recordUid: deploy, role: 'user' }))).toHaveLength(2);
    expect(linksOf(withoutLink(full, { recordUid: root, role: 'launch' }))).toHaveLength(2);
    expect(withoutLink(full, { recordUid: deploy, role: 'launch' })).toBe(full);
  });

  test('of a remote browser are in its own settings', () => {
    const browser = { type: 'pamRemoteBrowser', title: '', fields: [] };
    const linked = withLink(browser, { recordUid: root, role: 'launch' });
    expect(linked.fields).toEqual([
      { type: 'pamRemoteBrowserSettings', value: [{ connection: { httpCredentialsUid: root } }] },
    ]);
    expect(linksOf(linked)).toEqual([{ recordUid: root, role: 'launch' }]);
  });

  test('adding is the same as having added, whatever the order', () => {
    const roles = fc.constantFrom('launch', 'administrative', 'user');
    const link = fc.record({ recordUid: fc.constantFrom<Uid>(root, deploy, backup), role: roles });
    fc.assert(
      fc.property(fc.array(link, { maxLength: 8 }), link, (former, last) => {
        const content = former.reduce(withLink, machine({}));
        const linked = withLink(content, last as never);
        expect(linksOf(linked).some(({ recordUid }) => recordUid === last.recordUid)).toBe(true);
        expect(linksOf(withLink(linked, last as never))).toEqual(linksOf(linked));
        expect(linksOf(linked).filter(({ role }) => role === 'launch').length).toBeLessThan(2);
      }),
      { numRuns: runs(100) },
    );
  });
});

describe('refused', () => {
  test('a record that links nobody', () => {
    const login = { type: 'login', title: '', fields: [] };
    for (const change of [withLink, withoutLink])
      expect(() => change(login, { recordUid: root, role: 'user' })).toThrow(
        expect.objectContaining({ name: 'not-allowed' }),
      );
  });

  test.each([
    [{ userRecords: 'x' }],
    [{ userRecords: [7] }],
    [{ userRecords: ['short'] }],
    [{ launchCredentialUid: {} }],
  ])('nonsense: %j', (connection) => {
    expect(() => linksOf(machine(connection))).toThrow(expect.objectContaining({ name: 'malformed' }));
  });

  test('more users than any machine has', () => {
    const many = machine({ userRecords: Array.from({ length: 500 }, () => newUid()) });
    expect(linksOf(many)).toHaveLength(500);
    expect(() => withLink(many, { recordUid: root, role: 'user' })).toThrow(
      expect.objectContaining({ name: 'too-large' }),
    );
  });

  test('whatever comes, links or a refusal', () => {
    const valid = [{ userRecords: [root], launchCredentialUid: root }];
    fc.assert(
      fc.property(hostileJson(valid), (value) => {
        try {
          linksOf(machine(value as object));
        } catch (error) {
          if (!(error instanceof ProtocolError)) throw error;
        }
      }),
      { numRuns: runs(1000) },
    );
  });
});
