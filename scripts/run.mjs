#!/usr/bin/env node
// The one door behind every npm script. Runs on the machine's own Node (20 or later) with nothing installed:
// installs the node packages when they are missing or stale and goes on under Node 24.
import { existsSync, statSync } from 'node:fs';
import { spawn, spawnSync } from 'node:child_process';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { commands, overview } from './help.mjs';
import { installPackages, packagesAreCurrent } from './node-packages.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const oldest = 24;

async function main() {
  const [name = '', ...args] = process.argv.slice(2);
  if (['', 'help', '--help', '-h'].includes(name)) return say(process.stdout, overview());
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!command) return say(process.stderr, `unknown command: ${name}\n\n${overview()}`, 2);
  if (asksForHelp(args)) return help(name, command);
  if (!packagesAreCurrent(root)) await install();
  return runCommand(name, args);
}

/**
 * What a command says of itself, and below it what the program behind it says, once that can run.
 * @param {string} name @param {{ text: string, program?: boolean }} command
 */
function help(name, command) {
  say(process.stdout, command.text);
  return command.program && packagesAreCurrent(root) ? runCommand(name, ['--help']) : 0;
}

/** Help after a word of its own ("gateway enrol --help") belongs to that word's program. @param {string[]} args */
function asksForHelp(args) {
  return args[0] === '--help' || args[0] === '-h';
}

/** @param {NodeJS.WriteStream} stream @param {string} text */
function say(stream, text, code = 0) {
  stream.write(`${text}\n`);
  return code;
}

async function install() {
  const start = performance.now();
  say(process.stderr, 'installing node packages (npm ci) …');
  await installPackages(root);
  say(process.stderr, `node packages installed in ${((performance.now() - start) / 1000).toFixed(1)} s`);
}

/** @param {string} name @param {string[]} args @returns {Promise<number>} */
function runCommand(name, args) {
  const node = findNode();
  const env = {
    ...process.env,
    PATH: [dirname(node), join(root, 'node_modules/.bin'), process.env['PATH']].join(delimiter),
  };
  // The fourth descriptor closes when this process dies, however it dies: the command then stops what it started.
  const child = spawn(node, [join(root, 'scripts/commands', `${name}.ts`), ...args], {
    cwd: root,
    env: {
      ...env,
      SALLYPORT_STARTED: env['SALLYPORT_STARTED'] ?? String(Date.now() - Math.round(performance.now())),
    },
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  forwardSignals(child);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 1)));
  });
}

/**
 * Each signal is handed on once. Ctrl-C in a terminal reaches the whole group, so the command sees it twice;
 * scripts/process/stop.ts counts those as one.
 * @param {import('node:child_process').ChildProcess} child
 */
function forwardSignals(child) {
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    let handedOn = false;
    process.on(signal, () => {
      if (!handedOn) child.kill(signal);
      handedOn = true;
    });
  }
}

/** The Node that the lockfile pins for this platform, else this one if it is new enough. */
function findNode() {
  const suffix = process.platform === 'win32' ? '.exe' : '';
  const pinned = join(
    root,
    'node_modules',
    `node-${process.platform}-${process.arch}`,
    'bin',
    `node${suffix}`,
  );
  if (existsSync(pinned) && statSync(pinned).size > 0 && spawnSync(pinned, ['--version']).status === 0)
    return pinned;
  if (Number.parseInt(process.versions.node, 10) >= oldest) return process.execPath;
  throw new Error(
    `no Node ${oldest} for ${process.platform}-${process.arch}: install Node ${oldest} or later and run this again (this one is ${process.versions.node})`,
  );
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error) => {
    say(process.stderr, `error: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  },
);
