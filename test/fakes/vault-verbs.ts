import { readPamSettings } from '../../protocol/records/pam-settings.ts';
import { findField, type RecordContent } from '../../protocol/records/content.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { fieldText, putBack, withhold } from '../../protocol/records/withholding.ts';
import { newUid, type Uid } from '../../protocol/uid.ts';
import { createFakeAccount } from './account-verbs.ts';
import { oneTimeCode } from '../../workers/tools/one-time-code.ts';
import { generatePassword } from '../../workers/tools/password-generator.ts';
import { createFakeExchange, type FakeExchange } from './exchange-verbs.ts';
import { createFakeFiles, type FakeFiles } from './file-verbs.ts';
import { createFakeOrganisation } from './organisation-verbs.ts';
import { FakeOrganising } from './organising-verbs.ts';
import { createFakeSharing, type FakeSharing } from './sharing-verbs.ts';
import { createFakeShareLinks, type FakeShareLinks } from './share-link-verbs.ts';
import type {
  GatewayView,
  RecordFilter,
  RecordSummary,
  RecordView,
  SessionEvent,
  VaultState,
  VaultVerbs,
} from '../../workers/api.ts';

interface Stored {
  revision: number;
  changedAt: number;
  content: RecordContent;
  connectionsAllowed: boolean;
}

/** What a test prepares and watches. */
export interface FakeVault extends VaultVerbs, FakeFiles, FakeShareLinks, FakeExchange, FakeSharing {
  readonly records: Map<Uid, Stored>;
  readonly gateways: GatewayView[];
  set(change: Partial<VaultState>): void;
  emit(event: SessionEvent): void;
  put(content: RecordContent): Uid;
}

/** Whose vault it is. */
const me = newUid();

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
    accountVersion: 1,
    membership: 'administrator',
    organisationVersion: 1,
    passkeyUnlock: false,
    renewal: null,
    refusedRecords: 0,
    vaultIncomplete: false,
    notice: null,
    ...start,
  };

  const set = (change: Partial<VaultState>): void => {
    state = { ...state, ...change };
    for (const listener of listeners) listener(state);
  };
  const changed = (): void => set({ recordsVersion: state.recordsVersion + 1 });
  const stored = (uid: Uid): Stored => {
    const found = records.get(uid);
    if (found === undefined) throw new ProtocolError('not-found', 'no such record');
    return found;
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
  const no = (): never => {
    throw new ProtocolError('unavailable', 'not in the fake');
  };

  return {
    ...createFakeFiles(changed),
    ...createFakeShareLinks(),
    ...createFakeExchange(),
    records,
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
    ...sharing,
    setIdleLock: async () => {},
    reportUse: async () => {},
    listRecords: async (filter = {}) => list(filter),
    ...organising.verbs(),
    readRecord: async (uid) => ({
      ...viewOf(uid, stored(uid)),
      gatewayUid: gatewayOf(stored(uid), gateways),
    }),
    revealField: async ({ recordUid, field }) => fieldText(stored(recordUid).content, field),
    saveRecord: async (input) => {
      const uid = input.uid ?? newUid();
      const before = records.get(uid);
      if (before && before.revision !== input.baseRevision) throw new ProtocolError('conflict', 'stale');
      records.set(uid, {
        revision: (before?.revision ?? 0) + 1,
        changedAt: Date.now(),
        content: putBack(input.content, input.withheld ?? [], before?.content ?? null),
        connectionsAllowed: input.connectionsAllowed ?? true,
      });
      changed();
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
    },
    listTrash: async () => list({ trashed: true }),
    listHistory: async (uid) => [
      {
        revision: stored(uid).revision,
        changedAt: stored(uid).changedAt,
        writerUid: me,
        deleted: false,
        verified: true,
      },
    ],
    readRevision: async ({ recordUid }) => viewOf(recordUid, stored(recordUid)),
    compareRevisions: async () => [],
    restoreRevision: async () => {},
    generatePassword: async (options) => generatePassword(options),
    readOneTimeCode: async ({ recordUid, field }) =>
      oneTimeCode(fieldText(stored(recordUid).content, field), Date.now()),
    reportPasswords: async () => ({ records: 0, passwords: 0, weak: [], reused: [], old: [] }),
    cancelReport: async () => {},
    syncNow: async () => {},
    listGateways: async () => [...gateways],
    createGateway: async ({ name }) => {
      const uid = newUid();
      const expiresAt = Date.now() + 3_600_000;
      gateways.push({
        uid,
        name,
        configurationUid: newUid(),
        status: 'waiting',
        since: 0,
        version: '',
        address: '',
        tokenExpiresAt: expiresAt,
      });
      set({ gatewaysVersion: state.gatewaysVersion + 1 });
      return { gatewayUid: uid, token: 'GW1.b2F5LXRva2VuLWZvci1sb29raW5nLWF0LXNjcmVlbnM', expiresAt };
    },
    deleteGateway: async (uid) => {
      gateways.splice(
        gateways.findIndex((gateway) => gateway.uid === uid),
        1,
      );
      set({ gatewaysVersion: state.gatewaysVersion + 1 });
    },
    readGatewayInfo: async () => ({
      version: '0.1.0',
      hostname: 'bastion-01',
      system: 'Debian GNU/Linux 12, Linux 6.1, x64',
      startedAt: Date.now() - 86_400_000 * 3,
      memoryUsed: 96 * 1024 * 1024,
      memoryTotal: 2048 * 1024 * 1024,
      sessions: 2,
      guacdAddress: '127.0.0.1:4822',
      guacdReachable: true,
      rosterVersion: 4,
    }),
    listTasks: async () => [
      {
        uid: newUid(),
        kind: 'session',
        recordUid: [...records.keys()][0] ?? null,
        startedAt: Date.now() - 240_000,
        protocol: 'ssh',
      },
    ],
    startSession: async () => no(),
    sendCandidate: async () => {},
    endSession: async () => {},
    pinHostKey: async () => {},
  };
}

function summarise(uid: Uid, { content, changedAt }: Stored): RecordSummary {
  const host = findField(content, 'pamHostname')?.value[0] as { hostName?: string } | undefined;
  const login = findField(content, 'login')?.value[0];
  return {
    uid,
    type: content.type,
    title: content.title,
    subtitle: host?.hostName ?? (typeof login === 'string' ? login : ''),
    changedAt,
    connectable: content.type === 'pamMachine',
    ownerUid: me,
    access: 'owner',
    shared: false,
    folderUid: null,
    favourite: false,
    tags: [],
  };
}

function textOf({ title, subtitle, type }: RecordSummary): string {
  return `${title} ${subtitle} ${type}`.toLowerCase();
}

function viewOf(uid: Uid, { revision, changedAt, content, connectionsAllowed }: Stored): RecordView {
  const place = {
    ownerUid: me,
    access: 'owner',
    trashed: false,
    folderUid: null,
    favourite: false,
    tags: [],
  } as const;
  return { uid, revision, changedAt, ...withhold(content), connectionsAllowed, gatewayUid: null, ...place };
}

function gatewayOf({ content }: Stored, gateways: readonly GatewayView[]): Uid | null {
  const { configurationUid } = readPamSettings(content);
  return gateways.find((gateway) => gateway.configurationUid === configurationUid)?.uid ?? null;
}
