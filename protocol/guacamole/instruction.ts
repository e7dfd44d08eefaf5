/** Guacamole instructions as text: `length.value,length.value,…;` where a length counts Unicode code points. */
import type { Bytes } from '../bytes.ts';
import { utf8 } from '../bytes.ts';
import { ProtocolError } from '../errors.ts';

/** One whole instruction. `raw` is its exact bytes, so that it can be passed on without encoding it again. */
export interface Instruction {
  readonly opcode: string;
  readonly args: readonly string[];
  readonly raw: Uint8Array;
}

/** An instruction as text. Throws `guacamole-malformed` for a lone surrogate or a number that is not an integer. */
export function encodeInstruction(opcode: string, ...args: readonly (string | number)[]): string {
  return [opcode, ...args].map(encodeElement).join(',') + ';';
}

/** An instruction as UTF-8 bytes. Throws as {@link encodeInstruction} does. */
export function encodeInstructionBytes(opcode: string, ...args: readonly (string | number)[]): Bytes {
  return utf8(encodeInstruction(opcode, ...args));
}

function encodeElement(element: string | number): string {
  if (typeof element === 'number' && !Number.isSafeInteger(element)) {
    throw new ProtocolError('guacamole-malformed', 'number is not an integer');
  }
  const text = String(element);
  if (!text.isWellFormed()) throw new ProtocolError('guacamole-malformed', 'lone surrogate');
  return `${countCodePoints(text)}.${text}`;
}

/** Code points of a well-formed text: UTF-16 units less one for each surrogate pair. */
export function countCodePoints(text: string): number {
  let pairs = 0;
  for (let i = 0; i < text.length; i++) if ((text.charCodeAt(i) & 0xfc00) === 0xd800) pairs++;
  return text.length - pairs;
}
