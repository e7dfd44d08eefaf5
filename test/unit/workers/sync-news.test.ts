import { expect, test } from 'vitest';
import { SyncNews } from '../../../workers/engine/sync/sync-news.ts';

function listener() {
  const told: boolean[] = [];
  return { told, news: new SyncNews((shares) => void told.push(shares)) };
}

test('the first page of a run is told at once, and then when eight times as much has come', () => {
  const { told, news } = listener();
  news.begin();
  const after: number[] = [];
  for (let page = 1; page <= 20; page++) {
    news.add(100, false);
    after.push(told.length);
  }
  expect(after).toEqual([...Array<number>(8).fill(1), ...Array<number>(12).fill(2)]);
  news.end();
  expect(told).toHaveLength(3); // what was held back at the end
});

test('what is held back is told at the end of a run, however it went', () => {
  const { told, news } = listener();
  news.begin();
  news.add(100, false);
  news.add(1, false);
  expect(told).toHaveLength(1);
  news.end();
  expect(told).toHaveLength(2);
  news.end();
  expect(told).toHaveLength(2);
});

test('that rights changed is not lost while it is held back, and is told once', () => {
  const { told, news } = listener();
  news.begin();
  news.add(100, false);
  news.add(1, true);
  news.add(1, false);
  news.end();
  expect(told).toEqual([false, true]);
  news.begin();
  news.add(0, true);
  expect(told).toEqual([false, true, true]);
});

test('between two runs everything is told at once', () => {
  const { told, news } = listener();
  news.add(5, false);
  news.add(1, false);
  expect(told).toHaveLength(2);
});
