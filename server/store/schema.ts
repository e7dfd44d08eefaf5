import type { AccountTables } from './schema/account.ts';
import type { OrganisationTables } from './schema/organisation.ts';
import type { RecordTables } from './schema/record.ts';
import type { RecordingTables } from './schema/recording.ts';
import type { SecretsTables } from './schema/secrets.ts';
import type { SessionLogTables } from './schema/session-log.ts';
import type { SessionShareTables } from './schema/session-share.ts';
import type { SharingTables } from './schema/sharing.ts';

/** The tables of migrations/, as kysely sees them. Times are milliseconds since 1970. */
export interface Schema
  extends
    OrganisationTables,
    AccountTables,
    RecordTables,
    RecordingTables,
    SharingTables,
    SessionShareTables,
    SessionLogTables,
    SecretsTables {}
