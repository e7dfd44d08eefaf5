import type { RecordingVerbs } from '../../api.ts';
import type { EngineCore } from '../core.ts';

/** Recordings of sessions, for who may look at them. */
export function recordingVerbs(core: EngineCore): RecordingVerbs {
  const recordings = () => core.unlocked().recordings;
  return {
    listRecordings: async ({ recordUid, before }) => await recordings().list(recordUid, before),
    openRecording: async (sessionUid) => await recordings().open(sessionUid),
    readRecordingPicture: async ({ sessionUid, index }) =>
      await recordings().get(sessionUid).readPicture(index),
    surveyRecording: async (sessionUid, onProgress = () => {}) =>
      await recordings().get(sessionUid).survey(onProgress),
    searchRecording: async ({ sessionUid, query }) => recordings().get(sessionUid).search(query),
    searchRecordingText: async ({ sessionUid, query }) => await recordings().searchText(sessionUid, query),
    readTranscript: async ({ sessionUid, atMs, most }) =>
      recordings().get(sessionUid).transcript(atMs, Math.min(500, most)),
    exportRecording: async (sessionUid, onPart, onProgress = () => {}) =>
      await recordings().get(sessionUid).export(onPart, onProgress),
    listRecordingMarkers: async (sessionUid) => await recordings().markers(sessionUid).list(),
    saveRecordingMarker: async ({ sessionUid, marker }) =>
      await recordings().markers(sessionUid).save(marker),
    removeRecordingMarker: async ({ sessionUid, markerUid }) =>
      await recordings().markers(sessionUid).remove(markerUid),
    closeRecording: async (sessionUid) => core.vault?.recordings.close(sessionUid),
    deleteRecording: async (sessionUid) => await recordings().remove(sessionUid),
    readRecordingKeeping: async (previewDays) => await recordings().readKeeping(previewDays),
    saveRecordingKeeping: async (choice) => await recordings().keeping.save(choice),
    holdRecording: async ({ sessionUid, until }) => await recordings().keeping.hold(sessionUid, until),
    releaseRecording: async ({ sessionUid, accountUid }) =>
      await recordings().keeping.release(sessionUid, accountUid),
    listRecordingAuditors: async (recordUid) => await recordings().auditors(recordUid),
    setRecordingAuditors: async ({ recordUid, accountUids }) =>
      await recordings().setAuditors(recordUid, accountUids),
  };
}
