// Work that takes its time, in Chromium.
//
//   node running.mjs URL     below which the site answers
//
// BILLHOOK_DIR has the options; a change of them is in force within seconds.
// For the rest see chromium.mjs.  Prints "ok - case" or "not ok - case" for each case.

import { appendFileSync } from 'node:fs';
import { attempt, expect, inBrowser, open, signIn, url } from './chromium.mjs';

const WORK = [
  { name: 'resync', path: '/syncs/crm', begin: 'Re-sync all', stop: 'Pause it', bar: 'Re-sync', flush_ms: 400 },
  { name: 'preview', path: '/syncs/crm/preview', begin: /^(Look at all records|Begin again)$/, stop: 'Stop it', bar: 'Preview of all records', flush_ms: 150 },
  { name: 'audit', path: '/syncs/crm/audit', begin: /^(Compare all records|Begin again)$/, stop: 'Stop it', bar: 'Audit', flush_ms: 400, hasFewSteps: true },
];
const GO_ON = 'Go on where it stood';

// From now on each flush of the disk takes so much longer; the store is begun anew for that.
async function slow(ms) {
  appendFileSync(`${process.env.BILLHOOK_DIR}/billhook.conf`, `flush_delay_ms = ${ms}\n`);
  await new Promise((done) => setTimeout(done, 4000));
}

// Without script the person reloads.
async function until(page, hasScript, what, isSo, limit = 60) {
  const end = Date.now() + limit * 1000;
  while (!await isSo()) {
    expect(Date.now() < end, `${what}: ${await page.locator('main').innerText()}`);
    await page.waitForTimeout(150);
    if (!hasScript) await page.reload();
  }
}

const button = (page, name) => page.getByRole('button', { name, ...(typeof name === 'string' && { exact: true }) }).filter({ visible: true });
const textOf = (page, { name }) => page.locator(`[data-live="${name}.text"]`).innerText();
const wordOf = (page, { name }) => page.locator(`[data-live="${name}.word"]`).innerText();
const percentOf = async (page, { bar }) => {
  const node = page.getByRole('progressbar', { name: bar, exact: true });
  return await node.count() > 0 && await node.isVisible() ? Number(await node.getAttribute('value')) : null;
};

async function watched(browser, work, hasScript) {
  const way = `script ${hasScript ? 'on' : 'off'}: ${work.name}`, options = { javaScriptEnabled: hasScript };
  const { context, page } = await open(browser, options);
  await signIn(page);
  await attempt(`${way}: a bar shows how far it is`, async () => {
    await page.goto(`${url}${work.path}`);
    await button(page, work.begin).click();
    await until(page, hasScript, 'there is no bar', async () => await percentOf(page, work) !== null);
    const first = await percentOf(page, work);
    expect(first < 100, `it begins at ${first}`);
    if (!work.hasFewSteps) await until(page, hasScript, 'it does not move', async () => await percentOf(page, work) > first);
  });
  await attempt(`${way}: stopped it stands`, async () => {
    await button(page, work.stop).click();
    await until(page, hasScript, 'it does not stop', async () => await button(page, GO_ON).count() === 1);
    await page.reload();
    const stood = await textOf(page, work);
    await page.waitForTimeout(1500);
    await page.reload();
    expect(await textOf(page, work) === stood, `${stood} became ${await textOf(page, work)}`);
  });
  await attempt(`${way}: it goes on, also when the browser is closed`, async () => {
    await button(page, GO_ON).click();
    await until(page, hasScript, 'it does not go on', async () => await button(page, GO_ON).count() === 0);
    await context.close();
    const later = await open(browser, options);
    await signIn(later.page);
    await later.page.goto(`${url}${work.path}`);
    await until(later.page, hasScript, 'it does not end', async () => /^done$/i.test(await wordOf(later.page, work)));
    expect(await percentOf(later.page, work) === null, 'the bar is still there');
    await later.context.close();
  });
}

await inBrowser(async (browser) => {
  for (const work of WORK) {
    await slow(work.flush_ms);
    for (const hasScript of [false, true]) await watched(browser, work, hasScript);
  }
  await slow(0);
});
