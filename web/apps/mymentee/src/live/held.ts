/** Comments that wait for the mentor, oldest first. */

import type { RoomComment, RoomState } from '@tayang/client';

/** What the client keeps apart where it does; else those among the comments that it has. */
export function heldOf(room: RoomState & { readonly held?: readonly RoomComment[] }): readonly RoomComment[] {
  return room.held ?? room.comments.filter(({ state }) => state === 'held');
}
