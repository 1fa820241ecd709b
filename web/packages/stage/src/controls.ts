/** The bar of controls over the stage, and the seek bar of recordings. */

import { clockText, h, icon, setAttributes, setHidden, setText } from '@tayang/ui';
import type { Part, StageContext, StageView } from './part.ts';
import type { Stagecraft } from './stagecraft.ts';

type IconNames = Parameters<typeof icon>[0];

/** A round button whose icon and name change together. */
function roundButton(first: IconNames, act: () => void): { button: HTMLButtonElement; show(name: IconNames, label: string): void } {
  const button = h('button', { type: 'button', class: 'round' }, icon(first));
  let shown = first;
  button.addEventListener('click', act);
  return {
    button,
    show(name, label) {
      if (name !== shown) {
        button.replaceChildren(icon(name));
        shown = name;
      }
      setAttributes(button, { 'aria-label': label, title: label });
    },
  };
}

/** A slider that paints its own past, since no browser-neutral style does. */
function fill(slider: HTMLInputElement, share: number): void {
  const text = `${(Math.min(1, Math.max(0, share)) * 100).toFixed(2)}%`;
  if (slider.style.getPropertyValue('--fill') !== text) slider.style.setProperty('--fill', text);
}

function volumeSlider({ player }: StageContext): Part {
  const slider = h('input', { type: 'range', class: 'slider volume', min: 0, max: 100, step: 5 });
  slider.addEventListener('input', () => player.setVolume(slider.valueAsNumber / 100));
  return {
    element: slider,
    render({ snapshot, words }) {
      const volume = snapshot.muted ? 0 : snapshot.volume;
      setAttributes(slider, { 'aria-label': words.volume });
      if (document.activeElement !== slider) slider.value = String(Math.round(volume * 100));
      fill(slider, volume);
    },
  };
}

function seekBar({ player }: StageContext): Part {
  const slider = h('input', { type: 'range', class: 'slider seek', min: 0, max: 1, step: 0.1 });
  let dragging = false;
  slider.addEventListener('input', () => {
    dragging = true;
    player.seek(slider.valueAsNumber);
  });
  slider.addEventListener('change', () => {
    dragging = false;
  });
  const position = h('span', { class: 'time' });
  const length = h('span', { class: 'time' });
  const element = h('div', { class: 'seek-row' }, position, slider, length);
  return {
    element,
    render({ snapshot, words }) {
      setHidden(element, snapshot.phase !== 'recording');
      const { currentTime, duration } = snapshot;
      const at = clockText(currentTime);
      const whole = clockText(duration);
      setText(position, at);
      setText(length, whole);
      setAttributes(slider, {
        'aria-label': words.seek,
        'aria-valuetext': words.seekAt(at, whole),
        max: Math.max(1, Math.round(duration * 10) / 10),
      });
      if (!dragging) slider.value = String(currentTime);
      fill(slider, duration > 0 ? currentTime / duration : 0);
    },
  };
}

function edgeButton({ player }: StageContext): Part {
  const label = h('span');
  const button = h('button', { type: 'button', class: 'edge' }, h('span', { class: 'edge-lamp', 'aria-hidden': 'true' }), label);
  button.addEventListener('click', () => player.goLive());
  return {
    element: button,
    render({ snapshot, words }) {
      setHidden(button, snapshot.phase === 'recording');
      const atEdge = snapshot.following && snapshot.wantsPlay && snapshot.phase === 'live';
      setAttributes(button, { 'data-at-edge': atEdge, title: words.toEdge });
      setText(label, atEdge ? words.atEdge : words.toEdge);
    },
  };
}

/** Everything that is pressed during play. */
export function controlsPart(context: StageContext, stagecraft: Stagecraft): Part {
  const { player } = context;
  const play = roundButton('play', () => player.togglePlay());
  const sound = roundButton('sound', () => player.setMuted(!context.video.muted));
  const pip = roundButton('pip', () => stagecraft.togglePictureInPicture());
  const full = roundButton('full', () => stagecraft.toggleFullscreen());
  const seek = seekBar(context);
  const volume = volumeSlider(context);
  const edge = edgeButton(context);
  const row = h(
    'div',
    { class: 'controls-row' },
    play.button,
    sound.button,
    volume.element,
    edge.element,
    h('span', { class: 'controls-space' }),
    pip.button,
    full.button,
  );
  const element = h('div', { class: 'controls' }, seek.element, row);
  return {
    element,
    render(view: StageView) {
      const { snapshot, words } = view;
      setHidden(element, snapshot.attached === null || snapshot.failure === 'missing');
      const playing = snapshot.wantsPlay && !snapshot.blocked;
      play.show(playing ? 'pause' : 'play', playing ? words.pause : words.play);
      sound.show(snapshot.muted ? 'silent' : 'sound', snapshot.muted ? words.unmute : words.mute);
      pip.show('pip', words.pictureInPicture);
      setHidden(pip.button, !stagecraft.canPictureInPicture());
      const isFull = stagecraft.isFullscreen();
      full.show(isFull ? 'small' : 'full', isFull ? words.fullscreenLeave : words.fullscreen);
      for (const part of [seek, volume, edge]) part.render(view);
    },
  };
}
