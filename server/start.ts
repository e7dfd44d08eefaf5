// One server, whole: store, keys, routes, links. For main.ts, for launchers and for tests.
import { mkdirSync, readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { ApplicationService } from '../protocol/messages/gen/application_pb.js';
import { FileService } from '../protocol/messages/gen/file_pb.js';
import { HeldIndexService } from '../protocol/messages/gen/held-index_pb.js';
import { OrganisationService } from '../protocol/messages/gen/organisation_pb.js';
import { RecordService } from '../protocol/messages/gen/record_pb.js';
import {
  RecordingKeepingService,
  RecordingMarkerService,
  RecordingService,
  RecordingUploadService,
} from '../protocol/messages/gen/recording_pb.js';
import { OversightService } from '../protocol/messages/gen/session-policy_pb.js';
import { SecretsService } from '../protocol/messages/gen/secrets_pb.js';
import { SessionLogService } from '../protocol/messages/gen/session-log_pb.js';
import { SessionShareService } from '../protocol/messages/gen/session-share_pb.js';
import { SharingService } from '../protocol/messages/gen/sharing_pb.js';
import { ShareLinkService } from '../protocol/messages/gen/share-link_pb.js';
import { addApiRoutes, apiRate } from './api/api-routes.ts';
import { bodyHook, bodyRoom, type BodyRoom } from './api/body-budget.ts';
import { Dispatcher, methodsOf } from './api/dispatcher.ts';
import type { Rate } from './api/token-bucket.ts';
import { createApp, type App } from './app.ts';
import { applicationHandlers } from './applications/application-service.ts';
import { systemClock, type Clock } from './clock.ts';
import type { Config } from './config.ts';
import { expireUploads } from './files/file-rows.ts';
import { fileHandlers } from './files/file-service.ts';
import { ChunkWrites } from './blobs/chunk-writes.ts';
import { openBlobStore } from './blobs/open-blob-store.ts';
import { watchRoom } from './blobs/store-room.ts';
import { ChunkSweep } from './blobs/chunk-sweep.ts';
import { heldIndexHandlers } from './held-index/held-index-service.ts';
import { KeyRing } from './keys/key-ring.ts';
import { createLogger, type Logger } from './log/logger.ts';
import { Scrubber } from '../protocol/log/scrubber.ts';
import { accountMethods } from './login/account-methods.ts';
import { issueSetupToken } from './login/setup-token.ts';
import { codeRates, loginRates, signUpRate, type LoginRates } from './login/throttle.ts';
import { organisationHandlers } from './organisation/organisation-service.ts';
import { RelayCredentials } from './relay/relay-credentials.ts';
import { markerHandlers } from './recordings/marker-service.ts';
import { keepingHandlers } from './recordings/keeping-service.ts';
import { recordingExpiry } from './recordings/recording-keeping.ts';
import { recordingHandlers } from './recordings/recording-service.ts';
import { uploadHandlers } from './recordings/upload-service.ts';
import { recordHandlers } from './records/record-service.ts';
import { InProcessHead } from './router/head/in-process.ts';
import { addStickyCookie } from './router/worker/sticky-cookie.ts';
import { openingRate, RouterWorker, routerTimes, type RouterTimes } from './router/worker/worker.ts';
import { AccessEvents } from './secrets-manager/access-events.ts';
import { foldAllChanges } from './secrets-manager/answer-cache.ts';
import { filesOfApplications } from './secrets-manager/files.ts';
import { SecretsDesk, secretsRate } from './secrets-manager/secrets-desk.ts';
import { secretsMethods } from './secrets-manager/secrets-methods.ts';
import { addSecretsRoutes } from './secrets-manager/secrets-routes.ts';
import { expireRequestMarks } from './secrets-manager/request-marks.ts';
import { expireSecretEvents } from './secrets/secret-events.ts';
import { expireSecretFiles } from './secrets/secret-file-rows.ts';
import { secretFileHandlers } from './secrets/secret-file-service.ts';
import { secretsHandlers } from './secrets/secrets-service.ts';
import { oversightHandlers } from './oversight/oversight-service.ts';
import { expireSessionLog } from './session-log/session-log.ts';
import { sessionLogHandlers } from './session-log/session-log-service.ts';
import { expireSessionShares } from './session-shares/guest-list.ts';
import { sessionShareHandlers } from './session-shares/session-share-service.ts';
import { ExpiryWatch } from './sharing/expiry-watch.ts';
import { sharingHandlers } from './sharing/sharing-service.ts';
import { ShareLinkExpiry } from './share-links/expiry.ts';
import { shareLinkHandlers, shareLinkRates, type ShareLinkRates } from './share-links/share-link-service.ts';
import { addSecurityHeaders } from './site/security-headers.ts';
import { addSiteRoutes } from './site/site-routes.ts';
import type { Database } from './store/database.ts';
import { openStore } from './store/open-store.ts';
import {
  followCertificate,
  provideCertificate,
  type SelfSigned,
  type ServerCertificate,
} from './tls/server-certificate.ts';

export interface RunningServer {
  /** What browsers and gateways call. */
  readonly url: string;
  readonly port: number;
  /** base64url, for `${url}/#setup=TOKEN`; null when there is an account already. */
  readonly setupToken: string | null;
  /** Resolves with the reason when the server cannot go on: its store ended. */
  readonly failed: Promise<Error>;
  /** The certificate that it made for itself; null: it has none of its own. */
  readonly selfSigned: SelfSigned | null;
  /** Takes over rotated keys. */
  reloadKeys(): void;
  /** Takes over a renewed certificate. */
  reloadCertificate(): void;
  /** Stops accepting, tells the links, finishes what runs, closes the store. */
  close(): Promise<void>;
}

export interface StartOptions {
  readonly log?: Logger;
  readonly rates?: Partial<Rates>;
  readonly times?: Partial<RouterTimes>;
  /** For bodies of requests that are under way. */
  readonly bodies?: BodyRoom;
  /** Of access that ends by itself, and of bodies that are slow. */
  readonly clock?: Clock;
}

export interface Rates {
  readonly login: LoginRates;
  readonly signUps: Rate;
  /** Of second factors. */
  readonly codes: LoginRates;
  readonly api: Rate;
  readonly links: Rate;
  readonly secrets: Rate;
  readonly shareLinks: ShareLinkRates;
}

/** Starts a server. Throws with a message for the person when it cannot; nothing is left running then. */
export async function startServer(config: Config, options: StartOptions = {}): Promise<RunningServer> {
  const scrubber = new Scrubber();
  const log = options.log ?? createLogger(config.logLevel, scrubber);
  mkdirSync(config.dataFolder, { recursive: true, mode: 0o711 });
  const ring = new KeyRing(config.dataFolder);
  scrubber.hold(ring.opaqueSetup);
  scrubber.hold(ring.secondFactorKey);
  scrubber.hold(ring.fileTicketKey);
  const stopping = new AbortController();
  if (config.relay?.secret) scrubber.hold(config.relay.secret);
  if ('secretAccessKey' in config.files.store) scrubber.hold(config.files.store.secretAccessKey);
  const certificate = await provideCertificate(config);
  const store = await openStore(config, log, scrubber);
  try {
    const { app, worker, sweep, linkExpiry, accessExpiry, accessEvents } = await build(config, options, {
      ...{ ring, log, db: store.db, stopped: stopping.signal, certificate },
    });
    await app.listen({ host: config.host, port: config.port });
    sweep.start();
    linkExpiry.wake();
    await accessExpiry.look();
    const renewal = certificate && followCertificate(app.server, certificate, log);
    const { port } = app.server.address() as AddressInfo;
    const url = config.publicUrl ?? `${config.tls ? 'https' : 'http'}://${hostIn(config.host)}:${port}`;
    const setupToken = await issueSetupToken(store.db);
    if (setupToken) scrubber.hold(setupToken);
    log.info({ event: 'listening', url, port });
    return {
      url,
      port,
      setupToken,
      selfSigned: certificate?.selfSigned ?? null,
      failed: store.failed,
      reloadKeys: () => reloadKeys(ring, log),
      reloadCertificate: () => renewal?.reload(),
      close: async () => {
        stopping.abort();
        renewal?.close();
        // Fastify stops accepting at once; the links go while the last requests are still being answered.
        await Promise.all([
          app.close(),
          worker.close(),
          sweep.close(),
          linkExpiry.close(),
          accessExpiry.close(),
        ]);
        await accessEvents.flush();
        await store.close();
        log.info({ event: 'stopped' });
      },
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** Keys that cannot be read leave the server with those it has. */
function reloadKeys(ring: KeyRing, log: Logger): void {
  try {
    ring.reload();
    log.info({ event: 'keys-reloaded', count: ring.keys.length });
  } catch (error) {
    log.error({ event: 'keys-not-reloaded', err: error });
  }
}

interface Core {
  readonly ring: KeyRing;
  readonly log: Logger;
  readonly db: Database;
  readonly certificate: ServerCertificate | null;
  /** Aborted when the server is about to end. */
  readonly stopped: AbortSignal;
}

/** Everything between the store and the network. */
async function build(config: Config, options: StartOptions, { ring, log, db, certificate, stopped }: Core) {
  const rates: Rates = {
    login: loginRates,
    signUps: signUpRate,
    codes: codeRates,
    api: apiRate,
    links: openingRate,
    secrets: secretsRate,
    shareLinks: shareLinkRates,
    ...options.rates,
  };
  const times: RouterTimes = { ...routerTimes, ...options.times };
  const { publicUrl, openSignUp, throughServer } = config;
  const head = new InProcessHead();
  const clock = options.clock ?? systemClock;
  const accounts = await accountMethods({
    ...{ db, head, log, ring, stopped, publicUrl, openSignUp, version: readVersion() },
    ...{ loginRates: rates.login, signUpRate: rates.signUps, codeRates: rates.codes },
  });
  const blobs = watchRoom(openBlobStore(config.files.store, log), log);
  const writes = new ChunkWrites();
  const sweep = new ChunkSweep(db, blobs, writes, log, [
    expireUploads,
    expireSecretFiles,
    recordingExpiry(config.recordings),
    expireSessionShares,
    expireSessionLog,
    expireSecretEvents,
    expireRequestMarks,
    foldAllChanges,
  ]);
  const bounds = config.recordings;
  const onGone = () => sweep.wake();
  const linkExpiry = new ShareLinkExpiry(db, log);
  const accessExpiry = new ExpiryWatch({ db, head, log, clock });
  const methods = new Map([
    ...accounts,
    ...methodsOf(
      RecordService,
      recordHandlers({ db, head, onShared: () => accessExpiry.look(), onFilesGone: () => sweep.wake() }),
    ),
    ...methodsOf(SharingService, sharingHandlers({ db, head, expiry: accessExpiry })),
    ...methodsOf(ShareLinkService, shareLinkHandlers({ db, expiry: linkExpiry, rates: rates.shareLinks })),
    ...methodsOf(FileService, fileHandlers({ db, blobs, writes, sweep, bounds: config.files })),
    ...methodsOf(RecordingUploadService, uploadHandlers({ db, blobs, writes, bounds, onGone })),
    ...methodsOf(RecordingService, recordingHandlers({ db, blobs, bounds, onGone })),
    ...methodsOf(RecordingKeepingService, keepingHandlers({ db, bounds, room: blobs, onChanged: onGone })),
    ...methodsOf(SessionLogService, sessionLogHandlers(db)),
    ...methodsOf(SessionShareService, sessionShareHandlers({ db, head })),
    ...methodsOf(OversightService, oversightHandlers({ db, head })),
    ...methodsOf(RecordingMarkerService, markerHandlers(db)),
    ...methodsOf(HeldIndexService, heldIndexHandlers(db)),
    ...methodsOf(OrganisationService, organisationHandlers({ db, head, log })),
    ...methodsOf(ApplicationService, applicationHandlers(db, head)),
    ...methodsOf(SecretsService, {
      ...secretsHandlers({ db, onFilesGone: onGone }),
      ...secretFileHandlers({ db, blobs, writes, quota: config.files.quota }),
    }),
  ]);
  const relay = new RelayCredentials(config.relay);
  const worker = new RouterWorker({
    ...{ db, head, ring, log, publicUrl, times, relay, throughServer, openings: rates.links },
  });
  const app = await createApp(config, certificate?.loaded ?? null, { log, clock });
  const secure = certificate !== null || (publicUrl?.startsWith('https:') ?? false);
  const headersOf = addSecurityHeaders(app, {
    publicUrl,
    tls: secure,
    strict: secure && !certificate?.selfSigned,
  });
  addStickyCookie(app, secure);
  const bodies = bodyHook(options.bodies ?? bodyRoom);
  const dispatcher = new Dispatcher({ db, ring, methods, log });
  addApiRoutes(app, { dispatcher, ring, rate: rates.api, bodies });
  const accessEvents = new AccessEvents(db, log);
  const files = filesOfApplications({
    ...{ db, head, blobs, writes, log, clock, rate: rates.api, events: accessEvents },
    ...{ ticketKey: ring.fileTicketKey, quota: config.files.quota },
    origin: () => secretsOrigin(config, app),
  });
  const desk = new SecretsDesk({
    ...{ db, head, ring, rate: rates.secrets, events: accessEvents },
    methods: secretsMethods({ db, head, files }),
  });
  addSecretsRoutes(app, { desk, rate: rates.api, bodies, log, headersOf });
  files.addRoutes(app);
  app.register(async (links) => worker.addRoutes(links));
  addSiteRoutes(app, config.siteFolder);
  return { app, worker, sweep, linkExpiry, accessExpiry, accessEvents };
}

/** What clients of the secrets-manager API call: they speak nothing but TLS, whoever does it for this server. */
function secretsOrigin({ publicUrl, host }: Config, app: App): string {
  if (publicUrl) return publicUrl.replace(/^http:/, 'https:');
  const { port } = app.server.address() as AddressInfo;
  return `https://${hostIn(host)}:${port}`;
}

function hostIn(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

function readVersion(): string {
  const path = join(import.meta.dirname, '..', 'package.json');
  const { version }: { version: string } = JSON.parse(readFileSync(path, 'utf8'));
  return version;
}
