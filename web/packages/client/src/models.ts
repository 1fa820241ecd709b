/**
 * What the server's answers hold, field by field, as `docs/spec/api.md` says. Types alone.
 *
 * Names are the contract's own, `snake_case` included, so that a reader finds them there. Ids, times and zones are texts:
 * times are RFC 3339 in UTC, zones are IANA names.
 */

export type Id = string;
/** RFC 3339 in UTC with milliseconds. */
export type Instant = string;

export interface Page<T> {
  readonly items: readonly T[];
  readonly next_cursor: string | null;
}

export interface Person {
  readonly id: Id;
  readonly name: string;
}

// --- account ----------------------------------------------------------------------------------------------------------

export type Role = 'mentee' | 'mentor' | 'operator' | (string & {});

export interface Profile {
  readonly id: Id;
  readonly email: string;
  readonly name: string;
  readonly locale: string;
  readonly zone: string;
  readonly roles: readonly Role[];
  readonly is_mentor: boolean;
  readonly created_at: Instant;
}

export interface OidcProvider {
  readonly name: string;
  readonly start_url: string;
}

export interface Session {
  /** `null` for nobody. */
  readonly user: Profile | null;
  readonly csrf_token: string | null;
  readonly roles: readonly Role[];
  readonly expires_at: Instant | null;
  readonly oidc: readonly OidcProvider[];
  /** One can sign in by passkey here. */
  readonly passkeys: boolean;
  /** Only in the answer to a link: the password typed when signing up was typed in another browser, or by somebody else, and is not kept. */
  readonly choose_password?: true;
}

/** A key on a device of one's own, by which one signs in. */
export interface Passkey {
  readonly id: Id;
  readonly name: string;
  readonly created_at: Instant;
  /** `null`: nobody has signed in with it yet. */
  readonly used_at: Instant | null;
}

/** One signed-in device. */
export interface DeviceSession {
  readonly id: Id;
  /** What the server made of the browser's own description. */
  readonly label: string | null;
  readonly current: boolean;
  readonly created_at: Instant;
  readonly seen_at: Instant | null;
}

export interface NewAccount {
  readonly email: string;
  readonly password: string;
  readonly name: string;
  readonly locale: string;
  readonly zone: string;
}

export type NewPassword =
  | { readonly token: string; readonly password: string }
  /** By who is signed in and has none. */
  | { readonly password: string }
  | { readonly current_password: string; readonly password: string };

// --- teaching ---------------------------------------------------------------------------------------------------------

export interface Mentor {
  readonly id: Id;
  readonly name: string;
  readonly headline: string;
  readonly bio: string;
  readonly courses: number;
  readonly next_lesson: Pick<Lesson, 'id' | 'title' | 'starts_at'> | null;
}

export type Enrolment = 'open' | 'invitation' | 'approval';
export type EnrolmentState = 'requested' | 'active' | 'declined' | 'removed' | 'left';

export interface Course {
  readonly id: Id;
  readonly mentor: Person;
  readonly title: string;
  readonly summary: string;
  readonly enrolment: Enrolment;
  readonly capacity: number | null;
  readonly enrolled: number;
  readonly my_enrolment: EnrolmentState | null;
  readonly archived_at: Instant | null;
  readonly created_at: Instant;
}

export interface CourseFields {
  readonly title: string;
  readonly summary: string;
  readonly enrolment: Enrolment;
  readonly capacity: number | null;
}

export interface CourseEnrolment {
  readonly user: Person;
  readonly state: EnrolmentState;
  readonly created_at: Instant;
}

export interface Invitation {
  readonly id: Id;
  /** In the answer that made it, and never again. */
  readonly url?: string;
  readonly uses_left: number;
  readonly expires_at: Instant;
}

export type LessonState = 'scheduled' | 'live' | 'ended' | 'cancelled';
export type RecordingState = 'recording' | 'sealed' | 'ready';

export interface LessonRights {
  readonly watch: boolean;
  readonly replay: boolean;
  readonly comment: boolean;
  readonly moderate: boolean;
  readonly enrol: boolean;
}

export interface Lesson {
  readonly id: Id;
  readonly course: { readonly id: Id; readonly title: string };
  readonly mentor: Person;
  readonly title: string;
  readonly summary: string;
  readonly starts_at: Instant;
  readonly ends_at: Instant;
  readonly zone: string;
  readonly state: LessonState;
  /** Media is arriving now. */
  readonly on_air: boolean;
  /** Live, and media stopped arriving: it goes on by itself. */
  readonly stalled: boolean;
  readonly started_at: Instant | null;
  readonly ended_at: Instant | null;
  readonly series_id: Id | null;
  readonly capacity: number | null;
  readonly comments_on: boolean;
  readonly review_on: boolean;
  readonly slow_ms: number;
  /** To its mentor alone. */
  readonly word_filter?: readonly string[] | null;
  readonly recording: RecordingState | null;
  readonly can: LessonRights;
  readonly attended: boolean | null;
  readonly viewers: number;
}

export interface NewLesson {
  readonly course_id: Id;
  readonly title: string;
  readonly summary: string;
  readonly starts_at: Instant;
  readonly ends_at: Instant;
  readonly zone: string;
  readonly repeat_weeks?: number;
  readonly capacity?: number | null;
  readonly slow_ms?: number;
  readonly comments_on?: boolean;
  readonly review_on?: boolean;
  readonly word_filter?: readonly string[];
}

export type LessonChange = Partial<Omit<NewLesson, 'course_id' | 'repeat_weeks'>>;

export interface Publishing {
  readonly rtmp_url: string | null;
  readonly rtmps_url: string | null;
  readonly whip_url: string | null;
  readonly key_hint: string | null;
  /** SVG text of a QR code for phones. */
  readonly qr_svg: string | null;
  readonly armed_from: Instant | null;
  readonly armed_until: Instant | null;
  readonly ffmpeg: string | null;
  /** `key` only right after a new one was made. */
  readonly obs: { readonly server: string; readonly key: string | null } | null;
}

/** A key of the mentor's own, good for whichever lesson has its slot. */
export interface StreamKey {
  readonly id: Id;
  readonly hint: string;
  readonly created_at: Instant;
  /** In the answer that made it, and never again. */
  readonly key?: string;
}

export interface Chapter {
  readonly at_ms: number;
  readonly title: string;
}

// --- watching ---------------------------------------------------------------------------------------------------------

export type PlaybackProtocol = 'llhls' | 'hls_ts' | 'dash' | 'flv' | 'ws_flv' | 'mp4';

export interface Playback {
  readonly playback_id: Id;
  readonly kind: 'live' | 'recording';
  readonly base_url: string;
  /** A protocol that is not offered is absent or `null`. */
  readonly urls: Readonly<Partial<Record<PlaybackProtocol, string | null>>>;
  readonly expires_at: Instant;
  /** Milliseconds from the answer on. */
  readonly refresh_after_ms: number;
  readonly live_offset_at: Instant | null;
  /** The wall clock at media time zero. */
  readonly media_started_at: Instant | null;
  /** All that the lesson left, oldest first. */
  readonly recordings: readonly RecordedPart[];
}

/** A recording of a lesson. */
export interface RecordedPart {
  readonly stream: string;
  readonly started_at: Instant;
  readonly duration_ms: number;
}

/** Where one was in a recording. */
export interface KeptPosition {
  readonly lesson: { readonly id: Id; readonly title: string };
  readonly at_ms: number;
  readonly saved_at: Instant;
  readonly duration_ms: number | null;
}

export type AttendanceDecision = 'measured' | 'present' | 'absent';

export interface AttendanceEntry {
  readonly user: Person;
  readonly watched_ms: number;
  readonly first_at: Instant | null;
  readonly last_at: Instant | null;
  readonly decision: AttendanceDecision;
  readonly attended: boolean;
  readonly intervals: readonly { readonly from_at: Instant; readonly to_at: Instant | null; readonly protocol: string }[];
}

export interface Viewers {
  readonly count: number;
  readonly items: readonly { readonly user: Person; readonly protocol: string; readonly since_at: Instant }[];
}

export interface Health {
  readonly on_air: boolean;
  readonly publisher: { readonly protocol: string; readonly since_at: Instant } | null;
  readonly video: { readonly codec: string; readonly width: number; readonly height: number; readonly fps: number; readonly bitrate_kbps: number } | null;
  readonly audio: { readonly codec: string; readonly bitrate_kbps: number } | null;
  readonly warnings: readonly string[];
}

// --- taking part ------------------------------------------------------------------------------------------------------

/** Kinds of reaction and what each looks like. */
export const REACTIONS = { hati: '❤️', jempol: '👍', tepuk: '👏', tawa: '😂', kaget: '😮', tanya: '❓' } as const;
export type ReactionKind = keyof typeof REACTIONS;
export const REACTION_KINDS = Object.keys(REACTIONS) as readonly ReactionKind[];

export type CommentState = 'shown' | 'held' | 'deleted';

export interface Comment {
  readonly id: Id;
  /** Rises by one per comment of the room. */
  readonly seq: number;
  readonly user: Person & { readonly mentor: boolean };
  readonly body: string;
  readonly at: Instant;
  readonly media_ms: number | null;
  readonly client_id: string | null;
  readonly state?: CommentState;
  readonly pinned?: boolean;
}

/** Who was sent out of a lesson. */
export interface Ban {
  readonly user: Person;
  readonly reason: string;
  readonly since_at: Instant;
}

/** Who may not write for a while. */
export interface Mute {
  readonly user: Person;
  readonly muted_until_at: Instant;
}

/** What answers a comment that was posted. */
export interface CommentKept {
  readonly client_id: string;
  readonly seq: number;
}

export interface ReactionCount {
  readonly media_ms: number;
  readonly kind: ReactionKind;
  readonly count: number;
}

// --- notices ----------------------------------------------------------------------------------------------------------

export const NOTICE_KINDS = [
  'lesson_scheduled',
  'lesson_changed',
  'lesson_cancelled',
  'lesson_tomorrow',
  'lesson_soon',
  'lesson_started',
  'recording_ready',
] as const;
export type NoticeKind = (typeof NOTICE_KINDS)[number];
/** What webhooks are told of. */
export const WEBHOOK_KINDS = [...NOTICE_KINDS, 'lesson_ended', 'comment_held'] as const;
/** What a webhook that names no kinds is told. */
export const WEBHOOK_KINDS_USUAL = WEBHOOK_KINDS.filter((kind) => kind !== 'comment_held');

export interface Notice {
  readonly id: Id;
  readonly kind: NoticeKind | (string & {});
  readonly lesson: { readonly id: Id; readonly title: string } | null;
  readonly title: string;
  readonly body: string;
  readonly created_at: Instant;
  readonly read_at: Instant | null;
}

export interface NoticeSettings {
  readonly push_on: boolean;
  readonly email_on: boolean;
  readonly muted_kinds: readonly string[];
  /** `22:00` in the zone of the profile. */
  readonly quiet_from: string | null;
  readonly quiet_until: string | null;
}

export interface PushSubscriptionKeys {
  readonly endpoint: string;
  readonly keys: { readonly p256dh: string; readonly auth: string };
}

export interface Webhook {
  readonly id: Id;
  readonly url: string;
  readonly kinds: readonly string[];
  readonly created_at: Instant;
  /** Since when it is told nothing. */
  readonly disabled_at: Instant | null;
  /** In the answer that made it, and never again. */
  readonly secret?: string;
}

export interface Delivery {
  readonly id: Id;
  readonly kind: string;
  readonly state: string;
  readonly attempts: number;
  readonly last_status: number | null;
  readonly created_at: Instant;
}

export interface Change {
  readonly seq: number;
  readonly at: Instant;
  readonly kind: string;
  readonly [field: string]: unknown;
}

// --- operators --------------------------------------------------------------------------------------------------------

export interface UserRecord extends Profile {
  /** When the address was confirmed. */
  readonly verified_at: Instant | null;
  readonly suspended_at: Instant | null;
}

export interface AuditEntry {
  readonly id: Id;
  readonly at: Instant;
  /** `null` for nobody who is known, and the command line. */
  readonly actor_id: Id | null;
  readonly action: string;
  /** `user:{id}`, `session:{id}`, `lesson:{id}`, or empty. */
  readonly subject: string;
  readonly detail: string;
}
