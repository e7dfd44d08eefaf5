import { ProtocolError } from '../../protocol/errors.ts';
import { newUid, type Uid } from '../../protocol/uid.ts';
import type {
  IndexState,
  OpenedRecording,
  RecordedPicture,
  RecordingFacts,
  RecordingHit,
  RecordingKeepingView,
  RecordingMarker,
  RecordingSummary,
  RecordingSurvey,
  RecordingVerbs,
  TranscriptLine,
} from '../../workers/api.ts';

/** One recording as a test wants it shown. */
export interface FakeRecording {
  readonly summary: RecordingSummary;
  readonly pictures: readonly RecordedPicture[];
  readonly lines: readonly TranscriptLine[];
  readonly survey: RecordingSurvey;
  readonly index: IndexState;
  readonly markers: RecordingMarker[];
  /** Of markers that are left out. */
  readonly unproved: number;
}

/** What a test prepares and watches of recordings. */
export interface FakeRecordings extends RecordingVerbs {
  readonly recordings: FakeRecording[];
  /** Of each recording that was opened. */
  readonly openings: Uid[];
  readonly auditors: Map<Uid, readonly Uid[]>;
  /** Every call about recordings ends so. */
  failRecordings(error: ProtocolError | null): void;
}

/** What a gateway said of an ended session of an hour ago; `changes` on top. */
export function fakeFacts(changes: Partial<RecordingFacts> = {}): RecordingFacts {
  return {
    ...{ recordUid: newUid(), title: 'web-01', accountUid: newUid(), email: 'ada@example.test' },
    ...{ protocol: 'ssh', startedAt: Date.now() - 3_600_000, lengthMs: 61_000, state: 'ended' },
    ...{ reason: 'closed', graphical: true, text: true, keys: false, clipboard: false },
    gateway: { uid: newUid(), name: 'Office', key: 'pinned', publicKey: 'AAAA' },
    ...{ own: true, readable: true },
    ...changes,
  };
}

export function fakeRecording(
  said: RecordingFacts | null,
  changes: Partial<Omit<FakeRecording, 'summary'>> = {},
): FakeRecording {
  const startedAt = said?.startedAt ?? Date.now();
  return {
    summary: {
      sessionUid: newUid(),
      storedAt: startedAt,
      size: 1_234_567,
      said,
      ...{ kept: { until: null, early: false }, holds: [] },
    },
    ...{ pictures: [], lines: [], index: 'whole', markers: [], unproved: 0 },
    survey: {
      ...{ verdict: 'complete', faults: [], chunks: 3, lines: 2, textCut: false, typists: [] },
      ...{ activity: Uint32Array.of(5, 0, 9, 2), binMs: 16_000 },
    },
    ...changes,
  };
}

/** A marker of the account that looks; `changes` on top. */
export function fakeMarker(changes: Partial<RecordingMarker> = {}): RecordingMarker {
  return {
    ...{ uid: newUid(), revision: 1, atMs: 1_000, text: 'here', authorUid: newUid(), own: true },
    ...{ email: 'ada@example.test', writtenAt: Date.now(), byFormerKeys: false },
    ...changes,
  };
}

/** Recordings in memory that speak the worker's verbs. Nothing of them is sealed. */
export function createFakeRecordings(): FakeRecordings {
  const recordings: FakeRecording[] = [];
  const openings: Uid[] = [];
  const auditors = new Map<Uid, readonly Uid[]>();
  let keeping: RecordingKeepingView = {
    ...{ days: 0, mostBytes: 0, removeOldest: false, decidedAt: null, longestDays: 365 },
    ...{ quota: 1_000_000_000, usedSize: 5_000_000, count: 3, oldestAt: Date.now(), held: [] },
    ...{ heldCount: 0, goingSoon: 0, wouldGo: 0, fullSince: null },
  };
  let failure: ProtocolError | null = null;
  const going = () => {
    if (failure) throw failure;
  };
  const find = (sessionUid: Uid): FakeRecording => {
    going();
    const found = recordings.find(({ summary }) => summary.sessionUid === sessionUid);
    if (!found) throw new ProtocolError('not-found', 'no such recording');
    return found;
  };
  return {
    ...{ recordings, openings, auditors },
    failRecordings: (error) => void (failure = error),
    listRecordings: async ({ recordUid }) => {
      going();
      const fitting = recordings.filter(
        ({ summary }) => recordUid === null || summary.said?.recordUid === recordUid,
      );
      const room = { usedSize: 5_000_000, quota: 1_000_000_000, retentionDays: 365 };
      const rules = { goingSoon: 0, keeping: 'server' } as const;
      return { recordings: fitting.map(({ summary }) => summary), more: false, ...room, ...rules };
    },
    openRecording: async (sessionUid) => {
      const found = find(sessionUid);
      openings.push(sessionUid);
      return openedOf(found);
    },
    readRecordingPicture: async ({ sessionUid, index }) =>
      find(sessionUid).pictures[index] ?? {
        ...{ index, fault: `chunk ${index}: missing`, keyFrame: false, bytes: new Uint8Array(0) },
        ...{ atMs: new Uint32Array(0), ends: new Uint32Array(0), kinds: new Uint8Array(0) },
      },
    surveyRecording: async (sessionUid, onProgress) => {
      const { survey } = find(sessionUid);
      onProgress?.(survey.chunks, survey.chunks);
      return survey;
    },
    searchRecording: async ({ sessionUid, query }) => hitsIn(find(sessionUid).lines, query),
    searchRecordingText: async ({ sessionUid, query }) => ({
      hits: hitsIn(find(sessionUid).lines, query),
      index: find(sessionUid).index,
    }),
    readTranscript: async ({ sessionUid, atMs, most }) =>
      find(sessionUid)
        .lines.filter((line) => line.atMs <= atMs)
        .slice(-most),
    exportRecording: async (sessionUid, onPart) => {
      find(sessionUid);
      await onPart(new TextEncoder().encode('sallyport recording 1\n'));
    },
    listRecordingMarkers: async (sessionUid) => {
      const { markers, unproved } = find(sessionUid);
      return { markers: [...markers].sort((one, other) => one.atMs - other.atMs), unproved };
    },
    saveRecordingMarker: async ({ sessionUid, marker: { uid, revision, atMs, text } }) => {
      const { markers } = find(sessionUid);
      const saved = fakeMarker({ atMs, text, revision: revision + 1, ...(uid && { uid }) });
      const at = markers.findIndex((one) => one.uid === uid);
      markers.splice(at < 0 ? markers.length : at, at < 0 ? 0 : 1, saved);
      return saved;
    },
    removeRecordingMarker: async ({ sessionUid, markerUid }) => {
      const { markers } = find(sessionUid);
      markers.splice(
        markers.findIndex(({ uid }) => uid === markerUid),
        1,
      );
    },
    closeRecording: async () => {},
    deleteRecording: async (sessionUid) => void recordings.splice(recordings.indexOf(find(sessionUid)), 1),
    readRecordingKeeping: async (previewDays) => {
      going();
      return { ...keeping, wouldGo: previewDays === 0 ? 0 : recordings.length };
    },
    saveRecordingKeeping: async (choice) => {
      keeping = { ...keeping, ...choice, decidedAt: Date.now() };
    },
    holdRecording: async ({ sessionUid, until }) => {
      const found = find(sessionUid);
      const hold = { accountUid: newUid(), email: 'ada@example.test', own: true, until, heldAt: Date.now() };
      recordings.splice(recordings.indexOf(found), 1, {
        ...found,
        summary: { ...found.summary, holds: [hold] },
      });
    },
    releaseRecording: async ({ sessionUid }) => {
      const found = find(sessionUid);
      recordings.splice(recordings.indexOf(found), 1, { ...found, summary: { ...found.summary, holds: [] } });
    },
    listRecordingAuditors: async (recordUid) => auditors.get(recordUid) ?? [],
    setRecordingAuditors: async ({ recordUid, accountUids }) => void auditors.set(recordUid, accountUids),
  };
}

function openedOf({ summary, pictures }: FakeRecording): OpenedRecording {
  const facts = summary.said;
  if (facts === null) throw new ProtocolError('bad-signature');
  return {
    ...{ summary, facts, lengthMs: facts.lengthMs ?? 60_000 },
    startMs: Uint32Array.from(pictures, ({ atMs }) => atMs[0] ?? 0),
    endMs: Uint32Array.from(pictures, ({ atMs }) => atMs.at(-1) ?? 0),
    pictures: Uint8Array.from(pictures, ({ keyFrame }) => (keyFrame ? 3 : 1)),
    drawnFrom: pictures.length > 0 ? 'guacd' : null,
  };
}

function hitsIn(lines: readonly TranscriptLine[], query: string): RecordingHit[] {
  const words = query.toLowerCase();
  if (words === '') return [];
  return lines.flatMap(({ atMs, text }) => {
    const from = text.toLowerCase().indexOf(words);
    return from < 0 ? [] : [{ atMs, text, from, length: words.length, typed: false }];
  });
}
