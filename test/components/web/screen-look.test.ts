import { beforeEach, expect, test } from 'vitest';
import { keepLook, readLook } from '../../../web/session/screen/screen-look.ts';

const key = 'sallyport.screens';
beforeEach(() => localStorage.clear());

test('what was chosen for a machine is kept for that machine', () => {
  keepLook('one', { zoom: 1.5, touch: 'touchpad' });
  keepLook('two', { fontSize: 18, colorScheme: 'black-white', zoom: 'fit' });
  expect(readLook('one')).toEqual({ zoom: 1.5, touch: 'touchpad' });
  expect(readLook('two')).toEqual({ fontSize: 18, colorScheme: 'black-white', zoom: 'fit' });
  expect(readLook('three')).toEqual({});
});

test('no more than 200 machines are kept, the last ones', () => {
  for (let at = 0; at < 250; at++) keepLook(`machine ${at}`, { fontSize: 10 });
  expect([readLook('machine 49'), readLook('machine 50')]).toEqual([{}, { fontSize: 10 }]);
});

test.each([
  'not JSON',
  '{}',
  'null',
  '[1,null,["x"],["one",null]]',
  '[["one",{"zoom":"wide","fontSize":1e9,"colorScheme":"</style>","touch":"feet","other":1}]]',
  '[["one",{"zoom":null,"fontSize":12.5,"colorScheme":7}]]',
])('%s is as if nothing were kept', (stored) => {
  localStorage.setItem(key, stored);
  expect(readLook('one')).toEqual({});
});

test('a zoom out of bounds is the nearest within', () => {
  localStorage.setItem(key, '[["one",{"zoom":1000}]]');
  expect(readLook('one')).toEqual({ zoom: 4 });
});
