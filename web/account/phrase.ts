export const phraseLength = 24;

/** The words of a phrase as a person types it: numbers, dots, commas, line ends and capitals do not matter. */
export function parsePhrase(text: string): string[] {
  return text
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter((word) => word !== '');
}

/** Positions (from 0, rising) that the person types again to show that the phrase was written down. */
export function pickPositions(count: number): number[] {
  const chosen = new Set<number>();
  while (chosen.size < count) {
    // 240 is the largest multiple of 24 in a byte: what lies above would favour the first words.
    const byte = crypto.getRandomValues(new Uint8Array(1))[0] ?? 255;
    if (byte < 240) chosen.add(byte % phraseLength);
  }
  return [...chosen].sort((a, b) => a - b);
}
