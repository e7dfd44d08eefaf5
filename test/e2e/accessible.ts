import AxeBuilder from '@axe-core/playwright';
import { expect, type Page } from '@playwright/test';

const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

/** No axe violations, light and dark; a picture of each is kept. */
export async function expectAccessible(page: Page, screen: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    // Colours on their way from one scheme to the other are nobody's.
    await page.evaluate(async () => {
      const ends = ({ effect }: Animation) => effect?.getComputedTiming().iterations !== Infinity;
      await Promise.allSettled(
        document
          .getAnimations()
          .filter(ends)
          .map(({ finished }) => finished),
      );
    });
    const { violations } = await new AxeBuilder({ page }).withTags(rules).analyze();
    expect(
      violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' | ')}`),
      `${screen}, ${colorScheme}`,
    ).toEqual([]);
    await page.screenshot({ path: `test-results/screens/${screen}-${colorScheme}.png` });
  }
  await page.emulateMedia({ colorScheme: 'light' });
}
