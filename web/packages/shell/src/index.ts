/** The shell of every app: addresses, session, language, frame, forms, sign-in. Knows no lesson and no player. */

export { NotFound, startApp, type AppConfig, type Route } from './app.tsx';
export { carriedMemory, carriedPlace } from './carried.ts';
export { AppContext, useApp, useShellWords, useWhen, wordsIn, type App } from './context.ts';
export { copyText } from './copy.ts';
export { fieldText, placeProblems } from './fields.ts';
export * from './form.tsx';
export { Frame, LanguageChoice, later, PageHead, useTitle, type MenuEntry, type UseMenu } from './frame.tsx';
export { Confirm, Dialog } from './parts/dialog.tsx';
export { Empty, Loading, More, Note, problemText, sentence, Trouble, useFieldText, useProblemText } from './parts/feedback.tsx';
export { kept } from './parts/kept.tsx';
export { Flower, Icon, Mark } from './parts/icon.tsx';
export { Avatar, Lamp, lampState, type LampState } from './parts/lamp.tsx';
export { RecordedParts, takeAway } from './parts/recorded.tsx';
export { deviceZone, Preferences, type Theme } from './preferences.ts';
export { usePages, useNow, useResource, type PagedResource, type Resource } from './resource.ts';
export { localPath, matchPath, Router, safeNext, type Params, type Place } from './router.ts';
export { SessionStore, type SessionPhase } from './session.ts';
export { Toasts, type Toast } from './toasts.ts';
export { remaining, When, type Remaining } from './when.ts';
export { clockText, type IconName, type Language } from '@tayang/ui';
