/** People in a story: each has a browser of their own, with what it loaded, and leaves pictures of what they saw. */

import { join } from 'node:path';

/** Patience for anything that a loaded machine with two cores has to do. */
const WAIT_MS = 40_000;
const TOLD_EVERY_MS = 50;
/** Pictures that show that play goes on: a second of them. */
const FRAMES = 30;

/** Resolves with the first answer that is not `null`. */
export async function until(what, look, withinMs = WAIT_MS) {
  for (const end = Date.now() + withinMs; ; ) {
    const found = await look();
    if (found !== null) return found;
    if (Date.now() > end) throw new Error(`${what}: not within ${withinMs} ms`);
    await new Promise((resolve) => {
      setTimeout(resolve, TOLD_EVERY_MS);
    });
  }
}

/** How far play has come; runs in the page. */
function played() {
  const video = document.querySelector('video');
  return { frames: video?.getVideoPlaybackQuality().totalVideoFrames ?? 0, time: video?.currentTime ?? 0 };
}

export class Person {
  /** Addresses of media that answered. */
  media = new Set();
  problems = [];

  static async enter(story, name) {
    const { size } = story;
    const phone = size.name === 'phone';
    const context = await story.browser.newContext({
      viewport: { width: size.width, height: size.height }, locale: 'id-ID', timezoneId: 'Asia/Jakarta', hasTouch: phone, isMobile: phone, serviceWorkers: 'block',
    });
    const page = await context.newPage();
    page.setDefaultTimeout(WAIT_MS);
    return new Person(story, name, page);
  }

  constructor(story, name, page) {
    this.story = story;
    this.name = name;
    this.page = page;
    page.on('pageerror', (error) => this.problems.push(`${name}: ${error.message}`));
    page.on('console', (message) => {
      if (/Content Security Policy/i.test(message.text())) this.problems.push(`${name}: ${message.text()}`);
    });
    page.on('response', (response) => {
      const url = new URL(response.url());
      if (response.status() >= 500) this.problems.push(`${name}: ${response.status()} ${url.pathname}`);
      if (/^\/(lesson|recordings?)\//.test(url.pathname) && response.ok()) this.media.add(url.pathname + url.search);
    });
  }

  async go(path) {
    await this.page.goto(new URL(path, this.story.base).href);
    await this.page.locator('h1').first().waitFor();
  }

  async signIn(link) {
    await this.page.goto(link);
    await this.page.getByRole('button', { name: 'Masuk sekarang' }).click();
    await this.page.waitForURL((url) => !url.pathname.endsWith('/link'));
    await this.page.locator('h1').first().waitFor();
  }

  button(name) {
    return this.page.getByRole('button', { name }).first();
  }

  tab(name) {
    return this.page.getByRole('tab', { name });
  }

  /** What this person sees, kept for people to judge. */
  async shows(step) {
    this.story.steps += 1;
    const number = String(this.story.steps).padStart(2, '0');
    await this.page.screenshot({ path: join(this.story.shots, `${number}-${step}-${this.story.size.name}.png`) });
  }

  /** Resolves once pictures have followed one another for a while, and time with them. */
  async advances() {
    await this.page.locator('video').waitFor();
    const before = await this.page.evaluate(played);
    await this.page.waitForFunction(
      ({ frames, time }) => {
        const video = document.querySelector('video');
        return video !== null && video.getVideoPlaybackQuality().totalVideoFrames >= frames && video.currentTime > time;
      },
      { frames: before.frames + FRAMES, time: before.time + 0.5 },
    );
  }

  /** The page's address; without what may be a secret in it. */
  whereabouts() {
    return this.page.url().replace(/[?#].*/, '');
  }

  /** The beginning of what stands on the page. */
  async reads() {
    const text = await this.page.locator('body').innerText({ timeout: 1_000 });
    return JSON.stringify(text.slice(0, 500));
  }

  playhead() {
    return this.page.evaluate(() => document.querySelector('video')?.currentTime ?? 0);
  }

  /** Answers of this person's browser to addresses, with whatever it keeps of cookies. */
  statuses(paths) {
    return this.page.evaluate(
      (all) => Promise.all(all.map((path) => fetch(path, { cache: 'no-store', credentials: 'include', signal: AbortSignal.timeout(20_000) }).then(async (answer) => [path, answer.status, (await answer.arrayBuffer()).byteLength]))),
      paths,
    );
  }

  /** There is a page, and no player on it. */
  async seesNoPlayer(words) {
    await this.page.getByText(words).first().waitFor();
    if ((await this.page.locator('video').count()) !== 0) throw new Error(`${this.name} has a player`);
  }

  close() {
    return this.page.context().close();
  }
}
