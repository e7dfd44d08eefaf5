import { describe, expect, test } from 'vitest';
import { readMachinePin } from '../../../../protocol/records/machine-pin.ts';

const ed25519 = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBp7cIK3zGJNBfVA4l1Xn0V8eB1f8k7Oq1u3kWm0Jd9T';
const der = Buffer.concat([Buffer.from([0x30, 0x82, 0x01, 0x2c]), Buffer.alloc(300, 7)]);
const base64 = der.toString('base64');
const pem = `-----BEGIN CERTIFICATE-----\n${base64.replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`;

describe('what a machine is known by, as somebody pastes it', () => {
  test.each([
    ['a public key file', `${ed25519} root@web-1\n`],
    ['a line of known_hosts', `web-1.example.org,10.0.0.7 ${ed25519}`],
    ['a hashed line of known_hosts', `|1|abc=|def= ${ed25519}`],
  ])('%s', (_, text) => expect(readMachinePin('ssh', text)).toBe(ed25519));

  test.each([
    ['a PEM file', pem],
    ['one whose lines a field has joined', pem.replaceAll('\n', ' ')],
    ['base64 alone', base64],
    ['with text before it, as openssl prints', `subject=CN = web-1\n${pem}`],
  ])('of RDP, %s', (_, text) => expect(readMachinePin('rdp', text)).toBe(`x509 ${base64}`));

  test.each([
    ['ssh', ''],
    ['ssh', 'SHA256:uNiVztksCsDhcc0u9e8BgrJXVGDOKnQlz0Xhp0vCS4E'],
    ['ssh', '-----BEGIN OPENSSH PRIVATE KEY-----'],
    ['ssh', pem],
    ['rdp', ed25519],
    ['rdp', pem.replace('CERTIFICATE', 'PRIVATE KEY')],
    ['rdp', Buffer.concat([der, Buffer.alloc(1)]).toString('base64')],
    ['rdp', der.subarray(0, 200).toString('base64')],
    ['rdp', Buffer.concat([Buffer.from([0x30, 0x82, 0x20, 0]), Buffer.alloc(8_192)]).toString('base64')],
    ['vnc', ed25519],
  ] as const)('of %s, %j is none', (protocol, text) => expect(readMachinePin(protocol, text)).toBeNull());
});
