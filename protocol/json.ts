import { ProtocolError } from './errors.ts';

/** An object out of JSON from outside: nothing is known of its members yet. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** The value of a JSON text. Throws `malformed` with that message, never the parser's own, which would quote the text. */
export function parseJson(text: string, message: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ProtocolError('malformed', message);
  }
}

/** Neither null nor a list. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Throws `malformed` with that message for anything but an object: null and lists are none. */
export function objectIn(value: unknown, message: string): JsonObject {
  if (!isObject(value)) throw new ProtocolError('malformed', message);
  return value;
}

/** The object of a JSON text. Throws `malformed` with that message for a text that is no JSON, and for another value. */
export function parseObject(text: string, message: string): JsonObject {
  return objectIn(parseJson(text, message), message);
}
