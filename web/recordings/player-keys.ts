import type { Playback } from './playback.svelte.ts';

/**
 * Keys of the player, and `more` of its page, wherever the focus is; where one types or chooses they mean what they always
 * mean.
 */
export function bindPlayerKeys(
  playback: () => Playback | null,
  more: Readonly<Record<string, () => void>> = {},
): () => void {
  const onKey = (event: KeyboardEvent): void => {
    const at = playback();
    if (at === null || event.ctrlKey || event.altKey || event.metaKey || isTaken(event)) return;
    const does = more[event.key] ?? actions[event.key];
    if (!does) return;
    event.preventDefault();
    event.stopPropagation();
    does(at);
  };
  window.addEventListener('keydown', onKey, true);
  return () => window.removeEventListener('keydown', onKey, true);
}

const actions: Readonly<Record<string, (playback: Playback) => void>> = {
  k: (playback) => playback.toggle(),
  j: (playback) => playback.seek(playback.positionMs - 10_000),
  l: (playback) => playback.seek(playback.positionMs + 10_000),
};

/** A dialog, or somewhere one types. */
function isTaken({ target }: KeyboardEvent): boolean {
  if (!(target instanceof Element)) return false;
  return target.closest('input, textarea, select, [contenteditable], [role="dialog"]') !== null;
}
