// The server's command line.
import { parseArgs } from 'node:util';
import { ConfigError, readConfig, type Config } from './config.ts';
import { rotateKeys } from './keys/key-file.ts';
import { helpText } from './settings.ts';
import { startServer, type RunningServer } from './start.ts';
import type { SelfSigned } from './tls/server-certificate.ts';

/** What a launcher that started this process over an IPC channel gets. */
export interface ListeningMessage {
  readonly kind: 'listening';
  readonly url: string;
  readonly port: number;
  readonly setupToken: string | null;
  readonly selfSigned: SelfSigned | null;
}

// Only the message: what an error carries besides may quote what it was working on.
process.on('uncaughtException', fail);

const { values, positionals } = parseCommandLine();
if (values.help) console.log(helpText);
else await run(positionals[0] ?? 'serve').catch(fail);

async function run(command: string): Promise<void> {
  const config = readConfig(process.env, values.config, { selfSigned: values['self-signed'] });
  if (command === 'serve') return await serve(config);
  if (command === 'rotate-keys') return announceRotation(config);
  throw new ConfigError(command, 'there is no such command (--help lists them)');
}

async function serve(config: Config): Promise<void> {
  const stopSignal = waitForStop();
  const server = await startServer(config);
  process.on('SIGHUP', () => {
    server.reloadKeys();
    server.reloadCertificate();
  });
  announce(server);
  const failure = await Promise.race([stopSignal, server.failed]);
  await server.close();
  if (failure) throw failure;
  if (process.connected) process.disconnect();
}

/** What is for the person at the terminal, not for the log. */
function announce({ url, port, setupToken, selfSigned }: RunningServer): void {
  if (process.send) {
    const message: ListeningMessage = { kind: 'listening', url, port, setupToken, selfSigned };
    process.send(message);
    return;
  }
  if (selfSigned)
    console.log(`\nSelf-signed certificate, SHA-256:\n\n  ${selfSigned.fingerprint}\n  ${selfSigned.file}\n`);
  if (setupToken)
    console.log(
      `\nCreate the first administrator with this one-time link:\n\n  ${url}/#setup=${setupToken}\n`,
    );
}

function announceRotation(config: Config): void {
  const { ring } = rotateKeys(config.dataFolder, Date.now());
  console.log(`transmission key ${ring[0]?.id} is current; send the running server SIGHUP`);
}

function waitForStop(): Promise<null> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'disconnect'] as const)
      process.once(signal, () => resolve(null));
  });
}

function parseCommandLine() {
  try {
    const options = {
      help: { type: 'boolean', short: 'h' },
      config: { type: 'string' },
      'self-signed': { type: 'boolean', default: false },
    } as const;
    return parseArgs({ options, allowPositionals: true });
  } catch (error) {
    return fail(error);
  }
}

function fail(error: unknown): never {
  console.error(`sallyport server: ${error instanceof Error ? error.message : 'failed'}`);
  process.exit(1);
}
