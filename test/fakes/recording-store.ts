// The server's part in storing recordings, by its rules (protocol.md §26.2), in memory; made to refuse and to wait by tests.
import { equal, type Bytes } from '../../protocol/bytes.ts';
import { ProtocolError, type ErrorCode } from '../../protocol/errors.ts';
import type { ServerCalls } from '../../gateway/router/server-calls.ts';
import { decodeMessage } from '../../protocol/messages/decode.ts';
import { encodeMessage } from '../../protocol/messages/encode.ts';
import {
  FinishRecordingRequestSchema,
  FinishRecordingResponseSchema,
  PutRecordingChunkRequestSchema,
  PutRecordingChunkResponseSchema,
  SignedRecordingStatementSchema,
  StartRecordingRequestSchema,
  StartRecordingResponseSchema,
  type RecordingClosing,
} from '../../protocol/messages/gen/recording_pb.js';
import {
  chainAfter,
  chainOfOpening,
  closes,
  parseClosing,
  verifyOpening,
} from '../../protocol/signed/recording.ts';
import { uidOf, type Uid } from '../../protocol/uid.ts';

interface Kept {
  readonly opening: Bytes;
  count: number;
  chain: Bytes;
  closing: RecordingClosing | null;
}

export class FakeRecordingStore implements Pick<ServerCalls, 'call'> {
  readonly kept = new Map<Uid, Kept>();
  /** What every call about a recording is refused with. */
  readonly refused = new Map<Uid, ErrorCode>();
  /** Announcements of each recording, also refused ones. */
  readonly starts: Uid[] = [];
  /** Runs before a recording is announced. */
  beforeStart: (sessionUid: Uid) => Promise<void> = () => Promise.resolve();

  readonly call: ServerCalls['call'] = async (method, input) => {
    const payload = encodeMessage(method.input, input);
    return decodeMessage(method.output, await this.#answer(method.name, payload));
  };

  async #answer(name: string, payload: Bytes): Promise<Bytes> {
    if (name === 'StartRecording') return await this.#start(payload);
    return name === 'PutRecordingChunk' ? this.#put(payload) : this.#finish(payload);
  }

  async #start(payload: Bytes): Promise<Bytes> {
    const { opening } = decodeMessage(StartRecordingRequestSchema, payload);
    const sessionUid = uidOf((await verifyOpening(opening)).sessionUid);
    this.starts.push(sessionUid);
    await this.beforeStart(sessionUid);
    this.#admit(sessionUid);
    const fresh = {
      opening: new Uint8Array(opening),
      count: 0,
      chain: chainOfOpening(opening),
      closing: null,
    };
    const kept: Kept = this.kept.get(sessionUid) ?? fresh;
    if (!equal(kept.opening, opening))
      throw new ProtocolError('conflict', 'the session has another recording');
    this.kept.set(sessionUid, kept);
    const said = { chunkCount: kept.count, finished: kept.closing !== null };
    return encodeMessage(StartRecordingResponseSchema, said);
  }

  #put(payload: Bytes): Bytes {
    const { chunk } = decodeMessage(PutRecordingChunkRequestSchema, payload);
    if (!chunk) throw new ProtocolError('malformed');
    const kept = this.#admit(uidOf(chunk.sessionUid));
    if (!kept || kept.closing || chunk.index !== kept.count || !equal(chunk.previous, kept.chain))
      throw new ProtocolError('conflict', 'the chunk does not follow');
    kept.count++;
    kept.chain = chainAfter(chunk);
    return encodeMessage(PutRecordingChunkResponseSchema, {});
  }

  #finish(payload: Bytes): Bytes {
    const { sessionUid, closing: signed } = decodeMessage(FinishRecordingRequestSchema, payload);
    const kept = this.#admit(uidOf(sessionUid));
    const closing = parseClosing(decodeMessage(SignedRecordingStatementSchema, signed).statement);
    if (!kept || kept.closing || !closes(closing, { sessionUid, count: kept.count, chain: kept.chain }))
      throw new ProtocolError('conflict', 'it closes another recording');
    kept.closing = closing;
    return encodeMessage(FinishRecordingResponseSchema, {});
  }

  #admit(sessionUid: Uid): Kept | undefined {
    const code = this.refused.get(sessionUid);
    if (code !== undefined) throw new ProtocolError(code);
    return this.kept.get(sessionUid);
  }
}
