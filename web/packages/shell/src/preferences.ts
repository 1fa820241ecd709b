/**
 * How this reader wants pages: language and theme. Remembered in the browser under the names that all Tayang pages use.
 *
 * What was chosen here wins; then what the profile says; then the browser.
 */

import { computed, signal } from '@preact/signals';
import { browserMemory, pickLanguage, type Language, type Memory } from '@tayang/ui';

export type Theme = 'system' | 'light' | 'dark';

const LANGUAGE_KEY = 'tayang.language';
const THEME_KEY = 'tayang.theme';

export class Preferences {
  private readonly chosen = signal<string | null>(null);
  private readonly ofProfile = signal<string | null>(null);
  private readonly shade = signal<Theme>('system');

  public readonly language;
  public readonly theme = computed(() => this.shade.value);

  public constructor(
    search: string,
    wishes: readonly string[],
    private readonly memory: Memory = browserMemory,
  ) {
    this.chosen.value = memory.get(LANGUAGE_KEY);
    const theme = memory.get(THEME_KEY);
    if (theme === 'light' || theme === 'dark') this.shade.value = theme;
    this.language = computed<Language>(() => pickLanguage('', this.chosen.value ?? this.ofProfile.value, wishes));
    const asked = new URLSearchParams(search).get('lang');
    if (asked === 'id' || asked === 'en') this.setLanguage(asked);
  }

  public setLanguage(language: Language): void {
    this.memory.set(LANGUAGE_KEY, language);
    this.chosen.value = language;
  }

  /** What the server knows of the reader's language, for a browser in which nothing was chosen. */
  public setProfileLocale(locale: string | null): void {
    this.ofProfile.value = locale;
  }

  public setTheme(theme: Theme): void {
    this.memory.set(THEME_KEY, theme);
    this.shade.value = theme;
  }
}

/** The zone that this device lives in. */
export function deviceZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}
