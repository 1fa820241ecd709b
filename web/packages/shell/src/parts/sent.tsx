/** A mail is on its way: where to, and a way back to who wrote another address than theirs. */

import { useShellWords } from '../context.ts';
import { Note } from './feedback.tsx';

interface SentProps {
  readonly title: string;
  /** `null`: nothing was sent yet. */
  readonly text: string | null;
  readonly onChange: () => void;
}

export function Sent({ title, text, onChange }: SentProps) {
  const words = useShellWords();
  const change = (): void => {
    onChange();
    // The form is there again with the next drawing.
    requestAnimationFrame(() => document.querySelector<HTMLElement>('main input[type=email]')?.focus());
  };
  return (
    <>
      <div role="status">
        {text === null ? null : (
          <Note kind="good" icon="check">
            <p class="note-title">{title}</p>
            <p>{text}</p>
          </Note>
        )}
      </div>
      {text === null ? null : (
        <button type="button" class="button" onClick={change}>
          {words.forgotten.otherAddress}
        </button>
      )}
    </>
  );
}
