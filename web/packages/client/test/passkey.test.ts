import { afterEach, describe, expect, test, vi } from 'vitest';
import { base64url, bytesOf, hasPasskeys, makePasskey, showPasskey, type PasskeyToMake, type PasskeyToShow } from '../src/passkey.ts';

const TO_SHOW: PasskeyToShow = { challenge: 'c', public_key: { challenge: '-_8', rpId: 'tayang.test', allowCredentials: [], userVerification: 'required' } };
const TO_MAKE: PasskeyToMake = {
  challenge: 'c',
  public_key: {
    challenge: 'AAE', rp: { id: 'tayang.test', name: 'tayang.test' }, user: { id: 'AQI', name: 'a@b.c', displayName: 'A' },
    pubKeyCredParams: [{ type: 'public-key', alg: -7 }], excludeCredentials: [{ type: 'public-key', id: 'Aw' }],
  },
};
const bytes = (...all: number[]): ArrayBuffer => Uint8Array.from(all).buffer;

/** A browser whose passkeys do what the test says. */
function browser(does: (options: { publicKey: Record<string, unknown> }) => unknown, PublicKeyCredential: object = {}): void {
  const answer = async (options: { publicKey: Record<string, unknown> }): Promise<unknown> => does(options);
  vi.stubGlobal('PublicKeyCredential', PublicKeyCredential);
  vi.stubGlobal('navigator', { credentials: { create: answer, get: answer } });
}

afterEach(() => vi.unstubAllGlobals());

describe('passkeys', () => {
  test('are there where the browser has them', () => {
    vi.stubGlobal('navigator', {});
    expect(hasPasskeys()).toBe(false);
    browser(() => null);
    expect(hasPasskeys()).toBe(true);
  });

  test('bytes are base64url, there and back', () => {
    for (const all of [[], [0], [251, 255], [1, 2, 3, 4]]) expect([...bytesOf(base64url(bytes(...all)))]).toEqual(all);
    expect(base64url(bytes(251, 255))).toBe('-_8');
  });

  test('a browser that speaks the JSON of the standard is asked and answers in it', async () => {
    const seen: unknown[] = [];
    const parse = (json: unknown): unknown => ({ parsed: json });
    browser(({ publicKey }) => {
      seen.push(publicKey);
      return { toJSON: () => 'as JSON' };
    }, { parseCreationOptionsFromJSON: parse, parseRequestOptionsFromJSON: parse });
    expect([await makePasskey(TO_MAKE), await showPasskey(TO_SHOW)]).toEqual(['as JSON', 'as JSON']);
    expect(seen).toEqual([{ parsed: TO_MAKE.public_key }, { parsed: TO_SHOW.public_key }]);
  });

  test('one that does not is given bytes, and its bytes are written for the server', async () => {
    const seen: Record<string, unknown>[] = [];
    browser(({ publicKey }) => {
      seen.push(publicKey);
      const response = { clientDataJSON: bytes(1), authenticatorData: bytes(2), signature: bytes(3), userHandle: null };
      return { id: 'Aw', rawId: bytes(3), type: 'public-key', response };
    });
    expect(await showPasskey(TO_SHOW)).toEqual({
      id: 'Aw', rawId: 'Aw', type: 'public-key', clientExtensionResults: {},
      response: { clientDataJSON: 'AQ', authenticatorData: 'Ag', signature: 'Aw' },
    });
    await makePasskey(TO_MAKE);
    expect(seen[0]).toMatchObject({ challenge: bytesOf('-_8'), rpId: 'tayang.test', userVerification: 'required' });
    expect(seen[1]).toMatchObject({
      challenge: bytesOf('AAE'), user: { id: bytesOf('AQI'), name: 'a@b.c' }, excludeCredentials: [{ type: 'public-key', id: bytesOf('Aw') }],
    });
  });

  test.each([
    ['NotAllowedError', 'passkey-cancelled'],
    ['InvalidStateError', 'passkey-here'],
    ['SecurityError', 'passkey-elsewhere'],
    ['NotSupportedError', 'passkey-unable'],
  ])('%s of the browser is %s', async (name, code) => {
    browser(() => {
      throw new DOMException('', name);
    });
    await expect(makePasskey(TO_MAKE)).rejects.toMatchObject({ code });
  });

  test('no answer at all is one that was given up', async () => {
    browser(() => null);
    await expect(showPasskey(TO_SHOW)).rejects.toMatchObject({ code: 'passkey-cancelled' });
  });
});
