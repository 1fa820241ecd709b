/** Every route of the contract as a function. Owns addresses and types; what a page makes of an answer is its own business. */

import type { Http, RequestOptions } from './http.ts';
import type {
  AttendanceDecision, AttendanceEntry, AuditEntry, Ban, Change, Chapter, Comment, CommentKept, CommentState, Course, CourseEnrolment,
  CourseFields, Delivery, DeviceSession, EnrolmentState, Health, Id, Invitation, KeptPosition, Lesson, LessonChange, LessonState, Mentor, Mute,
  NewAccount, NewLesson, NewPassword, Notice, NoticeSettings, Page, Passkey, Playback, Profile, Publishing, PushSubscriptionKeys,
  ReactionCount, ReactionKind, Session, StreamKey, UserRecord, Viewers, Webhook,
} from './models.ts';
import type { PasskeyToMake, PasskeyToShow } from './passkey.ts';

const V1 = '/api/v1';
const part = encodeURIComponent;
const courseAt = (id: Id): string => `${V1}/courses/${part(id)}`;
const lessonAt = (id: Id): string => `${V1}/lessons/${part(id)}`;
const webhookAt = (id: Id): string => `${V1}/webhooks/${part(id)}`;

/** Which page of a list, and how to give up waiting for it. */
export interface ListOptions {
  readonly cursor?: string | null | undefined;
  readonly limit?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

type Signal = AbortSignal | undefined;

function listing({ signal, ...page }: ListOptions & Readonly<Record<string, unknown>>): RequestOptions {
  return { query: page as NonNullable<RequestOptions['query']>, signal };
}

function accountRoutes(http: Http) {
  /** Every answer that is a session brings a token of its own. */
  const keep = (session: Session): Session => {
    http.setCsrfToken(session.csrf_token);
    return session;
  };
  return {
    session: async (signal?: Signal) => keep(await http.get<Session>(`${V1}/session`, { signal })),
    /** Tells one sign-in from another: what the server binds to a sign-in has to be told again after the next. */
    signInMark: (): string | null => http.signInMark(),
    signIn: async (email: string, password: string) => keep(await http.post<Session>(`${V1}/session`, { email, password })),
    /** `keepPassword` answers `password-typed`: whether who opens the link typed the password in this browser. */
    signInByLink: async (token: string, keepPassword?: boolean) =>
      keep(await http.post<Session>(`${V1}/session/link`, keepPassword === undefined ? { token } : { token, keep_password: keepPassword })),
    passkeyToShow: () => http.post<PasskeyToShow>(`${V1}/session/passkey/options`),
    signInByPasskey: async (challenge: string, credential: unknown) => keep(await http.post<Session>(`${V1}/session/passkey`, { challenge, credential })),
    passkeyToMake: (current_password: string | undefined) => http.post<PasskeyToMake>(`${V1}/me/passkeys/options`, { current_password }),
    addPasskey: (passkey: { challenge: string; credential: unknown; name: string }) => http.post<Passkey>(`${V1}/me/passkeys`, passkey),
    passkeys: (options: ListOptions = {}) => http.get<Page<Passkey>>(`${V1}/me/passkeys`, listing({ ...options })),
    removePasskey: (id: Id) => http.delete<null>(`${V1}/me/passkeys/${part(id)}`),
    signOut: (everywhere = false) => http.delete<null>(`${V1}/session`, { query: { everywhere: everywhere ? true : null } }),
    createAccount: (account: NewAccount) => http.post<null>(`${V1}/accounts`, account),
    forgotPassword: (email: string) => http.post<null>(`${V1}/password/forgotten`, { email }),
    setPassword: (password: NewPassword) => http.post<null>(`${V1}/password`, password),
    devices: (options: ListOptions = {}) => http.get<Page<DeviceSession>>(`${V1}/sessions`, listing({ ...options })),
    signOutDevice: (id: Id) => http.delete<null>(`${V1}/sessions/${part(id)}`),
    me: (signal?: Signal) => http.get<Profile>(`${V1}/me`, { signal }),
    changeMe: (change: Partial<Pick<Profile, 'name' | 'locale' | 'zone'>>) => http.patch<Profile>(`${V1}/me`, change),
  };
}

function operatorRoutes(http: Http) {
  return {
    users: (options: ListOptions & { query?: string } = {}) => http.get<Page<UserRecord>>(`${V1}/users`, listing({ ...options })),
    user: (id: Id, signal?: Signal) => http.get<UserRecord>(`${V1}/users/${part(id)}`, { signal }),
    changeUser: (id: Id, change: { roles?: readonly string[]; suspended?: boolean }) =>
      http.patch<UserRecord>(`${V1}/users/${part(id)}`, change, { ifUnchanged: true }),
    signInLink: (id: Id) => http.post<{ readonly url: string; readonly expires_at: string }>(`${V1}/users/${part(id)}/sign-in-link`),
    audit: (options: ListOptions & { subject?: string } = {}) => http.get<Page<AuditEntry>>(`${V1}/audit`, listing({ ...options })),
  };
}

function mentorRoutes(http: Http) {
  return {
    mentors: (options: ListOptions & { query?: string } = {}) => http.get<Page<Mentor>>(`${V1}/mentors`, listing({ ...options })),
    mentor: (id: Id, signal?: Signal) => http.get<Mentor>(`${V1}/mentors/${part(id)}`, { signal }),
    setMentorPage: (page: { headline: string; bio: string }) => http.put<Mentor>(`${V1}/me/mentor`, page),
    keys: (options: ListOptions = {}) => http.get<Page<StreamKey>>(`${V1}/me/keys`, listing({ ...options })),
    makeKey: (idempotencyKey?: string) => http.post<StreamKey>(`${V1}/me/keys`, undefined, keyed(idempotencyKey)),
    deleteKey: (id: Id) => http.delete<null>(`${V1}/me/keys/${part(id)}`),
    withdrawCalendar: () => http.delete<null>(`${V1}/me/calendar`),
    calendar: (signal?: Signal) => http.get<{ readonly url: string }>(`${V1}/me/calendar`, { signal }),
  };
}

function courseRoutes(http: Http) {
  return {
    courses: (options: ListOptions & { mentor?: Id; mine?: boolean; query?: string } = {}) =>
      http.get<Page<Course>>(`${V1}/courses`, listing({ ...options })),
    /** An invitation that holds shows a course by invitation before one is in it. */
    course: (id: Id, signal?: Signal, invitation?: string | null) => http.get<Course>(courseAt(id), { query: { invitation }, signal }),
    createCourse: (fields: CourseFields, idempotencyKey?: string) => http.post<Course>(`${V1}/courses`, fields, keyed(idempotencyKey)),
    changeCourse: (id: Id, change: Partial<CourseFields> & { archived?: boolean }) => http.patch<Course>(courseAt(id), change, { ifUnchanged: true }),
    deleteCourse: (id: Id) => http.delete<null>(courseAt(id)),
    enrol: (id: Id, invitation?: string) =>
      http.post<{ readonly state: EnrolmentState }>(`${courseAt(id)}/enrolment`, invitation === undefined ? {} : { invitation }),
    leave: (id: Id) => http.delete<null>(`${courseAt(id)}/enrolment`),
    enrolments: (id: Id, options: ListOptions & { state?: EnrolmentState } = {}) =>
      http.get<Page<CourseEnrolment>>(`${courseAt(id)}/enrolments`, listing({ ...options })),
    decideEnrolment: (id: Id, user: Id, state: 'active' | 'declined' | 'removed') =>
      http.patch<CourseEnrolment>(`${courseAt(id)}/enrolments/${part(user)}`, { state }),
    invitations: (id: Id, options: ListOptions = {}) => http.get<Page<Invitation>>(`${courseAt(id)}/invitations`, listing({ ...options })),
    invite: (id: Id, fields: { uses: number | null; expires_at: string | null }, idempotencyKey?: string) =>
      http.post<Invitation>(`${courseAt(id)}/invitations`, fields, keyed(idempotencyKey)),
    deleteInvitation: (id: Id, invitation: Id) => http.delete<null>(`${courseAt(id)}/invitations/${part(invitation)}`),
  };
}

export interface LessonFilter extends ListOptions {
  readonly state?: LessonState;
  readonly course?: Id;
  readonly mentor?: Id;
  readonly mine?: 'teaching' | 'attending' | 'attended';
  /** By begin; the oldest first if nothing is said. */
  readonly order?: 'oldest' | 'newest';
  readonly from?: string;
  readonly until?: string;
}

/** One lesson, or it and all that follow in its series. */
export type SeriesScope = 'one' | 'following';

function lessonRoutes(http: Http) {
  return {
    lessons: (filter: LessonFilter = {}) => http.get<Page<Lesson>>(`${V1}/lessons`, listing({ ...filter })),
    lesson: (id: Id, signal?: Signal) => http.get<Lesson>(lessonAt(id), { signal }),
    createLessons: (lesson: NewLesson, idempotencyKey?: string) =>
      http.post<{ readonly items: readonly Lesson[] }>(`${V1}/lessons`, lesson, keyed(idempotencyKey)),
    changeLesson: (id: Id, change: LessonChange, scope: SeriesScope = 'one') =>
      http.patch<Lesson>(lessonAt(id), change, { ifUnchanged: true, query: { series: scope === 'following' ? scope : null } }),
    cancelLesson: (id: Id, reason: string) => http.post<Lesson>(`${lessonAt(id)}/cancel`, { reason }),
    startLesson: (id: Id) => http.post<Lesson>(`${lessonAt(id)}/start`),
    endLesson: (id: Id) => http.post<Lesson>(`${lessonAt(id)}/end`),
    publishing: (id: Id, signal?: Signal) => http.get<Publishing>(`${lessonAt(id)}/publishing`, { signal }),
    makePublishingKey: (id: Id) => http.post<Publishing>(`${lessonAt(id)}/publishing/key`),
    chapters: async (id: Id, signal?: Signal) => listOf(await http.get<readonly Chapter[] | Page<Chapter>>(`${lessonAt(id)}/chapters`, { signal })),
    setChapters: (id: Id, chapters: readonly Chapter[]) => http.put<unknown>(`${lessonAt(id)}/chapters`, chapters),
    calendarUrl: (id: Id): string => `${lessonAt(id)}/calendar.ics`,
    attendance: (id: Id, options: ListOptions = {}) => http.get<Page<AttendanceEntry>>(`${lessonAt(id)}/attendance`, listing({ ...options })),
    attendanceCsvUrl: (id: Id): string => `${lessonAt(id)}/attendance.csv`,
    correctAttendance: (id: Id, user: Id, decision: AttendanceDecision, reason: string) =>
      http.patch<AttendanceEntry>(`${lessonAt(id)}/attendance/${part(user)}`, { decision, reason }),
    viewers: (id: Id, signal?: Signal) => http.get<Viewers>(`${lessonAt(id)}/viewers`, { signal }),
    health: (id: Id, signal?: Signal) => http.get<Health>(`${lessonAt(id)}/health`, { signal }),
    ban: (id: Id, user: Id, reason: string) => http.put<null>(`${lessonAt(id)}/bans/${part(user)}`, { reason }),
    bans: (id: Id, options: ListOptions = {}) => http.get<Page<Ban>>(`${lessonAt(id)}/bans`, listing({ ...options })),
    unban: (id: Id, user: Id) => http.delete<null>(`${lessonAt(id)}/bans/${part(user)}`),
  };
}

function watchingRoutes(http: Http) {
  return {
    openPlayback: (lesson: Id, recording?: string, signal?: Signal) => http.post<Playback>(`${lessonAt(lesson)}/playback`, { carry: 'cookie', recording }, { signal, freshKey: true }),
    /** Of a recording that is taken away: its address holds while it is fetched, with or without the page. */
    openDownload: (lesson: Id, recording?: string) => http.post<Playback>(`${lessonAt(lesson)}/playback`, { download: true, recording }, { freshKey: true }),
    refreshPlayback: (playback: Id) => http.post<Playback>(`${V1}/playbacks/${part(playback)}/refresh`, undefined, { freshKey: true }),
    /** Goes out even while the page goes away, for which there is `leaving`. */
    endPlayback: async (playback: Id, leaving = false): Promise<null> => {
      const path = `${V1}/playbacks/${part(playback)}`;
      return leaving && http.beacon(`${path}/end`) ? null : http.delete<null>(path, { keepalive: true });
    },
    /** Where one was in each recording that plays, the newest first. */
    positions: async (limit: number, signal?: Signal) => listOf(await http.get<readonly KeptPosition[] | Page<KeptPosition>>(`${V1}/me/positions`, { query: { limit }, signal })),
    position: (lesson: Id, signal?: Signal) => http.get<{ readonly at_ms: number }>(`${lessonAt(lesson)}/position`, { signal }),
    keepPosition: (lesson: Id, at_ms: number, leaving = false) =>
      http.put<null>(`${lessonAt(lesson)}/position`, { at_ms: Math.max(0, Math.round(at_ms)) }, { keepalive: leaving }),
  };
}

function roomRoutes(http: Http) {
  return {
    comments: (lesson: Id, filter: { after?: number; from_ms?: number; until_ms?: number; limit?: number; cursor?: string | null }, signal?: Signal) =>
      http.get<Page<Comment>>(`${lessonAt(lesson)}/comments`, { query: { ...filter }, signal }),
    postComment: (lesson: Id, comment: { client_id: string; body: string; media_ms: number | null }) =>
      // The id that de-duplicates in the room de-duplicates here: sent twice it is one comment.
      http.post<CommentKept | null>(`${lessonAt(lesson)}/comments`, comment, { idempotencyKey: comment.client_id }),
    postReaction: (lesson: Id, reaction: { kind: ReactionKind; n: number; media_ms: number | null }) =>
      http.post<null>(`${lessonAt(lesson)}/reactions`, reaction),
    postHand: (lesson: Id, raised: boolean) => http.post<null>(`${lessonAt(lesson)}/hand`, { raised }),
    moderate: (lesson: Id, comment: Id, change: { state?: CommentState; pinned?: boolean }) =>
      http.patch<Comment | null>(`${lessonAt(lesson)}/comments/${part(comment)}`, change),
    mute: (lesson: Id, user: Id, minutes: number) =>
      http.put<Pick<Mute, 'muted_until_at'>>(`${lessonAt(lesson)}/mutes/${part(user)}`, { minutes }),
    mutes: (lesson: Id, options: ListOptions = {}) => http.get<Page<Mute>>(`${lessonAt(lesson)}/mutes`, listing({ ...options })),
    lowerHand: (lesson: Id, user: Id) => http.delete<null>(`${lessonAt(lesson)}/hands/${part(user)}`),
    unmute: (lesson: Id, user: Id) => http.delete<null>(`${lessonAt(lesson)}/mutes/${part(user)}`),
    reactions: async (lesson: Id, signal?: Signal) =>
      listOf(await http.get<readonly ReactionCount[] | Page<ReactionCount>>(`${lessonAt(lesson)}/reactions`, { signal })),
    commentsCsvUrl: (lesson: Id): string => `${lessonAt(lesson)}/comments.csv`,
    roomPath: (lesson: Id): string => `${lessonAt(lesson)}/room`,
  };
}

function noticeRoutes(http: Http) {
  return {
    notices: (options: ListOptions = {}) => http.get<Page<Notice>>(`${V1}/notices`, listing({ ...options })),
    readNotices: (until_id: Id) => http.post<null>(`${V1}/notices/read`, { until_id }),
    noticeSettings: (signal?: Signal) => http.get<NoticeSettings>(`${V1}/me/notice-settings`, { signal }),
    changeNoticeSettings: (change: Partial<NoticeSettings>) => http.patch<NoticeSettings>(`${V1}/me/notice-settings`, change),
    pushKey: () => http.get<{ readonly public_key: string }>(`${V1}/push/key`),
    subscribePush: (subscription: PushSubscriptionKeys) => http.post<{ readonly id: Id }>(`${V1}/me/push-subscriptions`, subscription),
    unsubscribePush: (id: Id) => http.delete<null>(`${V1}/me/push-subscriptions/${part(id)}`),
    webhooks: (options: ListOptions = {}) => http.get<Page<Webhook>>(`${V1}/webhooks`, listing({ ...options })),
    webhook: (id: Id, signal?: Signal) => http.get<Webhook>(webhookAt(id), { signal }),
    createWebhook: (fields: { url: string; kinds: readonly string[] }, idempotencyKey?: string) =>
      http.post<Webhook>(`${V1}/webhooks`, fields, keyed(idempotencyKey)),
    changeWebhook: (id: Id, change: { url?: string; kinds?: readonly string[]; disabled?: boolean }) => http.patch<Webhook>(webhookAt(id), change, { ifUnchanged: true }),
    deleteWebhook: (id: Id) => http.delete<null>(webhookAt(id)),
    deliveries: (id: Id, options: ListOptions & { state?: string } = {}) => http.get<Page<Delivery>>(`${webhookAt(id)}/deliveries`, listing({ ...options })),
    replayDelivery: (id: Id, delivery: Id) => http.post<null>(`${webhookAt(id)}/deliveries/${part(delivery)}/replay`),
    changes: (after: number, wait_s: number, signal?: Signal) =>
      http.get<{ readonly items: readonly Change[]; readonly last_seq: number }>(`${V1}/changes`, { query: { after, wait_s }, signal, timeoutMs: (wait_s + 15) * 1_000 }),
  };
}

function keyed(idempotencyKey: string | undefined): RequestOptions {
  return idempotencyKey === undefined ? {} : { idempotencyKey };
}

/** A few lists are short and come whole, without pages. */
function listOf<T>(answer: readonly T[] | Page<T>): readonly T[] {
  return 'items' in answer ? answer.items : answer;
}

export function connect(http: Http) {
  return {
    ...accountRoutes(http),
    ...operatorRoutes(http),
    ...mentorRoutes(http),
    ...courseRoutes(http),
    ...lessonRoutes(http),
    ...watchingRoutes(http),
    ...roomRoutes(http),
    ...noticeRoutes(http),
  };
}

export type Api = ReturnType<typeof connect>;
