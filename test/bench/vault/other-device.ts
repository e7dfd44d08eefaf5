// A second device of the same person: the same engine in Node, which changes what the browser then shows.
import { decodeMessage } from '../../../protocol/messages/decode.ts';
import { RecordSchema } from '../../../protocol/messages/gen/record_pb.js';
import { envelopeOverhead } from '../../../protocol/crypto/envelope.ts';
import type { Uid } from '../../../protocol/uid.ts';
import { startEngine, type TestEngine } from '../../fixtures/engine.ts';
import { person } from './filled-data.ts';
import type { PersonAtWork } from './person-at-work.ts';

export interface DeltaSync {
  /** Of the browser's worker. */
  readonly sync: number;
  /** From the moment at which the other device begins to send until all changes are painted. */
  readonly painted: number;
}

export class OtherDevice {
  /** Bytes of every record's padded content. */
  readonly sizes: readonly number[];
  readonly #engine: TestEngine;
  readonly #uids: Uid[];

  private constructor(engine: TestEngine, uids: Uid[], sizes: readonly number[]) {
    this.#engine = engine;
    this.#uids = uids;
    this.sizes = sizes;
  }

  static async signIn(url: string): Promise<OtherDevice> {
    const engine = await startEngine(url);
    await engine.signIn(person);
    const rows = await engine.storage.readRows();
    const records = rows.map(({ record }) => decodeMessage(RecordSchema, record));
    const listed = await engine.listRecords();
    return new OtherDevice(
      engine,
      listed.map(({ uid }) => uid),
      records.map(({ sealedData }) => sealedData.length - envelopeOverhead),
    );
  }

  /** Moves `count` records to the trash, which the browser is told of by push. */
  async changeWhile(browser: PersonAtWork, count: number, rounds: number): Promise<DeltaSync[]> {
    const figures: DeltaSync[] = [];
    for (let round = 0; round < rounds; round++) {
      const uids = this.#uids.splice(0, count);
      await browser.awaitCount(this.#uids.length);
      const [page, worker] = await Promise.all([browser.now(), browser.workerNow()]);
      await this.#engine.trashRecords(uids);
      const painted = (await browser.countReached()) - page;
      figures.push({ sync: await browser.syncSince(worker), painted });
    }
    return figures;
  }

  async leave(): Promise<void> {
    await this.#engine.close();
  }
}
