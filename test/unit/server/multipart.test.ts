import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { boundaryOf, readFilePart } from '../../../server/secrets-manager/multipart.ts';
import { SecretsRefusal } from '../../../server/secrets-manager/refusal.ts';
import { runs } from '../../fuzz-runs.ts';

const boundary = '----------1790000000000';

async function* pieces(bytes: Buffer, ...lengths: readonly number[]): AsyncGenerator<Uint8Array> {
  let at = 0;
  for (const length of lengths) {
    yield bytes.subarray(at, at + length);
    at += length;
  }
  yield bytes.subarray(at);
}

async function read(body: Buffer, size: number, ...lengths: readonly number[]): Promise<Buffer> {
  const read: Uint8Array[] = [];
  for await (const piece of readFilePart(pieces(body, ...lengths), boundary, size)) read.push(piece);
  return Buffer.concat(read);
}

/** Text around a file: `FILE` is where it is. */
function body(text: string, file: Buffer): Buffer {
  const [before = '', after = ''] = text.split('FILE');
  return Buffer.concat([Buffer.from(before), file, Buffer.from(after)]);
}

const ofJavaScript = [
  `\r\n--${boundary}\r\nContent-Disposition: form-data; name="ticket"\r\n\r\nwhatever`,
  `\r\n--${boundary}\r\nContent-Disposition: form-data; name="file"\r\nContent-Type: application/octet-stream`,
  `\r\n\r\nFILE\r\n--${boundary}--\r\n`,
].join('');
const ofPython = [
  `--${boundary}\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n`,
  `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="file"\r\n`,
  `Content-Type: application/octet-stream\r\n\r\nFILE\r\n--${boundary}--\r\n`,
].join('');
const bare = `--${boundary}\r\ncontent-disposition:form-data;name=file\r\n\r\nFILE\r\n--${boundary}--`;
const bodies = { ofJavaScript, ofPython, bare };

describe('the file of a form', () => {
  test.each(Object.entries(bodies))('is its bytes, however they come: %s', async (_name, text) => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 200 }),
        fc.array(fc.nat(80), { maxLength: 10 }),
        async (raw, lengths) => {
          const file = Buffer.from(raw);
          expect((await read(body(text, file), file.length, ...lengths)).equals(file)).toBe(true);
        },
      ),
      { numRuns: runs(300) },
    );
  });

  test('may look like the end of the form, line breaks, boundaries and all', async () => {
    const file = Buffer.from(
      `\r\n--${boundary}--\r\n\r\n--${boundary}\r\nContent-Disposition: form-data; name="file"\r\n\r\n`,
    );
    expect((await read(body(ofJavaScript, file), file.length)).equals(file)).toBe(true);
  });

  test('of another length than announced is refused', async () => {
    const file = randomBytes(1000);
    for (const announced of [0, 999, 1001, 1100, 5000])
      await expect(read(body(ofJavaScript, file), announced)).rejects.toThrow(SecretsRefusal);
  });

  test('is refused when the form is cut anywhere before its end', async () => {
    const whole = body(ofJavaScript, randomBytes(50));
    for (let length = 0; length < whole.length - '--\r\n'.length; length++)
      await expect(read(whole.subarray(0, length), 50)).rejects.toThrow(SecretsRefusal);
  });

  test('has not too much before it, nor after it', async () => {
    const part = `--${boundary}\r\nContent-Disposition: form-data; name="x"\r\n\r\n`;
    const with_ = (length: number) => body(`${part}${'y'.repeat(length)}\r\n${ofPython}`, Buffer.from('z'));
    expect((await read(with_(8_000), 1)).toString()).toBe('z');
    await expect(read(with_(17_000), 1)).rejects.toThrow('too much before');
    await expect(read(with_(200_000), 1, ...Array<number>(300).fill(600))).rejects.toThrow('too much before');
    await expect(read(Buffer.alloc(1_000_000), 1)).rejects.toThrow('too much before');
    const after = (length: number) => body(ofPython + 'y'.repeat(length), Buffer.from('z'));
    expect((await read(after(1_000), 1)).toString()).toBe('z');
    await expect(read(after(20_000), 1)).rejects.toThrow('longer than announced');
  });

  test('is not another part, nor one of another disposition', async () => {
    for (const disposition of [
      'form-data; name="files"',
      'form-data; filename="file"',
      'attachment; name="file"',
      'form-data; xname="file"',
      'form-data',
    ]) {
      const text = `--${boundary}\r\nContent-Disposition: ${disposition}\r\n\r\nFILE\r\n--${boundary}--`;
      await expect(read(body(text, Buffer.from('z')), 1)).rejects.toThrow('no part named "file"');
    }
    await expect(read(Buffer.from(`--${boundary}--\r\n`), 1)).rejects.toThrow('no part named "file"');
    await expect(read(Buffer.alloc(0), 1)).rejects.toThrow('no part named "file"');
  });

  test('comes out of rubbish as a refusal, and as nothing else', async () => {
    const seed = body(ofPython, Buffer.from('some bytes'));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(seed.length), fc.nat(255)), { maxLength: 6 }),
        fc.nat(seed.length),
        fc.nat(30),
        async (changes, cut, size) => {
          const bytes = Buffer.from(seed);
          for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
          try {
            const file = await read(bytes.subarray(0, seed.length - (cut % 40)), size, cut);
            expect(file).toHaveLength(size);
          } catch (error) {
            expect(error).toBeInstanceOf(SecretsRefusal);
          }
        },
      ),
      { numRuns: runs(2_000) },
    );
  });
});

describe('a boundary', () => {
  test.each([
    [`multipart/form-data; boundary=${boundary}`, boundary],
    [`Multipart/Form-Data;boundary="a b'c"`, "a b'c"],
    ['multipart/form-data; charset=utf-8; boundary=x', 'x'],
    [`multipart/form-data; boundary=${'x'.repeat(70)}`, 'x'.repeat(70)],
  ])('is what the header says: %s', (header, expected) => {
    expect(boundaryOf(header)).toBe(expected);
  });

  test.each([
    undefined,
    '',
    'application/json',
    'multipart/mixed; boundary=x',
    'multipart/form-data',
    'multipart/form-data; boundary=',
    'multipart/form-data; boundary=""',
    'multipart/form-data; boundary="a "',
    'multipart/form-data; boundary=a\u0000b',
    `multipart/form-data; boundary=${'x'.repeat(71)}`,
    'multipart/form-dataset; boundary=x',
  ])('is not there: %s', (header) => {
    expect(() => boundaryOf(header)).toThrow(SecretsRefusal);
  });
});
