import { expect } from 'vitest';
import { encodeHex, parseHex } from '../../protocol/bytes.ts';
import { readSealed } from '../../workers/exchange/sealed-reader.ts';
import { runVectors } from './cases.ts';
import sealedExports from './sealed-exports.json' with { type: 'json' };

interface SealedExport {
  readonly password: string;
  readonly file: string;
  readonly titles: readonly string[];
  readonly attachments: readonly string[];
}

runVectors<SealedExport>(
  'encrypted export',
  sealedExports,
  async ({ password, file, titles, attachments }) => {
    const { records } = await readSealed(parseHex(file), password);
    expect(records.map(({ content }) => content.title)).toEqual(titles);
    const files = records.flatMap((record) => record.attachments);
    expect(files.map(({ bytes }) => encodeHex(bytes))).toEqual(attachments);
  },
);
