/** Asks before something that cannot be taken back, once for a page: what is asked is handed in. */

import { useState } from 'preact/hooks';
import { Confirm } from '@tayang/shell';

export interface Question {
  readonly title: string;
  readonly text: string;
  readonly act: string;
  readonly onAct: () => void;
}

/** The dialog to draw, and what opens it. */
export function useQuestion(): { readonly ask: (question: Question) => void; readonly dialog: preact.JSX.Element } {
  const [question, setQuestion] = useState<Question | null>(null);
  return {
    ask: setQuestion,
    dialog: (
      <Confirm
        open={question !== null}
        title={question?.title ?? ''}
        text={question?.text ?? ''}
        act={question?.act ?? ''}
        onAct={() => question?.onAct()}
        onClose={() => setQuestion(null)}
      />
    ),
  };
}
