// A server with applications that have as many records as are asked for, and devices of these.
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { encodeBase64, type Bytes } from '../../../protocol/bytes.ts';
import { generateEcdhKeyPair, type EcdhKeyPair } from '../../../protocol/crypto/ecdh.ts';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { ApplicationService, ClientKind } from '../../../protocol/messages/gen/application_pb.js';
import { SecretsService } from '../../../protocol/messages/gen/secrets_pb.js';
import { sealSecretsManagerRequest } from '../../../protocol/secrets-manager/request.ts';
import { uidBytes, uidOf } from '../../../protocol/uid.ts';
import { ApiClient } from '../../fixtures/api-client.ts';
import type { RawRequest } from '../../fixtures/secrets/raw-requests.ts';
import { SecretsVault, type VaultApplication } from '../../fixtures/secrets/secrets-vault.ts';
import { Person } from '../../fixtures/sharing-client.ts';
import type { Usage } from './server-process.ts';

const batch = 50;

export interface BenchApplication {
  readonly application: VaultApplication;
  readonly records: number;
}

export interface BenchDevice {
  readonly keys: EcdhKeyPair;
  seal(): Promise<RawRequest>;
}

export class SecretsHouse {
  readonly #child: ChildProcess;
  readonly url: string;
  readonly vault: SecretsVault;

  constructor(child: ChildProcess, url: string, vault: SecretsVault) {
    this.#child = child;
    this.url = url;
    this.vault = vault;
  }

  static async open(): Promise<SecretsHouse> {
    const child = fork(join(import.meta.dirname, 'server-process.ts'), [], { execArgv: [] });
    const [{ url }] = (await once(child, 'message')) as [{ readonly url: string }];
    const client = await ApiClient.connect(url);
    await client.register('bench@example.test', 'correct horse battery');
    return new SecretsHouse(child, url, new SecretsVault(new Person(client)));
  }

  async usage(): Promise<Usage> {
    const answered = once(this.#child, 'message') as Promise<[Usage]>;
    this.#child.send('usage');
    return (await answered)[0];
  }

  /** An application with so many records of about a KiB. */
  async addApplication(records: number): Promise<BenchApplication> {
    const application = await this.vault.createApplication(`${records}`);
    for (let made = 0; made < records; made += batch)
      await this.#addRecords(application, Math.min(batch, records - made));
    return { application, records };
  }

  /** A device of it that is bound. */
  async addDevice({ application }: BenchApplication): Promise<BenchDevice> {
    const keys = generateEcdhKeyPair();
    const clientId = randomBytes(64);
    await this.vault.client.call(ApplicationService.method.addClient, {
      ...{ applicationUid: uidBytes(application.uid), clientId, kind: ClientKind.GENERAL },
      ...{ publicKey: keys.publicKey, appOwnerPublicKey: application.owner.publicKey },
    });
    return { keys, seal: () => this.#seal(clientId, keys) };
  }

  async #seal(clientId: Bytes, { privateKey }: EcdhKeyPair): Promise<RawRequest> {
    const payload = { clientVersion: 'ms17.5.0', clientId: encodeBase64(clientId) };
    return await sealSecretsManagerRequest(this.vault.client.serverKey, privateKey, payload);
  }

  async #addRecords(application: VaultApplication, count: number): Promise<void> {
    const { vault } = this;
    const changes = await Promise.all(
      Array.from({ length: count }, (_, i) => vault.person.change(`record ${i}`)),
    );
    await vault.client.putRecords(changes);
    const secrets = changes.map(({ recordUid }) => ({
      ...{ uid: uidOf(recordUid), recordKey: randomBytes(32), revision: 1n, holders: [application] },
    }));
    const content = (i: number) => ({ title: `record ${i}`, notes: 'n'.repeat(700) });
    const versions = await Promise.all(secrets.map((secret, i) => vault.versionOf(secret, content(i))));
    await vault.client.call(SecretsService.method.putSecrets, { versions });
    await vault.share(application, secrets);
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.send('stop');
    await ended;
  }
}
