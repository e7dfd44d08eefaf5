// What an operator's installation needs, each tested from this machine: named, timed, and with the next step.
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { Client } from 'pg';
import { WebSocket } from 'ws';
import { askArguments } from '../../gateway/guacd/handshake.ts';
import { InstructionSocket } from '../../gateway/guacd/instruction-socket.ts';
import { serverPaths } from '../../gateway/router/server-door.ts';
import type { Config } from '../../server/config.ts';
import { answerMs, Legs, type LegsParts } from './legs.ts';
import { askRelays } from './relay-legs.ts';

export type OperatorParts = LegsParts & {
  readonly config: Config;
  /** null: each session has one of its own, which only its gateway starts. */
  readonly guacd: { readonly host: string; readonly port: number } | null;
};

const dayMs = 24 * 60 * 60_000;
const fewDays = 14;

/** Tests everything, one after another, reporting each as it is known. Never throws; how many failed. */
export async function diagnoseInstallation(parts: OperatorParts): Promise<number> {
  const { config, guacd } = parts;
  const legs = new Legs(parts);
  await legs.test('Database', () => askDatabase(config), 'Check DATABASE_URL, and that PostgreSQL runs.');
  const url = addressOf(config);
  const found = await legs.test('DNS of the server', () => askName(url), 'Give its name an address.');
  if (found) await askServer(legs, url, config);
  else for (const leg of serverLegs) legs.skip(leg, 'DNS of the server');
  await askGuacd(legs, guacd);
  await askRelays(legs, config.relay);
  return legs.failed;
}

/** Where it listens on every address, it is asked by this machine's own. */
function addressOf({ publicUrl, tls, host, port }: Config): URL {
  const everywhere = host === '0.0.0.0' || host === '::';
  const named = isIP(host) === 6 ? `[${host}]` : host;
  return new URL(publicUrl ?? `${tls ? 'https' : 'http'}://${everywhere ? 'localhost' : named}:${port}`);
}

const serverLegs = ['TLS', 'HTTPS', 'Router link (WebSocket)', 'Way through the server'] as const;

async function askServer(legs: Legs, url: URL, { throughServer }: Config): Promise<void> {
  const [tls, https, link, detour] = serverLegs;
  if (url.protocol === 'https:') {
    const next = 'Renew the certificate, or give the whole chain in TLS_CERT.';
    if (!(await legs.test(tls, (signal) => askCertificate(url, signal), next)))
      return [https, link, detour].forEach((leg) => legs.skip(leg, tls));
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
    return [link, detour].forEach((leg) => legs.skip(leg, https));
  const proxy = 'Let the proxy in front pass WebSockets on';
  await legs.test(link, (signal) => askSocket(url, serverPaths.link, signal), `${proxy}.`);
  if (!throughServer) {
    const next = 'Nothing, where UDP or a relay works; else leave RELAY_THROUGH_SERVER away.';
    return legs.say({ leg: detour, result: 'not configured', note: 'RELAY_THROUGH_SERVER is false', next });
  }
  const attempt = async (signal: AbortSignal) => {
    await askSocket(url, serverPaths.detour, signal);
    return 'the server takes it; Diagnose in the vault asks the gateway whether it does';
  };
  const next = `${proxy} (${serverPaths.detour}), and restart the server if RELAY_THROUGH_SERVER was changed.`;
  await legs.test(detour, attempt, next);
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

/** Opened, and let go of when the other end has answered a ping: nothing is proved on it. */
function askSocket(url: URL, path: string, signal: AbortSignal): Promise<string> {
  const address = new URL(path, url);
  address.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(address);
    signal.addEventListener('abort', () => socket.terminate(), { once: true });
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('it was closed at once')));
    socket.once('open', () => socket.ping());
    socket.once('pong', () => {
      resolve('opens');
      socket.terminate();
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
