// One whole installation of real parts, each a process of its own that a test may kill and start again.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { enrolGateway, startGatewayProcess } from '../../scripts/process/gateway.ts';
import { startGuacdPool, type GuacdPool } from '../../scripts/process/guacd-pool.ts';
import { guacdFolder } from '../../scripts/process/guacd.ts';
import { openLogFile, type LogFile } from '../../scripts/process/log-file.ts';
import type { OwnedChild } from '../../scripts/process/owned-child.ts';
import { startServerProcess, type ServerProcess } from '../../scripts/process/server.ts';
import type { Coturn } from '../fixtures/coturn.ts';
import { startSshTarget, type SshTarget } from '../fixtures/ssh-target.ts';

type Settings = Readonly<Record<string, string>>;

export interface InstallationOptions {
  /** What the server is to say of relays. */
  readonly relay?: Pick<Coturn, 'urls' | 'secret'>;
  /** Beside those that every installation has. */
  readonly serverSettings?: Settings;
  readonly gatewaySettings?: Settings;
}

const siteFolder = join(import.meta.dirname, '../../dist/web');

/** Server, guacd and target run; the gateway starts once a test has a token for it. */
export class Installation {
  readonly folder = mkdtempSync(join(tmpdir(), 'sallyport-e2e-'));
  /** Every secret that the run used; the last test searches logs and database for them. */
  readonly secrets = new Set<string>();
  server!: ServerProcess;
  guacd!: GuacdPool;
  target!: SshTarget;
  gateway: OwnedChild | null = null;
  /** The server's first port, kept over restarts: addresses that people use do not change. */
  #port = 0;
  readonly #options: InstallationOptions;
  #logs = new Map<string, LogFile>();

  private constructor(options: InstallationOptions) {
    this.#options = options;
    if (options.relay) this.secrets.add(options.relay.secret);
  }

  static async start(options: InstallationOptions = {}): Promise<Installation> {
    const installation = new Installation(options);
    await installation.startServer();
    await installation.startGuacd();
    installation.target = await startSshTarget({ line: installation.log('sshd').line });
    installation.secrets.add(installation.target.password);
    return installation;
  }

  get setupLink(): string {
    return `${this.server.url}/#setup=${this.server.setupToken ?? ''}`;
  }

  get databaseFolder(): string {
    return join(this.folder, 'data');
  }

  async startServer(): Promise<void> {
    const { relay, serverSettings } = this.#options;
    const settings = {
      SALLYPORT_DATA: this.databaseFolder,
      SALLYPORT_HOST: '127.0.0.1',
      SALLYPORT_PORT: String(this.#port),
      SALLYPORT_SITE: siteFolder,
      LOG_LEVEL: 'debug',
      ...(relay && { RELAY_URLS: relay.urls.join(' '), RELAY_SECRET: relay.secret }),
      ...serverSettings,
    };
    this.server = await startServerProcess({ settings, log: this.log('server') });
    this.#port = this.server.port;
    if (this.server.setupToken) this.secrets.add(this.server.setupToken);
  }

  /** As a crash would: no orderly end, nothing flushed. */
  async killServer(): Promise<void> {
    process.kill(this.server.pid, 'SIGKILL');
    await this.server.exited;
  }

  async startGuacd(): Promise<void> {
    const path = join(this.folder, 'guacd');
    this.guacd = await startGuacdPool({ folder: guacdFolder, path, line: this.log('guacd').line });
  }

  async enrol(token: string): Promise<void> {
    this.secrets.add(token);
    await enrolGateway({
      config: this.#gatewayConfig,
      log: this.log('enrolment'),
      server: this.server.url,
      token,
    });
    await this.startGateway();
  }

  async startGateway(): Promise<void> {
    this.gateway = await startGatewayProcess({
      config: this.#gatewayConfig,
      log: this.log('gateway'),
      guacd: this.guacd.place,
      settings: { SALLYPORT_GATEWAY_BIND: '127.0.0.1', LOG_LEVEL: 'debug', ...this.#options.gatewaySettings },
    });
  }

  async killGateway(): Promise<void> {
    if (this.gateway === null) return;
    process.kill(this.gateway.pid, 'SIGKILL');
    await this.gateway.exited;
    this.gateway = null;
  }

  /** All that any part logged in this run. */
  readLogs(): string {
    const folder = join(this.folder, 'logs');
    return readdirSync(folder)
      .map((name) => readFileSync(join(folder, name), 'utf8'))
      .join('\n');
  }

  log(name: string): LogFile {
    const known = [...this.#logs.keys()].filter((key) => key.startsWith(name)).length;
    const log = openLogFile(join(this.folder, 'logs', `${name}-${known}.log`));
    this.#logs.set(`${name}-${known}`, log);
    return log;
  }

  async stop(): Promise<void> {
    await this.gateway?.stop();
    await this.server.stop();
    await this.guacd.stop();
    await this.target.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  get #gatewayConfig(): string {
    return join(this.folder, 'gateway', 'gateway.json');
  }
}
