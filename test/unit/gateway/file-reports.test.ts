import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FileReports, type MovedFiles } from '../../../gateway/files/file-reports.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('files of one kind within a second are told together, and nothing is told twice', () => {
  const told: MovedFiles[] = [];
  const reports = new FileReports((files) => told.push(files));
  for (let index = 0; index < 1_000; index++) reports.add({ upload: true, size: 3, finished: true });
  reports.add({ upload: false, size: 5, finished: false });
  expect(told).toEqual([]);
  vi.advanceTimersByTime(1_000);
  expect(told).toEqual([
    { upload: true, count: 1_000, size: 3_000, finished: true },
    { upload: false, count: 1, size: 5, finished: false },
  ]);
  reports.flush();
  vi.advanceTimersByTime(10_000);
  expect(told).toHaveLength(2);
});

test('what waits at the end is told at once', () => {
  const told: MovedFiles[] = [];
  const reports = new FileReports((files) => told.push(files));
  reports.add({ upload: true, size: 1, finished: true });
  reports.flush();
  expect(told).toHaveLength(1);
});
