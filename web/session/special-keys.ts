/** One key or several together that a browser, a phone or this page keeps for itself. X11 keysyms, in the order of pressing. */
export interface SpecialKey {
  readonly label: string;
  readonly keysyms: readonly number[];
}

export interface SpecialKeyGroup {
  readonly title: string;
  readonly keys: readonly SpecialKey[];
}

export const keysyms = {
  escape: 0xff1b,
  tab: 0xff09,
  enter: 0xff0d,
  backspace: 0xff08,
  delete: 0xffff,
  insert: 0xff63,
  printScreen: 0xff61,
  home: 0xff50,
  left: 0xff51,
  up: 0xff52,
  right: 0xff53,
  down: 0xff54,
  pageUp: 0xff55,
  pageDown: 0xff56,
  end: 0xff57,
  control: 0xffe3,
  shift: 0xffe1,
  alt: 0xffe9,
  altGr: 0xfe03,
  super: 0xffeb,
} as const;

/** F1 to F24 follow one another. */
export const functionKey = (n: number): number => 0xffbd + n;

const letter = (character: string): number => character.charCodeAt(0);
const { control, alt, shift, tab, escape } = keysyms;

const withControl = (character: string): SpecialKey => ({
  label: `Ctrl ${character.toUpperCase()}`,
  keysyms: [control, letter(character)],
});

const single: SpecialKeyGroup = {
  title: 'Keys',
  keys: [
    { label: 'Esc', keysyms: [escape] },
    { label: 'Tab', keysyms: [tab] },
    { label: 'Print', keysyms: [keysyms.printScreen] },
    { label: 'Insert', keysyms: [keysyms.insert] },
    { label: 'Delete', keysyms: [keysyms.delete] },
  ],
};

const functions: SpecialKeyGroup = {
  title: 'Function keys',
  keys: Array.from({ length: 12 }, (_, at) => ({ label: `F${at + 1}`, keysyms: [functionKey(at + 1)] })),
};

const desktop: SpecialKeyGroup = {
  title: 'Desktop',
  keys: [
    { label: 'Ctrl Alt Del', keysyms: [control, alt, keysyms.delete] },
    { label: 'Alt Tab', keysyms: [alt, tab] },
    { label: 'Alt F4', keysyms: [alt, functionKey(4)] },
    { label: 'Win', keysyms: [keysyms.super] },
    { label: 'Win L', keysyms: [keysyms.super, letter('l')] },
    { label: 'Win R', keysyms: [keysyms.super, letter('r')] },
    { label: 'Ctrl Shift Esc', keysyms: [control, shift, escape] },
    { label: 'Ctrl Alt F1', keysyms: [control, alt, functionKey(1)] },
    { label: 'Ctrl Alt F7', keysyms: [control, alt, functionKey(7)] },
  ],
};

const controls: SpecialKeyGroup = {
  title: 'With Ctrl',
  keys: [...'cdnrtvwz'].map(withControl),
};

/** What can be sent to a session: a terminal has no windows to change between. */
export function specialKeysOf(terminal: boolean): readonly SpecialKeyGroup[] {
  return terminal ? [single, controls, functions] : [desktop, single, controls, functions];
}
