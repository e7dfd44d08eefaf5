// One server, whole: store, keys, routes, links. For main.ts, for launchers and for tests.
import { mkdirSync, readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { AccountService } from '../protocol/messages/gen/account_pb.js';
import { ApplicationService } from '../protocol/messages/gen/application_pb.js';
import { RecordService } from '../protocol/messages/gen/record_pb.js';
import { addApiRoutes, apiRate } from './api/api-routes.ts';
import { Dispatcher, methodsOf } from './api/dispatcher.ts';
import type { Rate } from './api/token-bucket.ts';
import { createApp } from './app.ts';
import { applicationHandlers } from './applications/application-service.ts';
import type { Config } from './config.ts';
import { KeyRing } from './keys/key-ring.ts';
import { createLogger, type Logger } from './log/logger.ts';
import { Scrubber } from './log/scrubber.ts';
import { accountHandlers } from './login/account-service.ts';
import { Opaque } from './login/opaque.ts';
import { issueSetupToken } from './login/setup-token.ts';
import { loginRates, type LoginRates } from './login/throttle.ts';
import { recordHandlers } from './records/record-service.ts';
import { InProcessHead } from './router/head/in-process.ts';
import { addSecurityHeaders } from './site/security-headers.ts';
import { addSiteRoutes } from './site/site-routes.ts';
import { openStore } from './store/open-store.ts';

export interface RunningServer {
  /** What browsers and gateways call. */
  readonly url: string;
  readonly port: number;
  /** base64url, for `${url}/#setup=TOKEN`; null when there is an account already. */
  readonly setupToken: string | null;
  /** Resolves with the reason when the server cannot go on: its store ended. */
  readonly failed: Promise<Error>;
  /** Takes over rotated keys. */
  reloadKeys(): void;
  /** Stops accepting, tells the links, finishes what runs, closes the store. */
  close(): Promise<void>;
}

export interface StartOptions {
  readonly log?: Logger;
  readonly rates?: Partial<Rates>;
}

export interface Rates {
  readonly login: LoginRates;
  readonly api: Rate;
}

/** Starts a server. Throws with a message for the person when it cannot; nothing is left running then. */
export async function startServer(config: Config, options: StartOptions = {}): Promise<RunningServer> {
  const scrubber = new Scrubber();
  const log = options.log ?? createLogger(config.logLevel, scrubber);
  const rates: Rates = { login: loginRates, api: apiRate, ...options.rates };
  mkdirSync(config.dataFolder, { recursive: true, mode: 0o711 });
  const ring = new KeyRing(config.dataFolder);
  const store = await openStore(config, log, scrubber);
  try {
    const head = new InProcessHead();
    const { db } = store;
    const opaque = await Opaque.load(ring.opaqueSetup);
    const version = readVersion();
    const accounts = {
      db,
      opaque,
      head,
      log,
      version,
      openSignUp: config.openSignUp,
      loginRates: rates.login,
    };
    const methods = new Map([
      ...methodsOf(AccountService, accountHandlers(accounts)),
      ...methodsOf(RecordService, recordHandlers(db, head)),
      ...methodsOf(ApplicationService, applicationHandlers(db, head)),
    ]);
    const app = await createApp(config, log);
    addSecurityHeaders(app, config.publicUrl, config.tls !== null);
    addApiRoutes(app, new Dispatcher({ db, ring, methods, log }), ring, rates.api);
    addSiteRoutes(app, config.siteFolder);
    await app.listen({ host: config.host, port: config.port });
    const { port } = app.server.address() as AddressInfo;
    const url = config.publicUrl ?? `${config.tls ? 'https' : 'http'}://${hostIn(config.host)}:${port}`;
    log.info({ event: 'listening', url, port, version });
    return {
      url,
      port,
      setupToken: await issueSetupToken(db),
      failed: store.failed,
      reloadKeys: () => ring.reload(),
      close: async () => {
        await app.close();
        await store.close();
        log.info({ event: 'stopped' });
      },
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}

function hostIn(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

function readVersion(): string {
  const path = join(import.meta.dirname, '..', 'package.json');
  const { version }: { version: string } = JSON.parse(readFileSync(path, 'utf8'));
  return version;
}
