// What a machine names, for clients that ask for links. secrets-manager-protocol.md §5.1.
import type { MessageInitShape } from '@bufbuild/protobuf';
import { utf8 } from '../../../protocol/bytes.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import type { RecordPolicy } from '../../../protocol/messages/gen/record_pb.js';
import type { SecretLinkSchema } from '../../../protocol/messages/gen/secrets_pb.js';
import type { RecordContent } from '../../../protocol/records/content.ts';
import { hasLinks, linksOf, type RecordLink } from '../../../protocol/records/links.ts';
import { readPamSettings } from '../../../protocol/records/pam-settings.ts';
import { uidBytes, type Uid } from '../../../protocol/uid.ts';

type Link = MessageInitShape<typeof SecretLinkSchema>;

/** The format says this in clear, so nothing but which records and which switches goes into it. */
export function secretLinksOf(
  recordUid: Uid,
  content: RecordContent,
  policy: Pick<RecordPolicy, 'connections'> | undefined,
): readonly Link[] {
  if (!hasLinks(content.type)) return [];
  try {
    const { connection } = readPamSettings(content);
    const meta = metaOf(policy?.connections ?? false, connection.recording);
    return [
      { recordUid: uidBytes(recordUid), data: utf8(JSON.stringify(meta)), path: 'meta' },
      ...inRoles(linksOf(content)).map(([uid, roles]) => ({
        recordUid: uidBytes(uid),
        data: utf8(JSON.stringify(aclOf(roles))),
        path: '',
      })),
    ];
  } catch (error) {
    if (error instanceof ProtocolError) return []; // settings that nobody can read name nothing
    throw error;
  }
}

function metaOf(connections: boolean, recording: { readonly graphical: boolean; readonly text: boolean }) {
  return {
    version: 1,
    allowedSettings: {
      connections,
      portForwards: false,
      rotation: false,
      sessionRecording: recording.graphical,
      typescriptRecording: recording.text,
      remoteBrowserIsolation: false,
    },
    rotateOnTermination: false,
  };
}

function aclOf(roles: ReadonlySet<RecordLink['role']>) {
  return {
    belongs_to: roles.has('administrative') || roles.has('user') || roles.has('launch'),
    is_admin: roles.has('administrative'),
    is_launch_credential: roles.has('launch'),
    is_iam_user: false,
  };
}

/** One link for each record, whatever it is to the machine. */
function inRoles(links: readonly RecordLink[]): readonly (readonly [Uid, ReadonlySet<RecordLink['role']>])[] {
  const roles = new Map<Uid, Set<RecordLink['role']>>();
  for (const { recordUid, role } of links) {
    if (role === 'jump') continue;
    roles.set(recordUid, (roles.get(recordUid) ?? new Set()).add(role));
  }
  return [...roles];
}
