/**
 * Who is signed in. Owns the session as the server told it; asks again when a request says that it is over, or another tab
 * has changed it. Owns no page: who may see what is decided by the frame, and truly by the server.
 */

import { computed, signal } from '@preact/signals';
import { isAbort, Problem, showPasskey, type Api, type Http, type NewPassword, type PasskeyToShow, type Session } from '@tayang/client';

export type SessionPhase = 'loading' | 'known' | 'unreachable';

/** Tells the other tabs. */
export interface Siblings {
  tell(): void;
  onTold(listener: () => void): void;
}

const NOBODY: Session = { user: null, csrf_token: null, roles: [], expires_at: null, oidc: [], passkeys: false };

export class SessionStore {
  private readonly session = signal<Session>(NOBODY);
  private readonly state = signal<SessionPhase>('loading');
  private asking: Promise<void> | null = null;
  /** Rises when the session is changed from here: what was asked before is of another session. */
  private epoch = 0;

  public readonly phase = computed(() => this.state.value);
  public readonly user = computed(() => this.session.value.user);
  public readonly oidc = computed(() => this.session.value.oidc);

  /** The server takes passkeys. */
  public readonly passkeys = computed(() => this.session.value.passkeys);

  public constructor(
    private readonly api: Api,
    private readonly http: Http,
    private readonly siblings: Siblings,
  ) {
    http.onOutcome((outcome) => {
      // The session ended behind our back: learn what is so, and the frame leads to the sign-in page.
      if (outcome?.status === 401 && this.session.value.user !== null) void this.load();
    });
    siblings.onTold(() => void this.loadAnew());
  }

  /** Joins a question that is under way. */
  public load(): Promise<void> {
    if (this.asking !== null) return this.asking;
    const asking = this.ask(this.epoch).finally(() => {
      if (this.asking === asking) this.asking = null;
    });
    this.asking = asking;
    return asking;
  }

  public async signIn(email: string, password: string): Promise<void> {
    this.enter(await this.api.signIn(email, password));
  }

  /** Whoever it is: the device knows. */
  public async signInByPasskey(show: (question: PasskeyToShow) => Promise<unknown> = (question) => showPasskey(question)): Promise<void> {
    const question = await this.api.passkeyToShow();
    this.enter(await this.api.signInByPasskey(question.challenge, await show(question)));
  }

  /** Whether a password is to be chosen: the one typed when signing up is not kept in another browser, nor if it is disowned. */
  public async signInByLink(token: string, keepPassword?: boolean): Promise<{ choosePassword: boolean }> {
    const session = await this.api.signInByLink(token, keepPassword);
    this.enter(session);
    return { choosePassword: session.choose_password === true };
  }

  public async signOut(everywhere = false): Promise<void> {
    await this.api.signOut(everywhere);
    this.session.value = NOBODY;
    // The token of nobody comes with the question who one is.
    await this.loadAnew();
    this.siblings.tell();
  }

  public async setPassword(password: NewPassword): Promise<void> {
    await this.api.setPassword(password);
    await this.loadAnew();
  }

  /** The profile was changed. */
  public refresh(): Promise<void> {
    return this.loadAnew();
  }

  private enter(session: Session): void {
    this.leaveBehind();
    this.take(session);
    this.siblings.tell();
  }

  /** What is under way was asked before the change, and is not waited for. */
  private loadAnew(): Promise<void> {
    this.leaveBehind();
    return this.load();
  }

  private leaveBehind(): void {
    this.epoch += 1;
    this.asking = null;
  }

  private async ask(epoch: number): Promise<void> {
    try {
      const session = await this.api.session();
      if (epoch === this.epoch) this.take(session);
      // It brought a token of its own, which is not this session's.
      else this.http.setCsrfToken(this.session.value.csrf_token);
    } catch (error) {
      if (isAbort(error)) return;
      // While somebody is known a network that fails changes nothing of who it is.
      if (epoch === this.epoch && this.state.value !== 'known') this.state.value = 'unreachable';
      if (!(error instanceof Problem)) throw error;
    }
  }

  private take(session: Session): void {
    this.http.setCsrfToken(session.csrf_token);
    this.session.value = session;
    this.state.value = 'known';
  }
}

/** Other tabs of the same browser. */
export function browserSiblings(): Siblings {
  if (!('BroadcastChannel' in globalThis)) return { tell: () => undefined, onTold: () => undefined };
  const channel = new BroadcastChannel('tayang.session');
  return {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel is of one origin by itself
    tell: () => channel.postMessage('changed'),
    onTold: (listener) => channel.addEventListener('message', listener),
  };
}
