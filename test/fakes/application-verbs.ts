import { ProtocolError } from '../../protocol/errors.ts';
import { newUid, type Uid } from '../../protocol/uid.ts';
import type {
  ApplicationChangeView,
  ApplicationClientView,
  ApplicationEventView,
  ApplicationShareView,
  ApplicationVerbs,
  ApplicationView,
  NewApplicationClient,
} from '../../workers/api.ts';

/** What a test prepares of applications, and sees. */
export interface FakeApplications {
  readonly applications: ApplicationView[];
  /** By application. */
  readonly applicationClients: Map<Uid, ApplicationClientView[]>;
  /** The newest first. */
  readonly applicationEvents: Map<Uid, ApplicationEventView[]>;
  readonly applicationChanges: ApplicationChangeView[];
  readonly addedClients: NewApplicationClient[];
  /** The shared folder that a record is in. */
  readonly insides: Map<Uid, Uid>;
  readonly settled: { readonly change: string; readonly accept: boolean }[];
}

/** How many events a page of them has. */
export const fakeEventPage = 3;

/** One that nothing was done with. */
export function application(with_: Partial<ApplicationView>): ApplicationView {
  const never = { shares: [], clients: 0, lastAccessAt: 0, createdAt: Date.now() - 86_400_000 };
  return { uid: newUid(), name: 'Deploy', ...never, ...with_ };
}

export function share(with_: Partial<ApplicationShareView>): ApplicationShareView {
  const usual = { kind: 'record', recordType: 'login', editable: false, state: 'ready' } as const;
  return { uid: newUid(), title: 'Build host', filesLeftOut: [], ...usual, ...with_ };
}

/** A device that was used a minute ago. */
export function client(with_: Partial<ApplicationClientView>): ApplicationClientView {
  const now = Date.now();
  return {
    ...{ clientId: btoa(newUid()), name: 'runner-1', status: 'active', lockIp: false },
    ...{ createdAt: now - 86_400_000, tokenExpiresAt: now - 80_000_000, accessExpiresAt: 0 },
    ...{ firstAccessAt: now - 82_000_000, lastAccessAt: now - 60_000 },
    ...{ address: '192.0.2.7', clientVersion: 'ms17.5.0' },
    ...with_,
  };
}

export function clientEvent(with_: Partial<ApplicationEventView>): ApplicationEventView {
  const usual = { name: 'app_client_access', method: 'get_secret', address: '192.0.2.7', count: 1 };
  const about = { clientId: '', clientName: 'runner-1', objectUid: null, objectTitle: '' };
  return { at: Date.now(), ...usual, ...about, ...with_ };
}

export function change(with_: Partial<ApplicationChangeView>): ApplicationChangeView {
  const by = { applicationUid: newUid(), applicationName: 'Deploy', clientName: 'runner-1' };
  const about = { objectUid: newUid(), title: 'Build host', at: Date.now() - 60_000 };
  return { change: newUid(), kind: 'delete-record', ...by, ...about, ...with_ };
}

/** Applications in memory. `titleOf`: of a record or folder, with its type. */
export function createFakeApplications(
  titleOf: (uid: Uid) => { readonly title: string; readonly type: string | null },
  changed: () => void,
): ApplicationVerbs & FakeApplications {
  const applications: ApplicationView[] = [];
  const clients = new Map<Uid, ApplicationClientView[]>();
  const events = new Map<Uid, ApplicationEventView[]>();
  const changes: ApplicationChangeView[] = [];
  const addedClients: NewApplicationClient[] = [];
  const insides = new Map<Uid, Uid>();
  const settled: { change: string; accept: boolean }[] = [];

  const at = (uid: Uid): number => {
    const place = applications.findIndex((one) => one.uid === uid);
    if (place < 0) throw new ProtocolError('not-found', 'no such application');
    return place;
  };
  const replace = (uid: Uid, change_: (one: ApplicationView) => ApplicationView): void => {
    const place = at(uid);
    const before = applications[place];
    if (before) applications[place] = change_(before);
    changed();
  };
  const listOf = (clientId: string): ApplicationClientView[] => {
    const found = [...clients.values()].find((list) => list.some((one) => one.clientId === clientId));
    if (!found) throw new ProtocolError('not-found', 'no such device');
    return found;
  };

  return {
    ...{ applications, applicationClients: clients, applicationEvents: events },
    ...{ applicationChanges: changes, addedClients, settled, insides },
    listApplications: async () =>
      applications
        .map((one) => ({ ...one, clients: clients.get(one.uid)?.length ?? one.clients }))
        .sort((a, b) => a.name.localeCompare(b.name)),
    listApplicationsOf: async (objectUid) =>
      applications.flatMap(({ uid, name, shares }) =>
        shares
          .filter((one) => one.uid === objectUid || insides.get(objectUid) === one.uid)
          .map(({ uid: sharedUid, editable, title }) => ({
            ...{ applicationUid: uid, applicationName: name, editable },
            folderUid: sharedUid === objectUid ? null : sharedUid,
            folderName: sharedUid === objectUid ? '' : title,
          })),
      ),
    createApplication: async ({ name }) => {
      const made = application({ name, createdAt: Date.now() });
      applications.push(made);
      changed();
      return made.uid;
    },
    renameApplication: async ({ applicationUid, name }) =>
      replace(applicationUid, (one) => ({ ...one, name })),
    deleteApplication: async (uid) => {
      applications.splice(at(uid), 1);
      clients.delete(uid);
      changed();
    },
    shareToApplication: async ({ applicationUid, objects, editable }) =>
      replace(applicationUid, (one) => {
        const others = one.shares.filter(({ uid }) => !objects.some((object) => object.uid === uid));
        const given = objects.map(({ uid, kind }) => {
          const { title, type } = titleOf(uid);
          return share({ uid, kind, title, recordType: type, editable, state: 'preparing' });
        });
        return { ...one, shares: [...others, ...given] };
      }),
    unshareFromApplication: async ({ applicationUid, objectUids }) =>
      replace(applicationUid, (one) => ({
        ...one,
        shares: one.shares.filter(({ uid }) => !objectUids.includes(uid)),
      })),
    listApplicationClients: async (uid) => [...(clients.get(uid) ?? [])],
    addApplicationClient: async (input) => {
      addedClients.push(input);
      const waiting = { firstAccessAt: 0, lastAccessAt: 0, address: '', clientVersion: '' };
      const made = client({
        ...waiting,
        ...{ name: input.name, lockIp: input.lockIp, accessExpiresAt: input.accessExpiresAt },
        ...{ createdAt: Date.now(), tokenExpiresAt: Date.now() + input.tokenMs },
        status: input.form === 'token' ? 'waiting' : 'active',
      });
      clients.set(input.applicationUid, [...(clients.get(input.applicationUid) ?? []), made]);
      changed();
      const { clientId } = made;
      if (input.form === 'configuration')
        return {
          ...{ form: 'configuration', clientId, json: '{"hostname":"vault.example.test"}' },
          base64: btoa('{"hostname":"vault.example.test"}'),
          kubernetes: 'apiVersion: v1\nkind: Secret\ntype: Opaque\n',
        };
      return {
        ...{ form: 'token', clientId, token: 'vault.example.test:dGhlLW9uZS10aW1lLXRva2Vu' },
        ...{ hostname: 'vault.example.test', serverPublicKeyId: '20', serverPublicKey: 'BAAA-key' },
        expiresAt: made.tokenExpiresAt,
      };
    },
    renameApplicationClient: async ({ clientId, name }) => {
      const list = listOf(clientId);
      const place = list.findIndex((one) => one.clientId === clientId);
      const before = list[place];
      if (before) list[place] = { ...before, name };
      changed();
    },
    removeApplicationClient: async (clientId) => {
      const list = listOf(clientId);
      list.splice(
        list.findIndex((one) => one.clientId === clientId),
        1,
      );
      changed();
    },
    listApplicationEvents: async ({ applicationUid, before = Infinity }) => {
      const older = (events.get(applicationUid) ?? []).filter((event) => event.at < before);
      return { events: older.slice(0, fakeEventPage), hasMore: older.length > fakeEventPage };
    },
    listApplicationChanges: async () => [...changes],
    settleApplicationChange: async ({ change: name, accept }) => {
      const place = changes.findIndex((one) => one.change === name);
      if (place < 0) throw new ProtocolError('conflict', 'it changed meanwhile');
      changes.splice(place, 1);
      settled.push({ change: name, accept });
      changed();
    },
  };
}
