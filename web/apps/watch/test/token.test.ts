import { describe, expect, test } from 'vitest';
import { parseAddress, type Address } from '@tayang/player';
import { withToken } from '../src/token.ts';

/** A tab that keeps what it is given. */
class Tab {
  public shown: string | null = null;
  public at = 1_800_000_000_000;
  private readonly kept = new Map<string, string>();

  public open(path: string): Address {
    const url = new URL(path, 'http://h');
    const address = parseAddress(url.pathname, url.search);
    if (address === null) throw new Error(`${path} names no channel`);
    this.shown = null;
    return withToken(address, {
      href: url.href,
      replace: (href) => {
        this.shown = href;
      },
      get: (key) => this.kept.get(key) ?? null,
      set: (key, value) => this.kept.set(key, value),
      now: () => this.at,
    });
  }
}

describe('a playback token', () => {
  test('leaves the address, and is there when the page is loaded again', () => {
    const tab = new Tab();
    expect(tab.open('/watch/live/kelas?via=dash&token=AbC#x')).toMatchObject({ token: 'AbC', via: 'dash', signed: true });
    expect(tab.shown).toBe('/watch/live/kelas?via=dash#x');
    expect(tab.open('/watch/live/kelas?via=dash')).toMatchObject({ token: 'AbC', signed: true });
    expect(tab.shown).toBeNull();
    tab.open('/watch/live/kelas?token=baru');
    expect(tab.open('/watch/live/kelas').token).toBe('baru');
  });

  test('is not kept longer than one lives that nobody refreshes', () => {
    const tab = new Tab();
    tab.open('/watch/live/kelas?token=AbC');
    tab.at += 119_999;
    expect(tab.open('/watch/live/kelas').token).toBe('AbC');
    tab.at += 1;
    expect(tab.open('/watch/live/kelas')).toMatchObject({ token: null, signed: false });
  });

  test('opens no other channel, and gives way to a signature', () => {
    const tab = new Tab();
    tab.open('/watch/live/kelas?token=AbC');
    expect(tab.open('/watch/live/lain')).toMatchObject({ token: null, signed: false });
    expect(tab.open('/watch/live/kelas?sign=1999999999-ab')).toMatchObject({ token: null, sign: '1999999999-ab' });
    expect(tab.shown).toBeNull();
  });
});
