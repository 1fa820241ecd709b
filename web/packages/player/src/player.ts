/**
 * One viewing: carries out what the {@link ./session.ts session} decides, on one media element.
 *
 * Owns timers, the engine and the element's playback; owns no interface. Whoever shows it subscribes to snapshots and
 * sends requests; requests never change a snapshot, the element's events do. Everything outside is handed in, so that
 * tests run it without a browser.
 */

import type { MediaPlace, Via } from './address.ts';
import { parseChannel, parseJson } from './channel.ts';
import { parseTime, ServerClock } from './clock.ts';
import {
  bufferedAfter,
  bufferedEnd,
  nextRangeStart,
  rangesOf,
  type Engine,
  type EngineReading,
} from './engine.ts';
import { EDGE, LiveEdge, RATE_MAX, type EdgeTuning } from './live-edge.ts';
import { ProgressWatch } from './progress.ts';
import { begin, beginEffects, step, type Effect, type EngineFailure, type SessionEvent, type Source } from './session.ts';
import type { Latency, PlayerPorts, Snapshot } from './snapshot.ts';

const TICK_MS = 200;
/** Clock samples at the start, and later. */
const CLOCK_FIRST = 4;
const CLOCK_FIRST_GAP_MS = 400;
const CLOCK_GAP_MS = 60_000;
/** At the end of a stream, this long without movement means that all has been shown. */
const PLAYED_OUT_MS = 1_500;
/** While play is wanted and the element is paused, it is asked again this often. */
const PLAY_RETRY_MS = 400;
/** An engine that does not let go of the element within this time will not. */
const RELEASE_MS = 2_000;
/** An element event that tells the interface something at once, without waiting for the next tick. */
const TELLING = ['play', 'pause', 'volumechange', 'seeking', 'seeked', 'loadedmetadata', 'resize', 'durationchange'];

export class Player {
  private session;
  private readonly clock: ServerClock;
  private readonly progress = new ProgressWatch();
  private edge: LiveEdge;
  private engine: Engine | null = null;
  private reading: EngineReading | null = null;
  /** Counts attachments, so that what was asked for by an old one is ignored. */
  private attachment = 0;
  /** Comes true when the engine before has let go of the element. */
  private released: Promise<void> = Promise.resolve();
  private cancelPoll: (() => void) | null = null;
  private cancelReattach: (() => void) | null = null;
  private readonly listeners = new Set<(snapshot: Snapshot) => void>();
  private wantsPlay = true;
  private blocked = false;
  private following = true;
  private buffering = false;
  private lastTrouble: string | null = null;
  private framesBefore = 0;
  private droppedBefore = 0;
  private movedAt = 0;
  private triedAt = 0;
  private rate = 1;
  /** What is attached is a recording. */
  private recorded = false;
  /** Where to go on in a recording: what is attached afresh begins at its beginning. */
  private resumeSeconds: number | null = null;
  private level: number | null;
  private stopped = false;

  public constructor(
    private readonly place: MediaPlace,
    private readonly ports: PlayerPorts,
  ) {
    this.session = begin(place.via, place.stream, place.ladder);
    this.clock = new ServerClock(ports.now);
    this.level = ports.savesData?.() === true ? 0 : null;
    this.edge = new LiveEdge(this.tuning(1));
    const { video } = ports;
    video.addEventListener('ended', () => this.send({ type: 'played-out' }));
    video.addEventListener('waiting', () => this.onWaiting());
    video.addEventListener('pause', () => this.onPause());
    video.addEventListener('play', () => {
      this.wantsPlay = true;
    });
    for (const name of TELLING) video.addEventListener(name, () => this.tell());
  }

  /** Begins; to be called once. */
  public start(): void {
    this.run(beginEffects(this.session));
    this.sampleClock(CLOCK_FIRST);
    const tick = (): void => {
      if (this.stopped) return;
      this.tick();
      this.ports.after(TICK_MS, tick);
    };
    this.ports.after(TICK_MS, tick);
  }

  /** Lets go of the element and of the network, for good. */
  public stop(): void {
    this.stopped = true;
    this.listeners.clear();
    this.cancelPoll?.();
    this.detach();
  }

  /** Calls back with every new snapshot, and with the present one at once. */
  public subscribe(listener: (snapshot: Snapshot) => void): () => void {
    this.listeners.add(listener);
    listener(this.snapshot());
    return () => this.listeners.delete(listener);
  }

  // --- requests -----------------------------------------------------------------------------------------------------

  public play(): void {
    this.wantsPlay = true;
    const { video } = this.ports;
    if (this.session.attached?.kind === 'recording' && video.ended) video.currentTime = 0;
    void this.tryPlay();
    this.tell();
  }

  public pause(): void {
    this.wantsPlay = false;
    this.ports.video.pause();
    this.tell();
  }

  public togglePlay(): void {
    if (this.wantsPlay && !this.blocked) this.pause();
    else this.play();
  }

  public setMuted(muted: boolean): void {
    const { video } = this.ports;
    video.muted = muted;
    if (!muted && video.volume === 0) video.volume = 0.5;
  }

  public setVolume(volume: number): void {
    const { video } = this.ports;
    video.volume = Math.min(1, Math.max(0, volume));
    video.muted = video.volume === 0;
  }

  /** Back to the live edge, playing. */
  public goLive(): void {
    this.following = true;
    this.engine?.seekToEdge(this.edge.targetSeconds);
    this.play();
  }

  public seek(seconds: number): void {
    const { video } = this.ports;
    if (this.session.attached === null) return;
    this.resumeSeconds = null;
    const end = Number.isFinite(video.duration) ? video.duration : (bufferedEnd(rangesOf(video.seekable)) ?? 0);
    video.currentTime = Math.min(Math.max(0, seconds), end);
    this.tell();
  }

  /** Goes to this place of a recording as soon as there is one to go to. */
  public resumeAt(seconds: number): void {
    this.resumeSeconds = seconds;
    this.goOn();
    this.tell();
  }

  private goOn(): void {
    const seconds = this.resumeSeconds;
    const { video } = this.ports;
    const known = Number.isFinite(video.duration) ? video.duration > 0 : bufferedEnd(rangesOf(video.seekable)) !== null;
    if (seconds !== null && this.recorded && this.engine !== null && known) this.seek(seconds);
  }

  /** A step back or forward; live, a step back leaves the edge. */
  public seekBy(seconds: number): void {
    if (this.session.attached?.kind === 'live') {
      const ahead = bufferedAfter(rangesOf(this.ports.video.buffered), this.ports.video.currentTime);
      this.following = seconds > 0 && ahead <= seconds + this.edge.targetSeconds;
      if (this.following) {
        this.goLive();
        return;
      }
    }
    this.seek(this.ports.video.currentTime + seconds);
  }

  /** Pace of a recording: 1 is its own. */
  public setRate(rate: number): void {
    this.rate = Math.min(4, Math.max(0.25, rate));
    if (this.session.attached?.kind === 'recording') this.ports.video.playbackRate = this.rate;
    this.tell();
  }

  /** A quality by its place in `levels`; `null` lets the network decide. */
  public chooseLevel(at: number | null): void {
    this.level = at;
    this.engine?.chooseLevel?.(at);
    this.tell();
  }

  public chooseVia(via: Via): void {
    this.following = true;
    this.send({ type: 'choose-via', via });
  }

  /** The network is back, or the page is looked at again: do not wait for a timer. */
  public wake(): void {
    this.send({ type: 'trouble' });
    if (this.session.failures > 0) this.send({ type: 'reattach-due' });
    if (this.wantsPlay && this.engine !== null && this.ports.video.paused) void this.tryPlay();
  }

  // --- session ------------------------------------------------------------------------------------------------------

  private send(event: SessionEvent): void {
    if (this.stopped) return;
    const { session, effects } = step(this.session, event, this.ports.chance());
    this.session = session;
    this.run(effects);
    this.tell();
  }

  private run(effects: readonly Effect[]): void {
    for (const effect of effects) {
      switch (effect.type) {
        case 'attach':
          void this.attach(effect.source);
          break;
        case 'detach':
          this.detach();
          break;
        case 'poll':
          this.cancelPoll?.();
          this.cancelPoll = this.ports.after(effect.inMs, () => void this.poll());
          break;
        case 'reattach':
          this.cancelReattach?.();
          this.cancelReattach = this.ports.after(effect.inMs, () => this.send({ type: 'reattach-due' }));
          break;
      }
    }
  }

  private async poll(): Promise<void> {
    const sentAt = this.ports.now();
    const answer = await this.ports.askState();
    const channel = answer.status === 200 ? parseChannel(parseJson(answer.text)) : null;
    if (channel !== null) {
      if (channel.serverTime !== null) this.clock.observe(sentAt, this.ports.now(), channel.serverTime);
      this.send({ type: 'answered', channel });
    } else if (answer.status === 404) {
      // The server does not tell strangers which channels there are; who holds a signed link was told of one.
      this.send({ type: 'unanswered', why: this.place.signed ? 'forbidden' : 'missing' });
    } else if (answer.status === 401 || answer.status === 403) {
      this.send({ type: 'unanswered', why: 'forbidden' });
    } else {
      this.send({ type: 'unanswered', why: 'network' });
    }
  }

  private sampleClock(left: number): void {
    const sentAt = this.ports.now();
    void this.ports.askTime().then((answer) => {
      if (this.stopped) return;
      const time = answer.status === 200 ? parseTime(answer.text) : null;
      if (time !== null) this.clock.observe(sentAt, this.ports.now(), time.serverMs, time.resolutionMs);
      this.ports.after(left > 1 ? CLOCK_FIRST_GAP_MS : CLOCK_GAP_MS, () => this.sampleClock(left - 1));
    });
  }

  // --- attachment ---------------------------------------------------------------------------------------------------

  private async attach(source: Source): Promise<void> {
    this.detach();
    const attachment = this.attachment;
    const live = source.kind === 'live';
    const via = source.kind === 'live' ? source.via : 'hls';
    const url = source.kind === 'live' ? this.place.live(via, this.ports.origin) : this.place.recording(source.stream);
    const isCurrent = (): boolean => attachment === this.attachment;
    const listener = {
      failed: (failure: EngineFailure, detail: string): void => {
        if (!isCurrent()) return;
        this.lastTrouble = detail;
        this.send({ type: 'engine-failed', failure });
      },
      troubled: (detail: string): void => {
        if (!isCurrent()) return;
        this.lastTrouble = detail;
        if (this.session.phase === 'live') this.send({ type: 'trouble' });
      },
    };
    try {
      const [make] = await Promise.all([this.ports.engineFor(via)(), this.released]);
      if (!isCurrent()) return;
      this.recorded = !live;
      this.engine = make({ video: this.ports.video, url, live, level: this.level, listener });
    } catch (error) {
      // The code of the engine could not be fetched, or it threw at once.
      listener.failed('network', error instanceof Error ? error.message : 'engine did not load');
      return;
    }
    this.following = true;
    this.edge = new LiveEdge(this.tuning(this.engine.read().targetSeconds));
    this.progress.attached();
    this.movedAt = this.ports.now();
    if (this.wantsPlay) void this.tryPlay();
    this.tell();
  }

  private detach(): void {
    this.cancelReattach?.();
    this.cancelReattach = null;
    this.attachment += 1;
    if (this.engine === null) return;
    this.ports.beforeDetach();
    if (this.recorded && !this.ports.video.ended && this.ports.video.currentTime > 0) this.resumeSeconds ??= this.ports.video.currentTime;
    const quality = this.ports.video.getVideoPlaybackQuality();
    this.framesBefore += quality.totalVideoFrames;
    this.droppedBefore += quality.droppedVideoFrames;
    const released = Promise.resolve(this.engine.destroy()).catch(() => undefined);
    const patience = new Promise<void>((resolve) => {
      this.ports.after(RELEASE_MS, resolve);
    });
    this.released = Promise.race([released, patience]);
    this.engine = null;
    this.reading = null;
    this.buffering = false;
    this.ports.video.playbackRate = 1;
  }

  private async tryPlay(): Promise<void> {
    const attachment = this.attachment;
    this.triedAt = this.ports.now();
    try {
      await this.ports.video.play();
      this.blocked = false;
    } catch (error) {
      // AbortError only says that something newer came between.
      if (attachment === this.attachment && error instanceof DOMException && error.name === 'NotAllowedError') {
        this.blocked = true;
      }
    }
    this.tell();
  }

  // --- watching -----------------------------------------------------------------------------------------------------

  private onWaiting(): void {
    if (this.session.phase === 'live' && this.session.attached?.kind === 'live') this.send({ type: 'trouble' });
  }

  /**
   * Paused from outside: by a picture-in-picture window, a headset, a lock screen. (A change of source pauses too, but
   * without this event.) What the system pauses because nobody looks goes on when somebody looks again.
   */
  private onPause(): void {
    if (this.engine !== null && !this.ports.video.ended && this.ports.isVisible()) this.wantsPlay = false;
  }

  /** An engine that changes the element's source late leaves it paused although play was asked for. */
  private keepPlaying(): void {
    const { video, now } = this.ports;
    if (!this.wantsPlay || this.blocked || !video.paused || video.ended || now() - this.triedAt < PLAY_RETRY_MS) return;
    void this.tryPlay();
  }

  private tuning(targetSeconds: number): EdgeTuning {
    const { slackSeconds, windowMs } = EDGE[this.session.via];
    return { targetSeconds, skipSeconds: targetSeconds + slackSeconds, rateMax: RATE_MAX, windowMs };
  }

  private tick(): void {
    const { engine } = this;
    const { video, now } = this.ports;
    if (engine !== null) {
      this.reading = engine.read();
      const ranges = rangesOf(video.buffered);
      const bufferedSeconds = bufferedAfter(ranges, video.currentTime);
      const onAir = this.session.phase === 'live' || this.session.phase === 'recording';
      const verdict = this.progress.look({
        now: now(),
        currentTime: video.currentTime,
        shouldMove: this.wantsPlay && !this.blocked && !video.ended && onAir,
        bufferedSeconds,
        nextRangeStart: nextRangeStart(ranges, video.currentTime),
      });
      this.buffering = verdict.stuck;
      if (verdict.moved) {
        this.movedAt = now();
        if (this.session.failures > 0 || this.session.climbs > 0 || this.session.failure !== null || this.session.phase === 'stalled') {
          this.send({ type: 'engine-moved' });
        }
      }
      if (verdict.cure.act === 'jump') video.currentTime = verdict.cure.to;
      if (verdict.cure.act === 'reattach') this.send({ type: 'engine-failed', failure: 'media' });
      this.keepEdge(engine, bufferedSeconds, verdict.stallBegan);
      this.noticeEnd();
      this.goOn();
      this.keepPlaying();
    }
    this.tell();
  }

  private keepEdge(engine: Engine, bufferedSeconds: number, starved: boolean): void {
    const { video, now } = this.ports;
    const behindSeconds = this.reading?.behindSeconds ?? null;
    const follows = this.following && this.wantsPlay && this.session.phase === 'live' && engine === this.engine;
    if (!follows || behindSeconds === null || this.reading === null || video.currentTime === 0) {
      const pace = this.session.attached?.kind === 'recording' ? this.rate : 1;
      if (video.playbackRate !== pace && !follows) video.playbackRate = pace;
      return;
    }
    this.edge.retune(this.tuning(this.reading.targetSeconds));
    const decision = this.edge.look({ now: now(), behindSeconds, bufferedSeconds, starved });
    if (decision.act === 'skip') {
      engine.seekToEdge(decision.behindSeconds);
    } else if (video.playbackRate !== decision.rate) {
      video.playbackRate = decision.rate;
    }
  }

  /** After the end what is buffered is still shown; then the element is let go. */
  private noticeEnd(): void {
    const standing = this.ports.now() - this.movedAt > PLAYED_OUT_MS;
    if (this.session.phase === 'ended' && standing && this.session.attached?.kind === 'live') {
      this.send({ type: 'played-out' });
    }
  }

  private latency(): Latency | null {
    if (this.session.attached?.kind !== 'live' || this.reading === null || this.ports.video.currentTime === 0) return null;
    const serverNow = this.clock.now();
    const { captureTime, behindSeconds } = this.reading;
    if (captureTime !== null && serverNow !== null) {
      return { ms: Math.round(serverNow - captureTime), basis: 'clock', uncertaintyMs: this.clock.uncertaintyMs() ?? 0 };
    }
    return behindSeconds === null ? null : { ms: Math.round(behindSeconds * 1000), basis: 'buffer', uncertaintyMs: 0 };
  }

  /** By the medium's own clock, or reckoned back from the edge where it carries none. */
  private arrivedAt(): number | null {
    if (this.reading === null) return null;
    const serverNow = this.clock.now();
    const { captureTime, behindSeconds } = this.reading;
    if (captureTime !== null) return captureTime;
    return serverNow === null || behindSeconds === null ? null : serverNow - behindSeconds * 1_000;
  }

  private tell(): void {
    if (this.listeners.size === 0) return;
    const snapshot = this.snapshot();
    for (const listener of this.listeners) listener(snapshot);
  }

  private snapshot(): Snapshot {
    const { video } = this.ports;
    const quality = this.engine === null ? null : video.getVideoPlaybackQuality();
    const seekableEnd = bufferedEnd(rangesOf(video.seekable)) ?? 0;
    return {
      phase: this.session.phase,
      channel: this.session.channel,
      reachable: this.session.reachable,
      via: this.session.via,
      recording: this.session.recording,
      attached: this.session.attached,
      engineLabel: this.engine?.label ?? null,
      failure: this.session.failure,
      lastTrouble: this.lastTrouble,
      latency: this.latency(),
      captureTime: this.session.attached?.kind === 'live' ? this.arrivedAt() : null,
      frames: this.framesBefore + (quality?.totalVideoFrames ?? 0),
      framesDropped: this.droppedBefore + (quality?.droppedVideoFrames ?? 0),
      stalls: this.progress.stalls,
      bitsPerSecond: this.reading?.bitsPerSecond ?? null,
      width: video.videoWidth,
      height: video.videoHeight,
      wantsPlay: this.wantsPlay,
      blocked: this.blocked,
      buffering: this.buffering,
      following: this.following,
      muted: video.muted,
      volume: video.volume,
      currentTime: this.resumeSeconds ?? video.currentTime,
      duration: Number.isFinite(video.duration) ? video.duration : seekableEnd,
      rate: this.rate,
      bufferedUntil: video.currentTime + bufferedAfter(rangesOf(video.buffered), video.currentTime),
      levels: this.engine?.levels?.() ?? [],
      level: this.level,
    };
  }
}
