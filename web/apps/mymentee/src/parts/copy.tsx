/** A text to be taken elsewhere: copied with one touch, or shared by what the device offers. */

import { copyText, Icon, useApp } from '@tayang/shell';
import { useScheduleWords } from '../words/schedule.ts';

function useCopy(): (text: string) => void {
  const { toasts } = useApp();
  const words = useScheduleWords().copy;
  return (text) => void copyText(text).then((done) => (done ? toasts.done(words.done) : toasts.problem(words.failed)));
}

interface CopyRowProps {
  readonly label: string;
  readonly value: string;
  /** Many lines rather than one that is cut. */
  readonly long?: boolean;
}

/** The text itself, and the button beside it. */
export function CopyRow({ label, value, long = false }: CopyRowProps) {
  const act = useCopy();
  const words = useScheduleWords().copy;
  return (
    <div class="copy-row" data-long={long}>
      <p class="copy-label">{label}</p>
      <code class="copy-value" tabIndex={0} role="group" aria-label={label}>
        {value}
      </code>
      <button type="button" class="button copy-button" onClick={() => act(value)}>
        <Icon name="copy" />
        {words.act}
        <span class="unseen"> {label}</span>
      </button>
    </div>
  );
}

/** Offers the device's own way to share where there is one, and copies where there is none. */
export function ShareButton({ url, text, label }: { url: string; text: string; label: string }) {
  const act = useCopy();
  const share = (): void => {
    if (typeof navigator.share !== 'function') return act(url);
    // A sheet that is put away is no problem.
    navigator.share({ url, text }).catch(() => undefined);
    return undefined;
  };
  return (
    <button type="button" class="button" onClick={share}>
      <Icon name="send" />
      {label}
    </button>
  );
}
