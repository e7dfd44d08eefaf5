/**
 * What an entry holds: whole Guacamole instructions as the page gets them; bytes of the target's terminal; typed bytes;
 * the terminal's new size, columns(2) ‖ rows(2); a place where typed bytes were left out because they may be a secret;
 * Guacamole instructions that draw the whole present screen on an empty display, for whoever begins there; a line that the terminal showed, UTF-8;
 * that there was more of them than is kept; the account, UID(16), of who did what follows, where somebody else did before; and an
 * image of the picture or of a screen, in the place of the instructions that bring its bytes (image-entry.ts).
 */
export const entryKinds = {
  picture: 1,
  output: 2,
  keys: 3,
  resize: 4,
  withheld: 5,
  screen: 6,
  line: 7,
  cut: 8,
  typist: 9,
  image: 10,
  screenImage: 11,
} as const;
export type EntryKind = keyof typeof entryKinds;

/** Bytes of an entry beside its content. */
export const entryOverhead = 4 + 1 + 4;
