/** Codec strings of RFC 6381, as people call them. */

const NAMES: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/^avc[13]/, 'H.264'],
  [/^(hvc1|hev1)/, 'H.265'],
  [/^av01/, 'AV1'],
  [/^vp09/, 'VP9'],
  [/^mp4a\.40\.(5|29)$/, 'HE-AAC'],
  [/^mp4a\.(40\.34|6b|69)$/i, 'MP3'],
  [/^mp3$/i, 'MP3'],
  [/^mp4a/, 'AAC'],
  [/^opus$/i, 'Opus'],
  [/^flac$/i, 'FLAC'],
];

/** `H.264` for `avc1.64001f`; an unknown one as it stands. */
export function codecName(codec: string): string {
  return NAMES.find(([pattern]) => pattern.test(codec))?.[1] ?? codec;
}
