/**
 * The playback token of an address: taken out of it before anybody reads it over a shoulder, in the history or in a copied link,
 * and kept for this tab, so that the page can be loaded again. A signature stays where it is: it is made to be passed on.
 */

import type { Address } from '@tayang/player';

/** A token that nobody refreshes is worth nothing after this, and would stand in the way of a cookie. */
const LIFE_MS = 120_000;

/** Where it is kept and what is shown as the address, so that tests can stand in for the browser. */
export interface TokenPorts {
  readonly href: string;
  readonly replace: (href: string) => void;
  readonly get: (key: string) => string | null;
  readonly set: (key: string, value: string) => void;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** The address with the token that came in it, or with the one that this tab keeps for the channel. */
export function withToken(address: Address, { href, replace, get, set, now }: TokenPorts): Address {
  const key = `tayang.token/${address.app}/${address.name}`;
  if (address.token !== null) {
    const url = new URL(href);
    url.searchParams.delete('token');
    replace(url.pathname + url.search + url.hash);
    set(key, `${now()} ${address.token}`);
    return address;
  }
  const [since, token] = (address.signed ? null : get(key))?.split(' ') ?? [];
  return token === undefined || now() - Number(since) >= LIFE_MS ? address : { ...address, token, signed: true };
}
