import { describe, expect, test } from 'vitest';
import { plannedPackages } from '../../../scripts/setup/debian-archive.ts';
import { debianPackages, instructions, missingPackages } from '../../../scripts/setup/debian-packages.ts';

describe('Debian packages', () => {
  test('nothing is missing where every file is there', () => {
    expect(missingPackages('test', () => true)).toEqual([]);
  });

  test('the demo needs no browser', () => {
    expect(missingPackages('demo', () => false).map(({ name }) => name)).toEqual(['openssh-server']);
  });

  test('a person without root gets the exact commands and each reason', () => {
    const text = instructions(
      'test',
      missingPackages('test', () => false),
    );
    expect(text).toContain('  sudo apt-get update\n');
    expect(text).toContain(
      `sudo apt-get install --no-install-recommends ${debianPackages.map(({ name }) => name).join(' ')}\n`,
    );
    for (const { name, reason } of debianPackages) expect(text).toContain(`  ${name}: ${reason}`);
  });
});

test('the plan of apt is read with upgrades, epochs and several suites', () => {
  const plan = [
    'NOTE: This is only a simulation!',
    'Inst guacd (1.3.0-1+b1 Debian:11.11/oldoldstable [amd64])',
    'Inst libvncclient1 [0.9.14-1] (0.9.14+dfsg-1+deb12u2 Debian:12.11/oldstable, Debian-Security:12/x [amd64]) []',
    'Conf guacd (1.3.0-1+b1 Debian:11.11/oldoldstable [amd64])',
    'Inst libx (1:2.3-4 Debian:12.11/oldstable [amd64])',
  ].join('\n');
  expect(plannedPackages(plan)).toEqual([
    'guacd=1.3.0-1+b1',
    'libvncclient1=0.9.14+dfsg-1+deb12u2',
    'libx=1:2.3-4',
  ]);
});
