import type { Uid } from '../../protocol/uid.ts';
import type { VaultVerbs } from '../../workers/api.ts';
import { DetourLink } from '../session/way/detour-link.ts';

/** Opens the detour that a diagnosis prepared, and leaves it. Rejects with the reason when the gateway does not come. */
export async function tryDetour(
  verbs: Pick<VaultVerbs, 'openDetour'>,
  detourUid: Uid,
  signal: AbortSignal,
): Promise<void> {
  const link = new DetourLink(verbs, detourUid, {
    onMessage: () => undefined,
    onRoom: () => undefined,
    onLost: () => undefined, // told by `opened`, and afterwards it is over anyway
  });
  const leave = () => link.close();
  signal.addEventListener('abort', leave, { once: true });
  try {
    await link.opened;
  } finally {
    signal.removeEventListener('abort', leave);
    link.close();
  }
}
