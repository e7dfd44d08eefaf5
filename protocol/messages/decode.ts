import { fromBinary, toBinary, type DescMessage, type MessageShape } from '@bufbuild/protobuf';
import { equal } from '../bytes.ts';
import { ProtocolError } from '../errors.ts';

/** Decodes a protobuf message that came from outside. Throws `malformed`, never the library's own error. */
export function decodeMessage<Desc extends DescMessage>(schema: Desc, bytes: Uint8Array): MessageShape<Desc> {
  return read(schema, bytes, true);
}

/**
 * Decodes a message of which there is one encoding: unknown fields, other orders and repeated or defaulted members are
 * refused. Throws `malformed`.
 */
export function decodeCanonical<Desc extends DescMessage>(
  schema: Desc,
  bytes: Uint8Array,
): MessageShape<Desc> {
  const known = read(schema, bytes, false);
  if (!equal(toBinary(schema, known), bytes))
    throw new ProtocolError('malformed', `not the one encoding of a ${schema.name}`);
  return known;
}

function read<Desc extends DescMessage>(
  schema: Desc,
  bytes: Uint8Array,
  readUnknownFields: boolean,
): MessageShape<Desc> {
  try {
    return fromBinary(schema, bytes, { readUnknownFields });
  } catch {
    throw new ProtocolError('malformed', `not a ${schema.name}`);
  }
}
