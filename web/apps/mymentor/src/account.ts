/**
 * What the apps of one server share of a person's account: news, the worker. Owned here, used by MyMentee too. The account page is
 * at `@tayang/mymentor/settings`, as MyMentee loads it when it is opened.
 */

export { inbox } from './inbox.ts';
export { NoticesPage } from './pages/notices.tsx';
export { installable, keepPush, listenToWorker, offerInstall, registerWorker } from './worker.ts';
