// npm run bench -- secrets [REQUESTS]: get_secret of the secrets-manager API at 1, 100 and 1,000 records of about a KiB, from eight
// connections and from fifty, which are what the tests of that API call parallel clients. What one processor core of the server's
// process does in a second (its processor time counts, not the wall's), how long a request takes, memory, and the same against the
// cryptography alone in the same run, by Node's own functions, of which 60 % is the goal.
//
// A server runs for months, so its first requests are not counted: V8 goes on compiling, in threads that the processor time
// has in it, for some twelve thousand. Nor is what the limit's own loop takes until it is as fast as it gets. A load goes on without a
// pause: after each one V8 makes its heap as small as it can, and collects garbage over and over to keep it so. The limit is
// measured before and after it, since the machine is not always as fast. Each load has a device of its own: one that sent more
// than 16,384 requests in ten minutes would be throttled.
import { join } from 'node:path';
import { Agent, request as ask } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { generateEcdhKeyPair } from '../../protocol/crypto/ecdh.ts';
import { sealSecretsManagerRequest } from '../../protocol/secrets-manager/request.ts';
import type { RawRequest } from '../fixtures/secrets/raw-requests.ts';
import { median, percentile } from './figures.ts';
import { cryptoMs } from './secrets/crypto-limit.ts';
import { SecretsHouse, type BenchApplication, type BenchDevice } from './secrets/house.ts';

const asked = Number(process.argv[2] ?? 12_000);
/** Per cent. */
const goal = 60;
/** Before anything is measured, of one record each. */
const firstRequests = 14_000;
/** Of each warming load: each device stays within its marks. */
const ofOneDevice = 7_000;
/** Of a load, before it is measured. */
const unmeasured = 0.25;
/** Requests whose cryptography is measured at a time, and how often before a load and after it. */
const limitRequests = 1_000;
const limitTurns = 3;

interface Load {
  readonly application: BenchApplication;
  readonly device: BenchDevice;
  readonly connections: number;
}

const house = await SecretsHouse.open();
try {
  const applications = [];
  for (const records of [1, 100, 1000]) applications.push(await house.addApplication(records));
  const loads: Load[] = [];
  for (const application of applications)
    for (const connections of [8, 50])
      loads.push({ application, connections, device: await house.addDevice(application) });
  const [first] = applications;
  const warming: BenchDevice[] = [];
  for (let sent = 0; first && sent < firstRequests; sent += ofOneDevice)
    warming.push(await house.addDevice(first));
  // Nothing but requests of applications from here on.
  for (const device of warming) await send(await sealed(device, ofOneDevice), 8);
  for (const load of loads) await measure(load);
} finally {
  await house.stop();
}

async function measure({ application: { records }, device, connections }: Load): Promise<void> {
  const count = Math.max(100, Math.round(asked / Math.max(1, records / 50)));
  const first = await sealed(device, Math.round(count * unmeasured));
  const requests = await sealed(device, count);
  const limit = await limitOf(device);
  const { bytes } = await send(first.slice(0, connections), connections);
  limit(bytes); // until it is as fast as it gets
  const limits = [limit(bytes)];
  await send(first.slice(connections), connections);
  const before = await house.usage();
  const { times } = await send(requests, connections);
  const after = await house.usage();
  limits.push(limit(bytes));
  report({
    title: `${String(records).padStart(5)} records, ${(bytes / 1024).toFixed(0)} KiB, ${connections} connections`,
    serverMs: (after.cpuMs - before.cpuMs) / count,
    limits,
    times,
    rssMiB: after.rssMiB,
  });
}

interface Measured {
  readonly title: string;
  /** Of one request. */
  readonly serverMs: number;
  /** Before and after. */
  readonly limits: readonly number[];
  readonly times: readonly number[];
  readonly rssMiB: number;
}

function report({ title, serverMs, limits, times, rssMiB }: Measured): void {
  const limitMs = limits.reduce((sum, each) => sum + each, 0) / limits.length;
  const share = (limitMs / serverMs) * 100;
  const figure = (value: number) => value.toFixed(value < 10 ? 2 : 0);
  const each = limits.map((milliseconds) => milliseconds.toFixed(3)).join(' and ');
  console.log(
    [
      title,
      `${figure(1000 / serverMs)}/s on a core (${figure(serverMs)} ms)`,
      `p50 ${figure(median(times))} ms, p99 ${figure(percentile(times, 0.99))} ms`,
      `server ${figure(rssMiB)} MiB`,
      `cryptography alone ${figure(1000 / limitMs)}/s (${each} ms)`,
      `${share.toFixed(0)} % of it${share < goal ? ', less than the goal' : ''}`,
    ].join(' · '),
  );
}

async function sealed(device: BenchDevice, count: number): Promise<RawRequest[]> {
  const requests: RawRequest[] = [];
  for (let i = 0; i < count; i++) requests.push(await device.seal());
  return requests;
}

/** As fast as so many connections take them. */
async function send(requests: readonly RawRequest[], connections: number) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const times: number[] = [];
  let bytes = 0;
  let next = 0;
  const worker = async () => {
    for (let request = requests[next++]; request; request = requests[next++]) {
      const since = performance.now();
      bytes = await sendOne(request, agent);
      times.push(performance.now() - since);
    }
  };
  await Promise.all(Array.from({ length: connections }, worker));
  agent.destroy();
  return { times, bytes };
}

async function sendOne({ headers, body }: RawRequest, agent: Agent): Promise<number> {
  const url = new URL(join('/api/rest/sm/v1', 'get_secret'), house.url);
  const sent = ask(url, { method: 'POST', agent, headers: { ...headers, 'Content-Length': body.length } });
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  const answer = await buffer(response);
  if (response.statusCode !== 200) throw new Error(`the server answers ${answer.toString()}`);
  return answer.length - 28;
}

/** Milliseconds for an answer of so many bytes. By a key pair of its own: the server's is its secret. */
async function limitOf({ keys }: BenchDevice): Promise<(answerBytes: number) => number> {
  const serverKey = { id: 20, ...generateEcdhKeyPair() };
  const payload = { clientVersion: 'ms17.5.0', clientId: 'A'.repeat(88) };
  const requests: RawRequest[] = [];
  for (let i = 0; i < limitRequests; i++)
    requests.push(await sealSecretsManagerRequest(serverKey, keys.privateKey, payload));
  const input = { requests, clientPublicKey: keys.publicKey, serverKey };
  return (answerBytes) => {
    const turns = Array.from({ length: limitTurns }, () => cryptoMs({ ...input, answerBytes }));
    return turns.reduce((sum, turn) => sum + turn, 0) / limitTurns;
  };
}
