/** The way between the parts of an operator's work, on each of their first pages. */

import { useApp, wordsIn } from '@tayang/shell';

const id = { parts: 'Bagian pengelola', users: 'Pengguna', audit: 'Jurnal', hooks: 'Webhook' };
const en: typeof id = { parts: 'Parts for operators', users: 'People', audit: 'Journal', hooks: 'Webhooks' };
const useWords = wordsIn<typeof id>({ id, en });

export function OperatorParts({ here }: { here: '/operator' | '/operator/audit' | '/webhooks' }) {
  const { router } = useApp();
  const words = useWords();
  const parts = [['/operator', words.users], ['/operator/audit', words.audit], ['/webhooks', words.hooks]] as const;
  return (
    <nav class="segments" aria-label={words.parts}>
      {parts.map(([to, label]) => (
        <a key={to} class="segment" href={router.href(to)} aria-current={to === here ? 'page' : undefined}>
          {label}
        </a>
      ))}
    </nav>
  );
}
