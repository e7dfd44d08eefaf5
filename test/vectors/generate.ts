// Writes the vector files, the same bytes every time. They are permanent: a change here that changes a file that was
// released is a change of the protocol. `node test/vectors/generate.ts [--check]`
import { readFileSync, writeFileSync } from 'node:fs';
import * as connection from './generate/connection.ts';
import * as exports from './generate/exports.ts';
import * as attachments from './generate/files.ts';
import * as organisation from './generate/organisation.ts';
import * as primitives from './generate/primitives.ts';
import * as recovery from './generate/recovery.ts';
import * as sealed from './generate/sealed.ts';
import * as secretsManager from './generate/secrets-manager.ts';
import * as sharing from './generate/sharing.ts';
import * as signed from './generate/signed.ts';
import * as transmission from './generate/transmission.ts';
import * as wire from './generate/wire.ts';

const files: Readonly<Record<string, readonly [clause: string, cases: () => object[]]>> = {
  contexts: ['2.3', primitives.contexts],
  padding: ['2.4', primitives.paddings],
  base64url: ['2.1', primitives.base64url],
  uid: ['2.2', primitives.uids],
  derivations: ['3', primitives.derivations],
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
  records: ['9.2', sealed.records],
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
  'session-signals': ['13', sealed.sessionSignals],
  frames: ['14', wire.frames],
  guacamole: ['16', wire.guacamole],
  'organisation-pins': ['20.1', organisation.organisationPins],
  invitations: ['20.2', organisation.invitations],
  'key-offers': ['20.3', organisation.keyOffers],
  'team-keys': ['20.4', organisation.teamKeys],
  'organisation-settings': ['20.5', organisation.organisationSettings],
  'file-chunks': ['17', attachments.fileChunks],
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
  'key-successions': ['23.2', signed.keySuccessions],
};

const check = process.argv.includes('--check');
for (const [name, [clause, cases]] of Object.entries(files)) {
  const path = new URL(`${name}.json`, import.meta.url);
  const text = JSON.stringify({ clause, cases: cases() }, null, 1) + '\n';
  if (!check) writeFileSync(path, text);
  else if (readFileSync(path, 'utf8') !== text) {
    console.error(`${name}.json differs from what its generator gives`);
    process.exitCode = 1;
  }
}
