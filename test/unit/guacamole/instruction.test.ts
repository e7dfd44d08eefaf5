import { describe, expect, it } from 'vitest';
import { ProtocolError } from '../../../protocol/errors.ts';
import {
  countCodePoints,
  encodeInstruction,
  encodeInstructionBytes,
} from '../../../protocol/guacamole/instruction.ts';

describe('encoding an instruction', () => {
  it('writes opcode and arguments with their lengths', () => {
    expect(encodeInstruction('size', 1024, 768, 96)).toBe('4.size,4.1024,3.768,2.96;');
    expect(encodeInstruction('nop')).toBe('3.nop;');
    expect(encodeInstruction('', 'ping')).toBe('0.,4.ping;');
  });

  it('counts code points, not UTF-16 units and not bytes', () => {
    expect(encodeInstruction('name', 'é😀x')).toBe('4.name,3.é😀x;');
    expect(encodeInstructionBytes('a', '😀')).toEqual(new TextEncoder().encode('1.a,1.😀;'));
    expect(countCodePoints('😀é€a')).toBe(4);
  });

  it('refuses lone surrogates and numbers that are not integers', () => {
    for (const element of ['\ud800', 'a\udc00', '\udc00\ud800', 1.5, Number.NaN, Infinity, 2 ** 60]) {
      expect(() => encodeInstruction('key', element)).toThrow(ProtocolError);
    }
  });
});
