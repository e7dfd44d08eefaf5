// People join an organisation by invitation, on a real server.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  accept,
  found,
  join,
  organisationPassword,
  startOrganisation,
  untilMembers,
  untilOrganisation,
} from '../../fixtures/organisation.ts';
import { startEngine } from '../../fixtures/engine.ts';
import { codeOf } from '../../fixtures/outcome.ts';
import { startTestServer, type TestServer } from '../../fixtures/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

describe('invitations', () => {
  test('a second person joins by link and both see each other', async () => {
    const founder = await found(server.url, 'founder@example.test');
    const { fragment } = await founder.engine.createInvitation({ email: ' Second@Example.test', days: 7 });
    const stranger = await startEngine(server.url);
    expect(await stranger.openInvitation(fragment)).toEqual({
      email: 'second@example.test',
      inviterEmail: 'founder@example.test',
    });
    const second = await accept(server.url, fragment, 'second@example.test');
    await second.engine.until(({ membership }) => membership === 'member');
    for (const { engine } of [founder, second]) {
      await untilMembers(engine, 2);
      const { members } = await engine.readOrganisation();
      expect(members.map(({ email, administrator }) => [email, administrator])).toEqual([
        ['founder@example.test', true],
        ['second@example.test', false],
      ]);
    }
    // used: the link opens nothing any more, and answers as one that never was
    expect(await codeOf(stranger.openInvitation(fragment))).toBe('not-found');
    expect(await founder.engine.listInvitations()).toEqual([]);
    await Promise.all([founder, second].map(({ engine }) => engine.close()));
    await stranger.close();
  });

  test('whoever accepts while the inviter is away is pending, and a member once the inviter unlocks', async () => {
    const founder = await found(server.url, 'away@example.test');
    const { fragment } = await founder.engine.createInvitation({ email: 'waiting@example.test', days: 7 });
    await founder.engine.lock();
    const second = await accept(server.url, fragment, 'waiting@example.test');
    expect((await second.engine.readOrganisation()).membership).toBe('pending');
    const uid = await second.engine.saveRecord({
      content: { type: 'login', title: 'own', fields: [] },
    });
    expect((await second.engine.readRecord(uid)).content.title).toBe('own');
    await founder.engine.unlock({ password: organisationPassword });
    await second.engine.until(({ membership }) => membership === 'member');
    await Promise.all([founder, second].map(({ engine }) => engine.close()));
  });

  test('a revoked link, another address and a changed link open no account', async () => {
    const founder = await found(server.url, 'careful@example.test');
    const invite = (email: string) => founder.engine.createInvitation({ email, days: 1 });
    const revoked = await invite('revoked@example.test');
    await founder.engine.revokeInvitation(revoked.invitationUid);
    expect(await codeOf(accept(server.url, revoked.fragment, 'revoked@example.test'))).toBe('not-found');
    const other = await invite('one@example.test');
    expect(await codeOf(accept(server.url, other.fragment, 'another@example.test'))).toBe('not-allowed');
    expect(await codeOf(accept(server.url, `${other.fragment}AA`, 'one@example.test'))).toBe('malformed');
    expect(await codeOf(founder.engine.createInvitation({ email: 'careful@example.test', days: 1 }))).toBe(
      'conflict',
    );
    await founder.engine.close();
  });
});

describe('administration', () => {
  test('teams, administrators and removal reach everybody', async () => {
    const server2 = await startTestServer();
    const [founder, second, third] = await startOrganisation(server2.url, 3);
    if (!founder || !second || !third) throw new Error('three people');
    const { members } = await founder.engine.readOrganisation();
    const [, two, three] = members.map(({ accountUid }) => accountUid);
    if (!two || !three) throw new Error('three members');

    const teamUid = await founder.engine.createTeam({ name: 'Operations', memberUids: [two, three] });
    await untilOrganisation(second.engine, async () => {
      const { teams } = await second.engine.readOrganisation();
      return teams[0]?.name === 'Operations' && teams[0].memberUids.length === 2;
    });
    expect(await codeOf(second.engine.createTeam({ name: 'Own', memberUids: [] }))).toBe('not-allowed');

    await founder.engine.setAdministrator({ accountUid: two, administrator: true });
    await second.engine.until(({ membership }) => membership === 'administrator');
    await second.engine.renameTeam({ teamUid, name: 'Night shift' });
    // two administrators at once: both changes stand
    await Promise.all([
      founder.engine.createTeam({ name: 'One', memberUids: [two] }),
      second.engine.createTeam({ name: 'Two', memberUids: [three] }),
    ]);
    await untilOrganisation(third.engine, async () => {
      const { teams } = await third.engine.readOrganisation();
      return (
        teams
          .map(({ name }) => name)
          .sort()
          .join() === 'Night shift,One,Two'
      );
    });

    await second.engine.removeMember(three);
    await third.engine.until(({ membership }) => membership === 'removed');
    await untilMembers(founder.engine, 2);
    const { teams } = await founder.engine.readOrganisation();
    expect(teams.every(({ memberUids }) => !memberUids.includes(three))).toBe(true);

    await founder.engine.setAdministrator({ accountUid: two, administrator: false });
    await second.engine.until(({ membership }) => membership === 'member');
    expect(await codeOf(second.engine.removeMember(two))).toBe('not-allowed');
    const [own] = members;
    expect(
      await codeOf(
        founder.engine.setAdministrator({ accountUid: own?.accountUid ?? two, administrator: false }),
      ),
    ).toBe('not-allowed');
    await Promise.all([founder, second, third].map(({ engine }) => engine.close()));
    await server2.close();
  });

  test('record types of administrators reach members, offline too', async () => {
    const founder = await found(server.url, 'types@example.test');
    const second = await join(server.url, founder, 'reader@example.test');
    const types = [
      { type: 'custom:badge', title: 'Badge', fields: [{ type: 'text', label: 'number', title: 'Number' }] },
    ];
    await founder.engine.saveCustomTypes(types);
    await untilOrganisation(second.engine, async () => (await second.engine.customTypes()).length === 1);
    expect(await second.engine.customTypes()).toEqual(types);
    await second.engine.lock();
    await second.engine.unlock({ password: organisationPassword });
    expect(await second.engine.customTypes()).toEqual(types);
    expect(await codeOf(second.engine.saveCustomTypes([]))).toBe('not-allowed');
    await Promise.all([founder, second].map(({ engine }) => engine.close()));
  });
});
