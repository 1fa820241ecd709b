/**
 * Whether what was seen of a player is play. Pure: takes looks at a page, in their order, each with its time in
 * milliseconds, the element's place in seconds, and the page's counts.
 */

/** At least this share of the watched time was played. The rest is the start, which a slow machine makes long. */
const SHARE_MIN = 0.8;
/** Pictures stood still so many times. One is a machine that was busy elsewhere; two are a player that starves. */
const STALLS_MAX = 1;
/** Share of pictures that were decoded too late to be shown; the decoder is the machine's own. */
const DROPPED_SHARE_MAX = 0.2;
/** Pictures stood still for so long. What players keep in hand beside a live edge outlasts a shorter hiccup of the machine. */
const STAND_MAX_MS = 2_000;
/** A smaller step is rounding. */
const MOVED_SECONDS = 0.01;

/** How far play came. Every advance counts, so that a fresh attachment (whose clock begins anew) does not look like a step back. */
export function advanceOf(samples) {
  let advance = 0;
  for (let at = 1; at < samples.length; at += 1) {
    const step = samples[at].currentTime - samples[at - 1].currentTime;
    if (step > 0 && step < 5) advance += step;
  }
  return advance;
}

/** The longest time between two looks that saw the same place. */
export function longestStandMs(samples) {
  let longest = 0;
  let [moved] = samples;
  for (const sample of samples) {
    if (Math.abs(sample.currentTime - moved.currentTime) > MOVED_SECONDS) moved = sample;
    longest = Math.max(longest, sample.at - moved.at);
  }
  return longest;
}

/** What was wrong with one stretch of watching. */
export function faultsOf(samples) {
  const first = samples[0];
  const last = samples.at(-1);
  const seconds = (last.at - first.at) / 1000;
  const [frames, dropped, stalls] = ['frames', 'dropped', 'stalls'].map((name) => last[name] - first[name]);
  const advance = advanceOf(samples);
  const standMs = longestStandMs(samples);
  return [
    frames > 0 ? null : 'no pictures',
    advance >= seconds * SHARE_MIN ? null : `play came ${advance.toFixed(1)} s further in ${seconds.toFixed(1)} s`,
    stalls <= STALLS_MAX ? null : `pictures stood still ${stalls} times`,
    standMs <= STAND_MAX_MS ? null : `pictures stood still for ${(standMs / 1000).toFixed(1)} s`,
    dropped <= frames * DROPPED_SHARE_MAX ? null : `${dropped} of ${frames} pictures were not shown`,
  ].filter((fault) => fault !== null);
}
