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
  let current = await startGuacd(options);
  const { host, port } = current;
  const again = async (): Promise<Guacd> => (current = await startGuacd({ ...options, port }));
  const exited = run(() => current, again, stopping.signal, options.line);
  exited.catch(() => undefined); // the caller may look at it later
  const stop = async (): Promise<void> => {
    stopping.abort();
    await current.stop();
  };
  return { host, port, pid: () => current.pid, exited, stop };
}

async function run(
  current: () => Guacd,
  again: () => Promise<Guacd>,
  signal: AbortSignal,
  line: (text: string) => void = () => undefined,
): Promise<never> {
  let wait = shortestPause;
  for (;;) {
    const started = performance.now();
    const { code, signal: by } = await current().exited;
    if (signal.aborted) return await new Promise<never>(() => undefined); // an orderly stop is no end by itself
    wait =
      performance.now() - started > healthyMilliseconds ? shortestPause : Math.min(wait * 2, longestPause);
    line(`guacd has ended (${by ?? `code ${code}`}); starting it again`);
    await pause(wait, signal);
    if (!signal.aborted) await again();
  }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
  });
}
