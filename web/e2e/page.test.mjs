/** The watch page in Chromium before a stand-in server: states, ways, languages, keys, and what an audit of access says. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LIVE, RECORDINGS, STREAM, TRACKS } from './channels.mjs';
import { auditPage, context, moreFrames, newPage, server as mock, standing, WAIT_MS } from './harness.mjs';
import { startMock } from './mock-server.mjs';

standing(startMock, { clear: () => mock.failMedia(200) });

async function open(path, options) {
  const page = await newPage(options);
  await page.goto(mock.url + path);
  return page;
}

const root = (page) => page.locator('#tayang');
const attribute = (page, name) => root(page).getAttribute(`data-${name}`);

async function until(page, name, wanted) {
  await page.waitForFunction(([one, value]) => document.querySelector('#tayang')?.getAttribute(`data-${one}`) === value, [name, wanted]);
}

/** All that regions which are read out hold now, line by line. */
async function said(page) {
  const texts = await page.locator('[role=status], [role=alert], [aria-live]').allInnerTexts();
  return texts.flatMap((text) => text.split('\n')).filter((line) => line.trim() !== '');
}

describe('states', () => {
  test('a channel that waits says so and starts by itself when it goes on air', async () => {
    mock.set({});
    const page = await open('/watch/live/kelas');
    await until(page, 'state', 'waiting');
    assert.equal(await page.locator('.scene-title').textContent(), 'Belum tayang');
    assert.equal(await attribute(page, 'engine'), null);
    mock.set(LIVE);
    await until(page, 'state', 'live');
    await moreFrames(page);
    assert.equal(await attribute(page, 'engine'), 'hls');
    assert.equal(await page.locator('.scene').isVisible(), false);
  });

  test('an outage of the publisher is told and play goes on after it', async () => {
    mock.set(LIVE);
    const page = await open('/watch/live/kelas');
    await moreFrames(page);
    mock.set({ ...LIVE, state: 'stalled' });
    mock.failMedia(503);
    await page.evaluate(() => window.dispatchEvent(new Event('online')));
    await until(page, 'state', 'stalled');
    assert.equal(await page.locator('.scene-title').textContent(), 'Sebentar lagi kembali');
    await mock.refusedMedia(2);
    await mock.askedAgain('/live/kelas/state', 1);
    assert.equal(await attribute(page, 'state'), 'stalled');
    mock.failMedia(200);
    mock.set(LIVE);
    await until(page, 'state', 'live');
    await moreFrames(page);
  });

  test('media that answers 404 and 503 for a while is waited for', async () => {
    mock.set(LIVE);
    mock.failMedia(404);
    const page = await open('/watch/live/kelas');
    await until(page, 'state', 'live');
    await mock.refusedMedia(2);
    mock.failMedia(503);
    await mock.refusedMedia(2);
    assert.equal(await attribute(page, 'frames'), '0');
    mock.failMedia(200);
    await moreFrames(page);
  });

  test('an ended channel offers its recording, and a new stream is taken up', async () => {
    mock.set({ state: 'ended', stream: STREAM, tracks: TRACKS, recordings: RECORDINGS });
    const page = await open('/watch/live/kelas');
    await until(page, 'state', 'ended');
    const link = page.locator('.scene-actions a').first();
    assert.equal(await link.getAttribute('href'), `/watch/live/kelas?stream=${STREAM}`);
    mock.set({ ...LIVE, stream: '1763799999999' });
    await until(page, 'state', 'live');
    await moreFrames(page);
    assert.equal(await attribute(page, 'stream'), '1763799999999');
  });

  test('an ended channel stays ended when the server forgets its stream', async () => {
    mock.set({ state: 'ended', stream: STREAM, tracks: TRACKS, recordings: RECORDINGS });
    const page = await open('/watch/live/kelas');
    await until(page, 'state', 'ended');
    mock.set({ recordings: RECORDINGS });
    await mock.askedAgain('/live/kelas/state', 2);
    assert.equal(await attribute(page, 'state'), 'ended');
    assert.equal(await page.locator('.scene-title').textContent(), 'Siaran telah selesai');
    assert.equal(await page.locator('.scene-actions a').first().getAttribute('href'), `/watch/live/kelas?stream=${STREAM}`);
    mock.set({ ...LIVE, stream: '1763799999999' });
    await until(page, 'state', 'live');
    await moreFrames(page);
  });

  test('who comes after the end is offered the newest recording that is finished', async () => {
    mock.set({ recordings: [{ ...RECORDINGS[0], stream: '1763799999999', state: 'recording' }, ...RECORDINGS] });
    const page = await open('/watch/live/kelas');
    await until(page, 'state', 'waiting');
    const link = page.locator('.scene-actions a:visible');
    assert.equal(await link.textContent(), 'Tonton rekaman terbaru');
    assert.equal(await link.getAttribute('href'), `/watch/live/kelas?stream=${STREAM}`);
    mock.set({});
    await link.waitFor({ state: 'hidden' });
  });

  test('a new stream while an old one is attached is attached afresh', async () => {
    mock.set(LIVE);
    const page = await open('/watch/live/kelas');
    await moreFrames(page);
    mock.set({ ...LIVE, stream: '1763788888888' });
    await page.evaluate(() => window.dispatchEvent(new Event('online')));
    await until(page, 'stream', '1763788888888');
    await moreFrames(page);
  });

  test('a signed link that has run out or was cut short is told as such, also while it plays', async () => {
    mock.failState(404);
    for (const sign of ['1700000000-0123456789abcdef', '1700000000-']) {
      const page = await open(`/watch/live/kelas?sign=${sign}`);
      await until(page, 'state', 'forbidden');
      assert.equal(await page.locator('.scene-title').textContent(), 'Tautan ini tidak berlaku');
      await context.close();
    }
    mock.set(LIVE);
    const page = await open('/watch/live/kelas?sign=1999999999-0123456789abcdef');
    await moreFrames(page);
    mock.failState(404);
    mock.failMedia(404);
    await until(page, 'state', 'forbidden');
  });

  for (const { what, query, opener, shown } of [
    { what: 'signature', query: 'sign=1999999999-0123456789abcdef', opener: '/s/1999999999-0123456789abcdef', shown: '?sign=1999999999-0123456789abcdef' },
    { what: 'token', query: 'token=AbC-_9', opener: '/p/AbC-_9', shown: '' },
  ]) {
    test(`a ${what} of the address goes with the state, playlists, segments and the socket`, async () => {
      mock.set(LIVE);
      mock.asked.length = 0;
      const page = await open(`/watch/live/kelas?${query}`);
      await moreFrames(page);
      assert.equal(new URL(page.url()).search, shown);
      for (const file of [/\/state$/, /\/master\.m3u8/, /\/live\.m3u8/, /\.(m4s|mp4|ts)$/]) {
        const asked = mock.asked.filter((url) => file.test(url));
        assert.ok(asked.length > 0, `${file} was not asked for`);
        for (const url of asked) assert.ok(url.startsWith(`${opener}/live/kelas`), url);
      }
      // Loaded again, and by another way.
      await page.reload();
      await moreFrames(page);
      await page.goto(`${mock.url}/watch/live/kelas?via=ws-flv${shown.replace('?', '&')}`);
      await moreFrames(page);
      assert.deepEqual(mock.asked.filter((url) => url.startsWith('ws:')), [`ws:${opener}/live/kelas.flv`]);
      const others = mock.asked.filter((url) => url.includes('/live/kelas') && !url.startsWith('/watch/') && !url.replace('ws:', '').startsWith(opener));
      assert.deepEqual(others, []);
    });
  }

  test('an unknown channel, a refused link and a lost server are told apart', async () => {
    mock.failState(404);
    const page = await open('/watch/live/kelas');
    await until(page, 'state', 'missing');
    mock.failState(403);
    await page.evaluate(() => window.dispatchEvent(new Event('online')));
    await until(page, 'state', 'forbidden');
    mock.set(LIVE);
    await page.evaluate(() => window.dispatchEvent(new Event('online')));
    await moreFrames(page);
    mock.failState(0);
    await page.evaluate(() => window.dispatchEvent(new Event('online')));
    await until(page, 'reachable', 'false');
    assert.equal(await attribute(page, 'state'), 'live');
    await moreFrames(page);
  });
});

describe('ways', () => {
  for (const via of ['flv', 'ws-flv', 'dash', 'ts']) {
    test(`${via} plays`, async () => {
      mock.set(LIVE);
      const page = await open(`/watch/live/kelas?via=${via}`);
      await moreFrames(page, 30);
      assert.equal(await attribute(page, 'engine'), via);
      assert.ok(Number(await attribute(page, 'latency-ms')) < 10_000);
      assert.equal(await attribute(page, 'latency-basis'), via.endsWith('flv') ? 'buffer' : 'clock');
    });
  }

  test('the way can be changed while it plays, and the address follows', async () => {
    mock.set(LIVE);
    const page = await open('/watch/live/kelas');
    await moreFrames(page);
    await page.locator('input[value=flv]').check();
    await until(page, 'engine', 'flv');
    await moreFrames(page);
    assert.match(page.url(), /\?via=flv$/);
  });

  test('changing the way again and again always ends in pictures', async () => {
    mock.set(LIVE);
    const page = await open('/watch/live/kelas');
    await moreFrames(page);
    for (const via of ['dash', 'flv', 'dash', 'ts', 'ws-flv', 'hls']) {
      await page.locator(`input[value=${via}]`).check();
      await until(page, 'engine', via);
      await moreFrames(page, 30);
    }
    for (const via of ['dash', 'flv', 'ts', 'dash', 'hls']) await page.locator(`input[value=${via}]`).check();
    await moreFrames(page, 30);
    assert.equal(await attribute(page, 'engine'), 'hls');
    // None of the eleven changes counts as one. A machine that encodes, serves and decodes may be late for once.
    const stalls = Number(await attribute(page, 'stalls'));
    assert.ok(stalls <= 1, `${stalls} stalls`);
  });

  test('an FLV connection that breaks is opened again', async () => {
    mock.set(LIVE);
    const page = await open('/watch/live/kelas?via=flv');
    await moreFrames(page);
    mock.cut();
    await moreFrames(page, 60);
    assert.equal(await attribute(page, 'state'), 'live');
  });

  for (const query of ['via=hls', 'via=flv', 'via=ws-flv', 'via=dash', 'via=ts', `stream=${STREAM}`]) {
    test(`a signature travels in every address that is asked for: ${query}`, async () => {
      const sign = '1999999999-0123456789abcdef';
      mock.set(LIVE);
      mock.asked.length = 0;
      const page = await open(`/watch/live/kelas?${query}&sign=${sign}`);
      await moreFrames(page, 60);
      const asked = mock.asked.map((url) => url.replace(/^ws:/, '')).filter((url) => /\/live\/kelas[./]/.test(url));
      assert.ok(asked.includes(`/s/${sign}/live/kelas/state`));
      assert.ok(asked.some((url) => !url.endsWith('/state')), 'no media was asked for');
      assert.deepEqual(asked.filter((url) => !url.startsWith(`/s/${sign}/live/kelas`)), []);
    });
  }
});

describe('recordings', () => {
  test('a recording plays from its beginning, seeks, and can be downloaded', async () => {
    mock.set({ recordings: RECORDINGS });
    const page = await open(`/watch/live/kelas?stream=${STREAM}`, { viewport: { width: 1280, height: 800 } });
    await until(page, 'state', 'recording');
    await moreFrames(page);
    const length = await page.evaluate(() => document.querySelector('video').duration);
    assert.ok(Math.abs(length - 10) < 0.5, `lasts ${length} s`);
    await page.locator('.seek').fill('6');
    await page.waitForFunction(() => document.querySelector('video').currentTime >= 6);
    await page.keyboard.press('Tab');
    const download = page.locator('.recording a[download]').first();
    assert.equal(await download.getAttribute('href'), `/live/kelas/${STREAM}/recording.mp4`);
  });

  test('a recording that is not there is told', async () => {
    mock.set({ recordings: [] });
    mock.failMedia(404);
    const page = await open(`/watch/live/kelas?stream=${STREAM}`);
    await page.waitForFunction(() => document.querySelector('.scene-title')?.textContent === 'Rekaman tidak bisa dibuka');
  });
});

describe('reading and operating', () => {
  test('English by address, by browser, and by the switch, which is remembered', async () => {
    mock.set({});
    let page = await open('/watch/live/kelas?lang=en');
    await until(page, 'state', 'waiting');
    assert.equal(await page.locator('.scene-title').textContent(), 'Not on air yet');
    await context.close();
    page = await open('/watch/live/kelas', { locale: 'en-US' });
    await until(page, 'state', 'waiting');
    assert.equal(await page.locator('html').getAttribute('lang'), 'en');
    await page.locator('button[lang=id]').click();
    assert.equal(await page.locator('.scene-title').textContent(), 'Belum tayang');
    await page.reload();
    await until(page, 'state', 'waiting');
    assert.equal(await page.locator('html').getAttribute('lang'), 'id');
  });

  test('keys play, mute, change volume and leave the live edge and return to it', async () => {
    mock.set(LIVE);
    const page = await open('/watch/live/kelas', { viewport: { width: 1280, height: 800 } });
    await moreFrames(page, 100);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    assert.equal(await page.evaluate(() => document.activeElement?.id), 'stage', 'the first link leads to the player');
    await page.keyboard.press('m');
    assert.equal(await page.evaluate(() => document.querySelector('video').muted), false);
    await page.keyboard.press('ArrowDown');
    assert.ok(Math.abs((await page.evaluate(() => document.querySelector('video').volume)) - 0.9) < 0.01);
    await page.keyboard.press(' ');
    assert.equal(await page.evaluate(() => document.querySelector('video').paused), true);
    await page.keyboard.press(' ');
    await page.waitForFunction(() => !document.querySelector('video').paused);
    await page.keyboard.press('ArrowLeft');
    await page.waitForFunction(() => document.querySelector('.edge')?.hasAttribute('data-at-edge') === false);
    await page.keyboard.press('l');
    await page.waitForFunction(() => document.querySelector('.edge')?.hasAttribute('data-at-edge') === true);
    await moreFrames(page);
  });

  test('outside the player arrows and space scroll, and letters do nothing', { timeout: WAIT_MS }, async () => {
    mock.set(LIVE);
    const page = await open('/watch/live/kelas', { viewport: { width: 800, height: 500 }, reducedMotion: 'reduce' });
    await moreFrames(page);
    const loudness = await page.evaluate(() => document.querySelector('video').volume);
    const scrolls = async (key, way) => {
      const from = await page.evaluate(() => {
        globalThis.scrolled = new Promise((resolve) => document.addEventListener('scrollend', () => resolve(scrollY), { once: true }));
        return scrollY;
      });
      await page.keyboard.press(key);
      const to = await page.evaluate(() => globalThis.scrolled);
      assert.ok((to - from) * way > 0, `${key} went from ${from} to ${to}`);
    };
    await scrolls('ArrowDown', 1);
    await scrolls(' ', 1);
    await scrolls('ArrowUp', -1);
    await page.locator('.recording a').first().evaluate((link) => link.focus({ preventScroll: true }));
    await scrolls('ArrowUp', -1);
    for (const key of ['m', 'k', 'f', 'l']) await page.keyboard.press(key);
    const video = await page.evaluate(() => {
      const { muted, paused, volume } = document.querySelector('video');
      return { muted, paused, volume, full: document.fullscreenElement !== null };
    });
    assert.deepEqual(video, { muted: true, paused: false, volume: loudness, full: false });
  });

  test('the focus stays in the player when the button that was pressed goes away', async () => {
    mock.set(LIVE);
    const page = await open('/watch/live/kelas', { viewport: { width: 1280, height: 800 } });
    await moreFrames(page);
    await page.locator('.unmute').focus();
    await page.keyboard.press('Enter');
    await page.locator('.unmute').waitFor({ state: 'hidden' });
    assert.equal(await page.evaluate(() => document.activeElement?.id), 'stage');
    await page.keyboard.press('m');
    assert.equal(await page.evaluate(() => document.querySelector('video').muted), true);
  });

  test('every control can be reached by Tab, has a name, and shows its focus', async () => {
    mock.set(LIVE);
    const page = await open('/watch/live/kelas', { viewport: { width: 1280, height: 800 } });
    await moreFrames(page);
    const seen = [];
    for (let at = 0; at < 24; at += 1) {
      await page.keyboard.press('Tab');
      seen.push(
        await page.evaluate(() => {
          const element = document.activeElement;
          const name = element?.getAttribute('aria-label') ?? element?.textContent ?? '';
          const label = element instanceof HTMLInputElement && name === '' ? (element.labels?.[0]?.textContent ?? '') : name;
          return { tag: element?.tagName, label: label.trim(), outline: element === null ? '' : getComputedStyle(element).outlineStyle };
        }),
      );
    }
    const controls = seen.filter(({ tag }) => tag !== 'BODY');
    for (const { tag, label, outline } of controls) {
      assert.notEqual(label, '', `a ${tag} without a name`);
      assert.equal(outline, 'solid', `${label} does not show its focus`);
    }
    for (const wanted of ['Jeda', 'Nyalakan suara', 'Layar penuh', 'Volume']) {
      assert.ok(controls.some(({ label }) => label === wanted), `${wanted} cannot be reached`);
    }
  });

  test('screen readers are told every change of state and every failure, once', async () => {
    mock.set({});
    const page = await open('/watch/live/kelas');
    await until(page, 'state', 'waiting');
    assert.deepEqual(await said(page), ['Belum tayang', 'Tunggu saja di sini. Gambar muncul sendiri begitu siaran dimulai.']);
    const regions = await page.locator('[role=status]').elementHandles();
    mock.set(LIVE);
    await moreFrames(page);
    assert.deepEqual(await said(page), ['Sedang tayang']);
    mock.failState(0);
    await page.evaluate(() => window.dispatchEvent(new Event('online')));
    await until(page, 'reachable', 'false');
    assert.deepEqual(await said(page), ['Sedang tayang', 'Server tidak terjangkau. Menyambung lagi…']);
    mock.set({ ...LIVE, state: 'stalled' });
    await page.evaluate(() => window.dispatchEvent(new Event('online')));
    await until(page, 'state', 'stalled');
    assert.equal((await said(page)).filter((words) => words === 'Sebentar lagi kembali').length, 1);
    // Only a region that was there before its words came is read out.
    for (const region of regions) assert.ok(await region.evaluate((element) => element.isConnected && element.closest('[hidden]') === null));
  });

  test('screen readers are told of a recording that cannot be opened', async () => {
    mock.set({ recordings: [] });
    mock.failMedia(404);
    const page = await open(`/watch/live/kelas?stream=${STREAM}`);
    await page.locator('.scene').waitFor();
    assert.deepEqual(await said(page), ['Rekaman tidak bisa dibuka', 'Rekaman ini tidak ada, atau tautannya tidak memberi izin.']);
  });

  test('nothing is wider than a phone of 360 px', async () => {
    mock.set(LIVE);
    for (const lang of ['id', 'en']) {
      const page = await open(`/watch/live/kelas?lang=${lang}`);
      await moreFrames(page);
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.equal(width, 360);
      await context.close();
    }
  });

  test('nothing global is exposed', async () => {
    mock.set({});
    const page = await open('/watch/live/kelas');
    await until(page, 'state', 'waiting');
    assert.deepEqual(await page.evaluate(() => Object.keys(window).filter((name) => /tayang|player|hls|mpegts|shaka/i.test(name))), []);
  });
});

describe('access audit', () => {
  const CASES = [
    ['waiting', {}, ''],
    ['live', LIVE, ''],
    ['stalled', { ...LIVE, state: 'stalled' }, ''],
    ['ended', { state: 'ended', stream: STREAM, tracks: TRACKS, recordings: RECORDINGS }, ''],
    ['recording', { recordings: RECORDINGS }, `?stream=${STREAM}`],
  ];
  for (const [state, channel, query] of CASES) {
    for (const colorScheme of ['light', 'dark']) {
      test(`axe finds nothing: ${state}, ${colorScheme}`, async () => {
        mock.set(channel);
        const page = await open(`/watch/live/kelas${query}`, { colorScheme, bypassCSP: true, reducedMotion: 'reduce' });
        await until(page, 'state', state);
        if (state === 'live' || state === 'recording') await moreFrames(page);
        await auditPage(page);
      });
    }
  }
});
