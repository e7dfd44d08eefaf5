// The demo's organisation, made through the real client code: the engine that the browser's worker runs.
import type { GatewayView, SaveRecord, VaultVerbs } from '../../workers/api.ts';
import { defaultConnection } from '../../protocol/records/pam-settings.ts';
import type { FieldValue, RecordContent } from '../../protocol/records/content.ts';
import type { Uid } from '../../protocol/uid.ts';
import { createVaultEngine } from '../../workers/engine/engine.ts';
import type { VaultEngine } from '../../workers/engine/engine.ts';
import { plainEnvironment } from '../../workers/plain-environment.ts';
import type { Sshd } from './sshd.ts';
import type { DemoState } from './state.ts';

export type OrganisationOptions = {
  readonly url: string;
  readonly signIn: Pick<DemoState, 'email' | 'password'>;
  /** Of a server that has no account yet. */
  readonly setupToken: string | null;
  readonly sshd: Pick<Sshd, 'host' | 'port' | 'username' | 'password' | 'privateKey' | 'hostKeys'>;
};

export type Organisation = AsyncDisposable & {
  /** A one-time token for the demo's gateway, `null` when it is enrolled already. */
  gatewayToken(enrolled: boolean): Promise<string | null>;
  /** Resolves when the server says that the gateway is connected. */
  gatewayOnline(): Promise<void>;
};

const gatewayName = 'Demo gateway';
const titles = {
  byPassword: 'Demo machine',
  byKey: 'Demo machine, by key',
  passwordUser: 'Demo machine user',
  keyUser: 'Demo machine user, by key',
};

/**
 * Opens the organisation, making what is missing of it: a start that was cut short is finished by the next one.
 * Records are written when the gateway exists, because a machine names its gateway.
 */
export async function openOrganisation(options: OrganisationOptions): Promise<Organisation> {
  const engine = createVaultEngine(plainEnvironment(options.url, { deviceName: 'Sallyport demo' }));
  try {
    await enter(engine, options);
  } catch (error) {
    await engine.close();
    throw new Error('cannot enter the organisation (the option --reset starts anew)', { cause: error });
  }
  return {
    gatewayToken: (enrolled) => gatewayToken(engine, options, enrolled),
    gatewayOnline: () => gatewayOnline(engine),
    [Symbol.asyncDispose]: () => leave(engine),
  };
}

/** The device that prepared the demo is not one of its person's: it signs out. */
async function leave(engine: VaultEngine): Promise<void> {
  await engine.signOut().finally(() => engine.close());
}

async function enter(verbs: VaultVerbs, { signIn, setupToken }: OrganisationOptions): Promise<void> {
  if (setupToken === null) {
    const step = await verbs.signIn(signIn);
    if (step.kind !== 'done')
      throw new Error('the demo account was given a second factor: start with --reset');
    return;
  }
  await verbs.draftRecoveryPhrase();
  await verbs.createAccount({ ...signIn, setupToken });
}

async function gatewayToken(
  verbs: VaultVerbs,
  options: OrganisationOptions,
  enrolled: boolean,
): Promise<string | null> {
  await verbs.syncNow();
  const known = await findGateway(verbs);
  if (known && enrolled) {
    await writeRecords(verbs, options, known.configurationUid);
    return null;
  }
  if (known) await verbs.deleteGateway(known.uid); // its token is lost with the start that made it
  const { token } = await verbs.createGateway({ name: gatewayName });
  const made = await findGateway(verbs);
  if (!made) throw new Error('the gateway that was just made is not listed');
  await writeRecords(verbs, options, made.configurationUid);
  return token;
}

async function findGateway(verbs: VaultVerbs): Promise<GatewayView | undefined> {
  return (await verbs.listGateways()).find(({ name }) => name === gatewayName);
}

/** Told by the vault's own link to the server, which every change of a gateway comes over. */
async function gatewayOnline(verbs: VaultVerbs): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const look = async (): Promise<void> => {
    const gateway = await findGateway(verbs);
    if (gateway?.status === 'online') resolve();
    if (gateway?.status === 'untrusted') throw new Error('the gateway is not the one that was enrolled');
  };
  await verbs.watch(() => void look().catch(reject));
  await promise;
}

/** Users first: a machine names the user that opens it. A record that is there already is brought up to date. */
async function writeRecords(
  verbs: VaultVerbs,
  { sshd }: OrganisationOptions,
  configurationUid: Uid,
): Promise<void> {
  const withPassword = await writeRecord(
    verbs,
    userRecord(titles.passwordUser, sshd.username, { password: sshd.password }),
  );
  const withKey = await writeRecord(
    verbs,
    userRecord(titles.keyUser, sshd.username, { privateKey: sshd.privateKey }),
  );
  const machine = (title: string, launchCredentialUid: Uid): RecordContent =>
    machineRecord(title, sshd, { configurationUid, launchCredentialUid });
  await writeRecord(verbs, machine(titles.byPassword, withPassword), true);
  await writeRecord(verbs, machine(titles.byKey, withKey), true);
}

async function writeRecord(
  verbs: VaultVerbs,
  content: RecordContent,
  connectionsAllowed?: boolean,
): Promise<Uid> {
  const found = (await verbs.listRecords({ types: [content.type] })).find(
    ({ title }) => title === content.title,
  );
  const allowed = connectionsAllowed === undefined ? {} : { connectionsAllowed };
  return verbs.saveRecord({
    content,
    ...allowed,
    ...(found ? await replacing(verbs, found.uid, content) : {}),
  });
}

/** The traffic seed and other values that the record has already are kept. */
async function replacing(verbs: VaultVerbs, uid: Uid, content: RecordContent): Promise<Partial<SaveRecord>> {
  const view = await verbs.readRecord(uid);
  const ours = new Map(content.fields.map((field) => [`${field.type} ${field.label ?? ''}`, field]));
  const fields = view.content.fields.map((field) => ours.get(`${field.type} ${field.label ?? ''}`) ?? field);
  const withheld = view.withheld.filter(
    ({ group, index }) => group === 'custom' || fields[index]?.value.length === 0,
  );
  return { uid, baseRevision: view.revision, content: { ...view.content, fields }, withheld };
}

function userRecord(
  title: string,
  login: string,
  secret: { password?: string; privateKey?: string },
): RecordContent {
  const values = (value: string | undefined): readonly FieldValue[] => (value === undefined ? [] : [value]);
  return {
    type: 'pamUser',
    title,
    fields: [
      { type: 'login', value: [login] },
      { type: 'password', value: values(secret.password) },
      { type: 'secret', label: 'privatePEMKey', value: values(secret.privateKey) },
      { type: 'secret', label: 'passphrase', value: [] },
    ],
  };
}

function machineRecord(
  title: string,
  sshd: OrganisationOptions['sshd'],
  links: { configurationUid: Uid; launchCredentialUid: Uid },
): RecordContent {
  const { configurationUid, launchCredentialUid } = links;
  const hostKey = sshd.hostKeys.find((key) => key.startsWith('ssh-ed25519 ')) ?? '';
  const settings = { configurationUid, connection: { ...defaultConnection, launchCredentialUid, hostKey } };
  return {
    type: 'pamMachine',
    title,
    fields: [
      { type: 'pamHostname', value: [{ hostName: sshd.host, port: String(sshd.port) }] },
      { type: 'pamSettings', value: [settings] },
      { type: 'trafficEncryptionSeed', value: [] },
      { type: 'text', label: 'operatingSystem', value: ['Debian'] },
    ],
  };
}
