import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RecordService } from '../../../protocol/messages/gen/record_pb.js';
import { SharingService } from '../../../protocol/messages/gen/sharing_pb.js';
import { launchRights, viewRights, type Rights } from '../../../protocol/sharing/rights.ts';
import { uidBytes, type Uid } from '../../../protocol/uid.ts';
import { findRecordPolicy } from '../../../server/router/worker/policy.ts';
import { endSharingOf, refreshTeams } from '../../../server/sharing/membership.ts';
import { startOpenServer, type OpenServer } from '../../fixtures/open-server.ts';
import { putTeam, registerPeople, type Person } from '../../fixtures/sharing-client.ts';

const { putRecords, listHistory } = RecordService.method;
const { putGrants } = SharingService.method;

type Deed = 'launch' | 'read' | 'edit' | 'share' | 'widen';
const deeds: readonly Deed[] = ['launch', 'read', 'edit', 'share', 'widen'];

/** What each kind of access allows, by every way to the record. */
const matrix: readonly { readonly rights: Partial<Rights> | null; readonly allows: readonly Deed[] }[] = [
  { rights: null, allows: [] },
  { rights: launchRights, allows: ['launch'] },
  { rights: {}, allows: ['launch', 'read'] },
  { rights: { edit: true }, allows: ['launch', 'read', 'edit'] },
  { rights: { share: true }, allows: ['launch', 'read', 'share'] },
  { rights: { edit: true, share: true }, allows: ['launch', 'read', 'edit', 'share', 'widen'] },
];

describe('rights', () => {
  let open: OpenServer;
  let owner: Person, grantee: Person, third: Person;
  beforeAll(async () => {
    open = await startOpenServer();
    [owner, grantee, third] = (await registerPeople(open, 3)) as [Person, Person, Person];
  });
  afterAll(() => open.close());

  describe.each(['grant', 'team', 'folder', 'entry'] as const)('by %s', (way) => {
    test.each(matrix)('$rights allows $allows', async ({ rights, allows }) => {
      const record = await owner.create();
      if (rights) await give(way, record, { ...viewRights, ...rights });
      const allowed = [];
      for (const deed of deeds) if (await may(deed, record)) allowed.push(deed);
      expect(allowed).toEqual(allows);
    });
  });

  test('who leaves a team, or everything, loses what came by it', async () => {
    const [byTeam, byGrant] = [await owner.create(), await owner.create()];
    const team = await putTeam(open, [grantee]);
    await owner.share(byTeam, team);
    await owner.share(byGrant, grantee);
    const policy = (record: Uid) => findRecordPolicy(open.db, record, grantee.uid, Date.now());
    expect([await policy(byTeam), await policy(byGrant)]).not.toContain(null);
    await open.db.deleteFrom('organisation_team_member').where('team_uid', '=', uidBytes(team)).execute();
    await open.db.transaction().execute((tx) => refreshTeams(tx, [team], Date.now()));
    expect(await policy(byTeam)).toBeNull();
    expect(await policy(byGrant)).not.toBeNull();
    await open.db.transaction().execute((tx) => endSharingOf(tx, [grantee.uid], Date.now()));
    expect(await policy(byGrant)).toBeNull();
  });

  test('the router lets nobody launch after their access has ended', async () => {
    const record = await owner.create();
    const end = Date.now() + 60 * 60_000;
    await owner.share(record, grantee, { rights: launchRights, expiresAtMs: end });
    const policyAt = (now: number) => findRecordPolicy(open.db, record, grantee.uid, now);
    expect(await policyAt(Date.now())).toMatchObject({ connections: true, launchUntil: end });
    expect(await policyAt(end)).toBeNull();
  });

  async function give(
    way: 'grant' | 'team' | 'folder' | 'entry',
    record: Uid,
    rights: Rights,
  ): Promise<void> {
    if (way === 'grant') return await owner.share(record, grantee, { rights });
    if (way === 'team') return await owner.share(record, await putTeam(open, [grantee]), { rights });
    const all = { edit: true, share: true };
    const folder = await owner.createFolder();
    await owner.place({ uid: folder, owner: owner.uid }, [record], way === 'entry' ? rights : all);
    await owner.share(folder, grantee, { objectKind: 'folder', rights: way === 'folder' ? rights : all });
  }

  async function may(deed: Deed, record: Uid): Promise<boolean> {
    const seen = (await grantee.see()).records.find((one) =>
      Buffer.from(one.recordUid).equals(uidBytes(record)),
    );
    switch (deed) {
      case 'launch':
        return (await findRecordPolicy(open.db, record, grantee.uid, Date.now())) !== null;
      case 'read': {
        const history = await succeeds(grantee.client.call(listHistory, { recordUid: uidBytes(record) }));
        expect(seen !== undefined && seen.sealedData.length > 0).toBe(history);
        return history;
      }
      case 'edit': {
        const change = await grantee.change('edited', {
          ...{ recordUid: uidBytes(record), baseRevision: 1n, ownerUid: owner.uid },
        });
        return await succeeds(grantee.client.call(putRecords, { changes: [change] }));
      }
      case 'share':
        return await handOn(record, {});
      case 'widen':
        return await handOn(record, { edit: true, share: true });
    }
  }

  async function handOn(record: Uid, rights: Partial<Rights>): Promise<boolean> {
    const grants = [await grantee.grant(record, third, { ownerUid: owner.uid, rights })];
    return await succeeds(grantee.client.call(putGrants, { grants }));
  }
});

async function succeeds(call: Promise<unknown>): Promise<boolean> {
  return await call.then(
    () => true,
    (error: Error) => {
      expect(['not-allowed', 'not-found']).toContain(error.name);
      return false;
    },
  );
}
