import { toBinary } from '@bufbuild/protobuf';
import { concat, copy, empty, parseUtf8, uint64, utf8, type Bytes } from '../bytes.ts';
import { ProtocolError } from '../errors.ts';
import { limits } from '../limits.ts';
import { decodeMessage } from '../messages/decode.ts';
import {
  StreamControlSchema,
  StreamOpenSchema,
  type StreamControl,
  type StreamOpen,
} from '../messages/gen/session_pb.js';

/** Of these frames, told by both ends before there is a channel (protocol.md §14.12). The first had no places. */
export const framesVersion = 2;

/** What a stream says. Counted, and sent again when the carrier was lost before it arrived. */
export type StreamFrame =
  | { readonly kind: 'open'; readonly stream: number; readonly open: StreamOpen }
  | { readonly kind: 'data'; readonly stream: number; readonly data: Uint8Array }
  | { readonly kind: 'credit'; readonly stream: number; readonly bytes: number }
  | { readonly kind: 'end'; readonly stream: number }
  | { readonly kind: 'reset'; readonly stream: number; readonly code: string }
  | { readonly kind: 'control'; readonly stream: number; readonly control: StreamControl };

/** Where a frame belongs among all that its sender has counted, since a carrier may change their order. */
export interface Place {
  /** So many were counted before it. */
  readonly number: number;
  /** The frame of the same stream before it is so many back; 0: the peer has said that it has all of them, or there is none. */
  readonly back: number;
}

export type PlacedFrame = StreamFrame & { readonly place: Place };

/**
 * Frames over a carrier, a message each (protocol.md §14): type(1) ‖ stream id(uint32) ‖ payload; those of streams with
 * their place, number(6) ‖ back(4), ahead of the payload. Each stream's own order is kept by that (frame-order.ts).
 */
export type Frame =
  | PlacedFrame
  | { readonly kind: 'ping'; readonly token: Bytes }
  | { readonly kind: 'pong'; readonly token: Bytes }
  /** `count`: all of the first so many frames have come; `bytes`: of all frames of streams that came on this carrier. */
  | { readonly kind: 'received'; readonly count: number; readonly bytes: number }
  | { readonly kind: 'resumed'; readonly count: number }
  /** After so many frames of streams. */
  | { readonly kind: 'bye'; readonly count: number };

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

/** Bytes before the payload: type and stream id, and for frames of streams their place. */
const headerLength = 5;
const placeLength = 10;
export const streamHeaderLength = headerLength + placeLength;
/** More than any connection counts: 2⁴⁸ frames. */
const mostNumber = 2 ** 48;
const pingTokenLength = 8;
const countLength = 8;
const streamTokenLength = 16;

/** Reset codes are codes of errors.ts or of the gateway: short, and safe to show and to log. */
const codeForm = /^[a-z0-9-]{1,64}$/;

/** The bytes of a frame. Throws `malformed` or `too-large` for what {@link decodeFrame} would refuse. */
export function encodeFrame(frame: Frame): Bytes {
  switch (frame.kind) {
    case 'open':
      return placed(frame, checkOpen(toBinary(StreamOpenSchema, frame.open), frame.open));
    case 'data':
      return placed(frame, checkData(frame.data));
    case 'credit':
      return placed(frame, encodeCredit(frame.bytes));
    case 'end':
      return placed(frame, empty);
    case 'reset':
      return placed(frame, utf8(checkCode(frame.code)));
    case 'control':
      return placed(frame, checkControl(toBinary(StreamControlSchema, frame.control)));
    case 'ping':
    case 'pong':
      return unplaced(frame.kind, checkToken(frame.token));
    case 'received':
      return unplaced(frame.kind, concat(encodeCount(frame.count), encodeCount(frame.bytes)));
    case 'resumed':
    case 'bye':
      return unplaced(frame.kind, encodeCount(frame.count));
  }
}

/**
 * The frame in one message of the channel; `data` is a view of the message. Throws `malformed` for an unknown type
 * or any payload that is not exactly its type's, `too-large` over a bound of limits.ts.
 */
export function decodeFrame(message: Uint8Array): Frame {
  if (message.length < headerLength) throw malformed('a frame has a header');
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const type = message[0] ?? 0;
  const stream = view.getUint32(1);
  const aboutPeer = type >= frameTypes.ping;
  if (aboutPeer !== (stream === 0)) throw malformed('stream id does not fit the frame type');
  if (aboutPeer) return decodeUnplaced(type, message.subarray(headerLength));
  const place = decodePlace(type, view);
  return { ...decodeStreamFrame(type, stream, message.subarray(streamHeaderLength)), place };
}

function decodeStreamFrame(type: number, stream: number, payload: Uint8Array): StreamFrame {
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
    default:
      throw malformed('unknown frame type');
  }
}

function decodeUnplaced(type: number, payload: Uint8Array): Frame {
  switch (type) {
    case frameTypes.ping:
      return { kind: 'ping', token: checkToken(payload) };
    case frameTypes.pong:
      return { kind: 'pong', token: checkToken(payload) };
    case frameTypes.received: {
      const [count, bytes] = decodeCounts(payload, 2);
      return { kind: 'received', count, bytes };
    }
    case frameTypes.resumed:
      return { kind: 'resumed', count: decodeCounts(payload, 1)[0] };
    case frameTypes.bye:
      return { kind: 'bye', count: decodeCounts(payload, 1)[0] };
    default:
      throw malformed('unknown frame type');
  }
}

function placed(frame: PlacedFrame, payload: Uint8Array): Bytes {
  const out = new Uint8Array(streamHeaderLength + payload.length);
  writeStreamHeader(out, frame.kind, frame.stream, frame.place);
  out.set(payload, streamHeaderLength);
  return out;
}

function unplaced(kind: Frame['kind'], payload: Uint8Array): Bytes {
  const out = new Uint8Array(headerLength + payload.length);
  out[0] = frameTypes[kind];
  out.set(payload, headerLength);
  return out;
}

/** Writes type, stream id and place: for a sender that fills the payload in place. Throws `malformed` for no place. */
export function writeStreamHeader(
  out: Bytes,
  kind: StreamFrame['kind'],
  stream: number,
  { number, back }: Place,
): void {
  checkPlace(frameTypes[kind], number, back);
  out[0] = frameTypes[kind];
  const view = new DataView(out.buffer, out.byteOffset);
  view.setUint32(1, stream);
  view.setUint16(headerLength, Math.floor(number / 2 ** 32));
  view.setUint32(headerLength + 2, number % 2 ** 32);
  view.setUint32(headerLength + 6, back);
}

function decodePlace(type: number, view: DataView): Place {
  if (view.byteLength < streamHeaderLength) throw malformed('a frame of a stream has a place');
  const number = view.getUint16(headerLength) * 2 ** 32 + view.getUint32(headerLength + 2);
  const back = view.getUint32(headerLength + 6);
  checkPlace(type, number, back);
  return { number, back };
}

function checkPlace(type: number, number: number, back: number): void {
  if (!Number.isInteger(number) || number < 0 || number >= mostNumber) throw malformed('not a place');
  if (back > number || (type === frameTypes.open && back !== 0)) throw malformed('not a place after another');
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

function decodeCounts(payload: Uint8Array, most: 1): readonly [number];
function decodeCounts(payload: Uint8Array, most: 2): readonly [number, number];
function decodeCounts(payload: Uint8Array, most: number): readonly number[] {
  if (payload.length !== most * countLength) throw malformed('a count has 8 bytes');
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  return Array.from({ length: most }, (_, at) => asCount(view.getBigUint64(at * countLength)));
}

function asCount(count: bigint): number {
  if (count > BigInt(Number.MAX_SAFE_INTEGER)) throw malformed('no channel lasts for so many');
  return Number(count);
}

function malformed(message: string): ProtocolError {
  return new ProtocolError('malformed', message);
}
