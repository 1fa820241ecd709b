/**
 * FLV over HTTP or WebSocket through mpegts.js.
 *
 * The connection is one long answer: when it ends or breaks, this engine has failed and is attached afresh. FLV carries
 * no wall clock, so its latency is known only as far as the buffer here reaches, and is told as such.
 */

import mpegts from 'mpegts.js';
import { bufferedAfter, bufferedEnd, rangesOf, type Engine, type EngineReading, type EngineRequest } from '../engine.ts';

/** What the buffer never falls below: a frame comes every 20 to 40 ms, and this covers the jitter of a phone network. */
const TARGET_SECONDS = 0.3;
const BACK_BUFFER_SECONDS = 60;
/** How quickly the shown bit rate follows. */
const SMOOTHING = 0.2;

class FlvEngine implements Engine {
  public readonly label = `mpegts.js ${mpegts.version}`;
  private readonly player: mpegts.Player;
  private over = false;
  private bits: number | null = null;

  public constructor(private readonly request: EngineRequest) {
    const { video, url, live } = request;
    this.player = mpegts.createPlayer(
      { type: 'flv', isLive: live, url: new URL(url, location.href).href },
      {
        // Frames go to the decoder as they come; the catch-up is LiveEdge's.
        enableStashBuffer: false,
        liveBufferLatencyChasing: false,
        liveSync: false,
        lazyLoad: false,
        deferLoadAfterSourceOpen: false,
        autoCleanupSourceBuffer: true,
        autoCleanupMaxBackwardDuration: BACK_BUFFER_SECONDS,
        autoCleanupMinBackwardDuration: BACK_BUFFER_SECONDS / 2,
        referrerPolicy: 'no-referrer',
      },
    );
    this.player.on(mpegts.Events.ERROR, (type: string, detail: string) => this.onError(type, detail));
    this.player.on(mpegts.Events.LOADING_COMPLETE, () => this.fail('network', 'connection ended'));
    this.player.on(mpegts.Events.STATISTICS_INFO, (statistics: { speed?: number }) => this.onSpeed(statistics.speed));
    this.player.attachMediaElement(video);
    this.player.load();
  }

  public read(): EngineReading {
    const { video } = this.request;
    const ranges = rangesOf(video.buffered);
    const end = bufferedEnd(ranges);
    return {
      captureTime: null,
      behindSeconds: end === null ? null : Math.max(0, end - video.currentTime),
      targetSeconds: TARGET_SECONDS,
      bitsPerSecond: this.bits,
    };
  }

  public seekToEdge(behindSeconds: number): void {
    const { video } = this.request;
    const ranges = rangesOf(video.buffered);
    const end = bufferedEnd(ranges);
    if (end === null) return;
    const target = end - behindSeconds;
    if (target > video.currentTime || bufferedAfter(ranges, target) > 0) video.currentTime = Math.max(0, target);
  }

  public destroy(): void {
    this.over = true;
    this.player.destroy();
  }

  private onSpeed(kilobytesPerSecond: number | undefined): void {
    if (kilobytesPerSecond === undefined || !Number.isFinite(kilobytesPerSecond)) return;
    const bits = kilobytesPerSecond * 8_192;
    this.bits = this.bits === null ? bits : this.bits + (bits - this.bits) * SMOOTHING;
  }

  private onError(type: string, detail: string): void {
    const media = type === mpegts.ErrorTypes.MEDIA_ERROR;
    const codec = media && detail === mpegts.ErrorDetails.MEDIA_CODEC_UNSUPPORTED;
    this.fail(codec ? 'codec' : media ? 'media' : 'network', `${type}/${detail}`);
  }

  private fail(failure: 'codec' | 'media' | 'network', detail: string): void {
    if (this.over) return;
    this.over = true;
    this.request.listener.failed(failure, detail);
  }
}

export function attachFlv(request: EngineRequest): Engine {
  mpegts.LoggingControl.enableAll = false;
  return new FlvEngine(request);
}

/** Whether this browser plays FLV that grows. */
export function isSupported(): boolean {
  return mpegts.isSupported();
}
