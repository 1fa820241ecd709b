/** Where in a recording people reacted, as a strip below the picture. An ornament for eyes: the seek bar does what it does. */

import type { ReactionCount } from '@tayang/client';
import { useApp, useResource } from '@tayang/shell';

const BARS = 72;
const HEIGHT = 24;

/** Reactions by equal parts of the recording, the strongest being 1. Empty if there are none. Pure. */
export function momentsOf(reactions: readonly Pick<ReactionCount, 'media_ms' | 'count'>[], lengthMs: number, parts: number): readonly number[] {
  if (lengthMs <= 0) return [];
  const sums = Array.from({ length: parts }, () => 0);
  for (const { media_ms, count } of reactions) {
    const part = Math.floor((media_ms / lengthMs) * parts);
    const before = sums[part];
    if (before !== undefined) sums[part] = before + count;
  }
  const most = Math.max(...sums);
  return most === 0 ? [] : sums.map((sum) => sum / most);
}

export function Moments({ lesson, lengthSeconds, second, onSeek }: { lesson: string; lengthSeconds: number; second: number; onSeek: (seconds: number) => void }) {
  const { api } = useApp();
  const reactions = useResource<readonly ReactionCount[]>(`reactions ${lesson}`, (signal) => api.reactions(lesson, signal));
  const bars = momentsOf(reactions.value ?? [], lengthSeconds * 1_000, BARS);
  if (bars.length === 0) return null;
  const seek = (event: MouseEvent): void => {
    const { left, width } = (event.currentTarget as Element).getBoundingClientRect();
    onSeek(((event.clientX - left) / width) * lengthSeconds);
  };
  return (
    <div class="moments" aria-hidden="true" onClick={seek}>
      <svg viewBox={`0 0 ${BARS} ${HEIGHT}`} preserveAspectRatio="none">
        {bars.map((share, at) => {
          const height = Math.max(1, share * HEIGHT);
          const past = (at / BARS) * lengthSeconds <= second;
          return <rect key={at} class={past ? 'moment-past' : 'moment'} x={at + 0.15} y={HEIGHT - height} width={0.7} height={height} />;
        })}
      </svg>
    </div>
  );
}
