/** The room of a lesson for as long as a page shows it. */

import { useEffect, useMemo, useState } from 'preact/hooks';
import { browserRoomPorts, RoomConnection, type RoomView } from '@tayang/client';
import { useApp } from '@tayang/shell';

export function useRoom(lesson: string): { readonly room: RoomConnection; readonly view: RoomView } {
  const { api } = useApp();
  const room = useMemo(() => new RoomConnection(browserRoomPorts(api, lesson), { readsHeld: true }), [lesson]);
  const [view, setView] = useState(() => room.view());
  useEffect(() => {
    const stopTelling = room.subscribe(setView);
    const wake = (): void => {
      if (document.visibilityState === 'visible') room.wake();
    };
    window.addEventListener('online', wake);
    document.addEventListener('visibilitychange', wake);
    room.start();
    return () => {
      stopTelling();
      window.removeEventListener('online', wake);
      document.removeEventListener('visibilitychange', wake);
      room.stop();
    };
  }, [room]);
  return { room, view };
}
