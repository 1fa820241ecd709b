/** What a browser says of itself, as people know it. The server keeps it word for word, cut at its end. Pure. */

/** In this order: most say that they are one of those behind them as well. */
const BROWSERS: readonly (readonly [RegExp, string])[] = [
  [/Edg(e|A|iOS)?\//, 'Edge'], [/OPR\/|Opera/, 'Opera'], [/SamsungBrowser\//, 'Samsung Internet'], [/Firefox\/|FxiOS\//, 'Firefox'], [/Chrom(e|ium)\/|CriOS\//, 'Chrome'], [/AppleWebKit\//, 'Safari'],
];
const SYSTEMS: readonly (readonly [RegExp, string])[] = [
  [/Android/, 'Android'], [/iPhone/, 'iPhone'], [/iPad/, 'iPad'], [/CrOS/, 'ChromeOS'], [/Windows/, 'Windows'], [/Mac OS X|Macintosh/, 'macOS'], [/Linux/, 'Linux'],
];

const named = (text: string, names: readonly (readonly [RegExp, string])[]): string | null => names.find(([pattern]) => pattern.test(text))?.[1] ?? null;

/** `Chrome · Android`; what is no browser's word is left as it is. */
export function deviceName(label: string): string {
  const parts = [named(label, BROWSERS), named(label, SYSTEMS)].filter((part) => part !== null);
  return label.startsWith('Mozilla/') && parts.length > 0 ? parts.join(' · ') : label;
}
