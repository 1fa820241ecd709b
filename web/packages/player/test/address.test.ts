import { describe, expect, test } from 'vitest';
import { downloadUrl, liveUrl, pageUrl, parseAddress, recordingUrl, stateUrl, VIAS } from '../src/address.ts';

const SIGN = '1763999999-ab01';
const plain = { app: 'live', name: 'kelas-1', sign: null, token: null, signed: false, stream: null, via: 'hls' } as const;

describe('reading', () => {
  test.each([
    ['/watch/live/kelas-1', '', plain],
    ['/watch/live/kelas-1/', '', plain],
    ['/watch/live/kelas-1', '?via=ws-flv', { ...plain, via: 'ws-flv' }],
    ['/watch/live/kelas-1', '?stream=1763712000000', { ...plain, stream: '1763712000000' }],
    ['/watch/live/kelas-1', `?sign=${SIGN}&lang=en`, { ...plain, sign: SIGN, signed: true }],
    ['/watch/live/kelas-1', '?token=AbC-_9', { ...plain, token: 'AbC-_9', signed: true }],
    ['/kelas-1/flv.html', '', { ...plain, via: 'flv' }],
    ['/kelas-1/index.html', '', { ...plain, via: 'ts' }],
    ['/kelas-1/hls.html', '', plain],
    ['/kelas-1/dash.html', '', { ...plain, via: 'dash' }],
    ['/kelas-1/flv.html', '?via=dash', { ...plain, via: 'dash' }],
  ])('%s%s', (path, query, expected) => {
    expect(parseAddress(path, query)).toEqual(expected);
  });

  test.each(['/', '/watch', '/watch/live', '/watch/live/a/b', '/watch/live/..', '/watch/li%2Fve/x', '/a/other.html', '/a/constructor', `/watch/live/${'a'.repeat(65)}`])(
    '%s names no channel',
    (path) => {
      expect(parseAddress(path, '')).toBeNull();
    },
  );

  test('what is no way, signature, token or stream is left out, not passed on', () => {
    expect(parseAddress('/watch/live/kelas-1', '?via=ftp&sign=../../x&token=a/../b&stream=a/b')).toEqual({ ...plain, signed: true });
  });
});

describe('writing', () => {
  test('every way has an address of its own', () => {
    const urls = VIAS.map((via) => liveUrl(plain, via, 'https://tayang.example'));
    expect(urls).toEqual([
      '/live/kelas-1/master.m3u8',
      '/live/kelas-1.flv',
      'wss://tayang.example/live/kelas-1.flv',
      '/live/kelas-1/manifest.mpd',
      '/live/kelas-1/live.m3u8',
    ]);
  });

  test('WebSockets of a page without TLS have none either', () => {
    expect(liveUrl(plain, 'ws-flv', 'http://127.0.0.1:8080')).toBe('ws://127.0.0.1:8080/live/kelas-1.flv');
  });

  test('a signature goes in front of every address', () => {
    const signed = { ...plain, sign: SIGN, signed: true };
    const urls = [stateUrl(signed), recordingUrl(signed, '17'), downloadUrl(signed, '17'), ...VIAS.map((via) => liveUrl(signed, via, 'http://h'))];
    for (const url of urls) expect(url).toContain(`/s/${SIGN}/live/kelas-1`);
  });

  test('a token goes in front of every address, and stands in none of the page', () => {
    const opened = { ...plain, sign: SIGN, token: 'AbC-_9', signed: true };
    const urls = [stateUrl(opened), recordingUrl(opened, '17'), downloadUrl(opened, '17'), ...VIAS.map((via) => liveUrl(opened, via, 'http://h'))];
    for (const url of urls) expect(url).toMatch(/^(ws:\/\/h)?\/p\/AbC-_9\/live\/kelas-1/);
    expect(pageUrl(opened, { stream: '17', via: 'dash' })).not.toContain('AbC');
  });

  test('the page keeps its signature and leaves out what is the default', () => {
    const signed = { ...plain, sign: SIGN, signed: true };
    expect(pageUrl(signed, { stream: '17' })).toBe(`/watch/live/kelas-1?stream=17&sign=${SIGN}`);
    expect(pageUrl({ ...plain, stream: '17' }, { stream: null })).toBe('/watch/live/kelas-1');
    expect(pageUrl(plain, { via: 'dash' })).toBe('/watch/live/kelas-1?via=dash');
  });

  test('what is written can be read again', () => {
    const address = { ...plain, sign: SIGN, signed: true, stream: '17', via: 'flv' } as const;
    const url = new URL(pageUrl(address, {}), 'http://h');
    expect(parseAddress(url.pathname, url.search)).toEqual(address);
  });
});
