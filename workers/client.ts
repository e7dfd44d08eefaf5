import { proxy, transfer, wrap, type Remote } from 'comlink';
import { toProtocolError } from '../protocol/errors.ts';
import type { VaultVerbs } from './api.ts';
import workerUrl from './vault-worker.ts?worker&url';

/** The page's only door to the vault. `onFailure` is called when the worker itself cannot run. */
export function connectVault(onFailure: (message: string) => void): VaultVerbs {
  const worker = new Worker(trustedUrl(), { type: 'module', name: 'sallyport-vault' });
  worker.addEventListener('error', (event) => onFailure(event.message || 'the worker could not start'));
  worker.addEventListener('messageerror', () => onFailure('the worker sent what this browser cannot read'));
  return door(wrap<VaultVerbs>(worker));
}

/** Trusted Types let nothing but this one script become a worker. */
function trustedUrl(): string {
  const policy = trustedTypes()?.createPolicy('sallyport', { createScriptURL: onlyTheWorker });
  return policy?.createScriptURL(workerUrl) ?? workerUrl;
}

function onlyTheWorker(url: string): string {
  if (url !== workerUrl) throw new TypeError('not a script of this application');
  return url;
}

/** A port is the worker's from then on. */
function handedOver(arg: unknown): unknown {
  if (arg instanceof MessagePort) return transfer(arg, [arg]);
  return typeof arg === 'function' ? proxy(arg as () => unknown) : arg;
}

/** Functions go over as proxies, errors come back as ProtocolError: comlink alone keeps neither. */
function door(remote: Remote<VaultVerbs>): VaultVerbs {
  const call =
    (verb: keyof VaultVerbs) =>
    async (...args: unknown[]): Promise<unknown> => {
      const method = remote[verb] as (...args: unknown[]) => Promise<unknown>;
      try {
        return await method(...args.map(handedOver));
      } catch (error) {
        throw toProtocolError(error) ?? error;
      }
    };
  // A `then` would make every await of the door ask the worker for a verb of that name.
  const get = (_: VaultVerbs, name: string | symbol) =>
    typeof name === 'symbol' || name === 'then' ? undefined : call(name as keyof VaultVerbs);
  return new Proxy({} as VaultVerbs, { get });
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
