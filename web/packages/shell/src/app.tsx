/**
 * Starts an app: makes what its parts share, and shows the page that belongs to the address.
 *
 * Owns who may see which page only as a courtesy (signed out, one is led to sign in); the server decides.
 */

import { render, type ComponentType } from 'preact';
import { useEffect } from 'preact/hooks';
import { effect, signal } from '@preact/signals';
import { browserHttpPorts, connect, Http, ReachWatch, type Reach } from '@tayang/client';
import { carriedMemory, carriedTo, carry } from './carried.ts';
import { AppContext, useApp, useShellWords, type App } from './context.ts';
import { Frame, useTitle, type UseMenu } from './frame.tsx';
import { CreateAccountPage } from './pages/create-account.tsx';
import { ForgottenPage } from './pages/forgotten.tsx';
import { LinkPage } from './pages/link.tsx';
import { NewPasswordPage } from './pages/new-password.tsx';
import { SignInPage } from './pages/sign-in.tsx';
import { Empty, Loading } from './parts/feedback.tsx';
import { Preferences } from './preferences.ts';
import { matchPath, Router, safeNext, type Params } from './router.ts';
import { browserSiblings, SessionStore } from './session.ts';
import { Toasts } from './toasts.ts';

export interface Route {
  /** `/lessons/:id`. */
  readonly path: string;
  readonly page: ComponentType<{ params: Params }>;
}

export interface AppConfig {
  readonly name: string;
  /** Begins and ends with `/`. */
  readonly base: string;
  readonly routes: readonly Route[];
  readonly useMenu: UseMenu;
  /** Drawn beside the pages for whoever is signed in: what lives as long as the app. */
  readonly always?: ComponentType;
}

/** Pages for those who are not signed in, under every base. */
const OPEN_ROUTES: readonly Route[] = [
  { path: '/sign-in', page: SignInPage },
  { path: '/link', page: LinkPage },
  { path: '/forgotten', page: ForgottenPage },
  { path: '/password', page: NewPasswordPage },
  { path: '/create-account', page: CreateAccountPage },
];

/** Trying to find the server again while it is not reached. */
const RETRY_MS = 5_000;

function watchReach(http: Http): ReachWatch {
  const watch = new ReachWatch(navigator.onLine);
  window.addEventListener('online', () => watch.device(true));
  window.addEventListener('offline', () => watch.device(false));
  http.onOutcome((outcome) => watch.request(outcome === null || !outcome.isNetwork));
  return watch;
}

function makeApp(config: AppConfig): App {
  const http = new Http(browserHttpPorts());
  const api = connect(http);
  const preferences = new Preferences(location.search, navigator.languages);
  const watch = watchReach(http);
  const reach = signal<Reach>(watch.reach);
  const session = new SessionStore(api, http, browserSiblings());
  let timer: ReturnType<typeof setInterval> | null = null;
  watch.subscribe((now) => {
    reach.value = now;
    if (timer !== null) clearInterval(timer);
    timer = now === 'unreachable' ? setInterval(() => void session.load(), RETRY_MS) : null;
    if (now === 'online') void session.load();
  });
  effect(() => {
    const language = preferences.language.value;
    document.documentElement.lang = language;
    http.setLanguage(language);
  });
  effect(() => {
    const theme = preferences.theme.value;
    if (theme === 'system') delete document.documentElement.dataset['theme'];
    else document.documentElement.dataset['theme'] = theme;
  });
  effect(() => preferences.setProfileLocale(session.user.value?.locale ?? null));
  return { name: config.name, api, session, router: new Router(config.base, window), preferences, toasts: new Toasts(), reach, now: () => http.serverNow() };
}

export function startApp(root: HTMLElement, config: AppConfig): App {
  const app = makeApp(config);
  void app.session.load();
  render(
    <AppContext.Provider value={app}>
      <Root config={config} />
    </AppContext.Provider>,
    root,
  );
  return app;
}

function find(routes: readonly Route[], path: string): { route: Route; params: Params } | null {
  for (const route of routes) {
    const params = matchPath(route.path, path);
    if (params !== null) return { route, params };
  }
  return null;
}

function Root({ config }: { config: AppConfig }) {
  const { session, router } = useApp();
  const { path } = router.place.value;
  const open = find(OPEN_ROUTES, path);
  const user = session.user.value;
  if (open !== null) return <Frame useMenu={null}>{session.phase.value === 'loading' ? <Loading /> : <PageOf found={open} />}</Frame>;
  if (session.phase.value !== 'known') return <Frame useMenu={null}>{session.phase.value === 'loading' ? <Loading /> : <Unreached />}</Frame>;
  if (user === null) return <Frame useMenu={null}>{<ToSignIn />}</Frame>;
  const found = find(config.routes, path);
  const Always = config.always;
  return (
    <Frame useMenu={config.useMenu}>
      <Carried />
      {found === null ? <NotFound /> : <PageOf found={found} />}
      {Always === undefined ? null : <Always />}
    </Frame>
  );
}

/** Puts back what was wanted with this place before one signed in. */
function Carried() {
  const { router } = useApp();
  const { path, query, hash } = router.place.value;
  useEffect(() => {
    const carried = hash === '' ? carriedTo(carriedMemory, path) : null;
    if (carried === null) return;
    const search = query.toString();
    router.go(`${search === '' ? path : `${path}?${search}`}#${carried}`, 'replace');
  }, [path, hash]);
  return null;
}

function PageOf({ found }: { found: { route: Route; params: Params } }) {
  const { route, params } = found;
  const Page = route.page;
  // Another lesson is another page: nothing of the one before is carried over.
  return <Page key={`${route.path} ${JSON.stringify(params)}`} params={params} />;
}

function ToSignIn() {
  const { router } = useApp();
  useEffect(() => {
    const { path, query } = router.place.value;
    const search = query.toString();
    const here = safeNext(search === '' ? path : `${path}?${search}`);
    carry(carriedMemory, path, router.place.value.hash);
    router.go(here === '/' ? '/sign-in' : `/sign-in?next=${encodeURIComponent(here)}`, 'replace');
  }, []);
  return <Loading />;
}

function Unreached() {
  const { session, reach, name } = useApp();
  const words = useShellWords();
  useTitle(name);
  const text = reach.value === 'offline' ? words.problem.offline : words.problem.unreachable;
  return (
    <Empty icon="no-network" title={words.problem.title} text={text}>
      <button type="button" class="button" onClick={() => void session.load()}>
        {words.retry}
      </button>
    </Empty>
  );
}

export function NotFound() {
  const { router, name } = useApp();
  const words = useShellWords();
  useTitle(`${words.notFound.title} · ${name}`);
  return (
    <div class="page">
      <h1 class="unseen">{words.notFound.title}</h1>
      <Empty icon="search" title={words.notFound.title} text={words.notFound.text}>
        <a class="button" href={router.href('/')}>
          {words.notFound.home}
        </a>
      </Empty>
    </div>
  );
}

