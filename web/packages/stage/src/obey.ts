/** Carries out what the keys ask for. */

import type { Player } from '@tayang/player';
import { commandOf, focusName, type Command } from './keyboard.ts';
import type { StageContext } from './part.ts';
import type { Stagecraft } from './stagecraft.ts';

const STEP_SECONDS = 5;
const VOLUME_STEP = 0.1;

function turn(player: Player, video: HTMLVideoElement, by: number): void {
  player.setVolume((video.muted ? 0 : video.volume) + by);
}

export function obey(command: Command, { player, video }: StageContext, stagecraft: Stagecraft): void {
  switch (command) {
    case 'toggle-play':
      return player.togglePlay();
    case 'toggle-mute':
      return player.setMuted(!video.muted);
    case 'toggle-fullscreen':
      return stagecraft.toggleFullscreen();
    case 'back':
      return player.seekBy(-STEP_SECONDS);
    case 'forward':
      return player.seekBy(STEP_SECONDS);
    case 'louder':
      return turn(player, video, VOLUME_STEP);
    case 'softer':
      return turn(player, video, -VOLUME_STEP);
    case 'go-live':
      return player.goLive();
  }
}

/** Listens until the result is called. */
export function listenToKeys(context: StageContext, stagecraft: Stagecraft): () => void {
  const onKey = (event: KeyboardEvent): void => {
    const modified = event.ctrlKey || event.metaKey || event.altKey;
    const command = commandOf({ key: event.key, modified, inPlayer: stagecraft.hasFocus(), focus: focusName(document.activeElement) });
    if (command === null) return;
    event.preventDefault();
    stagecraft.stir();
    obey(command, context, stagecraft);
  };
  document.addEventListener('keydown', onKey);
  return () => document.removeEventListener('keydown', onKey);
}
