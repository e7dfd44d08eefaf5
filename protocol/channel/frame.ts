import { toBinary } from '@bufbuild/protobuf';
import { copy, parseUtf8, uint64, utf8, type Bytes } from '../bytes.ts';
import { ProtocolError } from '../errors.ts';
import { limits } from '../limits.ts';
import { decodeMessage } from '../messages/decode.ts';
import {
  StreamControlSchema,
  StreamOpenSchema,
  type StreamControl,
  type StreamOpen,
} from '../messages/gen/session_pb.js';

/**
 * Frames over an ordered carrier, a message each (protocol.md §14): type(1) ‖ stream id(uint32) ‖ payload. Frames carry no
 * offsets: the carrier keeps their order, and both ends count those of streams.
 */
export type Frame =
  | { readonly kind: 'open'; readonly stream: number; readonly open: StreamOpen }
  | { readonly kind: 'data'; readonly stream: number; readonly data: Uint8Array }
  | { readonly kind: 'credit'; readonly stream: number; readonly bytes: number }
  | { readonly kind: 'end'; readonly stream: number }
  | { readonly kind: 'reset'; readonly stream: number; readonly code: string }
  | { readonly kind: 'control'; readonly stream: number; readonly control: StreamControl }
  | { readonly kind: 'ping'; readonly token: Bytes }
  | { readonly kind: 'pong'; readonly token: Bytes }
  | { readonly kind: 'received'; readonly count: number }
  | { readonly kind: 'resumed'; readonly count: number }
  | { readonly kind: 'bye' };

/** Frames of a stream: counted, and sent again when the carrier was lost before they arrived. */
export type StreamFrame = Extract<Frame, { readonly stream: number }>;

/** First byte of each kind of frame. */
export const frameTypes = {
  open: 1,
  data: 2,
  credit: 3,
  end: 4,
  reset: 5,
  control: 6,
  ping: 7,
  pong: 8,
  received: 9,
  resumed: 10,
  bye: 11,
} as const;

/** Bytes before the payload: type and stream id. */
export const frameHeaderLength = 5;
const pingTokenLength = 8;
const countLength = 8;
const streamTokenLength = 16;

/** Reset codes are codes of errors.ts or of the gateway: short, and safe to show and to log. */
const codeForm = /^[a-z0-9-]{1,64}$/;

/** The bytes of a frame. Throws `malformed` or `too-large` for what {@link decodeFrame} would refuse. */
export function encodeFrame(frame: Frame): Bytes {
  switch (frame.kind) {
    case 'open':
      return withHeader(frame, checkOpen(toBinary(StreamOpenSchema, frame.open), frame.open));
    case 'data':
      return withHeader(frame, checkData(frame.data));
    case 'credit':
      return withHeader(frame, encodeCredit(frame.bytes));
    case 'end':
      return withHeader(frame, new Uint8Array(0));
    case 'reset':
      return withHeader(frame, utf8(checkCode(frame.code)));
    case 'control':
      return withHeader(frame, checkControl(toBinary(StreamControlSchema, frame.control)));
    case 'ping':
    case 'pong':
      return withHeader({ ...frame, stream: 0 }, checkToken(frame.token));
    case 'received':
    case 'resumed':
      return withHeader({ ...frame, stream: 0 }, encodeCount(frame.count));
    case 'bye':
      return withHeader({ ...frame, stream: 0 }, new Uint8Array(0));
  }
}

/**
 * The frame in one message of the channel; `data` is a view of the message. Throws `malformed` for an unknown type
 * or any payload that is not exactly its type's, `too-large` over a bound of limits.ts.
 */
export function decodeFrame(message: Uint8Array): Frame {
  if (message.length < frameHeaderLength) throw malformed('a frame has a header');
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const type = message[0] ?? 0;
  const stream = view.getUint32(1);
  const payload = message.subarray(frameHeaderLength);
  const aboutPeer = type >= frameTypes.ping;
  if (aboutPeer !== (stream === 0)) throw malformed('stream id does not fit the frame type');
  return decodePayload(type, stream, payload);
}

function decodePayload(type: number, stream: number, payload: Uint8Array): Frame {
  switch (type) {
    case frameTypes.open:
      return { kind: 'open', stream, open: decodeOpen(payload) };
    case frameTypes.data:
      return { kind: 'data', stream, data: checkData(payload) };
    case frameTypes.credit:
      return { kind: 'credit', stream, bytes: decodeCredit(payload) };
    case frameTypes.end:
      if (payload.length !== 0) throw malformed('an end frame is empty');
      return { kind: 'end', stream };
    case frameTypes.reset:
      return { kind: 'reset', stream, code: checkCode(parseUtf8(payload)) };
    case frameTypes.control:
      return { kind: 'control', stream, control: decodeControl(checkControl(payload)) };
    case frameTypes.ping:
      return { kind: 'ping', token: checkToken(payload) };
    case frameTypes.pong:
      return { kind: 'pong', token: checkToken(payload) };
    case frameTypes.received:
      return { kind: 'received', count: decodeCount(payload) };
    case frameTypes.resumed:
      return { kind: 'resumed', count: decodeCount(payload) };
    case frameTypes.bye:
      if (payload.length !== 0) throw malformed('a bye frame is empty');
      return { kind: 'bye' };
    default:
      throw malformed('unknown frame type');
  }
}

function withHeader(frame: { readonly kind: Frame['kind']; readonly stream: number }, payload: Uint8Array) {
  const out = new Uint8Array(frameHeaderLength + payload.length);
  writeHeader(out, frame.kind, frame.stream);
  out.set(payload, frameHeaderLength);
  return out;
}

/** Writes type and stream id: for a sender that fills the payload in place. */
export function writeHeader(out: Bytes, kind: Frame['kind'], stream: number): void {
  out[0] = frameTypes[kind];
  new DataView(out.buffer).setUint32(1, stream);
}

function decodeOpen(payload: Uint8Array): StreamOpen {
  if (payload.length > limits.frameControl) throw new ProtocolError('too-large', 'open frame');
  const open = decodeMessage(StreamOpenSchema, payload);
  checkOpen(payload, open);
  return open;
}

function checkOpen(payload: Uint8Array, open: StreamOpen): Uint8Array {
  if (open.streamToken.length !== streamTokenLength) throw malformed('a stream token has 16 bytes');
  return payload;
}

function checkData(payload: Uint8Array): Uint8Array {
  if (payload.length === 0) throw malformed('a data frame is not empty');
  if (payload.length > limits.framePayload) throw new ProtocolError('too-large', 'data frame');
  return payload;
}

function encodeCredit(bytes: number): Bytes {
  const out = new Uint8Array(4);
  new DataView(out.buffer).setUint32(0, checkCredit(bytes));
  return out;
}

function decodeCredit(payload: Uint8Array): number {
  if (payload.length !== 4) throw malformed('a credit frame has 4 bytes');
  return checkCredit(new DataView(payload.buffer, payload.byteOffset, 4).getUint32(0));
}

function checkCredit(bytes: number): number {
  if (!Number.isInteger(bytes) || bytes < 1) throw malformed('credit is at least 1');
  if (bytes > limits.maxCredit) throw new ProtocolError('too-large', 'credit frame');
  return bytes;
}

function checkCode(code: string): string {
  if (!codeForm.test(code)) throw malformed('not a reset code');
  return code;
}

function checkControl(payload: Uint8Array): Uint8Array {
  if (payload.length > limits.frameControl) throw new ProtocolError('too-large', 'control frame');
  return payload;
}

function decodeControl(payload: Uint8Array): StreamControl {
  return decodeMessage(StreamControlSchema, payload);
}

function checkToken(payload: Uint8Array): Bytes {
  if (payload.length !== pingTokenLength) throw malformed('a ping token has 8 bytes');
  return copy(payload);
}

function encodeCount(count: number): Bytes {
  if (!Number.isSafeInteger(count) || count < 0) throw malformed('not a count of frames');
  return uint64(BigInt(count));
}

function decodeCount(payload: Uint8Array): number {
  if (payload.length !== countLength) throw malformed('a count has 8 bytes');
  const count = new DataView(payload.buffer, payload.byteOffset, countLength).getBigUint64(0);
  if (count > BigInt(Number.MAX_SAFE_INTEGER)) throw malformed('no channel lasts for so many frames');
  return Number(count);
}

function malformed(message: string): ProtocolError {
  return new ProtocolError('malformed', message);
}
