export const themes = ['system', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

const key = 'sallyport.theme';

/** Light, dark, or whatever the system says; kept on this device. */
export class ThemeChoice {
  chosen = $state<Theme>('system');

  constructor() {
    const stored = localStorage.getItem(key);
    this.choose(themes.find((theme) => theme === stored) ?? 'system');
  }

  choose(theme: Theme): void {
    this.chosen = theme;
    localStorage.setItem(key, theme);
    if (theme === 'system') delete document.documentElement.dataset['theme'];
    else document.documentElement.dataset['theme'] = theme;
  }
}
