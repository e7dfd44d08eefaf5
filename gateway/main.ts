// The gateway as a program: enrolment, running it, and saying who it is.
import { hash } from 'node:crypto';
import { signerOf } from '../protocol/crypto/ecdsa.ts';
import { provideSha256 } from '../protocol/crypto/hash.ts';
import { encodeBase64url } from '../protocol/bytes.ts';
import { ProtocolError } from '../protocol/errors.ts';
import { helpText, readArguments, type Arguments } from './arguments.ts';
import { ConfigError } from './config.ts';
import { defaultConfigPath, loadConfig } from './config-source.ts';
import { describePins, enrol } from './enrolment/enrol.ts';
import { startGateway } from './gateway.ts';
import { Logger } from './log/logger.ts';
import { endLibrary } from './media/library.ts';
import { readSettings } from './settings.ts';

/** Ctrl-C in a terminal comes twice (from the terminal and from the parent): within this time it is one wish. */
const sameWishMs = 1_000;
/** Sessions are told and guacd is left in well under a second; a peer that hangs is not waited for. */
const stopMs = 8_000;

const say = (line: string) => process.stdout.write(`${line}\n`);

async function main(): Promise<number> {
  const args = readArguments(process.argv.slice(2), process.env);
  switch (args.command) {
    case 'help':
      say(helpText);
      return 0;
    case 'enrol':
      return await runEnrolment(args);
    case 'info':
      return await tellInfo(args);
    case 'run':
      return await run(args);
  }
}

async function runEnrolment(args: Arguments): Promise<number> {
  if (args.server === null) throw new ConfigError('--server', 'is missing: the address of the server');
  const { certificateAuthority } = readSettings(args.environment);
  const file = args.config ?? defaultConfigPath();
  const token = args.token ?? (await readToken());
  const { server } = args;
  const signal = AbortSignal.timeout(60_000);
  const config = await enrol({ server, token, file, certificateAuthority, signal });
  say(`enrolled; the configuration is in ${file}\nthis gateway believes from now on:`);
  for (const line of describePins(config)) say(`  ${line}`);
  return 0;
}

async function tellInfo(args: Arguments): Promise<number> {
  const { config, state } = await loadConfig(args.environment, args.config);
  for (const line of describePins(config)) say(line);
  say(`device key    ${encodeBase64url(signerOf(config.privateKey).publicKey)}`);
  say(`seen so far   roster ${state.versions.roster}, server keys ${state.versions.serverKeySet}`);
  return 0;
}

async function run(args: Arguments): Promise<number> {
  const settings = readSettings(args.environment);
  const log = new Logger(settings.logLevel);
  provideSha256((bytes) => hash('sha256', bytes, 'buffer')); // of recordings there is much
  const { config, state, policyFile, ...folders } = await loadConfig(args.environment, args.config);
  process.on('uncaughtException', (err) => {
    log.error('gateway failed', { err });
    process.exit(1);
  });
  const stopped = untilStopped();
  const gateway = startGateway({ config, state, policyFile, settings, log, ...folders });
  const signal = await stopped;
  const deadline = setTimeout(() => process.exit(1), stopMs);
  await gateway.close();
  log.info('gateway stopped', { signal });
  endLibrary();
  clearTimeout(deadline);
  process.exit(0); // native threads of libdatachannel may outlive their cleanup
}

/** Settles with the first signal; a later one ends the process at once. */
function untilStopped(): Promise<string> {
  return new Promise((resolve) => {
    let first: number | null = null;
    const wish = (signal: string) => {
      if (first !== null && performance.now() - first > sameWishMs) process.exit(130);
      first ??= performance.now();
      resolve(signal);
    };
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, wish);
  });
}

async function readToken(): Promise<string> {
  if (process.stdin.isTTY) process.stderr.write('one-time token: ');
  let text = '';
  for await (const chunk of process.stdin.setEncoding('utf8')) {
    text += String(chunk);
    if (text.includes('\n') || text.length > 1024) break;
  }
  return text.split('\n')[0] ?? '';
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    const known = error instanceof ConfigError || error instanceof ProtocolError || isSystemError(error);
    const message = known && error instanceof Error ? error.message : 'the gateway failed';
    process.stderr.write(`error: ${message}\n`);
    // The places without the message, which could quote what it was given.
    if (!known && error instanceof Error)
      process.stderr.write(`${error.stack?.replace(error.message, '')}\n`);
    process.exitCode = 1;
  },
);

function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}
