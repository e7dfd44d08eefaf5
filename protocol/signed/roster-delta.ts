import { BinaryReader } from '@bufbuild/protobuf/wire';
import { encodeBase64url, type Bytes } from '../bytes.ts';
import { ProtocolError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { RosterDelta } from '../messages/gen/organisation_pb.js';

/** A run of fields of the former roster, or bytes that it has not. */
export interface RosterPiece {
  readonly start: number;
  readonly count: number;
  readonly literal: Bytes;
}

/**
 * What makes the bytes of one roster from those of another: members and teams that stay are named, not repeated. It says
 * nothing of whether a roster holds: its signature does, over the whole. protocol.md §20.8.
 */
export function diffRoster(from: Uint8Array, to: Uint8Array): { pieces: RosterPiece[] } {
  const known = new Map<string, number>();
  for (const [index, field] of fieldsOf(from).entries()) {
    const name = encodeBase64url(field);
    if (!known.has(name)) known.set(name, index);
  }
  const runs: { start: number; count: number; fields: Uint8Array[] }[] = [];
  for (const field of fieldsOf(to)) {
    const index = known.get(encodeBase64url(field));
    const last = runs.at(-1);
    if (index !== undefined) {
      if (last && last.count > 0 && last.start + last.count === index) last.count++;
      else runs.push({ start: index, count: 1, fields: [] });
    } else if (last?.count === 0) last.fields.push(field);
    else runs.push({ start: 0, count: 0, fields: [field] });
  }
  return { pieces: runs.map(({ start, count, fields }) => ({ start, count, literal: joined(fields) })) };
}

/** The bytes of the newer roster. Throws `malformed`, or `too-large` for more than a roster may be. */
export function applyRosterDelta(from: Uint8Array, { pieces }: Pick<RosterDelta, 'pieces'>): Bytes {
  const fields = fieldsOf(from);
  const made: Uint8Array[] = [];
  let size = 0;
  for (const { start, count, literal } of pieces) {
    const isRun = count > 0 && literal.length === 0 && start + count <= fields.length;
    if (!isRun && (count > 0 || literal.length === 0))
      throw new ProtocolError('malformed', 'not a piece of a roster');
    const part = isRun ? fields.slice(start, start + count) : [literal];
    for (const bytes of part) size += bytes.length;
    if (size > limits.rosterBytes) throw new ProtocolError('too-large', 'a roster of too many bytes');
    for (const bytes of part) made.push(bytes);
  }
  return joined(made);
}

/** Of any number of parts, each copied once. */
function joined(parts: readonly Uint8Array[]): Bytes {
  const whole = new Uint8Array(parts.reduce((size, { length }) => size + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Each outermost field of a message, tag and value. Throws `malformed`. */
function fieldsOf(message: Uint8Array): Uint8Array[] {
  const reader = new BinaryReader(message);
  const fields: Uint8Array[] = [];
  try {
    while (reader.pos < reader.len) {
      const start = reader.pos;
      const [number, wireType] = reader.tag();
      reader.skip(wireType, number);
      fields.push(message.subarray(start, reader.pos));
    }
  } catch {
    throw new ProtocolError('malformed', 'not a roster');
  }
  return fields;
}
