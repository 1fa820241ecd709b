/** HLS by the browser itself, where it has no Media Source: older iPhones. */

import { bufferedEnd, rangesOf, type Engine, type EngineReading, type EngineRequest } from '../engine.ts';

/** Safari steers its own live edge; this is only what the page aims for when asked to go there. */
const TARGET_SECONDS = 2;

/** Safari's way to tell the wall clock of media time zero; absent elsewhere. */
interface WithStartDate {
  getStartDate?: () => Date;
}

class NativeEngine implements Engine {
  public readonly label = 'native HLS';
  private over = false;
  private readonly onError: () => void;

  public constructor(private readonly request: EngineRequest) {
    const { video, listener } = request;
    this.onError = () => {
      if (this.over) return;
      this.over = true;
      const unsupported = video.error?.code === MediaError.MEDIA_ERR_DECODE;
      listener.failed(unsupported ? 'media' : 'network', `media element error ${video.error?.code ?? 0}`);
    };
    video.addEventListener('error', this.onError);
    video.src = request.url;
    video.load();
  }

  public read(): EngineReading {
    const { video } = this.request;
    const start = (video as WithStartDate).getStartDate?.().getTime() ?? Number.NaN;
    const end = bufferedEnd(rangesOf(video.seekable));
    return {
      captureTime: Number.isFinite(start) ? start + video.currentTime * 1000 : null,
      // Safari resists being steered by rates: it is left alone.
      behindSeconds: null,
      targetSeconds: end === null ? 0 : TARGET_SECONDS,
      bitsPerSecond: null,
    };
  }

  public seekToEdge(behindSeconds: number): void {
    const end = bufferedEnd(rangesOf(this.request.video.seekable));
    if (end !== null) this.request.video.currentTime = Math.max(0, end - behindSeconds);
  }

  public destroy(): void {
    this.over = true;
    const { video } = this.request;
    video.removeEventListener('error', this.onError);
    video.removeAttribute('src');
    video.load();
  }
}

export function attachNative(request: EngineRequest): Engine {
  return new NativeEngine(request);
}
