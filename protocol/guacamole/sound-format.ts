/** Samples as guacd sends them: PCM, little-endian where they have two bytes, channels taking turns. */
export interface SoundFormat {
  readonly bytes: 1 | 2;
  /** Samples of each channel a second. */
  readonly rate: number;
  readonly channels: 1 | 2;
}

/** What guacd is told that pages play, in the words of its handshake: no compressed sound, which takes a decoder apart. */
export const soundKinds = ['audio/L16', 'audio/L8'] as const;

const shape = /^audio\/L(8|16);rate=([1-9]\d{3,5}),channels=([12])$/;
const [leastRate, mostRate] = [8_000, 96_000];

/** What "audio/L16;rate=44100,channels=2" says; null for anything else. Never throws. */
export function readSoundFormat(mimetype: string): SoundFormat | null {
  const [, bits, rate, channels] = shape.exec(mimetype) ?? [];
  const perSecond = Number(rate ?? 0);
  if (perSecond < leastRate || perSecond > mostRate) return null;
  return { bytes: bits === '16' ? 2 : 1, rate: perSecond, channels: channels === '2' ? 2 : 1 };
}
