import type {
  AddedApplicationClient,
  ApplicationClientView,
  NewApplicationClient,
} from '../../api/applications.ts';
import {
  decodeBase64,
  empty,
  encodeBase64,
  encodeBase64url,
  wipe,
  type Bytes,
} from '../../../protocol/bytes.ts';
import { generateEcdhKeyPair } from '../../../protocol/crypto/ecdh.ts';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { ProtocolError, toProtocolError } from '../../../protocol/errors.ts';
import { ApplicationService, ClientKind } from '../../../protocol/messages/gen/application_pb.js';
import { SecretsService, type ApplicationClient } from '../../../protocol/messages/gen/secrets_pb.js';
import { clientIdOf } from '../../../protocol/secrets-manager/client-id.ts';
import { wrapSecretKey } from '../../../protocol/secrets-manager/secret-seal.ts';
import { uidBytes, uidOf, type Uid } from '../../../protocol/uid.ts';
import type { VaultSession } from '../connection/vault-session.ts';
import type { Application, ApplicationBook } from './application-book.ts';
import { nameIn } from './application-content.ts';
import {
  configurationBase64,
  configurationJson,
  kubernetesSecret,
  tokenText,
} from './client-configuration.ts';

export interface ClientsParts {
  /** Of the server, as devices reach it. */
  readonly origin: string;
  readonly session: VaultSession;
  readonly applications: ApplicationBook;
  readonly warn: (message: string) => void;
}

const tokenMs = { least: 60_000, most: 24 * 60 * 60_000 };

/** Devices of applications. Their names are in the application's sealed record, everything else is the server's word. */
export class Clients {
  readonly #parts: ClientsParts;

  constructor(parts: ClientsParts) {
    this.#parts = parts;
  }

  /** The oldest first. */
  async list(applicationUid: Uid): Promise<ApplicationClientView[]> {
    const application = await this.#parts.applications.get(applicationUid);
    const clients = await this.seen(applicationUid);
    return clients.map((client) => viewOf(client, application, this.#parts.session.now()));
  }

  /** As the server lists them: of that application, or of all. */
  async seen(applicationUid: Uid | null): Promise<readonly ApplicationClient[]> {
    const request = { applicationUid: applicationUid === null ? empty : uidBytes(applicationUid) };
    return (await this.#parts.session.call(SecretsService.method.listClients, request)).clients;
  }

  /** Throws `malformed` for a name or a time that is none, `limit-reached`. */
  async add(input: NewApplicationClient): Promise<AddedApplicationClient> {
    const name = nameIn(input.name);
    if (input.form === 'token' && (input.tokenMs < tokenMs.least || input.tokenMs > tokenMs.most))
      throw new ProtocolError('malformed', 'a token waits for a minute to a day');
    const { applications } = this.#parts;
    const application = await applications.get(input.applicationUid);
    const appKey = await applications.key(application.uid);
    try {
      return await (input.form === 'token'
        ? this.#addByToken({ ...input, name }, appKey)
        : this.#addReady({ ...input, name }, application.name, appKey));
    } finally {
      wipe(appKey);
    }
  }

  async rename(clientId: string, typed: string): Promise<void> {
    const name = nameIn(typed);
    const client = (await this.seen(null)).find((one) => encodeBase64(one.clientId) === clientId);
    if (!client) throw new ProtocolError('not-found', 'there is no such device');
    await this.#note(uidOf(client.applicationUid), clientId, name);
  }

  /** It gets nothing from that moment on. */
  async remove(clientId: string): Promise<void> {
    const { session, applications } = this.#parts;
    try {
      await session.call(ApplicationService.method.removeClient, { clientId: decodeBase64(clientId) });
    } catch (error) {
      if (toProtocolError(error)?.code !== 'not-found') throw error; // an earlier attempt got this far
    }
    const named = (await applications.all()).filter(({ clients }) => clients.has(clientId));
    for (const { uid } of named) await this.#note(uid, clientId, null);
  }

  async #addByToken(input: NewApplicationClient, appKey: Bytes): Promise<AddedApplicationClient> {
    const { session, origin } = this.#parts;
    const token = randomBytes(32);
    const expiresAt = session.now() + input.tokenMs;
    const clientId = clientIdOf(token);
    const encryptedAppKey = await wrapSecretKey(token, appKey);
    await this.#register(input, { clientId, encryptedAppKey, firstAccessExpiresAtMs: BigInt(expiresAt) });
    const { id, publicKey } = await session.keyring.current();
    const url = new URL(origin);
    const text = tokenText(token, url);
    wipe(token);
    return {
      form: 'token',
      clientId: encodeBase64(clientId),
      token: text,
      hostname: url.host,
      serverPublicKey: encodeBase64url(publicKey),
      serverPublicKeyId: String(id),
      expiresAt,
    };
  }

  /** Bound from the start: no token is ever on its way. */
  async #addReady(
    input: NewApplicationClient,
    applicationName: string,
    appKey: Bytes,
  ): Promise<AddedApplicationClient> {
    const { session, origin } = this.#parts;
    const [keys, clientId] = [generateEcdhKeyPair(), clientIdOf(randomBytes(32))];
    const appOwnerPublicKey = await this.#register(input, {
      ...{ clientId, encryptedAppKey: empty, publicKey: keys.publicKey, firstAccessExpiresAtMs: 0n },
    });
    const serverKey = await session.keyring.current();
    const hostname = new URL(origin).host;
    const json = configurationJson({ hostname, clientId, keys, appKey, appOwnerPublicKey, serverKey });
    wipe(keys.privateKey);
    return {
      form: 'configuration',
      clientId: encodeBase64(clientId),
      json,
      base64: configurationBase64(json),
      kubernetes: kubernetesSecret(applicationName, json),
    };
  }

  /** Gives the key that the device wraps new things to. A device without a name would be nobody's: it goes again. */
  async #register(
    { applicationUid, name, lockIp, accessExpiresAt }: NewApplicationClient,
    client: {
      readonly clientId: Bytes;
      readonly encryptedAppKey: Bytes;
      readonly publicKey?: Bytes;
      readonly firstAccessExpiresAtMs: bigint;
    },
  ): Promise<Bytes> {
    const { session, applications } = this.#parts;
    const owner = await applications.ownerKeys(applicationUid);
    wipe(owner.privateKey);
    await session.call(ApplicationService.method.addClient, {
      ...client,
      applicationUid: uidBytes(applicationUid),
      kind: ClientKind.GENERAL,
      lockIp,
      accessExpiresAtMs: BigInt(accessExpiresAt),
      appOwnerPublicKey: owner.publicKey,
    });
    try {
      await this.#note(applicationUid, encodeBase64(client.clientId), name);
    } catch (error) {
      await session.call(ApplicationService.method.removeClient, { clientId: client.clientId }).catch(() => {
        this.#parts.warn('a device that got no name could not be removed');
      });
      throw error;
    }
    return owner.publicKey;
  }

  async #note(applicationUid: Uid, clientId: string, name: string | null): Promise<void> {
    await this.#parts.applications.change(applicationUid, (application) => {
      const clients = new Map(application.clients);
      if (name === null) clients.delete(clientId);
      else clients.set(clientId, name);
      return { ...application, clients };
    });
  }
}

/** Names of devices that were removed are forgotten with them. */
export function clientNameOf(application: Application | undefined, clientId: Uint8Array): string {
  return application?.clients.get(encodeBase64(clientId)) ?? '';
}

function viewOf(client: ApplicationClient, application: Application, now: number): ApplicationClientView {
  return {
    clientId: encodeBase64(client.clientId),
    name: clientNameOf(application, client.clientId),
    createdAt: Number(client.createdAtMs),
    status: statusOf(client, now),
    tokenExpiresAt: Number(client.firstAccessExpiresAtMs),
    accessExpiresAt: Number(client.accessExpiresAtMs),
    lockIp: client.lockIp,
    firstAccessAt: Number(client.firstAccessAtMs),
    lastAccessAt: Number(client.lastAccessAtMs),
    address: client.address,
    clientVersion: client.clientVersion,
  };
}

function statusOf(client: ApplicationClient, now: number): ApplicationClientView['status'] {
  const { bound, accessExpiresAtMs, firstAccessExpiresAtMs } = client;
  if (!bound) return Number(firstAccessExpiresAtMs) > now ? 'waiting' : 'token-expired';
  return accessExpiresAtMs !== 0n && Number(accessExpiresAtMs) <= now ? 'access-expired' : 'active';
}
