// The store of a server: its own PostgreSQL, or the one that DATABASE_URL names.
import { join } from 'node:path';
import type { Config } from '../config.ts';
import type { Logger } from '../log/logger.ts';
import type { Scrubber } from '../../protocol/log/scrubber.ts';
import { openDatabase, type Connection, type Database } from './database.ts';
import { startEmbeddedPostgres } from './embedded-postgres.ts';

export interface Store {
  readonly db: Database;
  /** Resolves when an embedded store ends by itself. */
  readonly failed: Promise<Error>;
  close(): Promise<void>;
}

export async function openStore(config: Config, log: Logger, scrubber: Scrubber): Promise<Store> {
  if (config.databaseUrl !== null) {
    registerPassword(config.databaseUrl, scrubber);
    return await openOver({ connectionString: config.databaseUrl }, log, neverFails);
  }
  const postgres = await startEmbeddedPostgres({
    folder: join(config.dataFolder, 'store'),
    log: (line) => log.debug({ event: 'postgres', line }),
  });
  const failed = postgres.exited.then(
    ({ code }) => new Error(`the embedded store ended (exit code ${code ?? 'none'})`),
  );
  try {
    return await openOver(postgres.connection, log, { failed, stop: () => postgres.stop() });
  } catch (error) {
    await postgres.stop();
    throw error;
  }
}

interface Lifetime {
  readonly failed: Promise<Error>;
  stop(): Promise<void>;
}

/** Another machine's server may come and go: the pool reconnects. */
const neverFails: Lifetime = { failed: new Promise(() => undefined), stop: () => Promise.resolve() };

async function openOver(connection: Connection, log: Logger, lifetime: Lifetime): Promise<Store> {
  const { db, close } = await openDatabase(connection, (err) =>
    log.warn({ event: 'store-connection-lost', err }),
  );
  return {
    db,
    failed: lifetime.failed,
    close: async () => {
      await close();
      await lifetime.stop();
    },
  };
}

function registerPassword(databaseUrl: string, scrubber: Scrubber): void {
  const { password } = new URL(databaseUrl);
  scrubber.hold(databaseUrl);
  scrubber.hold(password);
  scrubber.hold(decodeURIComponent(password));
}
