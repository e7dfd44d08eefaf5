import { describe, expect, test } from 'vitest';
import { fitting } from '../../../web/session/bar/bar-item.ts';
import { specialKeysOf } from '../../../web/session/special-keys.ts';

describe('the bar of a session', () => {
  test.each([
    ['all, where there is room', 5, 28 * 5 + 4 * 4, 5],
    ['all but those that make room for the menu', 5, 28 * 5 + 4 * 4 - 1, 3],
    ['the menu alone', 5, 28, 0],
    ['nothing but the menu where even that has no room', 5, 10, 0],
    ['all, before it is laid out', 5, 0, 5],
    ['one that fits needs no menu', 1, 28, 1],
  ])('shows %s', (_, items, width, shown) => {
    expect(fitting(items, width, 28, 4)).toBe(shown);
  });
});

describe('keys that a browser keeps', () => {
  const labels = (terminal: boolean) =>
    specialKeysOf(terminal).flatMap(({ keys }) => keys.map(({ label }) => label));

  test('a desktop is offered what its windows need, a terminal is not', () => {
    expect(labels(false)).toEqual(expect.arrayContaining(['Ctrl Alt Del', 'Alt Tab', 'Win', 'Print', 'F12']));
    expect(labels(true)).not.toContain('Ctrl Alt Del');
    expect(labels(true)).toEqual(expect.arrayContaining(['Ctrl C', 'Esc', 'F1']));
  });

  test('each has a name of its own and keysyms that X11 has', () => {
    for (const terminal of [true, false]) {
      const keys = specialKeysOf(terminal).flatMap((group) => group.keys);
      expect(new Set(keys.map(({ label }) => label)).size).toBe(keys.length);
      for (const { keysyms } of keys) for (const keysym of keysyms) expect(keysym).toBeGreaterThan(0);
    }
    const find = (label: string) =>
      specialKeysOf(false)
        .flatMap((g) => g.keys)
        .find((key) => key.label === label);
    expect(find('Ctrl Alt Del')?.keysyms).toEqual([0xffe3, 0xffe9, 0xffff]);
    expect(find('F12')?.keysyms).toEqual([0xffc9]);
  });
});
