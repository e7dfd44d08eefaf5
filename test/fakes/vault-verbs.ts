import type { RecordContent } from '../../protocol/records/content.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { linksOf } from '../../protocol/records/links.ts';
import { fieldText, putBack } from '../../protocol/records/withholding.ts';
import { newUid, type Uid } from '../../protocol/uid.ts';
import { createFakeApplications, type FakeApplications } from './application-verbs.ts';
import { createFakeAccount } from './account-verbs.ts';
import { oneTimeCode } from '../../workers/tools/one-time-code.ts';
import { compareContents } from '../../workers/tools/compare.ts';
import { generatePassword } from '../../workers/tools/password-generator.ts';
import { reportPasswords } from '../../workers/tools/report.ts';
import { createFakeExchange, type FakeExchange } from './exchange-verbs.ts';
import { createFakeFiles, type FakeFiles } from './file-verbs.ts';
import { createFakeKeyRotation, type FakeKeyRotation } from './key-rotation-verbs.ts';
import { createFakeOrganisation } from './organisation-verbs.ts';
import { createFakeRecovery } from './recovery-verbs.ts';
import { FakeOrganising } from './organising-verbs.ts';
import { createFakeSharing, type FakeSharing } from './sharing-verbs.ts';
import { createFakeShareLinks, type FakeShareLinks } from './share-link-verbs.ts';
import { createFakeRecordings, type FakeRecordings } from './recording-verbs.ts';
import { createFakeOversight, type FakeOversight } from './oversight-verbs.ts';
import { createFakeSessionShares, type FakeSessionShares } from './session-share-verbs.ts';
import { createFakeGateways } from './gateway-verbs.ts';
import { gatewayOf, holdersIn, me, summarise, textOf, viewOf, type Stored } from './stored-records.ts';
import type {
  ApplicationVerbs,
  GatewayView,
  RecordFilter,
  RecordSummary,
  SessionEvent,
  VaultState,
  VaultVerbs,
} from '../../workers/api.ts';

/** What a test prepares and watches. */
export interface FakeVault
  extends
    VaultVerbs,
    ApplicationVerbs,
    FakeFiles,
    FakeShareLinks,
    FakeExchange,
    FakeSharing,
    FakeRecordings,
    FakeSessionShares,
    FakeApplications,
    FakeOversight {
  readonly rotation: FakeKeyRotation;
  readonly records: Map<Uid, Stored>;
  readonly trash: Map<Uid, Stored>;
  readonly organising: FakeOrganising;
  readonly gateways: GatewayView[];
  set(change: Partial<VaultState>): void;
  emit(event: SessionEvent): void;
  put(content: RecordContent): Uid;
}

const dayMs = 24 * 60 * 60_000;

const done = { kind: 'done' } as const;

/** A vault in memory that speaks the worker's verbs, for component tests and for looking at screens. It seals nothing. */
export function createFakeVault(start: Partial<VaultState> = {}, password = 'correct horse'): FakeVault {
  const records = new Map<Uid, Stored>();
  const deleted = new Map<Uid, Stored>();
  const gateways: GatewayView[] = [];
  const listeners = new Set<(state: VaultState) => void>();
  let shares = 1;
  const sharing = createFakeSharing(me, () => set({ sharingVersion: ++shares }));
  const sessionListeners = new Set<(event: SessionEvent) => void>();
  let state: VaultState = {
    phase: 'signed-out',
    email: null,
    link: 'connected',
    syncing: false,
    recordsVersion: 1,
    gatewaysVersion: 1,
    sharingVersion: 1,
    invitationsVersion: 1,
    liveSessionsVersion: 1,
    applicationsVersion: 1,
    accountVersion: 1,
    membership: 'administrator',
    organisationVersion: 1,
    passkeyUnlock: false,
    renewal: null,
    refusedRecords: 0,
    unconfirmedRecords: 0,
    vaultIncomplete: false,
    storageFull: false,
    notice: null,
    ...start,
  };

  const set = (change: Partial<VaultState>): void => {
    state = { ...state, ...change };
    for (const listener of listeners) listener(state);
  };
  const changed = (): void => set({ recordsVersion: state.recordsVersion + 1 });
  const stored = (uid: Uid): Stored => {
    const found = records.get(uid) ?? deleted.get(uid);
    if (found === undefined) throw new ProtocolError('not-found', 'no such record');
    return found;
  };
  const storedAt = (uid: Uid, revision: number): Stored => {
    const { former = [], ...current } = stored(uid);
    const found = [...former, current].find((one) => one.revision === revision);
    if (found === undefined) throw new ProtocolError('not-found', 'no such revision');
    return found;
  };
  const write = (uid: Uid, content: RecordContent, connectionsAllowed: boolean): void => {
    const { former = [], ...before } = records.get(uid) ?? { revision: 0, former: [] };
    const revision = before.revision + 1;
    const past = 'content' in before ? [...former, before] : former;
    records.set(uid, { revision, changedAt: Date.now(), content, connectionsAllowed, former: past });
    changed();
  };
  const put = (content: RecordContent): Uid => {
    const uid = newUid();
    records.set(uid, { revision: 1, changedAt: Date.now(), content, connectionsAllowed: true });
    changed();
    return uid;
  };
  const list = ({ query = '', types, trashed = false, ...filter }: RecordFilter): RecordSummary[] =>
    [...(trashed ? deleted : records)]
      .map(([uid, record]) => ({ ...summarise(uid, record), ...organising.card(uid) }))
      .filter(({ type }) => !types || types.includes(type))
      .filter((item) => organising.fits(item, filter))
      .filter((item) => query.split(/\s+/).every((word) => textOf(item).includes(word.toLowerCase())))
      .sort((a, b) => a.title.localeCompare(b.title));
  const move = (uids: readonly Uid[], from: Map<Uid, Stored>, to: Map<Uid, Stored>): void => {
    for (const uid of uids) {
      const record = from.get(uid);
      if (record) to.set(uid, record);
      from.delete(uid);
    }
    changed();
  };
  const trash = (uids: readonly Uid[]) => move(uids, records, deleted);
  const restore = (uids: readonly Uid[]) => move(uids, deleted, records);
  const organising = new FakeOrganising({
    ...{ trash, restore, changed },
    list: async (filter) => list(filter),
    version: () => state.recordsVersion,
  });
  const rotation = createFakeKeyRotation((given) => given === password);
  const no = (): never => {
    throw new ProtocolError('unavailable', 'not in the fake');
  };

  return {
    ...createFakeFiles(changed),
    ...createFakeShareLinks(),
    ...createFakeExchange(),
    ...createFakeRecordings(),
    listSessionLog: async () => ({ entries: [], more: false }),
    ...createFakeSessionShares((uid) => `${uid.slice(0, 4)}@example.test`),
    ...createFakeOversight((uid) => `${uid.slice(0, 4)}@example.test`),
    ...rotation,
    rotation,
    records,
    trash: deleted,
    organising,
    gateways,
    set,
    put,
    emit: (event) => sessionListeners.forEach((listener) => listener(event)),
    watch: async (listener) => {
      listeners.add(listener);
      listener(state);
    },
    watchSessions: async (listener) => void sessionListeners.add(listener),
    getServerInfo: async () => ({ version: '0.1.0', needsSetup: false, openSignUp: true }),
    draftRecoveryPhrase: async () =>
      'abandon ability able about above absent absorb abstract absurd abuse access accident account accuse achieve acid acoustic acquire across act action actor actress actual',
    discardRecoveryPhrase: async () => {},
    createAccount: async ({ email }) => set({ phase: 'unlocked', email }),
    signIn: async ({ email, password: given }) => {
      if (given !== password) throw new ProtocolError('login-refused');
      set({ phase: 'unlocked', email });
      return done;
    },
    recover: async ({ email }) => {
      set({ phase: 'unlocked', email });
      return done;
    },
    unlock: async ({ password: given }) => {
      if (given !== password) throw new ProtocolError('wrong-password');
      set({ phase: 'unlocked', notice: null });
      return done;
    },
    lock: async () => set({ phase: 'locked' }),
    signOut: async () => set({ phase: 'signed-out', email: null }),
    changePassword: async () => done,
    deleteAccount: async () => {
      set({ phase: 'signed-out', email: null });
      return done;
    },
    ...createFakeAccount(set, no),
    ...createFakeOrganisation(set, me),
    ...createFakeRecovery(set),
    ...sharing,
    setIdleLock: async () => {},
    reportUse: async () => {},
    listRecords: async (filter = {}) => list(filter),
    ...organising.verbs(),
    readRecord: async (uid) => ({
      ...viewOf(uid, stored(uid)),
      ...organising.card(uid),
      trashed: deleted.has(uid),
      gatewayUid: gatewayOf(stored(uid), gateways),
    }),
    revealField: async ({ recordUid, field, revision = stored(recordUid).revision }) =>
      fieldText(storedAt(recordUid, revision).content, field),
    listLinksTo: async (recordUid) =>
      [...records].flatMap(([uid, { content }]) => {
        const links = linksOf(content).filter((link) => link.recordUid === recordUid);
        const { type, title } = content;
        return links.length === 0
          ? []
          : [{ recordUid: uid, type, title, roles: links.map(({ role }) => role) }];
      }),
    saveRecord: async (input) => {
      const uid = input.uid ?? newUid();
      const before = records.get(uid);
      if (before && before.revision !== input.baseRevision) throw new ProtocolError('conflict', 'stale');
      const content = putBack(input.content, input.withheld ?? [], before?.content ?? null);
      write(uid, content, input.connectionsAllowed ?? true);
      return uid;
    },
    duplicateRecord: async (uid) =>
      put({ ...stored(uid).content, title: `${stored(uid).content.title} (copy)` }),
    trashRecords: async (uids) => {
      trash(uids);
      return organising.undoable(uids, () => restore(uids));
    },
    restoreRecords: async (uids) => {
      restore(uids);
      return organising.undoable(uids, () => trash(uids));
    },
    purgeRecords: async (uids) => {
      for (const uid of uids) deleted.delete(uid);
      changed();
      return { changed: uids.length, of: uids.length, stopped: null };
    },
    listTrash: async () => list({ trashed: true }),
    listHistory: async (uid) =>
      [...(stored(uid).former ?? []), stored(uid)]
        .map(({ revision, changedAt }) => ({
          revision,
          changedAt,
          ...{ writerUid: me, deleted: false, verified: true, byFormerKeys: false },
        }))
        .reverse(),
    readRevision: async ({ recordUid, revision }) => viewOf(recordUid, storedAt(recordUid, revision)),
    compareRevisions: async ({ recordUid, from, to }) =>
      compareContents(storedAt(recordUid, from).content, storedAt(recordUid, to).content),
    restoreRevision: async ({ recordUid, revision }) =>
      write(recordUid, storedAt(recordUid, revision).content, stored(recordUid).connectionsAllowed),
    generatePassword: async (options) => generatePassword(options),
    readOneTimeCode: async ({ recordUid, field }) =>
      oneTimeCode(fieldText(stored(recordUid).content, field), Date.now()),
    reportPasswords: async ({ oldAfterDays }) =>
      await reportPasswords(holdersIn(records), { nowMs: Date.now(), oldAfterMs: oldAfterDays * dayMs }),
    cancelReport: async () => {},
    syncNow: async () => {},
    readRepair: () => Promise.resolve({ covered: 3, here: 2 }),
    repairVault: async () => {},
    ...createFakeGateways(gateways, records, () => set({ gatewaysVersion: state.gatewaysVersion + 1 })),
    ...createFakeApplications(
      (uid) => {
        const content = records.get(uid)?.content;
        const folder = organising.folders.find((one) => one.uid === uid)?.name ?? '';
        return content ? { title: content.title, type: content.type } : { title: folder, type: null };
      },
      () => set({ applicationsVersion: state.applicationsVersion + 1 }),
    ),
    iceServers: async () => [],
    diagnoseMachine: async () => no(),
    startSession: async () => no(),
    resumeSession: async () => no(),
    openDetour: async () => no(),
    sendCandidate: async () => {},
    endSession: async () => {},
    pinHostKey: async () => {},
    listMachinesToConfirm: async () => [],
    confirmMachines: async () => ({ token: newUid(), changed: 0, of: 0, stopped: null }),
    confirmMachineChange: async () => {},
    readConfirmedRevision: async () => null,
  };
}
