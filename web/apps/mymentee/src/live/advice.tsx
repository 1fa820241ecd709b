/** What is amiss with a broadcast, and what to do about it. */

import { Icon, sentence } from '@tayang/shell';
import type { Advice } from '../logic/health.ts';
import { useLiveWords } from '../words/live-en.ts';

export function AdviceList({ advice }: { advice: readonly Advice[] }) {
  const words = useLiveWords().health.advice;
  if (advice.length === 0) return null;
  return (
    <ul class="advice">
      {advice.map((one) => {
        const told = one.name === 'other' ? { what: sentence(one.text), todo: '' } : words[one.name];
        return (
          <li key={told.what}>
            <Icon name="warning" />
            <div>
              <p class="advice-what">{told.what}</p>
              {told.todo === '' ? null : <p class="field-note">{told.todo}</p>}
            </div>
          </li>
        );
      })}
    </ul>
  );
}
