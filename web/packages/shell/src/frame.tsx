/**
 * What is around every page: skip link, top bar, menu (a bar at the bottom on a phone, at the side on a desk), banner,
 * toasts. Owns where the focus goes after a change of page.
 */

import type { ComponentChildren, ComponentType } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { LANGUAGES, type IconName, type Language } from '@tayang/ui';
import { useApp, useShellWords } from './context.ts';
import { Loading } from './parts/feedback.tsx';
import { Icon, Mark } from './parts/icon.tsx';
import { matchPath } from './router.ts';

/** One entry of the main menu. */
export interface MenuEntry {
  readonly to: string;
  /** Where else one is in its part of the app. */
  readonly also?: readonly string[];
  readonly icon: IconName;
  readonly label: string;
  /** A number beside it, and what that number means. */
  readonly badge?: { readonly count: number; readonly meaning: string } | null;
}

/** Makes the menu: a component, since it may depend on signals and on the language. */
export type UseMenu = () => readonly MenuEntry[];

const LANGUAGE_NAMES: Readonly<Record<Language, string>> = { id: 'Bahasa Indonesia', en: 'English' };

export function LanguageChoice() {
  const { preferences } = useApp();
  const words = useShellWords();
  return (
    <div class="choices" role="group" aria-label={words.language}>
      {LANGUAGES.map((language) => (
        <button
          key={language}
          type="button"
          class="choice"
          lang={language}
          title={LANGUAGE_NAMES[language]}
          aria-pressed={preferences.language.value === language}
          onClick={() => preferences.setLanguage(language)}
        >
          {language.toUpperCase()}
          <span class="unseen"> {LANGUAGE_NAMES[language]}</span>
        </button>
      ))}
    </div>
  );
}

function TopBar({ signedIn }: { signedIn: boolean }) {
  const { name, router } = useApp();
  return (
    <header class="top">
      <a class="brand" href={router.href('/')}>
        <Mark />
        <span class="brand-name">{name}</span>
      </a>
      {signedIn ? null : <LanguageChoice />}
    </header>
  );
}

function isHere(path: string, to: string): boolean {
  return to === '/' ? path === '/' : matchPath(to, path) !== null || path.startsWith(`${to}/`);
}

function Menu({ entries }: { entries: readonly MenuEntry[] }) {
  const { router } = useApp();
  const words = useShellWords();
  const { path } = router.place.value;
  return (
    <nav class="menu" aria-label={words.menu}>
      <ul>
        {entries.map(({ to, also = [], icon, label, badge }) => (
          <li key={to}>
            <a href={router.href(to)} aria-current={[to, ...also].some((one) => isHere(path, one)) ? 'page' : undefined}>
              <span class="menu-icon">
                <Icon name={icon} />
                {badge === undefined || badge === null || badge.count === 0 ? null : (
                  <span class="badge">
                    {badge.count > 99 ? '99+' : badge.count}
                    <span class="unseen"> {badge.meaning}</span>
                  </span>
                )}
              </span>
              <span class="menu-label">{label}</span>
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

/** Says that nothing can be reached, and for a moment that it can be again. The region is always there, so it is read out. */
function Banner() {
  const { reach } = useApp();
  const words = useShellWords();
  const [back, setBack] = useState(false);
  const before = useRef(reach.value);
  const now = reach.value;
  useEffect(() => {
    const returned = before.current !== 'online' && now === 'online';
    before.current = now;
    if (!returned) return undefined;
    setBack(true);
    const timer = setTimeout(() => setBack(false), 3_000);
    return () => clearTimeout(timer);
  }, [now]);
  const text = now === 'online' ? (back ? words.backOnline : null) : words[now];
  return (
    <div class="banner" role="status" data-reach={now}>
      {text === null ? null : (
        <p>
          {now === 'online' ? <Icon name="check" /> : <Icon name="no-network" />}
          {text}
        </p>
      )}
    </div>
  );
}

function ToastList() {
  const { toasts } = useApp();
  const words = useShellWords();
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.list.value.map(({ id, kind, text }) => (
        <div key={id} class="toast" data-kind={kind}>
          <Icon name={kind === 'done' ? 'check' : 'warning'} />
          <p>{text}</p>
          <button type="button" class="round" aria-label={words.close} onClick={() => toasts.drop(id)}>
            <Icon name="close" />
          </button>
        </div>
      ))}
    </div>
  );
}

/**
 * After a change of place the reading begins at the new page's heading: it gets the focus. Pages draw their heading late
 * (when what they show has come), so the main part takes the focus until then.
 */
function useFocusOnVisit(): void {
  const { router } = useApp();
  const { path } = router.place.value;
  const first = useRef(true);
  useEffect(() => {
    if (first.current) {
      first.current = false;
      return;
    }
    const main = document.querySelector<HTMLElement>('main');
    const heading = main?.querySelector<HTMLElement>('h1');
    heading?.setAttribute('tabindex', '-1');
    (heading ?? main)?.focus({ preventScroll: true });
  }, [path]);
}

interface FrameProps {
  readonly useMenu: UseMenu | null;
  readonly children: ComponentChildren;
}

export function Frame({ useMenu, children }: FrameProps) {
  const words = useShellWords();
  useFocusOnVisit();
  const signedIn = useMenu !== null;
  return (
    <div class="frame" data-menu={signedIn}>
      <a class="skip" href="#main">
        {words.skip}
      </a>
      <TopBar signedIn={signedIn} />
      {useMenu === null ? null : <MenuOf useMenu={useMenu} />}
      <Banner />
      <main id="main" tabIndex={-1}>
        {children}
      </main>
      <ToastList />
    </div>
  );
}

function MenuOf({ useMenu }: { useMenu: UseMenu }) {
  return <Menu entries={useMenu()} />;
}

/** Heading of a page; also its name in the tab. */
export function PageHead({ title, lead, children }: { title: string; lead?: ComponentChildren; children?: ComponentChildren }) {
  const { name } = useApp();
  useTitle(`${title} · ${name}`);
  return (
    <div class="page-head">
      <div>
        <h1>{title}</h1>
        {lead === undefined ? null : <div class="page-lead">{lead}</div>}
      </div>
      {children}
    </div>
  );
}

export function useTitle(title: string): void {
  useEffect(() => {
    document.title = title;
  }, [title]);
}

/** A page whose code comes only when it is wanted. */
export function later<P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<P> {
  let loaded: ComponentType<P> | null = null;
  return (props: P) => {
    const [Page, setPage] = useState<ComponentType<P> | null>(() => loaded);
    const [problem, setProblem] = useState<unknown>(null);
    useEffect(() => {
      if (loaded !== null) return;
      load().then(
        (page) => {
          loaded = page;
          setPage(() => page);
        },
        (error: unknown) => setProblem(error),
      );
    }, []);
    // Code that is gone from the server (a newer version is out) comes with the page itself.
    useEffect(() => {
      if (problem !== null && navigator.onLine) reloadOnce();
    }, [problem]);
    return Page === null ? <Loading /> : <Page {...props} />;
  };
}

const RELOADED_KEY = 'tayang.reloaded-at';
const RELOAD_GAP_MS = 30_000;

function reloadOnce(): void {
  const before = Number(sessionStorage.getItem(RELOADED_KEY) ?? 0);
  if (Date.now() - before < RELOAD_GAP_MS) return;
  sessionStorage.setItem(RELOADED_KEY, String(Date.now()));
  location.reload();
}
