import { create, toBinary, type DescMessage, type MessageInitShape } from '@bufbuild/protobuf';
import { view, type Bytes } from '../bytes.ts';

/** Encodes a message given by its members. */
export function encodeMessage<Desc extends DescMessage>(schema: Desc, init: MessageInitShape<Desc>): Bytes {
  return view(toBinary(schema, create(schema, init)));
}
