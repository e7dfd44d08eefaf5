import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Uid } from '../../../protocol/uid.ts';
import { LoadedMap } from '../../../workers/engine/records/loaded-map.ts';
import { nothingLoaded } from '../../../workers/engine/records/loaded-records.ts';
import { runs } from '../../fuzz-runs.ts';

interface Thing {
  readonly uid: Uid;
  readonly value: number;
}

const uid = fc.integer({ min: 0, max: 20 }).map((n) => String(n) as Uid);
const step = fc.record({ uid, value: fc.option(fc.nat(9), { nil: null }) });

test('is a map of what was loaded and what changed, and makes nothing that nobody asks for', () => {
  fc.assert(
    fc.property(fc.uniqueArray(uid), fc.array(step, { maxLength: 40 }), (uids, steps) => {
      let made = 0;
      const at = (row: number): Thing => (made++, { uid: uids[row] as Uid, value: -1 });
      const map = new LoadedMap<Thing>(nothingLoaded);
      map.load({ count: uids.length, at, rowOf: (one) => uids.indexOf(one) });
      const model = new Map(uids.map((one): [Uid, Thing] => [one, { uid: one, value: -1 }]));
      for (const { uid: one, value } of steps) {
        if (value === null) expect(map.delete(one)).toBe(model.delete(one));
        else {
          map.set({ uid: one, value });
          model.set(one, { uid: one, value });
        }
      }
      expect(made).toBe(0);
      const sorted = (things: Iterable<Thing>) => [...things].sort((a, b) => a.uid.localeCompare(b.uid));
      expect(sorted(map.values())).toEqual(sorted(model.values()));
      const odd = ({ value }: Thing) => value % 2 !== 0;
      const rows = uids.map((_, row) => row);
      expect(sorted(map.among(rows, odd))).toEqual(sorted([...model.values()].filter(odd)));
      for (let n = 0; n <= 20; n++)
        expect(map.get(String(n) as Uid)).toEqual(model.get(String(n) as Uid) ?? null);
      map.clear();
      expect([...map.values()]).toEqual([]);
    }),
    { numRuns: runs(100) },
  );
});
