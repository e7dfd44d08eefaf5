import type { GatewayView } from '../../api.ts';
import { encodeBase64url, equal, parseBase64url, utf8, wipe, type Bytes } from '../../../protocol/bytes.ts';
import { importAesKey, sealBlob } from '../../../protocol/crypto/aes-gcm.ts';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { ProtocolError, toProtocolError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import {
  ApplicationService,
  ClientKind,
  type Gateway,
} from '../../../protocol/messages/gen/application_pb.js';
import { readPamResources, type PamResources } from '../../../protocol/records/pam-settings.ts';
import { firstValue, withValue, type RecordContent } from '../../../protocol/records/content.ts';
import { clientIdOf } from '../../../protocol/secrets-manager/client-id.ts';
import { applicationKeyOf } from '../../../protocol/session/application-copy.ts';
import { encodeEnrolmentToken } from '../../../protocol/session/enrolment-token.ts';
import { isGatewayIdentity } from '../../../protocol/session/gateway-identity.ts';
import { newUid, uidBytes, uidOf, type Uid } from '../../../protocol/uid.ts';
import type { OpenedAccount } from '../account/opened-account.ts';
import type { RecordBook } from '../records/record-book.ts';
import type { RecordEntry } from '../records/record-entry.ts';
import { openPolicy, type RecordWriter } from '../records/record-writer.ts';
import type { VaultSession } from '../connection/vault-session.ts';

export interface GatewayParts {
  readonly account: OpenedAccount;
  readonly session: VaultSession;
  readonly book: RecordBook;
  readonly writer: RecordWriter;
  readonly warn: (message: string) => void;
}

/** A gateway as the vault knows it: by its sealed configuration, never by what a server lists. */
export interface KnownGateway {
  readonly uid: Uid;
  readonly configurationUid: Uid;
  readonly name: string;
  readonly pins: PamResources;
}

/** What of it is enough to send it commands: its name, and the key that answers are signed with. */
export interface NamedGateway {
  readonly uid: Uid;
  readonly pins: Pick<PamResources, 'gatewayKey'>;
}

type Trust = 'unknown' | 'pinned' | 'untrusted';

/** The gateways of an unlocked vault: made here, pinned here, believed by their pins alone. */
export class Gateways {
  readonly #parts: GatewayParts;
  #pinning: Promise<unknown> = Promise.resolve();

  constructor(parts: GatewayParts) {
    this.#parts = parts;
  }

  /** With their state as the router sees it. A gateway that proved itself is pinned on the way. */
  async list(): Promise<GatewayView[]> {
    const known = await this.known();
    const { gateways } = await this.#parts.session.call(ApplicationService.method.listGateways, {});
    const seen = new Map(gateways.map((gateway) => [uidOf(gateway.gatewayUid), gateway]));
    const views: GatewayView[] = [];
    for (const gateway of known) views.push(await this.#view(gateway, seen.get(gateway.uid) ?? null));
    return views.sort((a, b) => a.name.localeCompare(b.name));
  }

  /** Throws `gateway-unknown`. */
  async find(gatewayUid: Uid): Promise<KnownGateway> {
    const found = (await this.known()).find(({ uid }) => uid === gatewayUid);
    if (!found) throw new ProtocolError('gateway-unknown', 'the vault knows no such gateway');
    return found;
  }

  /** Of the sealed configuration records. */
  async known(): Promise<KnownGateway[]> {
    const entries = this.#parts.book.ofType('pamNetworkConfiguration');
    return entries.flatMap((entry) => (entry.pins === null ? [] : [knownBy(entry, entry.pins)]));
  }

  /**
   * The device key that answers of this gateway are to be signed with. Throws `untrusted` when the router shows another
   * one than was pinned, `gateway-offline` when the gateway has not enrolled yet.
   */
  async pinnedKey(gateway: NamedGateway): Promise<Bytes> {
    if (gateway.pins.gatewayKey !== undefined) return parseBase64url(gateway.pins.gatewayKey);
    const views = await this.list(); // pins a gateway that has just enrolled
    if (views.find(({ uid }) => uid === gateway.uid)?.status === 'untrusted') {
      throw new ProtocolError('untrusted', 'the gateway did not prove that it is the one that was enrolled');
    }
    const { pins } = await this.find(gateway.uid);
    if (pins.gatewayKey === undefined)
      throw new ProtocolError('gateway-offline', 'the gateway has not enrolled yet');
    return parseBase64url(pins.gatewayKey);
  }

  /** Makes the gateway's application, configuration and one-time token. Only the token's hash leaves the vault. */
  async create(name: string): Promise<{ gatewayUid: Uid; token: string; expiresAt: number }> {
    const title = name.trim();
    if (title === '') throw new ProtocolError('malformed', 'a gateway has a name');
    const application = { uid: newUid(), key: randomBytes(32) };
    const gateway = { uid: newUid(), configurationUid: newUid() };
    const applicationKey = applicationKeyOf(application.key, application.uid);
    await this.#createApplication(application.uid, applicationKey, title);
    try {
      await this.#writeRecords(title, application, gateway);
      return await this.#issueToken(application.uid, applicationKey, gateway);
    } catch (error) {
      await this.#removeAll(application.uid, gateway.configurationUid).catch(() => {
        this.#parts.warn('a gateway that was not finished could not be removed');
      });
      throw error;
    } finally {
      wipe(applicationKey);
    }
  }

  /** The application goes first: from that moment the gateway opens nothing more. */
  async remove(gatewayUid: Uid): Promise<void> {
    const { pins, configurationUid } = await this.find(gatewayUid);
    await this.#removeAll(pins.applicationUid, configurationUid);
  }

  async #view(known: KnownGateway, seen: Gateway | null): Promise<GatewayView> {
    const { uid, name, configurationUid } = known;
    const trust = seen?.enrolled
      ? await this.#trust(known, seen)
      : known.pins.gatewayKey
        ? 'pinned'
        : 'unknown';
    return {
      uid,
      name,
      configurationUid,
      status: this.#statusOf(trust, seen),
      since: Number((seen?.online ? seen.onlineSinceMs : seen?.lastSeenMs) ?? 0n),
      version: seen?.version ?? '',
      address: seen?.address ?? '',
      tokenExpiresAt: Number(seen?.tokenExpiresAtMs ?? 0n),
    };
  }

  #statusOf(trust: Trust, seen: Gateway | null): GatewayView['status'] {
    if (trust === 'untrusted') return 'untrusted';
    if (trust === 'pinned') return seen?.online ? 'online' : 'offline';
    return seen && Number(seen.tokenExpiresAtMs) > this.#parts.session.now() ? 'waiting' : 'expired';
  }

  /** protocol.md §10.3: the first key with a right proof is pinned; from then on only that key counts. */
  async #trust({ uid, configurationUid, pins }: KnownGateway, seen: Gateway): Promise<Trust> {
    const { devicePublicKey, identityProof } = seen;
    if (pins.gatewayKey !== undefined) return trustIn(pins.gatewayKey, devicePublicKey);
    if (identityProof.length === 0) return 'unknown'; // bound, but its first link has not come up yet
    const applicationKey = await this.#parts.writer.applicationKey(pins.applicationUid);
    const proved = isGatewayIdentity(applicationKey, uid, devicePublicKey, identityProof);
    wipe(applicationKey);
    if (!proved) return 'untrusted';
    return await this.#pin(configurationUid, devicePublicKey);
  }

  /** One at a time: two lists at once would both write the pin, and one of them would be stale. */
  async #pin(configurationUid: Uid, devicePublicKey: Uint8Array): Promise<Trust> {
    const pinned = this.#pinning.then(() => this.#pinOnce(configurationUid, devicePublicKey));
    this.#pinning = pinned.catch(() => undefined); // told to its caller
    return await pinned;
  }

  async #pinOnce(configurationUid: Uid, devicePublicKey: Uint8Array): Promise<Trust> {
    const draft = await this.#parts.writer.draftOf(configurationUid);
    const pins = readPamResources(draft.content);
    if (pins.gatewayKey !== undefined) return trustIn(pins.gatewayKey, devicePublicKey);
    const content = withGatewayKey(draft.content, encodeBase64url(devicePublicKey));
    try {
      await this.#parts.writer.write([{ ...draft, content }]);
      return 'pinned';
    } catch (error) {
      // Another device was faster: its pin is on the way, and the list is asked for again once it is here.
      if (toProtocolError(error)?.code === 'conflict') return 'unknown';
      throw error;
    }
  }

  async #createApplication(applicationUid: Uid, applicationKey: Bytes, title: string): Promise<void> {
    const text = JSON.stringify({ title, type: 'app' });
    const appData = await sealBlob(
      await importAesKey(applicationKey),
      utf8(padText(text)),
      new Uint8Array(0),
    );
    const request = { applicationUid: uidBytes(applicationUid), appData };
    await this.#parts.session.call(ApplicationService.method.createApplication, request);
  }

  async #writeRecords(
    title: string,
    application: { readonly uid: Uid; readonly key: Bytes },
    gateway: { readonly uid: Uid; readonly configurationUid: Uid },
  ): Promise<void> {
    const created = { baseRevision: 0n, policy: { ...openPolicy, connections: false } };
    const content = this.#configuration(title, application.uid, gateway.uid);
    await this.#parts.writer.write([
      { ...created, ...application, content: { type: 'app', title, fields: [] } },
      { ...created, uid: gateway.configurationUid, key: randomBytes(32), content },
    ]);
  }

  #configuration(title: string, applicationUid: Uid, gatewayUid: Uid): RecordContent {
    const { organisation } = this.#parts.account;
    const pins: PamResources = {
      controllerUid: gatewayUid,
      applicationUid,
      organisationUid: organisation.uid,
      organisationKey: encodeBase64url(organisation.publicKey),
      rosterVersion: Number(organisation.rosterVersion),
    };
    return {
      type: 'pamNetworkConfiguration',
      title,
      fields: [{ type: 'pamResources', value: [{ ...pins }] }],
    };
  }

  async #issueToken(
    applicationUid: Uid,
    applicationKey: Bytes,
    { uid: gatewayUid, configurationUid }: { readonly uid: Uid; readonly configurationUid: Uid },
  ): Promise<{ gatewayUid: Uid; token: string; expiresAt: number }> {
    const { session, account } = this.#parts;
    const token = randomBytes(32);
    const expiresAt = session.now() + limits.enrolmentTokenMs;
    await session.call(ApplicationService.method.addClient, {
      applicationUid: uidBytes(applicationUid),
      clientId: clientIdOf(token),
      encryptedAppKey: await sealBlob(await importAesKey(token), applicationKey, new Uint8Array(0)),
      kind: ClientKind.GATEWAY,
      gatewayUid: uidBytes(gatewayUid),
      firstAccessExpiresAtMs: BigInt(expiresAt),
      appOwnerPublicKey: account.keys.ecdh.publicKey,
    });
    const { identity: serverIdentity } = await session.keyring.pin();
    const text = encodeEnrolmentToken({ token, gatewayUid, configurationUid, serverIdentity });
    wipe(token);
    return { gatewayUid, token: text, expiresAt };
  }

  async #removeAll(applicationUid: Uid, configurationUid: Uid): Promise<void> {
    const { session, book, writer } = this.#parts;
    try {
      await session.call(ApplicationService.method.deleteApplication, {
        applicationUid: uidBytes(applicationUid),
      });
    } catch (error) {
      const gone = error instanceof ProtocolError && error.code === 'not-found'; // an earlier attempt got this far
      if (!gone) throw error;
    }
    const left = [applicationUid, configurationUid].filter((uid) => book.has(uid));
    if (left.length > 0) await writer.remove(left);
  }
}

/** What else a person chose for the configuration stays. */
function withGatewayKey(content: RecordContent, gatewayKey: string): RecordContent {
  const resources = firstValue(content, 'pamResources');
  const held = typeof resources === 'object' && resources !== null ? resources : {};
  return withValue(content, 'pamResources', [{ ...held, gatewayKey }]);
}

function knownBy(entry: RecordEntry, pins: PamResources): KnownGateway {
  return { uid: pins.controllerUid, configurationUid: entry.uid, name: entry.title, pins };
}

/** secrets-manager clients expect at least 384 bytes, in steps of 16. */
function padText(text: string): string {
  const length = utf8(text).length;
  return text + ' '.repeat(Math.max(384, Math.ceil(length / 16) * 16) - length);
}

function trustIn(pinnedKey: string, devicePublicKey: Uint8Array): Trust {
  return equal(parseBase64url(pinnedKey), devicePublicKey) ? 'pinned' : 'untrusted';
}
