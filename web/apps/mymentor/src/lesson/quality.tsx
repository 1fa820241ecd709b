/** The choice of a quality, where there is one: for who pays for each megabyte, or has a weak network. */

import { useEffect, useState } from 'preact/hooks';
import type { Snapshot } from '@tayang/player';
import { useApp } from '@tayang/shell';
import { Writer } from '@tayang/ui';
import { useWords } from '../words.ts';
import type { Viewing } from './viewing.ts';

type Choice = Pick<Snapshot, 'levels' | 'level'>;

const NONE: Choice = { levels: [], level: null };

function useChoice(viewing: Viewing | null): Choice {
  const [choice, setChoice] = useState<Choice>(NONE);
  useEffect(() => {
    setChoice(NONE);
    let told = '';
    // A player speaks several times a second; the choice changes hardly ever.
    return viewing?.player.subscribe(({ levels, level }) => {
      const text = JSON.stringify([levels, level]);
      if (text === told) return;
      told = text;
      setChoice({ levels, level });
    });
  }, [viewing]);
  return choice;
}

export function Quality({ viewing }: { viewing: Viewing | null }) {
  const words = useWords();
  const writer = new Writer(useApp().preferences.language.value);
  const { levels, level } = useChoice(viewing);
  if (levels.length < 2) return null;
  return (
    <label class="speed">
      <span>{words.lesson.quality}</span>
      <select
        class="input"
        value={level === null ? '' : String(level)}
        onChange={({ currentTarget: { value } }) => viewing?.player.chooseLevel(value === '' ? null : Number(value))}
      >
        <option value="">{words.lesson.qualityAuto}</option>
        {levels.map(({ height, bitsPerSecond }, at) => (
          <option key={at} value={String(at)}>
            {height > 0 ? `${height}p` : null} {words.lesson.qualityRate(writer.decimal(bitsPerSecond / 1_000_000, 1))}
          </option>
        ))}
      </select>
    </label>
  );
}
