/** Full screen, picture in picture, the idle stage, and the last picture kept over a change: what the browser does. */

/** How long the controls stay after the last movement. */
const IDLE_MS = 2_800;

/** Safari on phones has full screen for videos only. */
interface PhoneVideo {
  webkitEnterFullscreen?: () => void;
}

export class Stagecraft {
  private idleTimer: ReturnType<typeof setTimeout> | null = null;
  private readonly still: HTMLCanvasElement;

  public constructor(
    private readonly stage: HTMLElement,
    private readonly video: HTMLVideoElement,
  ) {
    this.still = document.createElement('canvas');
    this.still.className = 'still';
    this.still.hidden = true;
    this.still.setAttribute('aria-hidden', 'true');
    for (const name of ['pointermove', 'pointerdown', 'keydown', 'focusin'] as const) {
      stage.addEventListener(name, () => this.stir(), { passive: true });
    }
    stage.addEventListener('pointerleave', () => this.settle());
    video.addEventListener('playing', () => this.dropStill());
    video.addEventListener('timeupdate', () => {
      if (video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA && !video.paused) this.dropStill();
    });
    this.stir();
  }

  /** The canvas that holds the last picture; to be laid over the video. */
  public get stillElement(): HTMLCanvasElement {
    return this.still;
  }

  /** Keeps what is seen now until the next picture comes, so that a change does not flash black. */
  public keepStill(): void {
    const { videoWidth, videoHeight } = this.video;
    if (videoWidth === 0 || this.video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return;
    const width = Math.min(videoWidth, 960);
    this.still.width = width;
    this.still.height = Math.round((width * videoHeight) / videoWidth);
    this.still.getContext('2d')?.drawImage(this.video, 0, 0, this.still.width, this.still.height);
    this.still.hidden = false;
  }

  public dropStill(): void {
    this.still.hidden = true;
  }

  public isFullscreen(): boolean {
    return document.fullscreenElement === this.stage;
  }

  /** Keys are meant for the stage: the focus is in it, or there is nothing else to be seen. */
  public hasFocus(): boolean {
    return this.isFullscreen() || this.stage.contains(document.activeElement);
  }

  /** Runs what may hide parts of the stage; a focus that was on one of them stays in the stage. */
  public keepFocus(change: () => void): void {
    const focused = document.activeElement;
    const held = focused !== null && this.stage.contains(focused);
    change();
    if (held && focused.closest('[hidden]') !== null) this.stage.focus({ preventScroll: true });
  }

  public toggleFullscreen(): void {
    if (this.isFullscreen()) {
      void document.exitFullscreen();
    } else if (typeof this.stage.requestFullscreen === 'function') {
      this.stage.requestFullscreen({ navigationUI: 'hide' }).catch(() => undefined);
    } else {
      (this.video as PhoneVideo).webkitEnterFullscreen?.();
    }
  }

  public canPictureInPicture(): boolean {
    return document.pictureInPictureEnabled === true && !this.video.disablePictureInPicture;
  }

  public togglePictureInPicture(): void {
    const change = document.pictureInPictureElement === this.video ? document.exitPictureInPicture() : this.video.requestPictureInPicture();
    void Promise.resolve(change).catch(() => undefined);
  }

  /** Somebody is there: the controls come back for a while. */
  public stir(): void {
    this.stage.removeAttribute('data-idle');
    if (this.idleTimer !== null) clearTimeout(this.idleTimer);
    this.idleTimer = setTimeout(() => this.settle(), IDLE_MS);
  }

  private settle(): void {
    this.stage.setAttribute('data-idle', '');
  }
}
