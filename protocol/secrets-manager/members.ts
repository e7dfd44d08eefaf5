import { parseUtf8, decodeBase64, type Bytes } from '../bytes.ts';
import { ProtocolError } from '../errors.ts';
import { objectIn, parseJson, type JsonObject } from '../json.ts';

/**
 * Reads the members of a JSON object from outside. null counts as absent (Python clients send it), unknown members
 * are ignored, everything read is checked. Every method throws `malformed`, naming the member and never its value.
 */
export class Members {
  readonly #members: JsonObject;

  constructor(value: unknown) {
    this.#members = objectIn(value, 'not a json object');
  }

  /** The members of a JSON text in UTF-8. */
  static parse(bytes: Uint8Array): Members {
    return new Members(parseJson(parseUtf8(bytes), 'not json'));
  }

  has(name: string): boolean {
    return this.#value(name) !== null;
  }

  text(name: string): string {
    return this.optionalText(name) ?? missing(name);
  }

  optionalText(name: string): string | null {
    const value = this.#value(name);
    if (value !== null && typeof value !== 'string') throw unfit(name, 'text');
    return value;
  }

  /** Any base64 alphabet, padded or not: clients disagree. */
  bytes(name: string, length?: number): Bytes {
    return this.optionalBytes(name, length) ?? missing(name);
  }

  optionalBytes(name: string, length?: number): Bytes | null {
    const text = this.optionalText(name);
    if (text === null) return null;
    const bytes = parseAnyBase64(text);
    if (length !== undefined && bytes.length !== length) throw unfit(name, `${length} bytes`);
    return bytes;
  }

  integer(name: string): number {
    return this.optionalInteger(name) ?? missing(name);
  }

  optionalInteger(name: string): number | null {
    const value = this.#value(name);
    if (value === null) return null;
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
      throw unfit(name, 'an integer');
    return value;
  }

  flag(name: string): boolean {
    const value = this.#value(name);
    if (value !== null && typeof value !== 'boolean') throw unfit(name, 'true or false');
    return value ?? false;
  }

  /** A list of texts; absent is empty. */
  texts(name: string): readonly string[] {
    return this.#list(name).map((item) => {
      if (typeof item !== 'string') throw unfit(name, 'a list of texts');
      return item;
    });
  }

  /** A list of texts that has to be there, be it empty. */
  presentTexts(name: string): readonly string[] {
    return this.has(name) ? this.texts(name) : missing(name);
  }

  /** A list of objects; absent is empty. */
  objects(name: string): readonly Members[] {
    return this.#list(name).map((item) => new Members(item));
  }

  #list(name: string): readonly unknown[] {
    const value = this.#value(name);
    if (value !== null && !Array.isArray(value)) throw unfit(name, 'a list');
    return value ?? [];
  }

  #value(name: string): unknown {
    return Object.hasOwn(this.#members, name) ? (this.#members[name] ?? null) : null;
  }
}

/** Base64 of either alphabet, with or without padding. Throws `malformed`. */
export function parseAnyBase64(text: string): Bytes {
  const digits = text
    .replace(/={1,2}$/, '')
    .replaceAll('-', '+')
    .replaceAll('_', '/');
  if (!/^[A-Za-z0-9+/]*$/.test(digits) || digits.length % 4 === 1) {
    throw new ProtocolError('malformed', 'not base64');
  }
  return decodeBase64(digits);
}

function missing(name: string): never {
  throw new ProtocolError('malformed', `${name} is missing`);
}

function unfit(name: string, wanted: string): ProtocolError {
  return new ProtocolError('malformed', `${name} is not ${wanted}`);
}
