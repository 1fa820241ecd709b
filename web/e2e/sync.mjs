/**
 * Sound against pictures, as Chromium gives them out: the test signal is white for one picture each second, and beeps from
 * that moment on.
 */

/** A beep belongs to the flash that is nearest, if it is this near. */
const PAIR_MAX_MS = 400;

/** Begins to look at the pictures and to listen to the sound of the page's player. */
export function beginSync(page) {
  return page.evaluate(() => {
    const LOUD = 0.05;
    const QUIET_MS = 300;
    const WHITE = 215;
    const video = document.querySelector('video');
    video.muted = false;
    const context = new AudioContext();
    // 256 samples are 5 ms: no longer than between two looks.
    const analyser = new AnalyserNode(context, { fftSize: 256 });
    context.createMediaElementSource(video).connect(analyser).connect(context.destination);
    const seen = { flashes: [], beeps: [] };
    globalThis.tayangSync = seen;
    const canvas = new OffscreenCanvas(32, 18).getContext('2d', { willReadFrequently: true });
    let white = false;
    const look = (_, { expectedDisplayTime }) => {
      canvas.drawImage(video, 0, 0, 32, 18);
      // Its lowest ninth holds the picture's number.
      const { data } = canvas.getImageData(0, 0, 32, 14);
      let sum = 0;
      for (let at = 1; at < data.length; at += 4) sum += data[at];
      const now = sum / (data.length / 4) > WHITE;
      if (now && !white) seen.flashes.push(expectedDisplayTime);
      white = now;
      video.requestVideoFrameCallback(look);
    };
    video.requestVideoFrameCallback(look);
    const samples = new Float32Array(analyser.fftSize);
    let loudAt = performance.now();
    setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      if (!samples.some((sample) => Math.abs(sample) > LOUD)) return;
      const now = performance.now();
      if (now - loudAt > QUIET_MS) seen.beeps.push(now);
      loudAt = now;
    }, 4);
  });
}

/** Milliseconds by which each beep came behind its flash; negative: before it. */
export async function readSync(page) {
  return pair(await page.evaluate(() => globalThis.tayangSync));
}

export function pair({ flashes, beeps }) {
  return beeps.flatMap((beep) => {
    const nearest = flashes.map((flash) => beep - flash).toSorted((a, b) => Math.abs(a) - Math.abs(b))[0];
    return nearest === undefined || Math.abs(nearest) > PAIR_MAX_MS ? [] : [Math.round(nearest)];
  });
}
