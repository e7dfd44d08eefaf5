// What a command is doing, with the time since its start, on standard error: standard output is for its result.

export type Progress = {
  /** One line: `[  1.2 s] text`. */
  readonly say: (text: string) => void;
  /** Says that a step begins and, with its time, that it is done. */
  readonly step: <T>(text: string, work: () => Promise<T>) => Promise<T>;
  /** Seconds since the command was started, installation of node packages included. */
  readonly seconds: () => number;
};

/** The clock starts when the person pressed Enter: scripts/run.mjs hands its own start on. */
export function createProgress(
  write: (line: string) => void = (line) => process.stderr.write(line),
): Progress {
  const start = Number(process.env['SALLYPORT_STARTED'] ?? Date.now());
  const seconds = (): number => (Date.now() - start) / 1000;
  const say = (text: string): void => write(`[${seconds().toFixed(1).padStart(5)} s] ${text}\n`);
  const step = async <T>(text: string, work: () => Promise<T>): Promise<T> => {
    say(`${text} …`);
    const begun = performance.now();
    const result = await work();
    say(`${text}: ${((performance.now() - begun) / 1000).toFixed(1)} s`);
    return result;
  };
  return { say, step, seconds };
}
