// Says when files of some folders have changed, once per burst: editors write a file in several steps.
import { watch } from 'node:fs';
import { join } from 'node:path';
import { root } from '../process/tool.ts';

const burstMilliseconds = 100;

/**
 * Runs `react` after every burst of changes below `folders`, never two at once; changes during a run start another one
 * after it. Ends with the signal.
 */
export function onChanges(folders: readonly string[], react: () => Promise<void>, signal: AbortSignal): void {
  let timer: NodeJS.Timeout | undefined;
  let turn: Promise<void> = Promise.resolve();
  const changed = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      turn = turn.then(() => (signal.aborted ? undefined : react()));
    }, burstMilliseconds);
  };
  signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  for (const folder of folders)
    watch(join(root, folder), { recursive: true, signal }, (_event, name) => {
      if (name?.endsWith('.ts') || name?.endsWith('.sql') || name?.endsWith('.js')) changed();
    });
}
