import { parseUtf8 } from '../../protocol/bytes.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { objectIn as requireObject, parseJson, type JsonObject } from '../../protocol/json.ts';
import { exchangeBounds } from './bounds.ts';

// Readers of JSON that came from outside. What is missing is empty; what has another type than expected is refused.

/** Throws `malformed`, with the place, for bytes that are not UTF-8 or not JSON, or are too many. */
export function parseJsonBytes(bytes: Uint8Array, what: string): unknown {
  if (bytes.length > exchangeBounds.textBytes) throw malformed(`${what} is too large`);
  const text = parseUtf8(bytes);
  return parseJson(text.startsWith('\ufeff') ? text.slice(1) : text, `${what} is not json`);
}

/** Throws `malformed` for anything but an object. */
export function objectIn(value: unknown, where: string): JsonObject {
  return requireObject(value, `${where} is not an object`);
}

/** An object that may be missing. Throws `malformed` for anything else. */
export function optionalObject(value: unknown, where: string): JsonObject {
  return value === undefined || value === null ? {} : objectIn(value, where);
}

/** A list that may be missing. Throws `malformed` for anything else, and for more entries than `most`. */
export function listIn(
  value: unknown,
  where: string,
  most: number = exchangeBounds.records,
): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw malformed(`${where} is not a list`);
  if (value.length > most) throw malformed(`${where} has more than ${most} entries`);
  return value;
}

/** A text that may be missing; numbers and truth values as text. Throws `malformed` for lists and objects. */
export function textIn(value: unknown, where: string): string {
  switch (typeof value) {
    case 'string':
      return value;
    case 'number':
    case 'boolean':
      return String(value);
    default:
      if (value === undefined || value === null) return '';
      throw malformed(`${where} is not a text`);
  }
}

/** Throws `malformed` for anything but a whole number within the bounds. */
export function integerIn(value: unknown, where: string, min: number, max: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max)
    throw malformed(`${where} is not a number from ${min} to ${max}`);
  return value;
}

export function malformed(message: string): ProtocolError {
  return new ProtocolError('malformed', message);
}
