/**
 * Passkeys of the browser (Web Authentication Level 3): makes one, and has one answer a challenge. What the server gives and takes is
 * the standard's JSON; browsers that do not speak it themselves (Chrome before 129, Safari before 18.4) are helped here.
 *
 * Owns no words: why the browser did not do it is a `Problem` with a code of ours, `passkey-…`, as the server's are.
 */

import { Problem } from './problem.ts';

/** What the server wants the browser to ask: `challenge` goes back to it as it is, with the answer. */
export interface PasskeyQuestion<T> {
  readonly challenge: string;
  readonly public_key: T;
}

export type PasskeyToMake = PasskeyQuestion<PublicKeyCredentialCreationOptionsJSON>;
export type PasskeyToShow = PasskeyQuestion<PublicKeyCredentialRequestOptionsJSON>;

/** Whether this browser knows passkeys here: it does not without TLS, except on the machine itself. */
export function hasPasskeys(): boolean {
  return 'PublicKeyCredential' in globalThis && 'credentials' in navigator;
}

/** Whether it offers them where a name is typed, among what it would fill in. */
export async function fillsPasskeys(): Promise<boolean> {
  return hasPasskeys() && 'isConditionalMediationAvailable' in PublicKeyCredential && PublicKeyCredential.isConditionalMediationAvailable();
}

/** Makes a passkey; its JSON is for the server. */
export async function makePasskey({ public_key }: PasskeyToMake): Promise<unknown> {
  return jsonOf(await asked(() => navigator.credentials.create({ publicKey: creationOptions(public_key) })));
}

/**
 * Has one of the passkeys that are here answer; which, people choose: when they are asked at once, or, with a signal that ends it, by the
 * way when they fill in their name. One question stands at a time.
 */
export async function showPasskey({ public_key }: PasskeyToShow, filled?: AbortSignal): Promise<unknown> {
  const publicKey = requestOptions(public_key);
  return jsonOf(await asked(() => navigator.credentials.get(filled === undefined ? { publicKey } : { publicKey, mediation: 'conditional', signal: filled })));
}

/** The standard has few names for what went otherwise, and tells on purpose not whether there is a passkey. */
const CODES: Readonly<Record<string, string>> = {
  NotAllowedError: 'passkey-cancelled',
  AbortError: 'passkey-cancelled',
  InvalidStateError: 'passkey-here',
  SecurityError: 'passkey-elsewhere',
};

async function asked(ask: () => Promise<Credential | null>): Promise<Credential> {
  try {
    const credential = await ask();
    if (credential !== null) return credential;
  } catch (error) {
    throw new Problem({ status: 400, code: (error instanceof DOMException ? CODES[error.name] : undefined) ?? 'passkey-unable' });
  }
  throw new Problem({ status: 400, code: 'passkey-cancelled' });
}

function creationOptions(json: PublicKeyCredentialCreationOptionsJSON): PublicKeyCredentialCreationOptions {
  if ('parseCreationOptionsFromJSON' in PublicKeyCredential) return PublicKeyCredential.parseCreationOptionsFromJSON(json);
  const { challenge, user, excludeCredentials = [] } = json;
  const ours = { challenge: bytesOf(challenge), user: { ...user, id: bytesOf(user.id) }, excludeCredentials: excludeCredentials.map(({ id }) => described(id)) };
  return { ...(json as unknown as PublicKeyCredentialCreationOptions), ...ours };
}

function requestOptions(json: PublicKeyCredentialRequestOptionsJSON): PublicKeyCredentialRequestOptions {
  if ('parseRequestOptionsFromJSON' in PublicKeyCredential) return PublicKeyCredential.parseRequestOptionsFromJSON(json);
  const { challenge, allowCredentials = [] } = json;
  const ours = { challenge: bytesOf(challenge), allowCredentials: allowCredentials.map(({ id }) => described(id)) };
  return { ...(json as unknown as PublicKeyCredentialRequestOptions), ...ours };
}

const described = (id: string): PublicKeyCredentialDescriptor => ({ type: 'public-key', id: bytesOf(id) });

/** What a credential has, of whichever kind; some password managers stand in with objects of their own. */
interface Answered {
  readonly id: string;
  readonly type: string;
  readonly response: Readonly<Record<string, unknown>>;
  toJSON?(): unknown;
}

/** Fields of an answer that are bytes, when made and when shown. */
const BYTES = ['clientDataJSON', 'attestationObject', 'authenticatorData', 'signature', 'userHandle'] as const;

function jsonOf(credential: Credential): unknown {
  const answered = credential as unknown as Answered;
  if (typeof answered.toJSON === 'function') return answered.toJSON();
  const { id, type, response } = answered;
  const fields = BYTES.flatMap((name) => (response[name] instanceof ArrayBuffer ? [[name, base64url(response[name])] as const] : []));
  return { id, rawId: id, type, clientExtensionResults: {}, response: Object.fromEntries(fields) };
}

/** Bytes as the standard's JSON has them: base64url without padding (RFC 4648 §5). */
export function base64url(bytes: ArrayBuffer): string {
  return btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** And back. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.charCodeAt(0));
}
