/** How the broadcast arrives: one word, the figures behind it, and what to do. */

import type { Health } from '@tayang/client';
import { Note } from '@tayang/shell';
import { adviceOf, codecName, moodOf } from '../logic/health.ts';
import { useMyWhen, useWriter } from '../parts/hooks.ts';
import { useLiveWords } from '../words/live-en.ts';
import { AdviceList } from './advice.tsx';

export function HealthCard({ health, stalled }: { health: Health | null; stalled: boolean }) {
  const words = useLiveWords().health;
  const mood = moodOf(health, stalled);
  return (
    <section class="card stack health" data-mood={mood}>
      <div class="health-head">
        <h2>{words.title}</h2>
        <p class="mood" role="status">
          <span class="mood-dot" aria-hidden="true" />
          {health === null && mood === 'off' ? words.checking : words.mood[mood]}
        </p>
      </div>
      {mood === 'off' && health !== null ? <p class="field-note">{words.offText}</p> : null}
      {mood === 'away' ? (
        <Note kind="away" icon="clock">
          <p>{words.awayText}</p>
        </Note>
      ) : null}
      {health === null || !health.on_air ? null : <Figures health={health} />}
      <AdviceList advice={stalled ? [] : adviceOf(health)} />
    </section>
  );
}

function Figures({ health }: { health: Health }) {
  const words = useLiveWords().health;
  const when = useMyWhen();
  const writer = useWriter();
  const { video, audio, publisher } = health;
  return (
    <dl class="figures">
      <div>
        <dt>{words.picture}</dt>
        <dd>
          {video === null ? words.none : `${video.width} × ${video.height}`}
          {video === null ? null : <span>{`${codecName(video.codec)} · ${words.fps(writer.decimal(video.fps, Number.isInteger(video.fps) ? 0 : 1))}`}</span>}
        </dd>
      </div>
      <div>
        <dt>{words.rate}</dt>
        <dd>{video === null ? words.none : words.kbps(writer.whole(video.bitrate_kbps))}</dd>
      </div>
      <div>
        <dt>{words.sound}</dt>
        <dd>
          {audio === null ? words.none : codecName(audio.codec)}
          {audio === null ? null : <span>{words.kbps(writer.whole(audio.bitrate_kbps))}</span>}
        </dd>
      </div>
      {publisher === null ? null : (
        <div>
          <dt>{words.way}</dt>
          <dd>
            {publisher.protocol.toUpperCase()}
            <span>{words.since(when.time(publisher.since_at))}</span>
          </dd>
        </div>
      )}
    </dl>
  );
}
