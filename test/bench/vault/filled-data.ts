// Data folders of servers with one account each, filled by the real engine and kept under var/bench for the next run.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { LogFile } from '../../../scripts/process/log-file.ts';
import { startServerProcess, type ServerProcess } from '../../../scripts/process/server.ts';
import { root } from '../../../scripts/process/tool.ts';
import { limits } from '../../../protocol/limits.ts';
import type { Environment } from '../../../workers/engine/environment.ts';
import { inTurn } from '../../../workers/engine/exclusive.ts';
import { startEngine } from '../../fixtures/engine.ts';
import { sampleVault } from './sample-records.ts';

export const person = { email: 'bench@example.test', password: 'correct horse battery staple 9' } as const;

/** What decides how a filled data folder looks. */
const makers = [
  'protocol',
  'server',
  'workers/exchange',
  'workers/engine/held-index',
  'workers/engine/manifest',
  'workers/engine/snapshot/columns.ts',
  'workers/engine/snapshot/snapshot-codec.ts',
  'workers/engine/records/record-sealer.ts',
  'test/bench/vault/sample-records.ts',
  'test/bench/vault/filled-data.ts',
];
const store = join(root, 'var/bench');

/** Copies a data folder with that many records to `target`, made first when there is none. Others than these very sources made go. */
export async function provideFilledData(count: number, target: string, log: LogFile): Promise<void> {
  const key = hashOf(makers.flatMap(filesOf));
  const kept = join(store, `vault-${count}-${key}`);
  if (!existsSync(kept)) {
    mkdirSync(store, { recursive: true });
    for (const old of readdirSync(store))
      if (old.startsWith(`vault-${count}-`)) rmSync(join(store, old), { recursive: true, force: true });
    await fill(count, target, log);
    copyFolder(target, `${kept}.new`);
    renameSync(`${kept}.new`, kept);
  } else copyFolder(kept, target);
}

/** The server over that folder, with the built vault. */
export async function serve(folder: string, log: LogFile): Promise<ServerProcess> {
  return await startServerProcess({
    settings: {
      SALLYPORT_DATA: folder,
      SALLYPORT_HOST: '127.0.0.1',
      SALLYPORT_PORT: '0',
      SALLYPORT_SITE: join(root, 'dist/web'),
      OPEN_SIGN_UP: 'true',
      LOG_LEVEL: 'info',
    },
    log,
  });
}

async function fill(count: number, folder: string, log: LogFile): Promise<void> {
  const server = await serve(folder, log);
  const since = performance.now();
  try {
    const { exclusive, nextDone } = watchTasks();
    const engine = await startEngine(server.url, { exclusive });
    try {
      await engine.draftRecoveryPhrase();
      await engine.createAccount({ email: person.email, password: person.password });
      const { previewUid } = await engine.previewImport({ format: 'bitwarden', bytes: sampleVault(count) });
      const { recordUids } = await engine.runImport({ previewUid, folderUid: null });
      if (recordUids.length !== count) throw new Error(`${recordUids.length} of ${count} records were made`);
      await engine.lock();
      const kept = count < limits.heldIndex.things ? null : nextDone('held-index');
      await engine.unlock({ password: person.password });
      await kept;
    } finally {
      await engine.close();
    }
  } finally {
    await server.stop();
  }
  const seconds = ((performance.now() - since) / 1000).toFixed(0);
  console.log(`filled a vault of ${count} records in ${seconds} s; the next run takes it from var/bench`);
}

/** Runs tasks in turn, and tells when the next one of that name is over. */
function watchTasks() {
  const tasks = new EventEmitter();
  const inTurnOf = inTurn();
  const exclusive: Environment['exclusive'] = (name, task) =>
    inTurnOf(name, task).finally(() => tasks.emit(name));
  return { exclusive, nextDone: async (name: string) => void (await once(tasks, name)) };
}

/** With owners and modes: the store of a server that root started belongs to another account. */
function copyFolder(from: string, to: string): void {
  execFileSync('cp', ['-a', from, to]);
}

function hashOf(files: readonly string[]): string {
  const hash = createHash('sha256');
  for (const file of files) hash.update(`${file}\0`).update(readFileSync(join(root, file)));
  return hash.digest('hex').slice(0, 16);
}

function filesOf(path: string): string[] {
  if (path.endsWith('.ts')) return [path];
  return readdirSync(join(root, path), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.tsbuildinfo'))
    .map((entry) => join(entry.parentPath.slice(root.length + 1), entry.name))
    .sort();
}
