import type { FoundFault, RecordingFault } from './verifier.ts';

const words: Readonly<Record<RecordingFault, string>> = {
  'no-opening': 'a part comes before the opening, or there is none',
  'forged-opening': 'the opening is not signed by the key that it names',
  'wrong-gateway': 'another gateway signed it than the one that was asked for',
  'changed-chunk': 'changed, or not signed by this gateway',
  'foreign-session': 'of another session',
  'missing-chunk': 'missing',
  'repeated-chunk': 'there twice',
  'reordered-chunk': 'not in its place',
  spliced: 'does not follow from what is before it: of another recording',
  'after-the-end': 'something follows after the end',
  'not-closed': 'there is no closing: the session still runs, or the end was taken away',
  'forged-closing': 'the closing is not signed by this gateway',
  truncated: 'the end is missing',
  'no-last-chunk': 'closed as if it were whole, without a last chunk',
};

/** "chunk 3: missing". */
export function describeFault({ fault, index }: FoundFault): string {
  return index === null ? words[fault] : `chunk ${index}: ${words[fault]}`;
}
