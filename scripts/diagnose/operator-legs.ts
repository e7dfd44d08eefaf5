// What an operator's installation needs, each tested from this machine: named, timed, and with the next step.
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { Client } from 'pg';
import { WebSocket } from 'ws';
import { askArguments } from '../../gateway/guacd/handshake.ts';
import { InstructionSocket } from '../../gateway/guacd/instruction-socket.ts';
import { parseIceUrl } from '../../protocol/channel/ice-servers.ts';
import { RelayCredentials } from '../../server/relay/relay-credentials.ts';
import type { Config } from '../../server/config.ts';
import { allocate, askMappedAddress, TurnRefusal } from './turn-allocation.ts';

export type LegReport = {
  readonly leg: string;
  readonly result: 'ok' | 'failed' | 'not configured' | 'not reached';
  /** Holds no password, secret or credential. */
  readonly note: string;
  readonly next: string;
  readonly tookMs: number;
};

export type OperatorParts = {
  readonly config: Config;
  /** null: each session has one of its own, which only its gateway starts. */
  readonly guacd: { readonly host: string; readonly port: number } | null;
  readonly signal: AbortSignal;
  readonly report: (report: LegReport) => void;
};

const answerMs = 8_000;
const dayMs = 24 * 60 * 60_000;
const fewDays = 14;

/** Tests everything, one after another, reporting each as it is known. Never throws; how many failed. */
export async function diagnoseInstallation(parts: OperatorParts): Promise<number> {
  const { config, guacd } = parts;
  const legs = new Legs(parts);
  await legs.test('Database', () => askDatabase(config), 'Check DATABASE_URL, and that PostgreSQL runs.');
  const url = new URL(config.publicUrl ?? `${config.tls ? 'https' : 'http'}://${config.host}:${config.port}`);
  const found = await legs.test('DNS of the server', () => askName(url), 'Give its name an address.');
  if (found) await askServer(legs, url);
  else for (const leg of serverLegs) legs.skip(leg, 'DNS of the server');
  await askGuacd(legs, guacd);
  await askRelays(legs, config);
  return legs.failed;
}

const serverLegs = ['TLS', 'HTTPS', 'Router link (WebSocket)'] as const;

async function askServer(legs: Legs, url: URL): Promise<void> {
  const [tls, https, link] = serverLegs;
  if (url.protocol === 'https:') {
    const next = 'Renew the certificate, or give the whole chain in TLS_CERT.';
    if (!(await legs.test(tls, (signal) => askCertificate(url, signal), next)))
      return [https, link].forEach((leg) => legs.skip(leg, tls));
  } else
    legs.say({
      leg: tls,
      result: 'not configured',
      note: 'plain HTTP',
      next: 'Fine for loopback; else set TLS_CERT.',
    });
  if (
    !(await legs.test(
      https,
      (signal) => askKeys(url, signal),
      'Start the server; look at its log and its proxy.',
    ))
  )
    return legs.skip(link, https);
  await legs.test(link, (signal) => askLink(url, signal), 'Let the proxy in front pass WebSockets on.');
}

async function askGuacd(legs: Legs, guacd: OperatorParts['guacd']): Promise<void> {
  if (guacd !== null)
    return void (await legs.test(
      'guacd',
      (signal) => shakeHands(guacd, signal),
      'Start it, or correct GUACD_HOST and GUACD_PORT.',
    ));
  const next = 'Nothing here: Diagnose in the vault asks the gateway to test the guacd of a session.';
  legs.say({ leg: 'guacd', result: 'not configured', note: 'no GUACD_HOST', next });
}

async function askRelays(legs: Legs, { relay }: Config): Promise<void> {
  if (relay === null) {
    const next = 'Fine where browsers reach the gateway by UDP; else see Relay in docs/operations.md.';
    return legs.say({ leg: 'Relay (TURN)', result: 'not configured', note: 'no [relay]', next });
  }
  for (const text of relay.urls) {
    const url = parseIceUrl(text);
    const next = relayNext(url.transport);
    if (url.scheme === 'stun' || url.transport === 'udp') {
      const seen = async (signal: AbortSignal) => `seen as ${await askMappedAddress(url, signal)}`;
      if (!(await legs.test(`UDP to ${url.host}:${url.port}`, seen, next)) || url.scheme === 'stun') continue;
    }
    await legs.test(
      `Relay ${text}`,
      async (signal) => {
        const allocation = await allocate(url, new RelayCredentials(relay).issue(), signal);
        await allocation.close();
        return `relays from ${allocation.relayedAddress}`;
      },
      next,
    );
  }
}

function relayNext(transport: 'udp' | 'tcp'): string {
  return `Check that coturn runs, that its port is open for ${transport.toUpperCase()}, and that both have the same secret and time.`;
}

async function askDatabase({ databaseUrl }: Config): Promise<string> {
  if (databaseUrl === null) return 'embedded: it lives and ends with the server';
  const client = new Client({ connectionString: databaseUrl, connectionTimeoutMillis: answerMs });
  client.on('error', () => undefined); // told by the query
  try {
    await client.connect();
    const { rows } = await client.query<{ enrolled: string }>(
      'select count(*) as enrolled from client where gateway_uid is not null',
    );
    return `answers; ${rows[0]?.enrolled ?? 0} gateways are enrolled`;
  } finally {
    await client.end().catch(() => undefined); // it never began
  }
}

async function askName({ hostname }: URL): Promise<string> {
  return (await lookup(hostname.replace(/^\[|\]$/g, ''))).address;
}

function askCertificate({ hostname, port }: URL, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const name = isIP(hostname) === 0 ? { servername: hostname } : {};
    const socket = connectTls({ host: hostname, port: Number(port || 443), ...name }, () => {
      const left = Math.floor((Date.parse(socket.getPeerCertificate().valid_to) - Date.now()) / dayMs);
      socket.destroy();
      if (left >= fewDays) resolve(`the certificate is good for ${left} days`);
      else reject(new Error(`the certificate ends in ${left} days`));
    });
    signal.addEventListener('abort', () => socket.destroy(new Error('no answer')), { once: true });
    socket.once('error', reject);
  });
}

async function askKeys(url: URL, signal: AbortSignal): Promise<string> {
  const answer = await fetch(new URL('/api/v1/server-keys', url), { signal, redirect: 'error' });
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  return 'the server answers';
}

/** Opened and let go of: nothing is proved on it. */
function askLink(url: URL, signal: AbortSignal): Promise<string> {
  const address = new URL('/api/v1/gateway-link', url);
  address.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(address);
    signal.addEventListener('abort', () => socket.terminate(), { once: true });
    socket.once('error', reject);
    socket.once('open', () => {
      socket.terminate();
      resolve('opens');
    });
  });
}

async function shakeHands(
  { host, port }: NonNullable<OperatorParts['guacd']>,
  signal: AbortSignal,
): Promise<string> {
  const socket = await InstructionSocket.connect(host, port, signal);
  try {
    const { args } = await askArguments(socket, { protocol: 'ssh' }, answerMs, signal);
    return `shakes hands, ${args[0] ?? 'no version'}`;
  } finally {
    socket.close(0);
  }
}

class Legs {
  failed = 0;
  readonly #parts: OperatorParts;

  constructor(parts: OperatorParts) {
    this.#parts = parts;
  }

  say(report: Omit<LegReport, 'tookMs'>): void {
    this.#parts.report({ ...report, tookMs: 0 });
  }

  skip(leg: string, because: string): void {
    this.say({ leg, result: 'not reached', note: `because of: ${because}`, next: '' });
  }

  /** Whether it works. */
  async test(leg: string, attempt: (signal: AbortSignal) => Promise<string>, next: string): Promise<boolean> {
    const begunAt = performance.now();
    const signal = AbortSignal.any([this.#parts.signal, AbortSignal.timeout(answerMs)]);
    const [result, note] = await attempt(signal).then(
      (said) => ['ok', said] as const,
      (error: unknown) => ['failed', causeOf(error)] as const,
    );
    this.#parts.signal.throwIfAborted();
    if (result === 'failed') this.failed++;
    const tookMs = Math.round(performance.now() - begunAt);
    this.#parts.report({ leg, result, note, next: result === 'ok' ? '' : next, tookMs });
    return result === 'ok';
  }
}

/** The system's code says most; a message of the database's driver may quote its address, which holds a password. */
function causeOf(error: unknown): string {
  if (error instanceof TurnRefusal) return error.message;
  const cause: unknown = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  if (code !== '') return code;
  return error instanceof Error ? error.message.replace(/\/\/[^@\s]*@/g, '//') : 'no answer';
}
