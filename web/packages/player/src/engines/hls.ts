/**
 * HLS through hls.js: low latency (parts, blocking reload), MPEG-TS for `ts`, and recordings.
 *
 * Deviations from hls.js's habits, and why:
 * - Loads are retried for ever, 4xx included, with capped waits: a publisher may be away for half an hour, and a server
 *   that restarts answers 404 or 503 meanwhile. Whether the channel is over is said by its state, not by a status code.
 * - `maxLiveSyncPlaybackRate` stays 1: its catch-up acts only on more than a second of buffer. `LiveEdge` does it.
 * - A stall does not add to the target for ever: `LiveEdge` adds to it, and takes it back.
 */

import Hls, {
  type ErrorData,
  type HlsConfig,
  type LoaderCallbacks,
  type LoaderConfiguration,
  type LoadPolicy,
  type PlaylistLoaderConstructor,
  type RetryConfig,
} from 'hls.js';
import workerPath from 'hls.js/dist/hls.worker.js?url';
import { bufferedEnd, rangesOf, type Engine, type EngineReading, type EngineRequest, type Level } from '../engine.ts';
import { RateMeter } from '../meter.ts';
import { PlaylistGuard } from '../playlist-guard.ts';
import type { EngineFailure } from '../session.ts';

/** Without a hold-back in the playlist (MPEG-TS, version 3): this many seconds behind its end. */
const HOLD_BACK_FALLBACK_SECONDS = 4;
/** And with segments known: this many of the usual length, the one being fetched among them. */
const SEGMENTS_BEHIND = 2.2;
/** Below this a blocking reload cannot be told from none. */
const TARGET_MIN_SECONDS = 0.4;
/** Media errors that hls.js may cure in place, before a fresh attachment is asked for. */
const MEDIA_RECOVERIES_MAX = 2;

function retryForEver(shouldRetry: (status: number) => boolean): RetryConfig {
  return {
    maxNumRetry: Number.MAX_SAFE_INTEGER,
    retryDelayMs: 400,
    maxRetryDelayMs: 4_000,
    backoff: 'exponential',
    shouldRetry: (_config, _count, _isTimeout, response) => shouldRetry(response?.code ?? 0),
  };
}

function patient(live: boolean, maxTimeToFirstByteMs: number, maxLoadTimeMs: number): LoadPolicy {
  // What was recorded is there or is not: only what is live is waited for through a 404.
  const retry = retryForEver((status) => live || status < 400 || status >= 500);
  return { default: { maxTimeToFirstByteMs, maxLoadTimeMs, timeoutRetry: retry, errorRetry: retry } };
}

/** hls.js's own loader, with every playlist passed through the guard. */
function guardedLoader(guard: PlaylistGuard): PlaylistLoaderConstructor {
  const Loader = Hls.DefaultConfig.loader;
  return class extends Loader {
    public constructor(config: HlsConfig) {
      super(config);
      const load = this.load.bind(this);
      this.load = (context, settings: LoaderConfiguration, callbacks: LoaderCallbacks<typeof context>) => {
        load(context, settings, {
          ...callbacks,
          onSuccess: (response, stats, loaded, details) => {
            if (typeof response.data === 'string') response.data = guard.apply(response.data);
            callbacks.onSuccess(response, stats, loaded, details);
          },
        });
      };
    }
  } as PlaylistLoaderConstructor;
}

function configuration(live: boolean, lowLatency: boolean, guard: PlaylistGuard): Partial<HlsConfig> {
  return {
    lowLatencyMode: lowLatency,
    workerPath,
    pLoader: guardedLoader(guard),
    // Without parts: so many TARGETDURATIONs (which the longest segment sets, not the usual one) behind the end. With
    // parts it must not be set at all, or it would win over PART-HOLD-BACK.
    ...(lowLatency ? {} : { liveSyncDurationCount: 1.5 }),
    maxLiveSyncPlaybackRate: 1,
    liveSyncOnStallIncrease: 0,
    // A recording that is still being made is a live playlist to hls.js; it starts at its beginning all the same.
    startPosition: live ? -1 : 0,
    // Behind the playhead nothing is kept longer than a viewer may want to look back; phones have little memory.
    backBufferLength: 60,
    maxBufferLength: live ? 10 : 30,
    maxMaxBufferLength: live ? 20 : 60,
    manifestLoadPolicy: patient(live, 10_000, 20_000),
    // A blocking reload waits for up to three target durations, and for longer when a GOP is long.
    playlistLoadPolicy: patient(live, 20_000, 30_000),
    fragLoadPolicy: patient(live, 20_000, 60_000),
    detectStallWithCurrentTimeMs: 700,
    nudgeMaxRetry: 10,
    enableDateRangeMetadataCues: false,
    enableID3MetadataCues: false,
    enableEmsgMetadataCues: false,
    enableInterstitialPlayback: false,
  };
}

class HlsEngine implements Engine {
  public readonly label = `hls.js ${Hls.version}`;
  private readonly hls: Hls;
  private readonly meter = new RateMeter();
  private readonly guard = new PlaylistGuard();
  private playingMsn = 0;
  private mediaRecoveries = 0;
  private level: number | null;
  private over = false;

  public constructor(
    private readonly request: EngineRequest,
    private readonly lowLatency: boolean,
  ) {
    // What is chosen before the first picture is what that is of.
    this.hls = new Hls({ ...configuration(request.live, lowLatency, this.guard), ...(request.level === null ? {} : { startLevel: request.level }) });
    this.hls.on(Hls.Events.ERROR, (_, error) => this.onError(error));
    this.level = request.level;
    this.hls.on(Hls.Events.MANIFEST_PARSED, () => {
      if (this.level !== null) this.chooseLevel(this.level);
    });
    this.hls.on(Hls.Events.BUFFER_APPENDING, (_, appending) => {
      this.meter.add(performance.now(), appending.data.byteLength);
    });
    this.hls.on(Hls.Events.FRAG_CHANGED, (_, { frag }) => {
      if (typeof frag.sn === 'number') this.playingMsn = frag.sn;
    });
    this.hls.on(Hls.Events.FRAG_BUFFERED, () => {
      this.mediaRecoveries = 0;
    });
    this.hls.attachMedia(request.video);
    this.hls.loadSource(request.url);
  }

  public read(): EngineReading {
    const details = this.hls.latestLevelDetails;
    const live = details?.live === true;
    return {
      captureTime: this.captureTime(),
      behindSeconds: live && this.hls.latency > 0 ? this.hls.latency : null,
      targetSeconds: Math.max(TARGET_MIN_SECONDS, this.holdBack()),
      bitsPerSecond: this.request.live ? this.meter.bitsPerSecond(performance.now()) : this.declaredBitRate(),
    };
  }

  public levels(): readonly Level[] {
    return this.hls.levels.length < 2 ? [] : this.hls.levels.map(({ height, bitrate }) => ({ height, bitsPerSecond: bitrate }));
  }

  public chooseLevel(at: number | null): void {
    this.level = at;
    const { length } = this.hls.levels;
    // What is buffered of another is played out, not thrown away: data is dear to whoever chooses.
    if (length > 0) this.hls.loadLevel = at === null ? -1 : Math.min(at, length - 1);
  }

  private captureTime(): number | null {
    const date = this.hls.playingDate;
    return date === null ? null : date.getTime() + this.guard.shiftMs(this.playingMsn);
  }

  /** A recording comes in bursts as fast as the network goes: what its playlist declares is the better answer. */
  private declaredBitRate(): number | null {
    const declared = this.hls.levels[this.hls.currentLevel]?.bitrate ?? 0;
    return declared > 0 ? declared : null;
  }

  private holdBack(): number {
    const details = this.hls.latestLevelDetails;
    if (details === null) return HOLD_BACK_FALLBACK_SECONDS;
    if (this.lowLatency && details.partHoldBack > 0) return details.partHoldBack;
    if (details.holdBack > 0) return details.holdBack;
    return details.averagetargetduration ? details.averagetargetduration * SEGMENTS_BEHIND : HOLD_BACK_FALLBACK_SECONDS;
  }

  public seekToEdge(behindSeconds: number): void {
    const { video } = this.request;
    const details = this.hls.latestLevelDetails;
    const edge = details?.live === true ? details.edge : bufferedEnd(rangesOf(video.buffered));
    if (edge !== null && edge !== undefined) video.currentTime = Math.max(0, edge - behindSeconds);
  }

  public destroy(): void {
    this.over = true;
    this.hls.destroy();
  }

  private onError(error: ErrorData): void {
    if (this.over) return;
    const detail = `${error.type}/${error.details}${error.response === undefined ? '' : ` ${error.response.code}`}`;
    if (!error.fatal) {
      this.request.listener.troubled(detail);
      return;
    }
    const { ErrorTypes, ErrorDetails } = Hls;
    const codec = error.details === ErrorDetails.BUFFER_ADD_CODEC_ERROR || error.details === ErrorDetails.MANIFEST_INCOMPATIBLE_CODECS_ERROR;
    if (error.type === ErrorTypes.MEDIA_ERROR && !codec && this.mediaRecoveries < MEDIA_RECOVERIES_MAX) {
      this.mediaRecoveries += 1;
      this.hls.recoverMediaError();
      this.request.listener.troubled(detail);
      return;
    }
    this.over = true;
    this.request.listener.failed(codec ? 'codec' : this.cause(error), detail);
  }

  private cause(error: ErrorData): EngineFailure {
    if (error.type !== Hls.ErrorTypes.NETWORK_ERROR) return 'media';
    const status = error.response?.code ?? 0;
    return !this.request.live && status >= 400 && status < 500 ? 'missing' : 'network';
  }
}

/** HLS with parts. */
export function attachHls(request: EngineRequest): Engine {
  return new HlsEngine(request, true);
}

/** HLS of whole segments in MPEG-TS. */
export function attachTsHls(request: EngineRequest): Engine {
  return new HlsEngine(request, false);
}

/** Whether this browser lets hls.js play. */
export function isSupported(): boolean {
  return Hls.isSupported();
}
