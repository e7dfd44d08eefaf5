// Class 30: what a machine, or whoever wrote what a person copied, may do by text that crosses a clipboard.
import { describe, expect, test } from 'vitest';
import { shownName } from '../../protocol/records/shown-name.ts';
import {
  asTyped,
  crossingText,
  joinLines,
  lineCount,
  mostCrossingBytes,
  removedText,
  runsAtOnce,
} from '../../web/session/clipboard/crossing-text.ts';

const esc = '\u001b';
const obeyed = /(?![\t\n\r])\p{Cc}/u;

describe('a text that would act on the terminal it is pasted into', () => {
  test.each([
    ['ends the paste that it is in', `ls${esc}[201~\nrm -rf ~\n`],
    ['ends it with the sign of eight bits', `ls\u009b201~\nrm -rf ~\n`],
    ['ends it twice, one inside the other', `ls${esc}${esc}[201~[201~\nrm -rf ~`],
    ['sets the window’s title and asks for it back', `${esc}]0;rm -rf ~\u0007${esc}[21t`],
    ['erases what stands before it', 'rm -rf ~ #\u0008\u0008\u0008\u007f\u007f ls'],
    ['sends the interrupt, the end of file and the quit', 'a\u0003b\u0004c\u001cd'],
    ['stops the output', 'a\u0013b'],
    ['holds a NUL, behind which guacd reads nothing', 'safe\u0000 not'],
    [
      'has every control character',
      Array.from({ length: 0xa0 }, (_, at) => String.fromCharCode(at)).join(''),
    ],
  ])('%s: nothing in it is obeyed', (_, hostile) => {
    const { text, removed } = crossingText(hostile);
    expect(text).not.toMatch(obeyed);
    expect(asTyped(text)).not.toMatch(obeyed);
    expect(removed.size).toBeGreaterThan(0);
    expect(removedText(removed)).toMatch(/^\d+ × U\+00[0-9A-F]{2}/);
    // Nothing but what is obeyed is lost.
    const kept = [...hostile].filter((sign) => !obeyed.test(sign)).join('');
    expect(text).toBe(kept);
  });

  test('random bytes hold nothing that is obeyed, and no half of a pair', () => {
    for (let round = 0; round < 200; round++) {
      const units = crypto
        .getRandomValues(new Uint16Array(200))
        .map((unit, at) => (at % 2 ? unit : unit % 0xa0));
      const { text } = crossingText(String.fromCharCode(...units));
      expect(text).not.toMatch(obeyed);
      expect(text.isWellFormed()).toBe(true);
    }
  });
});

describe('a text that would run before anybody saw it', () => {
  test.each(['ls\n', '\nls', 'a\rb', 'a\r\nb', '\r'])('%j is asked about', (text) => {
    expect(runsAtOnce(crossingText(text).text)).toBe(true);
  });

  test.each(['ls\n', 'a\r\nb\rc\n', '\n\n  a  \n\n', '\r'])('%j in one line waits for Enter', (text) => {
    expect(runsAtOnce(joinLines(crossingText(text).text))).toBe(false);
  });

  test('a break that is taken out does not join two lines into one command unseen', () => {
    // NEL is a control character: without it the text is one line, and is shown as one.
    expect(lineCount(crossingText('ls\u0085rm').text)).toBe(1);
    expect(crossingText('ls\u0085rm').removed.get('U+0085')).toBe(1);
  });

  test('signs that are not drawn stay in the text and are named where it is shown', () => {
    const { text } = crossingText('echo \u202emr\u202c\u200b');
    expect(text).toContain('\u202e');
    expect(shownName(text)).toContain('[U+202E]');
    expect(shownName(text)).not.toContain('\u202e');
  });
});

describe('a text that is too large', () => {
  test('is measured in the bytes that guacd counts, not in letters', () => {
    const euros = '€'.repeat(mostCrossingBytes / 3);
    expect(crossingText(euros).bytes).toBeLessThanOrEqual(mostCrossingBytes);
    expect(crossingText(`${euros}€€`).bytes).toBeGreaterThan(mostCrossingBytes);
  });

  test('of nothing but line breaks is counted without being made into lines of a page', () => {
    const { lines, bytes } = crossingText('\n'.repeat(mostCrossingBytes));
    expect([lines, bytes]).toEqual([mostCrossingBytes, mostCrossingBytes]);
  });
});
