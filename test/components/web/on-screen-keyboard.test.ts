import { beforeEach, describe, expect, test } from 'vitest';
import {
  keysymOf,
  layoutFor,
  layoutNames,
  layouts,
  type CharacterKey,
  type LayoutKey,
} from '../../../web/session/keyboard/key-layouts.ts';
import { StickyModifiers } from '../../../web/session/keyboard/sticky-modifiers.svelte.ts';

const keysOf = (name: (typeof layoutNames)[number]): readonly LayoutKey[] => layouts[name].rows.flat();
const withCharacters = (name: (typeof layoutNames)[number]) =>
  keysOf(name).filter((key): key is CharacterKey => key.kind === 'character');
const keyOf = (name: (typeof layoutNames)[number], character: string) => {
  const key = withCharacters(name).find(({ levels }) => levels.includes(character));
  if (key === undefined) throw new Error(`no key for ${character}`);
  return key;
};

describe('layouts', () => {
  test.each(layoutNames)('%s gives every character of ASCII, each once', (name) => {
    const all = withCharacters(name).flatMap(({ levels }) => levels);
    for (let point = 0x20; point < 0x7f; point++) expect(all).toContain(String.fromCharCode(point));
    expect(new Set(all).size).toBe(all.length);
  });

  test('German has umlauts, ß, the euro, and @ and brackets with AltGr', () => {
    for (const character of 'äöüÄÖÜß€§°µ') expect(() => keyOf('de-DE', character)).not.toThrow();
    for (const character of '@€{[]}\\|~') expect(keyOf('de-DE', character).levels[2]).toBe(character);
  });

  test('the language of the browser chooses', () => {
    expect(['de', 'de-AT', 'DE-ch', 'en-GB', 'fr', ''].map(layoutFor)).toEqual([
      ...['de-DE', 'de-DE', 'de-DE', 'en-US', 'en-US', 'en-US'],
    ]);
  });

  test('keysyms are Latin-1 or code points', () => {
    expect(['a', 'ß', '€', '漢'].map(keysymOf)).toEqual([0x61, 0xdf, 0x010020ac, 0x01006f22]);
  });
});

describe('modifiers that are touched', () => {
  let sticky: StickyModifiers;
  beforeEach(() => {
    sticky = new StickyModifiers();
  });

  test('go with the next key, and with no other', () => {
    sticky.toggle('Ctrl');
    sticky.toggle('Alt');
    expect(sticky.takeFor(keyOf('en-US', 'c'))).toEqual([0xffe3, 0xffe9, 0x63]);
    expect(sticky.takeFor(keyOf('en-US', 'c'))).toEqual([0x63]);
  });

  test('that choose a character are not pressed with it', () => {
    sticky.toggle('Shift');
    expect(sticky.takeFor(keyOf('en-US', 'c'))).toEqual([0x43]);
    sticky.toggle('AltGr');
    expect(sticky.takeFor(keyOf('de-DE', '@'))).toEqual([0x40]);
    expect([...sticky.down]).toEqual([]);
  });

  test('but are with a key that has no other character', () => {
    sticky.toggle('Shift');
    expect(sticky.takeFor({ kind: 'key', label: 'Tab', name: 'Tab', keysym: 0xff09, width: 1 })).toEqual([
      0xffe1, 0xff09,
    ]);
  });

  test('and are let go of by a second touch', () => {
    sticky.toggle('Ctrl');
    sticky.toggle('Ctrl');
    expect(sticky.take()).toEqual([]);
  });
});
