/** The stage: video, last picture, scene, notices and controls, one over the other. */

import { h, icon, setAttributes, setHidden, setText } from '@tayang/ui';
import { controlsPart } from './controls.ts';
import type { Part, StageContext, StageView } from './part.ts';
import type { Stagecraft } from './stagecraft.ts';

export interface Stage<View extends StageView> extends Part<View> {
  readonly stagecraft: Stagecraft;
}

/** `scene` is what is shown in place of moving pictures. */
export function stagePart<View extends StageView>(context: StageContext, stage: HTMLElement, stagecraft: Stagecraft, scene: Part<View>): Stage<View> {
  const { player, video } = context;
  const controls = controlsPart(context, stagecraft);
  const unmute = h('button', { type: 'button', class: 'unmute' }, icon('silent'), h('span'));
  unmute.addEventListener('click', () => player.setMuted(false));
  const bigPlay = h('button', { type: 'button', class: 'big-play' }, icon('play'));
  bigPlay.addEventListener('click', () => player.play());
  const spinner = h('span', { class: 'spinner', 'aria-hidden': 'true' });
  const notice = h('p', { class: 'notice', role: 'status' });
  stage.append(video, stagecraft.stillElement, scene.element, spinner, notice, unmute, bigPlay, controls.element);
  listenToPointer(context, stage);

  const draw = (view: View): void => {
    const { snapshot, words } = view;
    setAttributes(stage, { 'aria-label': words.player, 'data-phase': snapshot.phase });
    setAttributes(video, { 'aria-label': snapshot.channel?.title || context.name });
    const paused = snapshot.attached !== null && (!snapshot.wantsPlay || snapshot.blocked) && snapshot.failure !== 'missing';
    setAttributes(stage, { 'data-paused': paused });
    setHidden(bigPlay, !paused);
    setAttributes(bigPlay, { 'aria-label': words.play });
    const moving = snapshot.attached !== null && snapshot.frames > 0;
    setHidden(unmute, !(moving && snapshot.muted && !paused && snapshot.phase !== 'stalled' && hasSound(view)));
    setText(unmute.lastElementChild ?? unmute, words.unmuteNow);
    setHidden(spinner, !(snapshot.buffering && snapshot.phase !== 'stalled' && !paused));
    // Empty rather than hidden: screen readers watch a region only while it is there.
    setText(notice, noticeText(view) ?? '');
    if (snapshot.phase !== 'live' && snapshot.phase !== 'stalled' && snapshot.phase !== 'recording') stagecraft.dropStill();
    scene.render(view);
    controls.render(view);
  };
  return {
    element: stage,
    stagecraft,
    render: (view) => stagecraft.keepFocus(() => draw(view)),
  };
}

/** Mouse: a click plays or pauses, two go to full screen. Touch: a tap only brings the controls. */
function listenToPointer({ player, video }: StageContext, stage: HTMLElement): void {
  video.addEventListener('click', (event) => {
    if (event instanceof PointerEvent && event.pointerType === 'touch') return;
    player.togglePlay();
  });
  stage.addEventListener('contextmenu', (event) => {
    if (event.target === video) event.preventDefault();
  });
}

function hasSound({ snapshot }: StageView): boolean {
  const tracks = snapshot.channel?.tracks ?? [];
  return tracks.length === 0 || snapshot.recording !== null || tracks.some((track) => track.kind === 'audio');
}

function noticeText({ snapshot, words }: StageView): string | null {
  if (snapshot.phase === 'recording' && snapshot.failure === 'missing') return null;
  if (!snapshot.reachable && snapshot.channel !== null) return words.offline;
  if (snapshot.failure === 'codec') return words.failure.codec;
  const trying = snapshot.phase === 'live' || snapshot.phase === 'recording';
  return trying && snapshot.failure !== null ? words.failure[snapshot.failure] : null;
}
