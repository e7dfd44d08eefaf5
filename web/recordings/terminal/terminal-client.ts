import { wrap, type Remote } from 'comlink';
import type { TerminalDesk } from './terminal-desk.ts';
import workerUrl from './terminal-worker.ts?worker&url';

export interface TerminalLink {
  readonly desk: Remote<TerminalDesk>;
  /** Whatever it is busy with. */
  readonly end: () => void;
}

/** A terminal's screen in a worker of its own. `onFailure`: it cannot run. */
export function startTerminal(onFailure: (message: string) => void): TerminalLink {
  const worker = new Worker(trustedUrl(), { type: 'module', name: 'sallyport-terminal' });
  worker.addEventListener('error', (event) => onFailure(event.message || 'the terminal could not start'));
  return { desk: wrap<TerminalDesk>(worker), end: () => worker.terminate() };
}

let trusted: string | null = null;

/** Trusted Types let nothing but this one script become a worker; a policy is made once. */
function trustedUrl(): string {
  if (trusted !== null) return trusted;
  const policy = trustedTypes()?.createPolicy('sallyport-terminal', { createScriptURL: onlyTheWorker });
  return (trusted = policy?.createScriptURL(workerUrl) ?? workerUrl);
}

function onlyTheWorker(url: string): string {
  if (url !== workerUrl) throw new TypeError('not a script of this application');
  return url;
}

interface PolicyFactory {
  createPolicy(
    name: string,
    rules: { createScriptURL: (url: string) => string },
  ): { createScriptURL(url: string): string };
}

/** Not in TypeScript's DOM library yet. */
function trustedTypes(): PolicyFactory | undefined {
  return (globalThis as { trustedTypes?: PolicyFactory }).trustedTypes;
}
