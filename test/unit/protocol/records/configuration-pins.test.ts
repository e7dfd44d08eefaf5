import { expect, test } from 'vitest';
import { firstValue, type RecordContent } from '../../../../protocol/records/content.ts';
import { withPinsOf } from '../../../../protocol/records/pam-settings.ts';
import { newUid } from '../../../../protocol/uid.ts';

const pins = () => ({
  controllerUid: newUid(),
  applicationUid: newUid(),
  organisationUid: newUid(),
  organisationKey: newUid(),
  rosterVersion: 3,
  gatewayKey: newUid(),
});
const configuration = (resources: Readonly<Record<string, unknown>> | null): RecordContent => ({
  type: 'pamNetworkConfiguration',
  title: 'Berlin',
  fields: resources === null ? [] : [{ type: 'pamResources', value: [resources] }],
});

test('a configuration keeps every pin that it has, whatever a form says, and takes the rest from the form', () => {
  const held = pins();
  const [folderUid, former] = [newUid(), newUid()];
  const current = configuration({ ...held, folderUid: former, adminCredentialRef: former });
  const merged = withPinsOf(configuration({ ...pins(), folderUid }), current);
  expect(firstValue(merged, 'pamResources')).toEqual({ ...held, folderUid });
  expect(firstValue(withPinsOf(configuration(null), current), 'pamResources')).toEqual(held);
});

test('a pin that the configuration does not have yet is none that a form can set', () => {
  const { gatewayKey, ...held } = pins();
  const merged = withPinsOf(configuration({ ...held, gatewayKey }), configuration(held));
  expect(firstValue(merged, 'pamResources')).toEqual(held);
});

test('what pins nothing is no configuration of a gateway', () => {
  expect(() => withPinsOf(configuration(pins()), configuration({}))).toThrow('pins no organisation');
});
