import type { RecordedPicture } from '../../api.ts';
import { RecordingTrack } from '../../../protocol/messages/gen/recording_pb.js';
import { trackOf, type RecordingEntry } from '../../../protocol/recording/entries.ts';

/** Longer ones draw. */
const longestQuiet = 64;
const quiet = ['4.sync,', '3.nop;'];
const draws = 0;
const drawsNothing = 1;
const drawsAnew = 2;
const resizes = 3;

/** What an idle session sends, and what repeats what was drawn before: nothing happened. */
export function isQuiet({ kind, bytes }: RecordingEntry): boolean {
  if (trackOf(kind) !== RecordingTrack.GRAPHICAL || kind === 'image') return false;
  if (kind !== 'picture') return true;
  if (bytes.length > longestQuiet) return false;
  const text = String.fromCharCode(...bytes);
  return quiet.some((beginning) => text.startsWith(beginning));
}

/** Entries side by side: few objects, and bytes that may be handed over whole. */
export function pictureOf(
  index: number,
  keyFrame: boolean,
  entries: readonly RecordingEntry[],
): RecordedPicture {
  let end = 0;
  return {
    ...{ index, fault: null, keyFrame },
    atMs: Uint32Array.from(entries, ({ atMs }) => atMs),
    ends: Uint32Array.from(entries, ({ bytes }) => (end += bytes.length)),
    kinds: Uint8Array.from(entries, kindOf),
    bytes: together(entries, end),
  };
}

/** There may be more of them than a call takes arguments. */
function together(entries: readonly RecordingEntry[], length: number): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(length);
  let at = 0;
  for (const { bytes } of entries) {
    all.set(bytes, at);
    at += bytes.length;
  }
  return all;
}

export function withoutPicture(index: number, fault: string | null): RecordedPicture {
  return { ...pictureOf(index, false, []), fault };
}

function kindOf(entry: RecordingEntry): number {
  if (entry.kind === 'screen') return drawsAnew;
  if (entry.kind === 'resize') return resizes;
  return isQuiet(entry) ? drawsNothing : draws;
}
