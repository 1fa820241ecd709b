/** Reads an invitation out of what people paste. Pure. */

/** Tokens are URL-safe text; anything else is a word that was pasted by mistake. */
const TOKEN = /^[A-Za-z0-9_.~-]{6,200}$/;

/**
 * The token in a link (`…#token`, `…?invitation=token`), or the text itself if it is one. `null` if there is none.
 */
export function invitationIn(text: string): string | null {
  const trimmed = text.trim();
  if (trimmed === '') return null;
  const token = (/^https?:\/\//.test(trimmed) ? inLink(trimmed) : trimmed) ?? '';
  return TOKEN.test(token) ? token : null;
}

function inLink(link: string): string | null {
  try {
    const url = new URL(link);
    const inHash = url.hash.slice(1);
    return url.searchParams.get('invitation') ?? new URLSearchParams(inHash).get('invitation') ?? (inHash === '' ? null : inHash);
  } catch {
    return null;
  }
}
