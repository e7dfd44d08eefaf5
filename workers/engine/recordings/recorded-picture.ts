import type { RecordedPicture } from '../../api.ts';
import { concat } from '../../../protocol/bytes.ts';
import type { RecordingEntry } from '../../../protocol/recording/entries.ts';

/** Longer ones draw. */
const longestQuiet = 64;
const quiet = ['4.sync,', '3.nop;'];

/** What an idle session sends: that nothing happened. */
export function isQuiet({ kind, bytes }: RecordingEntry): boolean {
  if (kind !== 'picture' || bytes.length > longestQuiet) return false;
  const text = String.fromCharCode(...bytes);
  return quiet.some((beginning) => text.startsWith(beginning));
}

/** Entries side by side: few objects, and bytes that may be handed over whole. */
export function pictureOf(
  index: number,
  keyFrame: boolean,
  entries: readonly RecordingEntry[],
): RecordedPicture {
  const drawn = entries.filter(({ kind }) => kind === 'picture');
  let end = 0;
  return {
    ...{ index, fault: null, keyFrame },
    atMs: Uint32Array.from(drawn, ({ atMs }) => atMs),
    ends: Uint32Array.from(drawn, ({ bytes }) => (end += bytes.length)),
    quiet: Uint8Array.from(drawn, (entry) => (isQuiet(entry) ? 1 : 0)),
    bytes: concat(...drawn.map(({ bytes }) => bytes)),
  };
}

export function withoutPicture(index: number, fault: string | null): RecordedPicture {
  return { ...pictureOf(index, false, []), fault };
}
