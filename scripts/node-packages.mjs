// Node packages: are they what package-lock.json says, and if not, install them. Runs on Node 20 without packages.
import { existsSync, lstatSync, readFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { join } from 'node:path';

/**
 * True when node_modules holds exactly what package-lock.json pins. npm writes its hidden lockfile as the last step of
 * an installation, so an interrupted one counts as missing and one made by hand counts as done.
 * @param {string} root
 */
export function packagesAreCurrent(root) {
  const hidden = join(root, 'node_modules/.package-lock.json');
  if (!existsSync(hidden)) return false;
  const wanted = lockedPackages(join(root, 'package-lock.json'));
  const present = lockedPackages(hidden);
  const allThere = Object.entries(wanted).every(([path, entry]) =>
    present[path] ? sameRelease(entry, present[path]) : skippable(entry),
  );
  return allThere && Object.keys(present).every((path) => wanted[path]);
}

/**
 * `npm ci` with its output on stderr, so that stdout stays the command's own. Throws before anything is touched when
 * node_modules is a symbolic link: npm empties what it leads to, which another tree lives on.
 * @param {string} root
 */
export async function installPackages(root) {
  const folder = join(root, 'node_modules');
  if (lstatSync(folder, { throwIfNoEntry: false })?.isSymbolicLink())
    throw new Error(
      `${folder} is a symbolic link and not what package-lock.json says: nothing is installed through it. Install where it leads to, or remove the link and run this again`,
    );
  const npm = process.env['npm_execpath'];
  const [file, first] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []];
  // Building the vault needs the development packages, also where NODE_ENV says production.
  const args = [
    ...first,
    'ci',
    '--include=dev',
    '--include=optional',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ];
  await new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd: root, stdio: ['ignore', 2, 2] });
    child.once('error', reject);
    child.once('exit', (code, signal) =>
      code === 0 ? resolve(undefined) : reject(new Error(`npm ci ended with ${signal ?? `code ${code}`}`)),
    );
  });
}

/** @param {string} file @returns {Record<string, { version?: string, integrity?: string, optional?: boolean, devOptional?: boolean, peer?: boolean }>} */
function lockedPackages(file) {
  const { packages = {} } = JSON.parse(readFileSync(file, 'utf8'));
  delete packages[''];
  return packages;
}

/** @param {{ version?: string, integrity?: string }} a @param {{ version?: string, integrity?: string }} b */
function sameRelease(a, b) {
  return a.version === b.version && (!a.integrity || !b.integrity || a.integrity === b.integrity);
}

/** Packages for other platforms stay out of node_modules. @param {{ optional?: boolean, devOptional?: boolean }} entry */
function skippable(entry) {
  return entry.optional === true || entry.devOptional === true;
}
