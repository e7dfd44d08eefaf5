/**
 * Every key has one purpose and every purpose one label: HKDF info strings, signature contexts and envelope
 * purposes. A label is never reused and never changed; a new meaning gets a new version. protocol.md §3.
 */
export const labels = {
  keyId: 'sallyport/v1/key-id',
  ecies: 'sallyport/v1/ecies',
  accountWrappingKey: 'sallyport/v1/account-wrapping-key',
  localWrappingKey: 'sallyport/v1/local-wrapping-key',
  passkeyInput: 'sallyport/v1/passkey-input',
  passkeyWrappingKey: 'sallyport/v1/passkey-wrapping-key',
  deviceFingerprint: 'sallyport/v1/device-fingerprint',
  backupCode: 'sallyport/v1/backup-code',
  recordTrafficVaultToGateway: 'sallyport/v1/session-signal/vault-to-gateway',
  recordTrafficGatewayToVault: 'sallyport/v1/session-signal/gateway-to-vault',
  applicationKey: 'sallyport/v1/application-key',
  applicationRecordKey: 'sallyport/v1/application-record-key',
  gatewayIdentity: 'sallyport/v1/gateway-identity',
  recordLaunchKey: 'sallyport/v1/record-launch-key',
  folderLaunchKey: 'sallyport/v1/folder-launch-key',
  invitationToken: 'sallyport/v1/invitation-token',
  invitationProof: 'sallyport/v1/invitation-proof',
  accountFingerprint: 'sallyport/v1/account-fingerprint',
  shareLinkAccessToken: 'sallyport/v1/share-link/access-token',
  shareLinkContentKey: 'sallyport/v1/share-link/content-key',
  exportKey: 'sallyport/v1/export-key',
  linkClientToServer: 'sallyport/v1/link/client-to-server',
  linkServerToClient: 'sallyport/v1/link/server-to-client',
} as const;

/** What a signature says. The label is part of the signed bytes, so one kind never passes for another. */
export const signatureContexts = {
  accountCertificate: 'sallyport/v1/signature/account-certificate',
  apiRequest: 'sallyport/v1/signature/api-request',
  applicationCopy: 'sallyport/v1/signature/application-copy',
  command: 'sallyport/v1/signature/command',
  connection: 'sallyport/v1/signature/connection',
  folder: 'sallyport/v1/signature/folder',
  folderEntry: 'sallyport/v1/signature/folder-entry',
  deviceProof: 'sallyport/v1/signature/device-proof',
  gatewayReply: 'sallyport/v1/signature/gateway-reply',
  grant: 'sallyport/v1/signature/grant',
  keyOffer: 'sallyport/v1/signature/key-offer',
  linkProof: 'sallyport/v1/signature/link-proof',
  manifest: 'sallyport/v1/signature/manifest',
  organisationSettings: 'sallyport/v1/signature/organisation-settings',
  record: 'sallyport/v1/signature/record',
  roster: 'sallyport/v1/signature/roster',
  serverKeys: 'sallyport/v1/signature/server-keys',
  shareLinkOpen: 'sallyport/v1/signature/share-link-open',
  teamKey: 'sallyport/v1/signature/team-key',
} as const;

/** What an envelope holds. Bound as AAD together with the objects it belongs to. */
export const purposes = {
  dataKey: 'data-key',
  accountEcdhKey: 'account-ecdh-key',
  accountSigningKey: 'account-signing-key',
  organisationSigningKey: 'organisation-signing-key',
  organisationDataKey: 'organisation-data-key',
  organisationRecoveryKey: 'organisation-recovery-key',
  organisationPin: 'organisation-pin',
  organisationSettings: 'organisation-settings',
  invitationSecret: 'invitation-secret',
  recordKey: 'record-key',
  recordData: 'record-data',
  formerRecordKey: 'former-record-key',
  launchCard: 'launch-card',
  card: 'card',
  manifest: 'manifest',
  folderKey: 'folder-key',
  folderData: 'folder-data',
  entryKey: 'entry-key',
  entryLaunchKey: 'entry-launch-key',
  entryPlace: 'entry-place',
  fileChunk: 'file-chunk',
  fileUpload: 'file-upload',
  shareLink: 'share-link',
  shareLinkTitle: 'share-link-title',
  exportChunk: 'export-chunk',
  localState: 'local-state',
  localSnapshot: 'local-snapshot',
  totpSecret: 'totp-secret',
  sessionSignal: 'session-signal',
  commandReply: 'command-reply',
} as const;

export type Purpose = (typeof purposes)[keyof typeof purposes];
export type SignatureContext = (typeof signatureContexts)[keyof typeof signatureContexts];
