// Attack class 14: what a server learns from sizes. The real client; the server looks at what it got.
import { describe, expect, test } from 'vitest';
import { limits } from '../../protocol/limits.ts';
import type { RecordContent } from '../../protocol/records/content.ts';
import { HostileServer } from '../fakes/hostile-server.ts';
import { startEngine } from '../fixtures/engine.ts';

const password = 'correct horse battery staple';
const envelope = 37;

const withPassword = (secret: string): RecordContent => ({
  type: 'login',
  title: 'Mail',
  fields: [{ type: 'password', value: [secret] }],
});

describe('what sizes tell', () => {
  /** The sizes of the sealed content of records that the real client stores. */
  async function sizesOf(contents: readonly RecordContent[]): Promise<number[]> {
    const server = await HostileServer.start();
    const engine = await startEngine(server.origin, { transport: server.transport });
    await engine.draftRecoveryPhrase();
    await engine.createAccount({ email: 'sizes@example.test', password });
    const sizes: number[] = [];
    for (const content of contents) {
      const before = new Set([...server.records.keys()]);
      await engine.saveRecord({ content });
      const added = [...server.records].find(([uid]) => !before.has(uid));
      sizes.push(added?.[1].record.sealedData.length ?? 0);
    }
    await engine.close();
    return sizes;
  }

  test('passwords of 4 and of 100 characters make records of one size', async () => {
    const sizes = await sizesOf(['x'.repeat(4), 'x'.repeat(40), 'x'.repeat(100)].map(withPassword));
    expect(sizes[0]).toBeGreaterThan(0);
    expect(new Set(sizes).size).toBe(1);
  });

  test('every record is of one of the published sizes', async () => {
    const lengths = [0, 1, 150, 300, 700, 1_500, 3_000, 7_000, 15_000, 40_000];
    const sizes = await sizesOf(lengths.map((length) => withPassword('y'.repeat(length))));
    const step = limits.paddingBuckets.at(-1) ?? 0;
    for (const size of sizes) {
      const plain = size - envelope;
      expect(limits.paddingBuckets.includes(plain) || plain % step === 0, `${plain} bytes`).toBe(true);
    }
  });

  test('a secret that repeats what stands beside it is no smaller: nothing is compressed', async () => {
    const note = 'the quick brown fox jumps over the lazy dog '.repeat(4);
    const [guessed, random] = await sizesOf([
      { ...withPassword(note), notes: note },
      { ...withPassword(scrambled(note.length)), notes: note },
    ]);
    expect(guessed).toBe(random);
  });

  test('a wrong and a right guess beside a secret give answers of one size', async () => {
    const [right, wrong] = await sizesOf([
      { ...withPassword('hunter2'), notes: 'hunter2' },
      { ...withPassword('hunter2'), notes: 'hunter9' },
    ]);
    expect(right).toBe(wrong);
  });

  test('folders, marks and tags do not show in the sizes of what is stored for them', async () => {
    const server = await HostileServer.start();
    const engine = await startEngine(server.origin, { transport: server.transport });
    await engine.draftRecoveryPhrase();
    await engine.createAccount({ email: 'cards@example.test', password });
    const uids = [];
    for (const title of ['one', 'two', 'three'])
      uids.push(await engine.saveRecord({ content: { ...withPassword('a'), title } }));
    const [one, two, three] = uids;
    const folderUid = await engine.createFolder({ name: 'Household', parentUid: null });
    if (!one || !two || !three) throw new Error('records are missing');
    await engine.setFavourite({ uids: [one], favourite: true });
    await engine.moveRecords({ uids: [two], folderUid });
    await engine.changeTags({ uids: [three], add: ['a', 'longer tag', 'another'], remove: [] });
    const sizes = new Set([...server.vault.cards.values()].map(({ value }) => value.sealed.length));
    await engine.close();
    expect(sizes.size).toBe(1);
  });
});

/** Without any repetition that a compressor could use. */
function scrambled(length: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(length));
  return [...bytes].map((byte) => String.fromCharCode(97 + (byte % 26))).join('');
}
