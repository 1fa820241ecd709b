import { describe, expect, test } from 'vitest';
import { clockText, pickLanguage, Writer } from '../src/locale.ts';

describe('language', () => {
  test.each([
    ['?lang=en', 'id', ['id-ID'], 'en'],
    ['?lang=fr', 'en', ['id-ID'], 'en'],
    ['', null, ['fr-FR', 'en-US', 'id'], 'en'],
    ['', null, ['in-ID', 'en'], 'id'],
    ['', null, ['zh-CN'], 'id'],
    ['', 'xx', [], 'id'],
  ] as const)('address %j, remembered %j, browser %j: %s', (search, remembered, wishes, expected) => {
    expect(pickLanguage(search, remembered, wishes)).toBe(expected);
  });
});

describe('writing', () => {
  const id = new Writer('id', 'Asia/Jakarta');
  const en = new Writer('en', 'Asia/Makassar');

  test('numbers as each language writes them', () => {
    expect(id.decimal(0.8, 2)).toBe('0,80');
    expect(en.decimal(0.8, 2)).toBe('0.80');
    expect(id.whole(12_345)).toBe('12.345');
  });

  test('rates and sizes in their own units', () => {
    expect([id.bitRate(2_440_000), en.bitRate(732_000)]).toEqual(['2,4 Mbit/s', '732 kbit/s']);
    expect([id.size(1_734_000_000), en.size(241_000_000), en.size(9_000)]).toEqual(['1,7 GB', '241 MB', '9 kB']);
  });

  test('times in the zone of the viewer, with its name', () => {
    const moment = Date.UTC(2025, 10, 21, 12, 3);
    expect(id.moment(moment)).toContain('19.03 WIB');
    expect(id.moment(moment)).toContain('Jumat, 21 November');
    expect(en.moment(moment)).toContain('20:03');
  });
});

test.each([
  [0, '0:00'],
  [247.9, '4:07'],
  [3_723, '1:02:03'],
  [-3, '0:00'],
])('%d s is %s', (seconds, text) => {
  expect(clockText(seconds)).toBe(text);
});
