import type { RecordingHit, TranscriptLine } from '../../api.ts';

/** More than these nobody reads. */
export const mostHits = 200;
/** Of a long line what is around the words is shown. */
const longest = 240;
const before = 60;

/** Lines with that text, by time. Case does not matter. */
export function searchLines(
  shown: readonly TranscriptLine[],
  typed: readonly TranscriptLine[],
  query: string,
): RecordingHit[] {
  const words = query.trim().toLowerCase();
  if (words === '') return [];
  const hits = [...hitsIn(shown, words, false), ...hitsIn(typed, words, true)];
  return hits.sort((a, b) => a.atMs - b.atMs).slice(0, mostHits);
}

function hitsIn(lines: readonly TranscriptLine[], words: string, typed: boolean): RecordingHit[] {
  const hits: RecordingHit[] = [];
  for (const { atMs, text } of lines) {
    const at = text.toLowerCase().indexOf(words);
    if (at < 0) continue;
    const start = text.length > longest ? Math.max(0, at - before) : 0;
    const excerpt = text.slice(start, start + longest);
    hits.push({ atMs, text: excerpt, from: at - start, length: words.length, typed });
    if (hits.length === mostHits) break;
  }
  return hits;
}

/** The last `most` lines that were whole at that moment. */
export function linesUntil(
  lines: readonly TranscriptLine[],
  atMs: number,
  most: number,
): readonly TranscriptLine[] {
  let [from, to] = [0, lines.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((lines[middle]?.atMs ?? 0) <= atMs) from = middle + 1;
    else to = middle;
  }
  return lines.slice(Math.max(0, from - most), from);
}
