/**
 * Addresses of an app under its base path (`/mymentor/`), and which page each belongs to.
 *
 * Paths inside the app begin with `/` and know nothing of the base; only {@link Router.href} and {@link localPath} do. Owns
 * the history entry, not the page: what is shown for a place is the frame's business.
 */

import { signal, type ReadonlySignal } from '@preact/signals';

export type Params = Readonly<Record<string, string>>;

export interface Place {
  /** Path inside the app, without trailing slash except for the root. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Without `#`. */
  readonly hash: string;
  /** Rises with every change of place, so that the same place entered twice is told apart. */
  readonly visit: number;
}

/** The path inside the app of a full address; `null` if it leads elsewhere. `base` begins and ends with `/`. */
export function localPath(base: string, pathname: string): string | null {
  if (pathname === base.slice(0, -1)) return '/';
  if (!pathname.startsWith(base)) return null;
  const path = `/${pathname.slice(base.length)}`;
  return path.length > 1 ? path.replace(/\/+$/, '') || '/' : path;
}

/** Whether a path fits a pattern such as `/lessons/:id`, and with which parameters. */
export function matchPath(pattern: string, path: string): Params | null {
  const wanted = pattern.split('/');
  const given = path.split('/');
  if (wanted.length !== given.length) return null;
  const params: Record<string, string> = {};
  for (const [at, part] of wanted.entries()) {
    const text = given[at] ?? '';
    if (part.startsWith(':')) {
      const value = decode(text);
      if (value === null || value === '') return null;
      params[part.slice(1)] = value;
    } else if (part !== text) {
      return null;
    }
  }
  return params;
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/** A path inside the app that may be gone to after sign-in: never another site, never the sign-in page itself. */
export function safeNext(next: string | null): string {
  return next !== null && /^\/(?![/\\])/.test(next) && !next.startsWith('/sign-in') ? next : '/';
}

export class Router {
  private readonly current;
  private visits = 0;

  public constructor(
    public readonly base: string,
    private readonly scope: Window,
  ) {
    this.current = signal<Place>(this.read());
    scope.addEventListener('popstate', () => this.enter());
    scope.addEventListener('hashchange', () => this.enter());
    scope.document.addEventListener('click', (event) => this.onClick(event));
  }

  public get place(): ReadonlySignal<Place> {
    return this.current;
  }

  /** Full address of a path inside the app. */
  public href(path: string): string {
    return this.base + path.replace(/^\//, '');
  }

  public go(path: string, how: 'push' | 'replace' = 'push'): void {
    if (how === 'push') this.scope.history.pushState(null, '', this.href(path));
    else this.scope.history.replaceState(null, '', this.href(path));
    this.enter();
    this.scope.scrollTo(0, 0);
  }

  /** Takes a secret out of the address bar and the history, without another visit. */
  public dropHash(): void {
    const { pathname, search } = this.scope.location;
    this.scope.history.replaceState(null, '', pathname + search);
  }

  private enter(): void {
    this.visits += 1;
    this.current.value = this.read();
  }

  private read(): Place {
    const { pathname, search, hash } = this.scope.location;
    return {
      path: localPath(this.base, pathname) ?? '/',
      query: new URLSearchParams(search),
      hash: hash.slice(1),
      visit: this.visits,
    };
  }

  /** Links are plain links; those that stay in the app do not load the page anew. */
  private onClick(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    if (link === null || link.target !== '' || link.hasAttribute('download') || link.origin !== this.scope.location.origin) return;
    const path = localPath(this.base, link.pathname);
    // A link within the page (a skip link) is the browser's.
    if (path === null || (link.hash !== '' && link.pathname === this.scope.location.pathname)) return;
    event.preventDefault();
    this.go(path + link.search + link.hash);
  }
}
