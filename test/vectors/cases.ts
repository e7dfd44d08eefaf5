import { describe, expect, test } from 'vitest';
import { parseHex, type Bytes } from '../../protocol/bytes.ts';
import { ProtocolError } from '../../protocol/errors.ts';

/** One vector: `fails` is the code of the error that it must end in. */
export interface Vector {
  readonly name: string;
  readonly fails?: string;
}

export interface VectorFile {
  readonly clause: string;
  readonly cases: readonly object[];
}

/** A part of a context in a vector: text, or bytes. */
export type ShownPart = string | { readonly hex: string };

export const partsOf = (shown: readonly ShownPart[]): (string | Bytes)[] =>
  shown.map((part) => (typeof part === 'string' ? part : parseHex(part.hex)));

/** Runs each vector; `run` throws for those that must fail and checks what comes out of the others. */
export function runVectors<V>(title: string, file: VectorFile, run: (vector: V & Vector) => unknown): void {
  describe(`protocol.md §${file.clause} ${title}`, () => {
    test.each(file.cases as (V & Vector)[])('$name', async (vector) => {
      const outcome = (async () => run(vector))();
      if (vector.fails === undefined) return void (await outcome);
      const error: unknown = await outcome.then(
        () => null,
        (reason: unknown) => reason,
      );
      expect(error).toBeInstanceOf(ProtocolError);
      expect((error as ProtocolError).code).toBe(vector.fails);
    });
  });
}
