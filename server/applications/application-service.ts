import {
  ClientKind,
  type AddClientRequest,
  type ApplicationService,
  type CreateApplicationRequest,
  type DeleteApplicationRequest,
  type PutApplicationDataRequest,
  type RemoveClientRequest,
  type ShareRecordsRequest,
  type UnshareRecordsRequest,
} from '../../protocol/messages/gen/application_pb.js';
import { ProtocolError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import { signedIn, type Handlers, type SignedInCall } from '../api/call.ts';
import { checkCopy } from '../records/record-bounds.ts';
import type { Head } from '../router/head/head.ts';
import { addEvents } from '../secrets/secret-events.ts';
import { lockAccount } from '../store/account-lock.ts';
import type { Database, Tx } from '../store/database.ts';
import { isUniqueViolation } from '../store/violation.ts';
import { checkClient } from './client-bounds.ts';
import { putCopies } from './copies.ts';
import { listGateways } from './gateways.ts';

const applicationsPerAccount = 1000;
const clientsPerApplication = 200;
/** General ones of all applications: their list is one answer. */
const clientsPerAccount = 10_000;
const appDataMost = 16 * 1024;
/** A statement has at most 65,535 parameters. */
const mostUnshared = 10_000;

/** protocol.md §10. Every method sees the applications of the caller's account and no others. */
export function applicationHandlers(db: Database, head: Head): Handlers<typeof ApplicationService> {
  async function createApplication(input: CreateApplicationRequest, { session }: SignedInCall) {
    uidOf(input.applicationUid);
    checkAppData(input.appData);
    await db.transaction().execute(async (tx) => {
      await lockAccount(tx, session.accountUid);
      await requireRoomForApplication(tx, session.accountUid);
      await insertOnce(() =>
        tx
          .insertInto('application')
          .values({
            application_uid: input.applicationUid,
            owner_uid: uidBytes(session.accountUid),
            app_data: input.appData,
          })
          .execute(),
      );
    });
    return {};
  }

  async function putApplicationData(input: PutApplicationDataRequest, { session }: SignedInCall) {
    checkAppData(input.appData);
    const { numUpdatedRows } = await db
      .updateTable('application')
      .set({ app_data: input.appData })
      .where('application_uid', '=', input.applicationUid)
      .where('owner_uid', '=', uidBytes(session.accountUid))
      .executeTakeFirst();
    if (numUpdatedRows === 0n) throw new ProtocolError('not-found', 'no such application');
    return {};
  }

  async function deleteApplication(input: DeleteApplicationRequest, { session }: SignedInCall) {
    const gateways = await db.transaction().execute(async (tx) => {
      const clients = await tx
        .selectFrom('client')
        .select('gateway_uid')
        .where('application_uid', '=', input.applicationUid)
        .execute();
      const { numDeletedRows } = await tx
        .deleteFrom('application')
        .where('application_uid', '=', input.applicationUid)
        .where('owner_uid', '=', uidBytes(session.accountUid))
        .executeTakeFirst();
      if (numDeletedRows === 0n) throw new ProtocolError('not-found', 'no such application');
      return clients.map((client) => client.gateway_uid);
    });
    gateways.forEach(dropLink);
    return {};
  }

  async function listApplications(_input: unknown, { session }: SignedInCall) {
    const rows = await db
      .selectFrom('application')
      .leftJoin('application_copy', 'application_copy.application_uid', 'application.application_uid')
      .select(['application.application_uid', 'application_copy.record_uid'])
      .where('owner_uid', '=', uidBytes(session.accountUid))
      .execute();
    return { applications: groupByApplication(rows) };
  }

  async function shareRecords(input: ShareRecordsRequest, { session }: SignedInCall) {
    if (input.copies.length > limits.changesPerRequest)
      throw new ProtocolError('too-large', 'too many records');
    input.copies.forEach(checkCopy);
    await db.transaction().execute((tx) => putCopies(tx, session.accountUid, input.copies));
    return {};
  }

  async function unshareRecords(input: UnshareRecordsRequest, { session }: SignedInCall) {
    if (input.recordUids.length > mostUnshared) throw new ProtocolError('too-large', 'too many records');
    await db.transaction().execute(async (tx) => {
      await requireApplication(tx, session.accountUid, input.applicationUid);
      if (input.recordUids.length === 0) return;
      await tx
        .deleteFrom('application_copy')
        .where('application_uid', '=', input.applicationUid)
        .where('record_uid', 'in', input.recordUids)
        .execute();
    });
    return {};
  }

  async function addClient(input: AddClientRequest, call: SignedInCall) {
    const { accountUid } = call.session;
    const values = checkClient(input, call.now);
    await db.transaction().execute(async (tx) => {
      await lockAccount(tx, accountUid);
      await requireApplication(tx, accountUid, input.applicationUid);
      await requireRoomForClient(tx, accountUid, input.applicationUid);
      await insertOnce(() => tx.insertInto('client').values(values).execute());
      if (values.kind === ClientKind.GENERAL) await noteClient(tx, 'app_client_added', input, call);
    });
    return {};
  }

  async function removeClient({ clientId }: RemoveClientRequest, call: SignedInCall) {
    const gatewayUid = await db.transaction().execute(async (tx) => {
      const removed = await tx
        .deleteFrom('client')
        .using('application')
        .whereRef('application.application_uid', '=', 'client.application_uid')
        .where('client_id', '=', clientId)
        .where('owner_uid', '=', uidBytes(call.session.accountUid))
        .returning(['gateway_uid', 'client.application_uid', 'kind'])
        .executeTakeFirst();
      if (!removed) throw new ProtocolError('not-found', 'no such client');
      const client = { clientId, applicationUid: removed.application_uid };
      if (removed.kind === ClientKind.GENERAL) await noteClient(tx, 'app_client_removed', client, call);
      return removed.gateway_uid;
    });
    dropLink(gatewayUid);
    return {};
  }

  /** What was removed takes effect at once, not when its link happens to break. */
  function dropLink(gatewayUid: Uint8Array | null): void {
    if (gatewayUid) head.publish(`gw.${uidOf(gatewayUid)}`, { kind: 'removed' });
  }

  async function readGateways(_input: unknown, { session }: SignedInCall) {
    return { gateways: await listGateways(db, head, session.accountUid) };
  }

  return {
    createApplication: signedIn(createApplication),
    putApplicationData: signedIn(putApplicationData),
    deleteApplication: signedIn(deleteApplication),
    listApplications: signedIn(listApplications),
    shareRecords: signedIn(shareRecords),
    unshareRecords: signedIn(unshareRecords),
    addClient: signedIn(addClient),
    removeClient: signedIn(removeClient),
    listGateways: signedIn(readGateways),
  };
}

function checkAppData(appData: Uint8Array): void {
  if (appData.length < 29 || appData.length > appDataMost)
    throw new ProtocolError('malformed', 'not the data of an application');
}

async function requireRoomForApplication(tx: Tx, accountUid: Uid): Promise<void> {
  const { count } = await tx
    .selectFrom('application')
    .select((of) => of.fn.countAll<number>().as('count'))
    .where('owner_uid', '=', uidBytes(accountUid))
    .executeTakeFirstOrThrow();
  if (count >= applicationsPerAccount) throw new ProtocolError('limit-reached', 'too many applications');
}

async function requireApplication(tx: Tx, accountUid: Uid, applicationUid: Uint8Array): Promise<void> {
  const found = await tx
    .selectFrom('application')
    .select('application_uid')
    .where('application_uid', '=', applicationUid)
    .where('owner_uid', '=', uidBytes(accountUid))
    .forUpdate()
    .executeTakeFirst();
  if (!found) throw new ProtocolError('not-found', 'no such application');
}

/** When the account's row is held. */
async function requireRoomForClient(tx: Tx, accountUid: Uid, applicationUid: Uint8Array): Promise<void> {
  const { own, all } = await tx
    .selectFrom('client')
    .innerJoin('application', 'application.application_uid', 'client.application_uid')
    .select(({ fn }) => [
      fn.countAll<number>().filterWhere('client.application_uid', '=', applicationUid).as('own'),
      fn.countAll<number>().as('all'),
    ])
    .where('owner_uid', '=', uidBytes(accountUid))
    .executeTakeFirstOrThrow();
  if (own >= clientsPerApplication || all >= clientsPerAccount)
    throw new ProtocolError('limit-reached', 'too many clients');
}

/** What was done with a device of an application. */
async function noteClient(
  tx: Tx,
  name: string,
  { clientId, applicationUid }: { readonly clientId: Uint8Array; readonly applicationUid: Uint8Array },
  { session, address, now }: SignedInCall,
): Promise<void> {
  const of = { accountUid: session.accountUid, applicationUid: uidOf(applicationUid), clientId };
  await addEvents(tx, [{ ...of, name, address, at: now }]);
}

async function insertOnce(insert: () => Promise<unknown>): Promise<void> {
  try {
    await insert();
  } catch (error) {
    if (isUniqueViolation(error)) throw new ProtocolError('conflict', 'the uid is taken');
    throw error;
  }
}

function groupByApplication(
  rows: readonly { application_uid: Uint8Array; record_uid: Uint8Array | null }[],
): { applicationUid: Uint8Array; recordUids: Uint8Array[] }[] {
  const groups = new Map<Uid, { applicationUid: Uint8Array; recordUids: Uint8Array[] }>();
  for (const { application_uid, record_uid } of rows) {
    const uid = uidOf(application_uid);
    const group = groups.get(uid) ?? { applicationUid: application_uid, recordUids: [] };
    groups.set(uid, group);
    if (record_uid) group.recordUids.push(record_uid);
  }
  return [...groups.values()];
}
