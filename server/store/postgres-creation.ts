// Making a new store: whole or not at all.
import { renameSync, rmSync } from 'node:fs';
import type { PostgresFolders } from './postgres-folders.ts';
import { makeFolder, openFolder, syncFolder } from './postgres-folders.ts';
import type { PostgresProgram } from './postgres-process.ts';
import { runProgram } from './postgres-process.ts';

/** The role and the database of the server. The role owns its database and is no superuser. */
export const role = 'sallyport';
const superuser = 'sallyport_admin';

const initdbArguments = [
  ...['-U', superuser, '--auth', 'trust', '--data-checksums', '--no-instructions'],
  ...['--encoding', 'UTF8', '--locale', 'C'],
];

/**
 * Makes the store under a temporary name and renames it when it is whole: a killed start leaves only the temporary
 * one, which the next start throws away.
 */
export async function createStore(
  folders: PostgresFolders,
  program: Omit<PostgresProgram, 'folder'>,
): Promise<void> {
  rmSync(folders.unfinished, { recursive: true, force: true });
  makeFolder(folders.unfinished, program.account);
  const folder = openFolder(folders.unfinished, program.account);
  try {
    await fillStore({ ...program, folder });
  } finally {
    folder.close();
  }
  renameSync(folders.unfinished, folders.data);
  syncFolder(folders.root);
}

async function fillStore(program: PostgresProgram): Promise<void> {
  await runProgram(program, 'initdb', initdbArguments);
  // The password-less login is safe because only the socket's folder (0700) leads to it.
  const commands = [`CREATE ROLE ${role} LOGIN`, `CREATE DATABASE ${role} OWNER ${role}`];
  await runProgram(
    program,
    'postgres',
    ['--single', '-j', 'postgres'],
    commands.map((sql) => `${sql};\n\n`).join(''),
  );
}
