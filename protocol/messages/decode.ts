import { fromBinary, type DescMessage, type MessageShape } from '@bufbuild/protobuf';
import { ProtocolError } from '../errors.ts';

/** Decodes a protobuf message that came from outside. Throws `malformed`, never the library's own error. */
export function decodeMessage<Desc extends DescMessage>(schema: Desc, bytes: Uint8Array): MessageShape<Desc> {
  try {
    return fromBinary(schema, bytes);
  } catch {
    throw new ProtocolError('malformed', `not a ${schema.name}`);
  }
}
