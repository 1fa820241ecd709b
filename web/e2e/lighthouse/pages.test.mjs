/**
 * What Lighthouse says of the apps' first pages on a phone: access, good practice, and what a page weighs and how it is built.
 *
 * No score that is made of times is asserted: on a machine that others use too it says how busy that is.
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { after, before, describe, test } from 'node:test';
import lighthouse from 'lighthouse';
import { startApps } from '../app-server.mjs';
import { launch } from '../browser.mjs';
import { startMentee } from '../mentee-server.mjs';

/** Bytes of scripts on the wire before a player is fetched. */
const SCRIPTS_MAX = 200_000;
/** Of one file, bytes on the wire that a page fetched and did not run. */
const UNUSED_MAX = 50_000;
const SHIFT_MAX = 0.1;
/** No media is asked for on these pages. */
const FOLDERS = { live: '/nowhere', recorded: '/nowhere' };

const PAGES = [
  { name: 'MyMentor, home', app: 'mymentor', path: '/mymentor/' },
  { name: 'MyMentor, waiting room', app: 'mymentor', path: '/mymentor/lessons/l-soon' },
  { name: 'MyMentee, schedule', app: 'mymentee', path: '/mymentee/' },
];

let servers;
let browser;
let port;

before(async () => {
  servers = { mymentor: await startApps(FOLDERS), mymentee: await startMentee(FOLDERS) };
  servers.mymentor.renew({ signedIn: true });
  port = await freePort();
  browser = await launch([`--remote-debugging-port=${port}`]);
});

after(async () => {
  await browser?.close();
  for (const server of Object.values(servers ?? {})) await server.close();
});

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port: found } = server.address();
  server.close();
  await once(server, 'close');
  return found;
}

/** What an audit found, each in a line. */
const found = ({ details }) => (details?.items ?? []).map((item) => [item.url ?? item.node?.snippet ?? item.source ?? '', item.description ?? '', item.wastedBytes ?? ''].filter((part) => part !== '').join(' '));

/** The audits of a category that count for its score and do not hold. */
function failing({ categories, audits }, category) {
  return categories[category].auditRefs
    .filter(({ id, weight }) => weight > 0 && audits[id].score !== null && audits[id].score < 1)
    .map(({ id }) => `${id}: ${found(audits[id]).join(' | ')}`);
}

for (const { name, app, path } of PAGES) {
  describe(name, () => {
    let result;
    const requests = (type) => result.audits['network-requests'].details.items.filter(({ resourceType }) => resourceType === type);

    before(async () => {
      const run = await lighthouse(servers[app].url + path, {
        port, logLevel: 'error', output: 'json', formFactor: 'mobile', throttlingMethod: 'provided', locale: 'en',
        onlyCategories: ['accessibility', 'best-practices', 'performance'],
      });
      result = run.lhr;
      assert.equal(result.runtimeError, undefined);
      assert.equal(new URL(result.finalDisplayedUrl).pathname, path);
    });

    test('access is whole', () => {
      assert.deepEqual(failing(result, 'accessibility'), []);
      assert.equal(result.categories.accessibility.score, 1);
    });

    test('good practice is kept', () => {
      assert.ok(result.categories['best-practices'].score >= 0.95, failing(result, 'best-practices').join('\n'));
    });

    test('scripts stay within what a phone fetches before there is a player, and little of it lies idle', () => {
      const bytes = requests('Script').reduce((sum, { transferSize }) => sum + transferSize, 0);
      assert.ok(bytes > 0 && bytes <= SCRIPTS_MAX, `${bytes} bytes of scripts`);
      const unused = (result.audits['unused-javascript'].details?.items ?? []).concat(result.audits['unused-css-rules'].details?.items ?? []);
      assert.deepEqual(unused.filter(({ wastedBytes }) => wastedBytes > UNUSED_MAX).map(({ url, wastedBytes }) => `${url} ${wastedBytes}`), []);
    });

    test('nothing but the style sheet is waited for before the first drawing', () => {
      const blocking = found(result.audits['render-blocking-resources']);
      assert.deepEqual(blocking.filter((url) => !/\/assets\/index-[\w-]+\.css/.test(url)), []);
    });

    test('nothing jumps while it is drawn', () => {
      const { numericValue } = result.audits['cumulative-layout-shift'];
      assert.ok(numericValue <= SHIFT_MAX, `${numericValue}: ${JSON.stringify(result.audits['layout-shifts']?.details?.items?.map(({ node, score }) => [score, node?.snippet]))}`);
    });

    test('text comes packed, and what is named by its hash is kept', () => {
      // The stand-in's answers of the API say nothing of the server's.
      const loose = result.audits['uses-text-compression'].details.items.filter(({ url }) => !new URL(url).pathname.startsWith('/api/'));
      const short = result.audits['uses-long-cache-ttl'].details.items.filter(({ url }) => new URL(url).pathname.includes('/assets/'));
      assert.deepEqual([...loose, ...short].map(({ url }) => url), []);
      assert.ok(requests('Script').some(({ url }) => url.includes('/assets/')));
    });

    test('it can be installed, and its worker takes it over', async () => {
      const context = await browser.newContext();
      try {
        const page = await context.newPage();
        await page.goto(servers[app].url + path);
        assert.equal(await page.evaluate(async () => (await navigator.serviceWorker.ready).active?.scriptURL), `${servers[app].url}/${app}/sw.js`);
        const session = await context.newCDPSession(page);
        const { errors, data } = await session.send('Page.getAppManifest');
        assert.deepEqual(errors, []);
        assert.equal(JSON.parse(data).scope, `/${app}/`);
        const { installabilityErrors } = await session.send('Page.getInstallabilityErrors');
        // A context of its own is a private window to Chromium, which installs nothing.
        assert.deepEqual(installabilityErrors.map(({ errorId }) => errorId).filter((id) => id !== 'in-incognito'), []);
      } finally {
        await context.close();
      }
    });
  });
}
