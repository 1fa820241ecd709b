/** What the apps of one server share of a person's account: news, settings, the worker. Owned here, used by MyMentee too. */

export { inbox } from './inbox.ts';
export { NoticesPage } from './pages/notices.tsx';
export { SettingsPage } from './pages/settings.tsx';
export { installable, keepPush, listenToWorker, offerInstall, registerWorker } from './worker.ts';
