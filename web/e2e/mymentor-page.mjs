/**
 * A page of MyMentor in Chromium before the stand-in server, for the files that tell its stories. Each story has a world of its
 * own; the server, the browser and the media are shared by the stories of one file.
 */

import { startApps } from './app-server.mjs';
import { newPage, server as apps, standing, until, WAIT_MS } from './harness.mjs';

export { auditPage, context, DESK, PHONE, server as apps, smallTargets, until, WAIT_MS } from './harness.mjs';

standing(startApps, { recordedSeconds: 40 });

export async function open(path, { world = { signedIn: true }, ...options } = {}) {
  apps.renew(world);
  const page = await newPage({ reducedMotion: 'reduce', ...options });
  await page.goto(`${apps.url}/mymentor/${path}`);
  return page;
}

export const heading = (page, name) => page.getByRole('heading', { level: 1, name }).waitFor();
export const asked = (method, path) => apps.world.asked.filter((one) => one.method === method && (path instanceof RegExp ? path.test(one.path) : one.path === path));

/** Resolves once the stand-in was asked for this. */
export async function askedFor(method, path, count = 1) {
  await until(() => asked(method, path).length >= count, `${method} ${path} was not asked`);
  return asked(method, path).at(-1);
}

/** A push that came while the page is open, as its worker tells it. */
export const hearNews = (page) => page.evaluate(() => navigator.serviceWorker.dispatchEvent(new MessageEvent('message', { data: { type: 'notice' } })));

/** Waits until pictures have been played for this long; a jump to the live edge is not playing. */
export const plays = (page, seconds = 1) =>
  page.evaluate(({ wanted, patience }) => new Promise((resolve, reject) => {
    const end = performance.now() + patience;
    // oxlint-disable-next-line unicorn/consistent-function-scoping -- it runs in the page, which has nothing of this file
    const played = () => {
      const ranges = document.querySelector('video')?.played;
      return Array.from({ length: ranges?.length ?? 0 }, (_, at) => ranges.end(at) - ranges.start(at)).reduce((sum, one) => sum + one, 0);
    };
    let last = played();
    let gained = 0;
    const look = () => {
      const now = played();
      // A new source begins to count from nothing.
      gained += Math.max(0, now - last);
      last = now;
      if (gained >= wanted) resolve();
      else if (performance.now() > end) reject(new Error(`played ${gained} s of ${wanted} s`));
      else requestAnimationFrame(look);
    };
    look();
  }), { wanted: seconds, patience: WAIT_MS });
