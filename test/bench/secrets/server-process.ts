// A server in a process of its own that counts what it takes, with bounds that a measurement does not meet.
import { startTestServer } from '../../fixtures/server.ts';

/** Of this process alone: PostgreSQL's processes are others. */
export interface Usage {
  readonly cpuMs: number;
  readonly rssMiB: number;
}

const generous = { burst: 10_000_000, perSecond: 10_000_000 };
const server = await startTestServer({}, { rates: { secrets: generous } });

process.on('message', (what) => {
  if (what === 'stop') return void server.close().then(() => process.exit(0));
  const { user, system } = process.cpuUsage();
  const usage: Usage = { cpuMs: (user + system) / 1000, rssMiB: process.memoryUsage().rss / 2 ** 20 };
  process.send?.(usage);
});
process.send?.({ url: server.url });
