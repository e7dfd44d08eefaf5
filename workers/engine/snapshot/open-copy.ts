import { ProtocolError } from '../../../protocol/errors.ts';
import type { VaultStorage } from '../storage.ts';

/** What an open vault keeps of itself on this device. */
export type CopyStorage = Pick<
  VaultStorage,
  'readRows' | 'readObjects' | 'readSnapshot' | 'commit' | 'writeSnapshot' | 'writeFirstSnapshot'
>;

/**
 * The same until the vault is locked: what was under way goes on with a vault that has forgotten everything, and would
 * find that nothing fits. It stores nothing of that, in the copy that the next unlock reads. Throws `locked` then, also
 * when the lock comes while something is being stored: it is stored whole, and shown to nobody. protocol.md §15.3.
 */
export function copyUntil(signal: AbortSignal, storage: CopyStorage): CopyStorage {
  const whileOpen = async <T>(write: () => Promise<T>) => {
    requireOpen(signal);
    const written = await write();
    requireOpen(signal);
    return written;
  };
  return {
    readRows: () => storage.readRows(),
    readObjects: (kind) => storage.readObjects(kind),
    readSnapshot: () => storage.readSnapshot(),
    commit: (page) => whileOpen(() => storage.commit(page)),
    writeSnapshot: (base, upTo, after) => whileOpen(() => storage.writeSnapshot(base, upTo, after)),
    writeFirstSnapshot: (base, stamp) => whileOpen(() => storage.writeFirstSnapshot(base, stamp)),
  };
}

function requireOpen(signal: AbortSignal): void {
  if (signal.aborted) throw new ProtocolError('locked', 'the vault is locked');
}
