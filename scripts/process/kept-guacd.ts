// A guacd that is started again when it ends by itself: one crash in it must not cost the gateway its terminals.
import type { Guacd, GuacdOptions } from './guacd.ts';
import { startGuacd } from './guacd.ts';

export type KeptGuacd = {
  readonly host: string;
  readonly port: number;
  /** Of the one that runs now. */
  readonly pid: () => number;
  /** Rejects when it cannot be started again; never resolves. */
  readonly exited: Promise<never>;
  stop(): Promise<void>;
};

/** Between one end and the next start, so that a guacd that cannot run does not fill a log or a processor. */
const shortestPause = 100;
const longestPause = 5_000;
/** One that ran this long is not failing over and over. */
const healthyMilliseconds = 60_000;

/** Starts guacd and keeps it running on the same port until `stop`. */
export async function keepGuacd(options: GuacdOptions): Promise<KeptGuacd> {
  const stopping = new AbortController();
  const running = { guacd: await startGuacd(options) };
  const { host, port } = running.guacd;
  const ended = keepRunning(running, { ...options, port }, stopping.signal);
  const exited = ended.then(() => new Promise<never>(() => undefined)); // an orderly stop is no end by itself
  exited.catch(() => undefined); // the caller may look at it later
  const stop = async (): Promise<void> => {
    stopping.abort();
    await running.guacd.stop();
    await ended.catch(() => undefined); // told by `exited`
  };
  return { host, port, pid: () => running.guacd.pid, exited, stop };
}

async function keepRunning(
  running: { guacd: Guacd },
  options: GuacdOptions,
  signal: AbortSignal,
): Promise<void> {
  let wait = shortestPause;
  while (!signal.aborted) {
    const started = performance.now();
    const { code, signal: by } = await running.guacd.exited;
    if (signal.aborted) return;
    wait =
      performance.now() - started > healthyMilliseconds ? shortestPause : Math.min(wait * 2, longestPause);
    options.line?.(`guacd has ended (${by ?? `code ${code}`}); starting it again`);
    await pause(wait, signal);
    if (!signal.aborted) running.guacd = await startGuacd(options);
  }
  await running.guacd.stop(); // the stop came while a new one was on its way
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
  });
}
