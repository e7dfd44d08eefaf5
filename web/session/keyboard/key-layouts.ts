import { keysyms } from '../special-keys.ts';

/** A key with characters: alone, with Shift, with AltGr. */
export interface CharacterKey {
  readonly kind: 'character';
  readonly levels: readonly string[];
}

export interface NamedKey {
  readonly kind: 'key';
  readonly label: string;
  /** What is read out, where the label is a sign. */
  readonly name: string;
  readonly keysym: number;
  /** In widths of a letter. */
  readonly width: number;
}

export const modifiers = ['Shift', 'Ctrl', 'Alt', 'AltGr', 'Super'] as const;
export type Modifier = (typeof modifiers)[number];

export interface ModifierKey {
  readonly kind: 'modifier';
  readonly modifier: Modifier;
  readonly width: number;
}

export type LayoutKey = CharacterKey | NamedKey | ModifierKey;

export interface KeyLayout {
  readonly title: string;
  readonly rows: readonly (readonly LayoutKey[])[];
}

const key = (label: string, name: string, keysym: number, width = 1): NamedKey => ({
  kind: 'key',
  ...{ label, name, keysym, width },
});
const modifier = (which: Modifier, width = 1.5): ModifierKey => ({
  kind: 'modifier',
  modifier: which,
  width,
});
/** Keys apart by spaces; in each the characters of its levels. */
const characters = (keys: string): CharacterKey[] =>
  keys.split(' ').map((levels) => ({ kind: 'character', levels: [...levels] }));

const named = {
  escape: key('Esc', 'Escape', keysyms.escape),
  tab: key('Tab', 'Tab', keysyms.tab, 1.5),
  back: key('⌫', 'Backspace', keysyms.backspace, 2),
  enter: key('⏎', 'Enter', keysyms.enter, 2),
  left: key('←', 'Left', keysyms.left),
  up: key('↑', 'Up', keysyms.up),
  down: key('↓', 'Down', keysyms.down),
  right: key('→', 'Right', keysyms.right),
  space: { kind: 'character', levels: [' '] },
} as const satisfies { readonly [name: string]: LayoutKey };

const bottom = (...withAltGr: readonly LayoutKey[]): readonly LayoutKey[] => [
  ...[modifier('Ctrl'), modifier('Super'), modifier('Alt'), named.space, ...withAltGr],
  ...[named.left, named.down, named.right],
];

export const layouts = {
  'en-US': {
    title: 'English (US)',
    rows: [
      [...characters('`~ 1! 2@ 3# 4$ 5% 6^ 7& 8* 9( 0) -_ =+'), named.back],
      [named.tab, ...characters('qQ wW eE rR tT yY uU iI oO pP [{ ]} \\|')],
      [named.escape, ...characters('aA sS dD fF gG hH jJ kK lL ;: \'"'), named.enter],
      [modifier('Shift', 2), ...characters('zZ xX cC vV bB nN mM ,< .> /?'), named.up, modifier('Shift')],
      bottom(),
    ],
  },
  'de-DE': {
    title: 'Deutsch',
    rows: [
      [...characters('^° 1! 2"² 3§³ 4$ 5% 6& 7/{ 8([ 9)] 0=} ß?\\ ´`'), named.back],
      [named.tab, ...characters('qQ@ wW eE€ rR tT zZ uU iI oO pP üÜ +*~')],
      [named.escape, ...characters("aA sS dD fF gG hH jJ kK lL öÖ äÄ #'"), named.enter],
      [modifier('Shift'), ...characters('<>| yY xX cC vV bB nN mMµ ,; .: -_'), named.up, modifier('Shift')],
      bottom(modifier('AltGr')),
    ],
  },
} as const satisfies { readonly [name: string]: KeyLayout };

export type LayoutName = keyof typeof layouts;
export const layoutNames: readonly LayoutName[] = ['en-US', 'de-DE'];

/** What a phone's own keyboard lacks. */
export const compactRow: readonly LayoutKey[] = [
  ...[modifier('Ctrl', 1), modifier('Alt', 1), named.escape, { ...named.tab, width: 1 }],
  ...[named.left, named.up, named.down, named.right],
];

/** The layout of a language that the browser prefers. */
export function layoutFor(language: string): LayoutName {
  return language.toLowerCase().startsWith('de') ? 'de-DE' : 'en-US';
}

/** X11: Latin-1 as it is, anything else by its code point. */
export function keysymOf(character: string): number {
  const point = character.codePointAt(0) ?? 0;
  return point <= 0xff ? point : 0x0100_0000 | point;
}

export const modifierKeysyms: Readonly<Record<Modifier, number>> = {
  Shift: keysyms.shift,
  Ctrl: keysyms.control,
  Alt: keysyms.alt,
  AltGr: keysyms.altGr,
  Super: keysyms.super,
};
