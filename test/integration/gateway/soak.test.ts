// The short form of `npm run bench -- soak`: some sessions on one gateway, with output, typing and lost connections.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { judgeMemory } from '../../bench/soak/memory-watch.ts';
import { startSoakHouse, type SoakHouse } from '../../bench/soak/soak-house.ts';
import { Soak } from '../../bench/soak/soak.ts';

const asRoot = process.getuid?.() === 0;
const sessions = 8;
const sessionsOfAPage = 4;
const rounds = 150;
const cutEvery = 5;
/** On a machine that is busy with other tests. */
const longestMs = 300_000;

describe.runIf(asRoot)('sessions that go on for long', () => {
  let house: SoakHouse;
  beforeAll(async () => {
    house = await startSoakHouse(sessions);
  });
  afterAll(() => house?.stop());

  test(
    'lose and double nothing, through thirty lost connections, and leave nothing open',
    async () => {
      const soak = await Soak.open(house, sessions, sessionsOfAPage);
      for (let round = 1; round <= rounds; round++) {
        const drawn = soak.sessions.map((session) => session.drawn());
        soak.typeLines();
        if (round % cutEvery === 0) await soak.cutNext();
        await Promise.all(drawn);
      }
      expect(await soak.finish()).toEqual([]);
      const { lines, resumed, pictures } = soak.totals;
      expect(lines).toBe(sessions * rounds);
      expect(resumed).toBeGreaterThanOrEqual(rounds / cutEvery);
      expect(pictures).toBeGreaterThan(sessions * rounds);
    },
    longestMs,
  );
});

describe('what memory is judged to do', () => {
  const swinging = (at: number) => 100 + (at % 7) * 3;

  test('is no leak while it only goes up and down, or rises at the beginning', () => {
    const steady = Array.from({ length: 120 }, (_, at) => swinging(at));
    expect(judgeMemory(steady).leaks).toBe(false);
    expect(judgeMemory(steady.map((value, at) => value + 60 * Math.min(1, at / 25))).leaks).toBe(false);
  });

  test('is one when it rises by more than it swings', () => {
    const leaking = Array.from({ length: 120 }, (_, at) => swinging(at) + at / 2);
    expect(judgeMemory(leaking)).toMatchObject({ leaks: true });
  });
});
