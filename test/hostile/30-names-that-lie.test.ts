// Attack class 30, names: somebody who shares, imports or uploads gives a name that looks like another one, or that turns
// the text around it. What is not drawn is named, and what runs the other way stays inside of its own bounds.
import { describe, expect, test } from 'vitest';
import { savedName, shownName, shownParts, shownText } from '../../protocol/records/shown-name.ts';
import { openSaveTarget } from '../../web/files/save-target.ts';

/** The signs that Unicode gives a say over the order of others (UAX 9), and those without a width. */
const directions = '\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069';
const invisible =
  '\u00ad\u034f\u115f\u180e\u200b\u2060\u2061\u2064\u206a\u2800\u3164\ufeff\uffa0\ufffb\u{e0041}';

describe('a name with signs that nobody sees', () => {
  test.each([...directions, ...invisible, '\u2028', '\u0000', '\u001b', '\u0085'])('%j is named', (sign) => {
    const name = `invoice${sign}fdp.exe`;
    const code = `U+${(sign.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
    expect(shownName(name)).toBe(`invoice[${code}]fdp.exe`);
    expect(shownParts(name)).toEqual([
      { text: 'invoice', hidden: false },
      { text: code, hidden: true },
      { text: 'fdp.exe', hidden: false },
    ]);
    expect(savedName(name)).toBe('invoice_fdp.exe');
  });

  test('no code point of any plane passes that is drawn as nothing or orders what is beside it', () => {
    const drawnAsNothing = /[\p{Default_Ignorable_Code_Point}\p{Bidi_Control}\p{Cc}\p{Zl}\p{Zp}]/u;
    for (let code = 0; code <= 0x10ffff; code++) {
      if (code >= 0xd800 && code <= 0xdfff) continue;
      const sign = String.fromCodePoint(code);
      if (!drawnAsNothing.test(sign) || '\t\n\r'.includes(sign)) continue;
      if (shownName(`a${sign}b`).includes(sign)) expect.fail(`U+${code.toString(16)} passes`);
      if (savedName(`a${sign}b`).includes(sign)) expect.fail(`U+${code.toString(16)} is saved`);
    }
  });

  test('two titles that look the same are shown as two', () => {
    const shown = ['bank', 'ba\u200bnk', 'ba\u200dnk', '\ufeffbank', 'bank\u00ad'].map(shownName);
    expect(new Set(shown).size).toBe(shown.length);
  });

  test('thousands of them are counted, and take no more room than three', () => {
    expect(shownName(`a${'\u202e'.repeat(50_000)}b`)).toBe('a[U+202E U+202E U+202E and 49997 more]b');
  });

  test('a name that runs from right to left is isolated, and closes what it opened', () => {
    expect(shownName('\u05d0\u05d1 1')).toBe('\u2068\u05d0\u05d1 1\u2069');
    expect(shownName('\u05d0\u2069\u202e')).toBe('\u2068\u05d0[U+2069 U+202E]\u2069');
    const sentence = `Share ${shownName('\u05d0\u202e')} with Grace`;
    expect(shownText(sentence)).toBe(sentence);
    expect(shownText('Share a\u202eb')).toBe('Share a[U+202E]b');
  });

  test.each(['Grüße – “x” 1€', '👨‍👩‍👧 ❤️ 👍🏽 ☺︎', 'क्‍ष', '日本語 パスワード', 'two\nlines\tand a tab'])(
    '%j is shown as it was written',
    (name) => {
      expect(shownName(name)).toBe(name);
    },
  );

  test('what scripts need to be read stays', () => {
    const persian = 'می\u200cخواهم';
    expect(shownName(persian)).toBe(`\u2068${persian}\u2069`);
    expect(shownName('\u05d0\u200f(1)')).toBe('\u2068\u05d0\u200f(1)\u2069');
    expect(shownName('\u200fabc')).toBe('[U+200F]abc');
  });
});

test('the browser is told a name whose end is the one that was shown', async () => {
  const suggested: string[] = [];
  const picker = globalThis as { showSaveFilePicker?: unknown };
  picker.showSaveFilePicker = (options: { suggestedName: string }) => {
    suggested.push(options.suggestedName);
    return Promise.reject(new DOMException('', 'AbortError'));
  };
  const opening = openSaveTarget({ name: 'invoice\u202efdp.exe', size: 1e12 });
  await expect(opening).rejects.toMatchObject({ code: 'cancelled' });
  delete picker.showSaveFilePicker;
  expect(suggested).toEqual(['invoice_fdp.exe']);
});
