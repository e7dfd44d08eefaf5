import type { RemoteFileCode } from '../../../protocol/channel/remote-files.ts';

export type MachineFileCode = RemoteFileCode | 'cancelled' | 'connection-lost' | 'unreadable' | 'not-saved';

/** Why something with a file of the machine did not happen. */
export class MachineFileFailure extends Error {
  readonly code: MachineFileCode;

  constructor(code: MachineFileCode) {
    super(code);
    this.name = code;
    this.code = code;
  }
}

/** What a person is told: the cause, and where one helps, the next step. */
const texts: Readonly<Record<MachineFileCode, string>> = {
  'no-such-file': 'It is not on the machine any more. Reload the folder.',
  'permission-denied': 'The account on the machine may not do that.',
  exists: 'Something there has that name already.',
  'not-a-folder': 'That is not a folder any more. Reload the list.',
  'not-a-file': 'That is not a file with content of its own.',
  'folder-not-empty': 'The folder is not empty. Delete what is in it first.',
  'outside-root': 'That leads out of the folder that the record allows.',
  'root-missing':
    'The folder that the record names is not on the machine. Its owner can change it in the record.',
  'not-allowed': 'The record does not allow that.',
  'file-changed': 'The file changed on the way. Try again.',
  'no-space': 'The machine’s disk is full.',
  refused: 'The machine refused and gave no reason.',
  'sftp-missing': 'The machine offers no SFTP, so its files cannot be reached.',
  'sftp-broken': 'The machine’s SFTP broke off. Try again.',
  'sftp-silent': 'The machine’s SFTP does not answer.',
  'limit-reached': 'Too much is under way in this session. Wait until some of it is done.',
  malformed: 'The machine cannot have a file of that name.',
  unavailable: 'The session is not open.',
  cancelled: 'Cancelled.',
  'connection-lost': 'The connection broke off.',
  unreadable: 'The file on this device cannot be read any more. Choose it again.',
  'not-saved': 'It could not be saved on this device. Check that its disk has room.',
};

/** Of a drive, which lies at the gateway. */
const ofDrives: Partial<Record<MachineFileCode, string>> = {
  'no-such-file': 'It is not on the drive any more. Reload the folder.',
  'permission-denied': 'The gateway does not open that.',
  'no-space':
    'The drive has no room for it: its size is set at the gateway. Delete what is not needed there.',
  malformed: 'A drive has no file of that name: Windows allows none of < > : " / \\ | ? * in it.',
  refused: 'The gateway could not do that. Its log says more.',
};

export function describeFileFailure(code: MachineFileCode, onDrive = false): string {
  return (onDrive ? ofDrives[code] : undefined) ?? texts[code];
}

/** What went wrong, whatever threw it. */
export function fileFailureOf(error: unknown, otherwise: MachineFileCode): MachineFileCode {
  return error instanceof MachineFileFailure ? error.code : otherwise;
}
