import type { AccountVerbs } from './api/account.ts';
import type { ApplicationVerbs } from './api/applications.ts';
import type { DeviceVerbs } from './api/devices.ts';
import type { ExchangeVerbs } from './api/exchange.ts';
import type { FactorVerbs } from './api/factors.ts';
import type { FileVerbs } from './api/files.ts';
import type { GatewayVerbs } from './api/gateways.ts';
import type { KeyRotationVerbs } from './api/key-rotation.ts';
import type { OrganisationVerbs } from './api/organisation.ts';
import type { OrganisingVerbs } from './api/organising.ts';
import type { OversightVerbs } from './api/oversight.ts';
import type { RecordingVerbs } from './api/recordings.ts';
import type { RecordVerbs } from './api/records.ts';
import type { RecoveryVerbs } from './api/recovery.ts';
import type { SharingVerbs } from './api/sharing.ts';
import type { SessionLogVerbs } from './api/session-log.ts';
import type { SessionShareVerbs } from './api/session-shares.ts';
import type { SessionVerbs } from './api/sessions.ts';
import type { ShareLinkVerbs } from './api/share-links.ts';
import type { SignInVerbs } from './api/sign-in.ts';
import type { ToolVerbs } from './api/tools.ts';

export type * from './api/account.ts';
export type * from './api/applications.ts';
export type * from './api/detours.ts';
export type * from './api/devices.ts';
export type * from './api/exchange.ts';
export type * from './api/factors.ts';
export type * from './api/files.ts';
export type * from './api/gateways.ts';
export type * from './api/key-rotation.ts';
export type * from './api/organisation.ts';
export type * from './api/organising.ts';
export type * from './api/oversight.ts';
export type * from './api/recordings.ts';
export type * from './api/records.ts';
export type * from './api/recovery.ts';
export type * from './api/session-log.ts';
export type * from './api/session-shares.ts';
export type * from './api/sessions.ts';
export type * from './api/sharing.ts';
export type * from './api/share-links.ts';
export type * from './api/sign-in.ts';
export type * from './api/tools.ts';

/**
 * What the page may ask of the worker: verbs. Keys never come back; secret values come back one by one, when a
 * person asks to see or copy them. Every verb rejects with an error whose `name` is a code of protocol/errors.ts.
 */
export interface VaultVerbs
  extends
    AccountVerbs,
    SignInVerbs,
    KeyRotationVerbs,
    FactorVerbs,
    DeviceVerbs,
    FileVerbs,
    ShareLinkVerbs,
    RecordVerbs,
    OrganisingVerbs,
    OrganisationVerbs,
    RecoveryVerbs,
    GatewayVerbs,
    ApplicationVerbs,
    SessionVerbs,
    SessionShareVerbs,
    OversightVerbs,
    SessionLogVerbs,
    RecordingVerbs,
    SharingVerbs,
    ToolVerbs,
    ExchangeVerbs {}
