// One whole installation over three networks: the browser in the user's, server and relay in the public one, and the
// gateway with guacd and the machine in the customer's. All of them are the programs that people install.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, type Browser, type BrowserType, type Page } from '@playwright/test';
import { enrolGateway } from '../../scripts/process/gateway.ts';
import { guacdFolder, prepareGuacd } from '../../scripts/process/guacd.ts';
import { openLogFile, type LogFile } from '../../scripts/process/log-file.ts';
import { startOwnedChild, type OwnedChild } from '../../scripts/process/owned-child.ts';
import { startServerProcess, type ServerProcess } from '../../scripts/process/server.ts';
import { root } from '../../scripts/process/tool.ts';
import { chromiumLaunch } from '../chromium.ts';
import { makeCertificate, type TestCertificate } from '../fixtures/certificate.ts';
import { documentedSettings, startCoturn, type Coturn } from '../fixtures/coturn.ts';
import { addresses, Networks, tlsPorts } from '../fixtures/networks.ts';
import { startSshTarget, type SshTarget } from '../fixtures/ssh-target.ts';
import { createFirstAccount, createGateway, createMachine, createUser } from './person.ts';

const siteFolder = join(root, 'dist/web');
const ports = { relay: 3478, machine: 2222 } as const;
const relayUrls = [
  `stun:${addresses.server}:${ports.relay}`,
  `turn:${addresses.server}:${ports.relay}?transport=udp`,
  `turn:${addresses.server}:${ports.relay}?transport=tcp`,
  `turns:${addresses.server}:${tlsPorts.relay}?transport=tcp`,
];

export class ThreeNetworks {
  readonly folder = mkdtempSync(join(tmpdir(), 'sallyport-networks-'));
  readonly networks: Networks;
  server!: ServerProcess;
  coturn!: Coturn;
  target!: SshTarget;
  browser!: Browser;
  #gateway: OwnedChild | null = null;
  readonly #certificate: TestCertificate;

  private constructor(networks: Networks) {
    this.networks = networks;
    chmodSync(this.folder, 0o755); // coturn and PostgreSQL have users of their own
    this.#certificate = makeCertificate(join(this.folder, 'tls'), addresses.server);
    chmodSync(this.#certificate.key, 0o644); // of a day's certificate for nobody
  }

  static async start(chromium: BrowserType): Promise<ThreeNetworks> {
    await prepareGuacd({ folder: guacdFolder }); // there is no archive to get it from in the customer's network
    const three = new ThreeNetworks(await Networks.start());
    try {
      await three.#start(chromium);
      return three;
    } catch (error) {
      await three.stop();
      throw error;
    }
  }

  async enrol(token: string): Promise<void> {
    const log = this.log('enrolment');
    const { within, settings, config } = this.#customer;
    await enrolGateway({ within, settings, config, log, server: this.server.url, token });
    this.#gateway = await startOwnedChild({
      name: 'gateway',
      command: [...within, process.execPath, join(root, 'scripts/commands/gateway.ts'), '--config', config],
      folder: root,
      environment: { ...process.env, ...settings, LOG_LEVEL: 'debug' },
      line: this.log('gateway').line,
      stopMilliseconds: 20_000,
    });
  }

  log(name: string): LogFile {
    return openLogFile(join(this.folder, 'logs', `${name}.log`));
  }

  async stop(): Promise<void> {
    await this.browser?.close();
    await this.#gateway?.stop();
    await this.target?.stop();
    await this.server?.stop();
    await this.coturn?.stop();
    await this.networks.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  get #customer() {
    return {
      within: this.networks.customer,
      config: join(this.folder, 'gateway', 'gateway.json'),
      settings: { SALLYPORT_GATEWAY_CA: this.#certificate.certificate },
    };
  }

  async #start(chromium: BrowserType): Promise<void> {
    const { certificate, key } = this.#certificate;
    this.coturn = await startCoturn({
      ...{ host: addresses.server, port: ports.relay, within: this.networks.server },
      settings: [
        ...documentedSettings(),
        ...[`cert=${certificate}`, `pkey=${key}`, `tls-listening-port=${tlsPorts.relay}`],
      ],
    });
    await this.#startServer();
    this.target = await startSshTarget({
      ...{ within: this.networks.customer, port: ports.machine, line: this.log('sshd').line },
    });
    this.browser = await this.#startBrowser(chromium);
  }

  async #startServer(): Promise<void> {
    const { certificate, key } = this.#certificate;
    this.server = await startServerProcess({
      within: this.networks.server,
      log: this.log('server'),
      settings: {
        SALLYPORT_DATA: join(this.folder, 'data'),
        SALLYPORT_HOST: addresses.server,
        SALLYPORT_PORT: String(tlsPorts.server),
        SALLYPORT_PUBLIC_URL: `https://${addresses.server}:${tlsPorts.server}`,
        SALLYPORT_SITE: siteFolder,
        TLS_CERT: certificate,
        TLS_KEY: key,
        RELAY_URLS: relayUrls.join(' '),
        RELAY_SECRET: this.coturn.secret,
        LOG_LEVEL: 'debug',
      },
    });
  }

  /**
   * Playwright gives its own arguments to the program first, so the way into the network is a program, too. That the relay's
   * certificate is nobody's can only be said on the command line.
   */
  async #startBrowser(chromium: BrowserType): Promise<Browser> {
    const executablePath = join(this.folder, 'chromium');
    const command = [...this.networks.user, chromiumLaunch.executablePath].join(' ');
    writeFileSync(executablePath, `#!/bin/sh\nexec ${command} "$@"\n`, { mode: 0o755 });
    const args = [...chromiumLaunch.args, '--ignore-certificate-errors'];
    return await chromium.launch({ executablePath, args });
  }
}

/** The first account, in its unlocked vault: the gateway of the customer's network, and the machine that is there. */
export async function moveInApart(page: Page, three: ThreeNetworks, machine: string): Promise<void> {
  const { url, setupToken } = three.server;
  await createFirstAccount(page, `${url}/#setup=${setupToken ?? ''}`);
  await three.enrol(await createGateway(page, 'Office'));
  await expect(page.getByRole('status').filter({ hasText: 'The gateway is online' })).toBeVisible({
    timeout: 30_000,
  });
  await page.getByRole('button', { name: 'Open the vault' }).click();
  const { host, port, username: login, password } = three.target;
  await createUser(page, { title: 'Builder', login, password });
  await createMachine(page, {
    ...{ title: machine, host, port },
    ...{ gateway: 'Office', credential: `Builder (${login})` },
  });
}
