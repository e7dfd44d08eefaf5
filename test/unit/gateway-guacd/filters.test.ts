import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BrowserFilter } from '../../../gateway/guacd/browser-filter.ts';
import { PictureFilter } from '../../../protocol/guacamole/picture-filter.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { InstructionDecoder } from '../../../protocol/guacamole/decoder.ts';
import { encodeInstruction, encodeInstructionBytes } from '../../../protocol/guacamole/instruction.ts';
import { limits } from '../../../protocol/limits.ts';
import { runs } from '../../fuzz-runs.ts';

type Said = [string, ...(string | number)[]];
const free = { disablePaste: false };
const text = (list: readonly Uint8Array[]) => list.map((bytes) => Buffer.from(bytes).toString()).join('');
const encode = (list: readonly Said[]) =>
  list.map(([opcode, ...args]) => encodeInstruction(opcode, ...args)).join('');

function fromBrowser(list: readonly Said[], policy = free) {
  const refused: string[] = [];
  const filter = new BrowserFilter(policy, (opcode) => refused.push(opcode));
  const { forward, changes, replies, disconnect } = filter.filter(Buffer.from(encode(list)));
  return { forward: text(forward), changes, replies: text(replies), disconnect, refused };
}

const opcodes = (instructions: readonly Uint8Array[]) =>
  instructions.map((bytes) => /^\d+\.([a-z]+)/.exec(Buffer.from(bytes).toString())?.[1]);

function decoded(list: readonly Said[]) {
  return new InstructionDecoder(limits.guacamole.fromGuacd).decode(encode(list));
}

function fromTarget(list: readonly Said[], policy = { disableCopy: false }) {
  const refused: string[] = [];
  const filter = new PictureFilter(policy, (opcode) => refused.push(opcode));
  const { forward, replies } = filter.filter(decoded(list));
  return { forward: text(forward), replies: text(replies), refused };
}

describe('what a browser may say', () => {
  it.each<Said>([
    ['key', 65293, 1],
    ['key', 0x1000000 + 0x20ac, 0],
    ['mouse', 10, -3, 5],
    ['touch', 1, 10, 10, 3, 3, '0.5', '1'],
    ['size', 1024, 768],
    ['size', 1024, 768, 96],
    ['ack', 3, 'OK', 0],
    ['sync', 1234567890],
    ['sync', 1234567890, 3],
    ['nop'],
  ])('%s passes as it came', (...said) => {
    expect(fromBrowser([said]).forward).toBe(encode([said]));
  });

  it('a paste passes whole, and a setting apart from it when it is whole', () => {
    const paste: Said[] = [
      ['clipboard', 1, 'text/plain'],
      ['blob', 1, 'YQ=='],
      ['end', 1],
    ];
    const scheme: Said[] = [
      ['argv', 2, 'text/plain', 'color-scheme'],
      ['blob', 2, 'YQ=='],
      ['blob', 2, 'Yg=='],
    ];
    expect(fromBrowser([...paste, ...scheme])).toMatchObject({ forward: encode(paste), changes: [] });
    expect(fromBrowser([...scheme, ...paste, ['end', 2]])).toMatchObject({
      forward: encode(paste),
      changes: [{ name: 'color-scheme', blobs: ['YQ==', 'Yg=='] }],
    });
  });

  it('a setting whose stream becomes a paste is none', () => {
    const paste: Said[] = [
      ['clipboard', 1, 'text/plain'],
      ['blob', 1, 'YQ=='],
      ['end', 1],
    ];
    expect(fromBrowser([['argv', 1, 'text/plain', 'font-size'], ...paste])).toMatchObject({
      forward: encode(paste),
      changes: [],
    });
  });

  it.each([
    'select',
    'connect',
    'args',
    'ready',
    'audio',
    'video',
    'image',
    'timezone',
    'name',
    'put',
    'get',
    'file',
    'pipe',
    'required',
    'usbdata',
    '',
  ])('"%s" does not reach guacd', (opcode) => {
    const { forward, refused } = fromBrowser([[opcode, 'ssh', 'x'], ['nop']]);
    expect(forward).toBe('3.nop;');
    expect(refused).toEqual([opcode]);
  });

  it.each<[string, Said]>([
    ['a key without its state', ['key', 97]],
    ['a key state of 2', ['key', 97, 2]],
    ['a keysym of 30 bits', ['key', 0x2000_0000, 1]],
    ['a negative keysym', ['key', -1, 1]],
    ['hexadecimal', ['key', '0x61', 1]],
    ['a mouse far away', ['mouse', 99_999, 1, 0]],
    ['a mouse mask of 11 bits', ['mouse', 1, 1, 1024]],
    ['no size', ['size', 0, 768]],
    ['a huge size', ['size', 100_000, 768]],
    ['a size with too much', ['size', 1, 1, 1, 1]],
    ['a font from the browser', ['argv', 1, 'text/plain', 'font-name']],
    ['any other argument', ['argv', 1, 'text/plain', 'password']],
    ['a stream without a number', ['clipboard', 'x', 'text/plain']],
    ['a clipboard without a type', ['clipboard', 1, '']],
    ['not a time', ['sync', 'now']],
    ['touch with a word', ['touch', 1, 1, 1, 1, 1, 'NaN', '1']],
  ])('%s ends it', (_, said) => {
    expect(() => fromBrowser([said])).toThrow(ProtocolError);
  });

  it('what a person does is told apart from what a page says by itself', () => {
    let inputs = 0;
    const filter = new BrowserFilter({ disablePaste: true }, undefined, () => inputs++);
    const page: Said[] = [['sync', 1], ['nop'], ['size', 800, 600], ['ack', 1, 'OK', 0], ['put', 1]];
    filter.filter(Buffer.from(encode(page)));
    expect(inputs).toBe(0);
    const person: Said[] = [
      ['key', 97, 1],
      ['mouse', 1, 1, 0],
      ['clipboard', 1, 'text/plain'],
    ];
    filter.filter(Buffer.from(encode(person)));
    expect(inputs).toBe(3);
  });

  it('data of streams that were never opened, or are over, goes nowhere', () => {
    const { forward } = fromBrowser([
      ['blob', 7, 'YQ=='],
      ['end', 7],
      ['clipboard', 1, 'text/plain'],
      ['end', 1],
      ['blob', 1, 'YQ=='],
    ]);
    expect(forward).toBe(
      encode([
        ['clipboard', 1, 'text/plain'],
        ['end', 1],
      ]),
    );
  });

  it('a paste where pasting is off is refused, with its data, and the browser told', () => {
    const { forward, replies } = fromBrowser(
      [
        ['clipboard', 1, 'text/plain'],
        ['blob', 1, 'YQ=='],
        ['end', 1],
        ['key', 97, 1],
      ],
      { disablePaste: true },
    );
    expect(forward).toBe('3.key,2.97,1.1;');
    expect(replies).toBe('3.ack,1.1,16.not allowed here,3.771;');
  });

  it('an endless paste, an endless setting and endless streams end it', () => {
    const blob: Said = ['blob', 1, 'A'.repeat(8_000)];
    const setting: Said = ['argv', 1, 'text/plain', 'font-size'];
    expect(fromBrowser([setting, blob]).changes).toEqual([]);
    expect(() => fromBrowser([setting, blob, blob])).toThrow(ProtocolError);
    expect(() => fromBrowser([['clipboard', 1, 'text/plain'], ...Array<Said>(70).fill(blob)])).toThrow(
      ProtocolError,
    );
    const streams = Array.from({ length: 9 }, (_, i): Said => ['clipboard', i, 'text/plain']);
    expect(() => fromBrowser(streams)).toThrow(ProtocolError);
  });

  it('a setting that brings nothing over and over takes no memory for it', () => {
    const nothing = Array<Said>(1_000).fill(['blob', 1, '']);
    const setting: Said = ['argv', 1, 'text/plain', 'font-size'];
    expect(fromBrowser([setting, ...nothing, ['blob', 1, 'MTI='], ...nothing, ['end', 1]])).toMatchObject({
      forward: '',
      changes: [{ name: 'font-size', blobs: ['MTI='] }],
    });
  });

  it('disconnect is told to the gateway, not to guacd', () => {
    expect(fromBrowser([['disconnect']])).toMatchObject({ forward: '', disconnect: true });
  });

  it('nothing but allowed opcodes ever passes, whatever is sent', () => {
    const opcode = fc.constantFrom(
      'key',
      'mouse',
      'select',
      'connect',
      'blob',
      'clipboard',
      'put',
      'argv',
      'nop',
      'size',
    );
    const arg = fc.oneof(
      fc.constantFrom('1', '0', '97', 'text/plain', 'ssh', ''),
      fc.string({ maxLength: 6 }),
    );
    const said = fc.tuple(opcode, fc.array(arg, { maxLength: 4 }));
    fc.assert(
      fc.property(fc.array(said, { maxLength: 6 }), (list) => {
        const filter = new BrowserFilter(free);
        const bytes = list.map(([name, args]) => encodeInstruction(name, ...args)).join('');
        try {
          const passed = new InstructionDecoder(limits.guacamole.toGuacd).decode(
            text(filter.filter(Buffer.from(bytes)).forward),
          );
          for (const { opcode: name } of passed) expect(['select', 'connect', 'put']).not.toContain(name);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
      { numRuns: runs(1000) },
    );
  });
});

/** A PNG of one pixel. */
const onePixel =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

describe('what guacd may show', () => {
  it('drawing passes byte for byte', () => {
    const frame: Said[] = [
      ['size', 0, 800, 600],
      ['img', 1, 12, 0, 'image/png', 0, 0],
      ['blob', 1, onePixel],
      ['end', 1],
      ['cfill', 14, 0, 0, 0, 0, 255],
      ['sync', 12345],
    ];
    expect(fromTarget(frame)).toEqual({ forward: encode(frame), replies: '', refused: [] });
  });

  describe('sound', () => {
    const heard = { disableCopy: false, sound: true };
    const form = 'audio/L16;rate=44100,channels=2';

    it('passes where it was asked for, and is no part of the picture', () => {
      const filter = new PictureFilter(heard);
      const sound = decoded([
        ['audio', 7, form],
        ['blob', 7, 'AAAA'],
      ]);
      const drawing = decoded([['sync', 1]]);
      const { forward, picture, sounds } = filter.filter([...sound, ...drawing]);
      expect(forward).toHaveLength(3);
      expect(picture).toEqual(drawing.map(({ raw }) => raw));
      expect(sounds).toBe(2);
      expect(filter.filter(decoded([['end', 7]]))).toMatchObject({ picture: [], sounds: 1 });
    });

    it('is of a form that pages play, and not more than a few at once', () => {
      const filter = new PictureFilter(heard);
      const open = (index: number, mimetype: string) =>
        filter.filter(decoded([['audio', index, mimetype]])).forward.length;
      for (const other of ['audio/ogg', 'audio/L16', `${form},x=1`, 'audio/L16;rate=1,channels=2', ''])
        expect(open(1, other)).toBe(0);
      expect([1, 2, 3, 4, 5].map((index) => open(index, form))).toEqual([1, 1, 1, 1, 0]);
      expect(open(4, form)).toBe(1); // in place of the one before
    });

    it('is kept back while nobody hears it: its streams open and end, and the picture is all there', () => {
      const filter = new PictureFilter(heard);
      const drawing: Said[] = [
        ['rect', 0, 0, 0, 5, 5],
        ['sync', 1],
      ];
      filter.silent = true;
      const muted = filter.filter(decoded([['audio', 7, form], ['blob', 7, 'AAAA'], ...drawing]));
      expect(opcodes(muted.forward)).toEqual(['audio', 'rect', 'sync']);
      expect(muted.sounds).toBe(2);
      filter.silent = false;
      const again = filter.filter(
        decoded([
          ['blob', 7, 'AAAA'],
          ['end', 7],
        ]),
      );
      expect(opcodes(again.forward)).toEqual(['blob', 'end']);
    });

    it('that nobody asked for does not pass', () => {
      const { forward, replies } = new PictureFilter({ disableCopy: false }).filter(
        decoded([
          ['audio', 7, form],
          ['blob', 7, 'AAAA'],
        ]),
      );
      expect(forward).toEqual([]);
      expect(replies).toHaveLength(1);
    });
  });

  it.each(['audio', 'video', 'file', 'pipe', 'nest'])(
    'a stream of %s is refused with its data, and guacd told',
    (opcode) => {
      const { forward, replies } = fromTarget([
        [opcode, 4, 'a/b', 'name'],
        ['blob', 4, 'YQ=='],
        ['end', 4],
        ['nop'],
      ]);
      expect(forward).toBe('');
      expect(replies).toBe('3.ack,1.4,16.not allowed here,3.771;');
    },
  );

  it('a body of a file system is refused by its own stream', () => {
    expect(fromTarget([['body', 0, 9, 'a/b', 'name']]).replies).toBe('3.ack,1.9,16.not allowed here,3.771;');
  });

  it.each(['filesystem', 'undefine', 'msg', 'log', 'select', 'args', 'ready', 'key', 'eval', ''])(
    '"%s" is dropped',
    (opcode) => {
      expect(fromTarget([[opcode, 0, 'x']])).toMatchObject({ forward: '', replies: '' });
    },
  );

  it('a refused stream does not take over an index that was in use', () => {
    const { forward } = fromTarget([
      ['img', 4, 12, 0, 'image/png', 0, 0],
      ['pipe', 4, 'a/b', 'x'],
      ['blob', 4, 'YQ=='],
    ]);
    expect(forward).not.toContain('blob');
  });

  it('a copy where copying is off is refused', () => {
    const copy: Said[] = [
      ['clipboard', 3, 'text/plain'],
      ['blob', 3, 'YQ=='],
      ['end', 3],
    ];
    expect(fromTarget(copy).forward).toBe(encode(copy));
    expect(fromTarget(copy, { disableCopy: true })).toMatchObject({
      forward: '',
      replies: '3.ack,1.3,16.not allowed here,3.771;',
    });
  });

  it('an endless clipboard is cut off', () => {
    const blob: Said = ['blob', 3, 'A'.repeat(8_000)];
    const { forward } = fromTarget([['clipboard', 3, 'text/plain'], ...Array<Said>(100).fill(blob)]);
    expect(forward.length).toBeLessThan(600_000);
  });
});

it('an instruction cut anywhere is judged whole', () => {
  const filter = new BrowserFilter(free);
  const bytes = encodeInstructionBytes('key', 97, 1);
  const passed: Uint8Array[] = [];
  for (const byte of bytes) passed.push(...filter.filter(Uint8Array.of(byte)).forward);
  expect(text(passed)).toBe('3.key,2.97,1.1;');
});
