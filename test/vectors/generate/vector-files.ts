// Which vector files there are, and what makes each.
import * as connection from './connection.ts';
import * as detours from './detours.ts';
import * as exports from './exports.ts';
import * as attachments from './files.ts';
import * as kept from './kept.ts';
import * as organisation from './organisation.ts';
import * as primitives from './primitives.ts';
import * as recording from './recording.ts';
import { recordingKeepings } from './recording-keepings.ts';
import { recordingMarkers } from './recording-markers.ts';
import { recordingPictures } from './recording-pictures.ts';
import * as recovery from './recovery.ts';
import * as sealed from './sealed.ts';
import { secretFiles } from './secret-files.ts';
import * as secrets from './secrets.ts';
import * as secretsManager from './secrets-manager.ts';
import * as sharing from './sharing.ts';
import { sessionPolicies } from './session-policies.ts';
import * as signed from './signed.ts';
import * as transmission from './transmission.ts';
import * as wire from './wire.ts';

/** Each vector file with its clause of docs/protocol.md. */
export const vectorFiles: Readonly<Record<string, readonly [clause: string, cases: () => object[]]>> = {
  contexts: ['2.3', primitives.contexts],
  padding: ['2.4', primitives.paddings],
  base64url: ['2.1', primitives.base64url],
  uid: ['2.2', primitives.uids],
  derivations: ['3', primitives.derivations],
  'kept-things': ['3.3', kept.keptThings],
  envelopes: ['4', primitives.envelopes],
  ecies: ['5', primitives.sealedToPublicKey],
  signatures: ['6.1', primitives.signatures],
  certificates: ['6.2', signed.certificates],
  rosters: ['6.3', signed.rosters],
  'roster-links': ['6.3', organisation.rosterLinks],
  'roster-successions': ['6.3', recovery.rosterSuccessions],
  'server-keys': ['7.1', transmission.serverKeySets],
  requests: ['7.2', transmission.requests],
  'api-signatures': ['7.3', signed.apiSignatures],
  'data-keys': ['8.2', sealed.dataKeys],
  'device-proofs': ['8.7', signed.deviceProofs],
  'backup-codes': ['8.7', kept.backupCodes],
  records: ['9.2', sealed.records],
  'record-adoptions': ['9.7', kept.adoptions],
  manifests: ['9.7', sharing.manifests],
  'launch-cards': ['9.9', sharing.launchCards],
  'application-copies': ['10.1', sealed.applicationCopies],
  'enrolment-tokens': ['10.2', sealed.enrolmentTokens],
  'secrets-manager-ecies': ['10.4', secretsManager.legacyEciesCases],
  'secrets-manager-requests': ['10.4', secretsManager.requests],
  'secrets-manager-client-ids': ['10.5', secretsManager.clientIds],
  'secrets-manager-payloads': ['10.6', secretsManager.payloads],
  'connection-signatures': ['10.8', connection.connectionSignatures],
  links: ['11.1', transmission.links],
  'link-proofs': ['11.2', signed.linkProofs],
  commands: ['12', signed.commands],
  replies: ['12.4', signed.replies],
  'session-resumes': ['12.9', signed.sessionResumes],
  'session-signals': ['13', sealed.sessionSignals],
  frames: ['14', wire.frames],
  guacamole: ['16', wire.guacamole],
  'organisation-pins': ['20.1', organisation.organisationPins],
  invitations: ['20.2', organisation.invitations],
  'key-offers': ['20.3', organisation.keyOffers],
  'team-keys': ['20.4', organisation.teamKeys],
  'organisation-settings': ['20.5', organisation.organisationSettings],
  'index-prints': ['24.1', kept.indexPrints],
  'file-chunks': ['17', attachments.fileChunks],
  detours: ['14.10', detours.detours],
  'share-links': ['18', attachments.shareLinks],
  'share-link-openings': ['18.3', connection.shareLinkOpenings],
  grants: ['19.2', sharing.grants],
  'folder-entries': ['19.3', sharing.folderEntries],
  'shared-folders': ['19.4', sharing.sharedFolders],
  fingerprints: ['19.6', sharing.fingerprints],
  'recovery-words': ['21.1', recovery.recoveryWords],
  'recovery-enrolments': ['21.2', recovery.recoveryEnrolments],
  'recovery-releases': ['21.4', recovery.recoveryReleases],
  'recovery-renewals': ['21.5', recovery.recoveryRenewals],
  'sealed-exports': ['22', exports.sealedExports],
  'session-invitations': ['28.3', signed.sessionInvitations],
  'session-policies': ['29.1', sessionPolicies],
  'key-successions': ['23.2', signed.keySuccessions],
  'recording-keys': ['25.1', recording.recordingKeys],
  'recording-chunks': ['25.5', recording.recordingChunks],
  recordings: ['25.8', recording.recordings],
  'recording-keepings': ['30.1', recordingKeepings],
  'recording-markers': ['25.12', recordingMarkers],
  'recording-pictures': ['25.15', recordingPictures],
  'secret-keys': ['31.2', secrets.secretKeys],
  secrets: ['31.2', secrets.secrets],
  'secret-files': ['31.5', secretFiles],
};
