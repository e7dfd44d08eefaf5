import type { Uid } from '../../protocol/uid.ts';

/** Recordings of sessions: of the account's own records, and of those whose owner named it an auditor. Each view is an event. */
export interface RecordingVerbs {
  /** Newest first, at most 100. `recordUid` null: of all records. `before`: the last one of the page before. */
  listRecordings(input: { recordUid: Uid | null; before: RecordingPlace | null }): Promise<RecordingList>;
  /**
   * Opens one under its record's key, which stays in the worker, as the recording's does. At most 4 are open; the one that
   * was opened first is closed. Rejects with `not-found`, `not-allowed` for who may only connect with the record,
   * `bad-signature` or `malformed` for an opening that no gateway signed so, and `open-failed`.
   */
  openRecording(sessionUid: Uid): Promise<OpenedRecording>;
  /**
   * What the picture is drawn from, of chunk `index`: nothing, and what is wrong, of a chunk that the gateway did not sign
   * for this place or that does not open. Rejects with `not-found` for a recording that is not open.
   */
  readRecordingPicture(input: { sessionUid: Uid; index: number }): Promise<RecordedPicture>;
  /**
   * Reads all of it in order: whether it is whole, what happens when, and its text, for searchRecording and
   * readTranscript. A second call follows the first. `onProgress`: chunks read, of how many.
   */
  surveyRecording(sessionUid: Uid, onProgress?: (done: number, of: number) => void): Promise<RecordingSurvey>;
  /** Lines with that text, by time, at most 200; of what the survey has read. Case does not matter. */
  searchRecording(input: { sessionUid: Uid; query: string }): Promise<readonly RecordingHit[]>;
  /**
   * The same, of a recording that is not open, from its sealed text: for a search across recordings, one after another.
   * Fetches the text alone; the server counts it as a view. Rejects as openRecording does.
   */
  searchRecordingText(input: { sessionUid: Uid; query: string }): Promise<IndexHits>;
  /** The last lines of the terminal at that moment, at most 500; of what the survey has read. */
  readTranscript(input: { sessionUid: Uid; atMs: number; most: number }): Promise<readonly TranscriptLine[]>;
  /**
   * The sealed file that `npm run verify-recording` reads (protocol.md §25.7), piece by piece: the next one comes when its
   * promise is settled, and a rejection ends it. What the server lost is left out, which a verifier finds.
   */
  exportRecording(
    sessionUid: Uid,
    onPart: (bytes: Uint8Array<ArrayBuffer>) => Promise<void> | void,
    onProgress?: (done: number, of: number) => void,
  ): Promise<void>;
  /** What auditors noted in a recording that is open, by time; what its author did not sign is left out, and counted. */
  listRecordingMarkers(sessionUid: Uid): Promise<RecordingMarkers>;
  /**
   * Sealed for everybody who may open the recording, and signed. Rejects with `too-large` over 4000 bytes, `conflict` when it
   * was changed elsewhere, `limit-reached`, and `not-found`.
   */
  saveRecordingMarker(input: { sessionUid: Uid; marker: NewMarker }): Promise<RecordingMarker>;
  /** An own one. Saved again with its revision, it is back. */
  removeRecordingMarker(input: { sessionUid: Uid; markerUid: Uid }): Promise<void>;
  /** Lets go of its key. */
  closeRecording(sessionUid: Uid): Promise<void>;
  /** For good; the owner alone. */
  deleteRecording(sessionUid: Uid): Promise<void>;
  /**
   * How long recordings are kept, and what is there; `previewDays` above 0: how many would go with so many days. Administrators:
   * rejects with `not-allowed`, and `untrusted` for settings that the organisation did not sign, or older ones than before.
   */
  readRecordingKeeping(previewDays: number): Promise<RecordingKeepingView>;
  /** Signed by the organisation's key. Rejects with `limit-reached` over the server's own bound, and `conflict`. */
  saveRecordingKeeping(input: KeepingChoice): Promise<void>;
  /** Nothing removes it until then, or (null) until it is released. Rejects with `not-found`. */
  holdRecording(input: { sessionUid: Uid; until: number | null }): Promise<void>;
  /** The own hold, or somebody else's as an administrator. Rejects with `not-allowed` and `not-found`. */
  releaseRecording(input: { sessionUid: Uid; accountUid: Uid | null }): Promise<void>;
  /** Who looks at recordings of an own record beside its owner, as long as they may read it. Rejects with `not-found`. */
  listRecordingAuditors(recordUid: Uid): Promise<readonly Uid[]>;
  /** Replaces them: an event. */
  setRecordingAuditors(input: { recordUid: Uid; accountUids: readonly Uid[] }): Promise<void>;
}

export interface RecordingPlace {
  readonly storedAt: number;
  readonly sessionUid: Uid;
}

export interface RecordingList {
  readonly recordings: readonly RecordingSummary[];
  readonly more: boolean;
  /** Bytes that all recordings of the account's own records take, and may take. */
  readonly usedSize: number;
  readonly quota: number;
  /** 0: for ever. */
  readonly retentionDays: number;
  /** So many go within a week. */
  readonly goingSoon: number;
  /** Whose word that is: the organisation's, as it signed it, the server's alone, or one that does not hold. */
  readonly keeping: 'signed' | 'server' | 'refused';
}

/** What administrators choose. */
export interface KeepingChoice {
  /** 0: as long as the server keeps any. */
  readonly days: number;
  /** 0: no bound of the organisation's own. */
  readonly mostBytes: number;
  /** When there is no room the oldest go; otherwise nothing more is taken. */
  readonly removeOldest: boolean;
}

export interface RecordingKeepingView extends KeepingChoice {
  /** Null: nothing was set yet. */
  readonly decidedAt: number | null;
  /** Days at most, by the server's own settings; 0: no bound. */
  readonly longestDays: number;
  /** Bytes of one account's machines. */
  readonly quota: number;
  readonly usedSize: number;
  readonly count: number;
  readonly oldestAt: number | null;
  readonly held: readonly HeldRecording[];
  readonly heldCount: number;
  readonly goingSoon: number;
  readonly wouldGo: number;
  /** Since when the server's disk, or store, takes no recordings; null: it does. */
  readonly fullSince: number | null;
}

/** A recording that somebody keeps beyond its time. */
export interface HeldRecording {
  readonly sessionUid: Uid;
  /** Null where no gateway signed what it says of itself. */
  readonly said: { readonly title: string; readonly startedAt: number } | null;
  readonly hold: RecordingHold;
}

export interface RecordingHold {
  readonly accountUid: Uid;
  /** Empty when they are in the organisation no more. */
  readonly email: string;
  readonly own: boolean;
  /** Null: until it is released. */
  readonly until: number | null;
  readonly heldAt: number;
}

/** Until when the server keeps a recording. */
export interface KeptUntil {
  /** By the server; null: for ever. */
  readonly until: number | null;
  /** It goes sooner than the administrators signed. */
  readonly early: boolean;
}

/** A recording by its opening and closing, whose signatures hold; null where the opening's does not. */
export interface RecordingSummary {
  readonly sessionUid: Uid;
  /** By the server's clock, for the next page. */
  readonly storedAt: number;
  /** Bytes, sealed. */
  readonly size: number;
  readonly kept: KeptUntil;
  /** Who holds it, by the server's word. */
  readonly holds: readonly RecordingHold[];
  readonly said: RecordingFacts | null;
}

export interface RecordingFacts {
  readonly recordUid: Uid;
  /** Of the machine; empty when this vault does not have it. */
  readonly title: string;
  readonly accountUid: Uid;
  /** Who had the session; empty when they are in the organisation no more. */
  readonly email: string;
  readonly protocol: string;
  readonly startedAt: number;
  /** Null while there is no closing. */
  readonly lengthMs: number | null;
  /** `interrupted`: the gateway went down; `recording-failed`: the recorder gave up; `forged`: no gateway signed its end. */
  readonly state: 'running' | 'ended' | 'interrupted' | 'recording-failed' | 'forged';
  /** Code of the session's end; empty while there is none. */
  readonly reason: string;
  readonly graphical: boolean;
  readonly text: boolean;
  readonly keys: boolean;
  readonly clipboard: boolean;
  readonly gateway: RecordingGateway;
  /** Of an own record: may be deleted. */
  readonly own: boolean;
  /** The record can be read here, so the recording opened. */
  readonly readable: boolean;
}

export interface RecordingGateway {
  readonly uid: Uid;
  /** Empty when this vault does not know it. */
  readonly name: string;
  /** Whether the key that signed is the one that this vault pinned for that gateway; `unknown`: it has pinned none. */
  readonly key: 'pinned' | 'unknown' | 'other';
  /** Base64url, for `verify-recording --gateway`: the pinned one, else the one that the recording names. */
  readonly publicKey: string;
}

export interface OpenedRecording {
  readonly summary: RecordingSummary;
  readonly facts: RecordingFacts;
  readonly lengthMs: number;
  /** By chunk, as the server lists them; the signed values come with each chunk. Milliseconds since the start. */
  readonly startMs: Uint32Array;
  readonly endMs: Uint32Array;
  /** 1: part of the picture; 3: and the picture can be drawn from there on; 0: something else, or not listed. */
  readonly pictures: Uint8Array;
  /** What the picture is drawn from: guacd's instructions, or what the terminal wrote; null: keys alone were recorded. */
  readonly drawnFrom: PictureSource | null;
}

export type PictureSource = 'guacd' | 'text';

export interface RecordedPicture {
  readonly index: number;
  readonly fault: string | null;
  readonly keyFrame: boolean;
  /**
   * Of each entry: when, in milliseconds since the start; where it ends in `bytes`; and whether it draws (0), says that
   * nothing happened (1), draws the whole screen once more, for whoever begins there (2), or gives a terminal another size (3).
   */
  readonly atMs: Uint32Array;
  readonly ends: Uint32Array;
  readonly kinds: Uint8Array;
  /** Guacamole instructions; of a text what the terminal wrote, and its sizes as columns(2) ‖ rows(2). */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export interface RecordingSurvey {
  /** `open`: all that is there is right, and there is no end (yet). */
  readonly verdict: 'complete' | 'open' | 'wrong';
  readonly faults: readonly RecordingProblem[];
  /** Chunks that are there and the gateway's. */
  readonly chunks: number;
  /** Bytes of what was recorded in each `binMs` from the start. */
  readonly activity: Uint32Array;
  readonly binMs: number;
  readonly lines: number;
  /** There was more text than is kept. */
  readonly textCut: boolean;
  /** Who typed from when on, where others than whose session it is did; by time. */
  readonly typists: readonly RecordingTypist[];
}

export interface RecordingTypist {
  readonly atMs: number;
  readonly accountUid: Uid;
  /** Empty when they are in the organisation no more. */
  readonly email: string;
  /** It is whose session it was. */
  readonly host: boolean;
}

export interface RecordingProblem {
  /** Of protocol.md §25.8, or `does-not-open`. */
  readonly fault: string;
  readonly index: number | null;
  /** "chunk 3: missing". */
  readonly text: string;
}

export interface TranscriptLine {
  /** When it was whole. */
  readonly atMs: number;
  readonly text: string;
}

export interface IndexHits {
  /** By time, at most 200. */
  readonly hits: readonly RecordingHit[];
  readonly index: IndexState;
}

/**
 * How much of a recording's text was searched. `whole`: all of it. `running`: as far as it has come; `interrupted`: the
 * gateway or its recorder went down, so the last lines may be lacking; `cut`: there was more than is searched;
 * `damaged`: the server lost, changed or holds back some of it; `uncounted`: a former gateway did not sign how much there is.
 */
export type IndexState = 'whole' | 'running' | 'interrupted' | 'cut' | 'damaged' | 'uncounted';

export interface RecordingMarkers {
  readonly markers: readonly RecordingMarker[];
  /** So many that nobody whom this vault knows wrote for this recording. */
  readonly unproved: number;
}

export interface RecordingMarker {
  readonly uid: Uid;
  readonly revision: number;
  readonly atMs: number;
  /** Empty: the moment alone. */
  readonly text: string;
  readonly authorUid: Uid;
  /** Empty when they are in the organisation no more. */
  readonly email: string;
  readonly own: boolean;
  /** By the author's clock. */
  readonly writtenAt: number;
  /** Signed by a key that its author has given up since. */
  readonly byFormerKeys: boolean;
}

/** `uid` null and `revision` 0: a new one; else the one to be changed, as it was read. */
export interface NewMarker {
  readonly uid: Uid | null;
  readonly revision: number;
  readonly atMs: number;
  readonly text: string;
}

export interface RecordingHit extends TranscriptLine {
  /** Where in `text`. */
  readonly from: number;
  readonly length: number;
  /** Of the keys, not of the screen. */
  readonly typed: boolean;
}
