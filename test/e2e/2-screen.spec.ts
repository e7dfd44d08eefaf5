// What lies around and over a session's picture, against a real shell.
import { expectAccessible } from './accessible.ts';
import { expect, machines, test } from './house.ts';
import { connect, disconnect, run, targetFile, terminal } from './person.ts';
import { countPixels } from './pixels.ts';

test.describe.configure({ mode: 'serial' });

/** The narrowest that WCAG 1.4.10 knows. */
const phone = { width: 320, height: 640 };
const window = { width: 1280, height: 720 };

test('keys that the browser keeps are sent from a panel, which gives the keyboard back', async ({
  house,
}) => {
  const { page, installation } = house;
  await connect(page, machines.password);
  const waiting = "trap 'echo interrupted > by-panel.txt; exit' INT; echo > panel-waits.txt; cat > /dev/null";
  await run(page, `sh -c "${waiting}"`);
  await targetFile(installation, 'panel-waits.txt');
  await page.getByRole('button', { name: 'Keys', exact: true }).click();
  const panel = page.getByRole('region', { name: 'Keys' });
  await expectAccessible(page, 'session-keys');
  await panel.getByRole('button', { name: 'Ctrl C', exact: true }).click();
  expect(await targetFile(installation, 'by-panel.txt')).toBe('interrupted');
  await page.keyboard.press('Escape');
  await expect(panel).toBeHidden();
  await page.keyboard.type('echo back > panel-back.txt\n');
  expect(await targetFile(installation, 'panel-back.txt')).toBe('back');
});

test('several lines are shown before a terminal gets them: joined, edited, or as they are', async ({
  house,
}) => {
  const { page, installation } = house;
  const question = page.getByRole('dialog', { name: 'Paste 2 lines into Build server?' });
  const paste = async (text: string) => {
    await page.evaluate((value) => navigator.clipboard.writeText(value), text);
    await terminal(page).focus();
    await page.keyboard.press('Control+V');
  };
  await paste('echo one > lines.txt\necho two \u001b[201~>> lines.txt\n');
  await expect(question).toContainText('1 × U+001B');
  await expect(question.getByRole('group', { name: 'Text to paste' })).toContainText('two U+001B[201~');
  await expectAccessible(page, 'session-paste');
  expect(installation.target.homeFile('lines.txt')).toBeNull();
  await question.getByRole('button', { name: 'Cancel' }).click();
  await paste('echo one > lines.txt;\necho two >> lines.txt\n');
  await question.getByRole('button', { name: 'Join lines' }).click();
  await page.keyboard.press('Enter');
  expect(await targetFile(installation, 'lines.txt', (text) => text.endsWith('two\n'))).toBe('one\ntwo');
  await paste('echo three > lines.txt\necho four >> lines.txt\n');
  await question.getByRole('button', { name: 'Edit' }).click();
  await question.getByRole('textbox').fill('echo five > lines.txt\n');
  const edited = page.getByRole('dialog', { name: 'Paste 1 line into Build server?' });
  await edited.getByLabel('Do not ask again in this session').check();
  await edited.getByRole('button', { name: 'Paste', exact: true }).click();
  expect(await targetFile(installation, 'lines.txt', (text) => text === 'five\n')).toBe('five');
  await paste('echo six > lines.txt\necho seven >> lines.txt\n');
  expect(await targetFile(installation, 'lines.txt', (text) => text.endsWith('seven\n'))).toBe('six\nseven');
});

test('the clipboard panel shows what came from the machine and how much, and sends text there', async ({
  house,
}) => {
  const { page, installation } = house;
  await run(page, 'clear; echo copied-by-selecting');
  const box = await terminal(page).boundingBox();
  if (box === null) throw new Error('the terminal has no place on the page');
  await page.getByRole('button', { name: 'Clipboard', exact: true }).click();
  const panel = page.getByRole('region', { name: 'Clipboard' });
  await expect
    .poll(async () => {
      await page.mouse.move(box.x + 9, box.y + 16);
      await page.mouse.down();
      await page.mouse.move(box.x + 300, box.y + 16, { steps: 8 });
      await page.mouse.up();
      return panel
        .getByRole('group', { name: 'Text from the machine' })
        .textContent({ timeout: 1_000 })
        .catch(() => '');
    })
    .toContain('copied-by-selecting');
  await expect(panel).toContainText(/1 line · \d+ bytes/);
  await expectAccessible(page, 'session-clipboard');
  await panel.getByLabel('Text to paste').fill('echo panel > panel.txt\n');
  await panel.getByRole('button', { name: 'Paste', exact: true }).click();
  expect(await targetFile(installation, 'panel.txt')).toBe('panel');
});

test('full screen gives Escape to the machine, and shows its menus and questions', async ({ house }) => {
  const { page, installation } = house;
  const inFull = () => page.evaluate(() => document.fullscreenElement !== null);
  await page.getByRole('button', { name: 'Full screen' }).click();
  await expect.poll(inFull).toBe(true);
  await expect(page.getByText('Hold Esc to leave full screen')).toBeVisible();
  await page.keyboard.type('read -rsn1 key; printf %s "$key" | od -An -tx1 > escape.txt\n');
  await page.keyboard.press('Escape');
  expect(await targetFile(installation, 'escape.txt')).toBe('1b');
  expect(await inFull()).toBe(true);
  await page.getByRole('button', { name: 'Keys', exact: true }).click();
  await expect(page.getByRole('region', { name: 'Keys' })).toBeInViewport();
  await expectAccessible(page, 'session-full-screen');
  await page.getByRole('button', { name: 'Leave full screen' }).click();
  await expect.poll(inFull).toBe(false);
  await page.getByRole('button', { name: 'Close keys' }).click();
});

test('letters and colours change while the session runs, and the machine remembers them on this device', async ({
  house,
}) => {
  const { page, installation } = house;
  const columns = async (name: string) => {
    await run(page, `stty size > ${name}`);
    return Number((await targetFile(installation, name)).split(' ')[1]);
  };
  const before = await columns('columns-before.txt');
  await page.getByRole('button', { name: 'View', exact: true }).click();
  const view = page.getByRole('region', { name: 'View' });
  for (let step = 0; step < 6; step++) await view.getByRole('button', { name: 'Larger letters' }).click();
  await expect(view.getByRole('status')).toHaveText('18 pt');
  await view.getByLabel('Colours').selectOption('Black on white');
  await expectAccessible(page, 'session-letters');
  await view.getByRole('button', { name: 'Close view' }).click();
  const isWhite = (red: number, green: number, blue: number) => Math.min(red, green, blue) > 240;
  const white = async () => countPixels(await terminal(page).screenshot(), isWhite);
  await expect.poll(white).toBeGreaterThan(300_000);
  let tries = 0;
  await expect.poll(() => columns(`columns-after-${tries++}.txt`)).toBeLessThan(before * 0.75);
  await disconnect(page);
  await connect(page, machines.password);
  await expect.poll(white).toBeGreaterThan(300_000);
  await expect.poll(() => columns(`columns-again-${tries++}.txt`)).toBeLessThan(before * 0.75);
  await page.getByRole('button', { name: 'View', exact: true }).click();
  for (let step = 0; step < 6; step++) await view.getByRole('button', { name: 'Smaller letters' }).click();
  await view.getByLabel('Colours').selectOption('Gray on black');
  await view.getByRole('button', { name: 'Close view' }).click();
});

test('the on-screen keyboard types what it shows, in English and in German', async ({ house }) => {
  const { page, installation } = house;
  await page.getByRole('button', { name: 'On-screen keyboard', exact: true }).click();
  const keyboard = page.getByRole('region', { name: 'On-screen keyboard' });
  const press = (name: string) => keyboard.getByRole('button', { name, exact: true }).first().click();
  const letters = keyboard.getByRole('group', { name: 'Letters' });
  const shifted = async (modifier: string, character: string) => {
    await letters.getByRole('button', { name: modifier, exact: true }).first().click();
    await letters.getByRole('button', { name: character, exact: true }).first().click();
  };
  await run(page, 'cat > screen-keys.txt');
  await keyboard.getByLabel('Layout').selectOption('English (US)');
  for (const key of ['h', 'i', 'Space', '7']) await press(key);
  await shifted('Shift', '!');
  await keyboard.getByLabel('Layout').selectOption('Deutsch');
  for (const key of ['ö', 'z', 'ß']) await press(key);
  await shifted('AltGr', '@');
  await shifted('AltGr', '€');
  await shifted('Shift', 'Ä');
  await expectAccessible(page, 'session-keyboard');
  await press('Enter');
  await letters.getByRole('button', { name: 'Ctrl', exact: true }).click();
  await expect(letters.getByRole('button', { name: 'Ctrl', exact: true })).toHaveAttribute(
    'aria-pressed',
    'true',
  );
  await press('d');
  expect(await targetFile(installation, 'screen-keys.txt')).toBe('hi 7!özß@€Ä');
  await press('Close on-screen keyboard');
  await page.keyboard.type('echo typing on > typing-on.txt\n');
  expect(await targetFile(installation, 'typing-on.txt')).toBe('typing on');
});

test('composed text, dead keys and AltGr of a German keyboard arrive exactly', async ({ house }) => {
  const { page, context, installation } = house;
  const browser = await context.newCDPSession(page);
  await run(page, 'cat > composed.txt');
  await page.keyboard.type('a');
  // As an input method does it: in steps, each in place of the one before.
  for (const text of ['n', 'に', 'にほ', '日本'])
    await browser.send('Input.imeSetComposition', {
      text,
      selectionStart: text.length,
      selectionEnd: text.length,
    });
  await browser.send('Input.insertText', { text: '日本' });
  // As a dead key does it where the system composes.
  await browser.send('Input.imeSetComposition', { text: '´', selectionStart: 1, selectionEnd: 1 });
  await browser.send('Input.insertText', { text: 'é' });
  // And without composing, as a phone does with what it suggests.
  await browser.send('Input.insertText', { text: ' ganz ' });
  // Windows: AltGr is Ctrl and Alt.
  const key = (type: 'keyDown' | 'keyUp', of: object) =>
    browser.send('Input.dispatchKeyEvent', { type, ...of });
  const altGr = [
    { key: 'Control', code: 'ControlLeft', windowsVirtualKeyCode: 17, modifiers: 2 },
    { key: 'AltGraph', code: 'AltRight', windowsVirtualKeyCode: 18, modifiers: 3 },
  ];
  for (const of of altGr) await key('keyDown', of);
  const at = { key: '@', code: 'KeyQ', windowsVirtualKeyCode: 81, modifiers: 3 };
  await key('keyDown', { ...at, text: '@', unmodifiedText: 'q' });
  await key('keyUp', at);
  const brace = { key: '{', code: 'Digit7', windowsVirtualKeyCode: 55, modifiers: 3 };
  await key('keyDown', { ...brace, text: '{', unmodifiedText: '7' });
  await key('keyUp', brace);
  for (const of of altGr.toReversed()) await key('keyUp', { ...of, modifiers: 0 });
  await page.keyboard.type('z\n');
  expect(await targetFile(installation, 'composed.txt')).toBe('a日本é ganz @{z');
  await page.keyboard.press('Control+D');
  await run(page, 'echo done > composed-done.txt');
  expect(await targetFile(installation, 'composed-done.txt')).toBe('done');
  await browser.detach();
});

test('on a narrow screen the bar keeps everything in reach', async ({ house }) => {
  const { page } = house;
  await page.setViewportSize(phone);
  const bar = page.getByRole('toolbar', { name: 'Session' });
  await bar.getByRole('button', { name: 'More for this session' }).click();
  await page.getByRole('menuitem', { name: 'Keys' }).click();
  await expect(page.getByRole('region', { name: 'Keys' })).toBeVisible();
  await expectAccessible(page, 'session-phone');
  const wider = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  expect(wider).toBe(false);
  await page.getByRole('button', { name: 'Close keys' }).click();
  await bar.getByRole('button', { name: 'More for this session' }).click();
  await page.getByRole('menuitem', { name: 'On-screen keyboard' }).click();
  await expectAccessible(page, 'session-phone-keyboard');
  expect(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)).toBe(false);
  await page.getByRole('button', { name: 'Close on-screen keyboard' }).click();
  await page.setViewportSize(window);
  await expect(bar.getByRole('button', { name: 'Full screen' })).toBeVisible();
});

test('two sessions side by side: each has its own size and keyboard, and which one has it is seen', async ({
  house,
}) => {
  const { page, installation } = house;
  await expect(page).toHaveTitle('Build server – connected · Sallyport');
  const columns = async (name: string) => {
    await page.keyboard.type(`stty size > ${name}\n`);
    return Number((await targetFile(installation, name)).split(' ')[1]);
  };
  await run(page, 'export TILE=first');
  const whole = await columns('columns-whole.txt');
  await connect(page, machines.key);
  await expect(page).toHaveTitle('Build server by key – connected · Sallyport');
  await page.keyboard.type('export TILE=second\n');
  await page.getByRole('button', { name: 'Two side by side' }).click();
  await expect(terminal(page)).toHaveCount(2);
  const first = page.getByRole('application', { name: /of Build server$/ });
  const second = page.getByRole('application', { name: /by key$/ });
  await second.click();
  await page.keyboard.type('echo $TILE > tile-a.txt\n');
  expect(await targetFile(installation, 'tile-a.txt')).toBe('second');
  await page.keyboard.press('Control+Alt+Shift');
  await page.keyboard.press('F6');
  await expect(page).toHaveTitle('Build server – connected · Sallyport');
  await page.keyboard.type('echo $TILE > tile-b.txt\n');
  expect(await targetFile(installation, 'tile-b.txt')).toBe('first');
  let tries = 0;
  await expect.poll(() => columns(`columns-tile-${tries++}.txt`)).toBeLessThan(whole * 0.6);
  await expectAccessible(page, 'session-tiles');
  expect(await first.isVisible()).toBe(true);
  await page.getByRole('button', { name: 'One session' }).click();
  await expect(terminal(page)).toHaveCount(1);
  await page.getByRole('button', { name: 'Close tab' }).click();
  await page.getByRole('button', { name: 'Close tab' }).click();
});
