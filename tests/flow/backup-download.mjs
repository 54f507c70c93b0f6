// The copy of everything, in Chromium.
//
//   node backup-download.mjs URL DIR     below which the site answers; where the files go,
//                                        as plain.tar and key.tar
//
// For the rest see chromium.mjs.  Prints "ok - case" or "not ok - case" for each case.

import { statSync } from 'node:fs';
import { attempt, comes, expect, inBrowser, look, looks, open, says, signIn, url } from './chromium.mjs';

const dir = process.argv[3], here = `${url}/settings/backup`;
const press = (page, name) => page.getByRole('button', { name, exact: true }).click();

async function fetchAs(page, name) {
  await page.getByLabel('Your password').fill(process.env.BILLHOOK_PASSWORD);
  const [download] = await Promise.all([page.waitForEvent('download'), press(page, 'Download it')]);
  expect(/^billhook-\d{8}-\d{6}\.tar$/.test(download.suggestedFilename()), download.suggestedFilename());
  await download.saveAs(`${dir}/${name}.tar`);
  expect(await download.failure() === null && statSync(`${dir}/${name}.tar`).size > 100000, 'the file is not whole');
}

async function without(page) {
  await attempt('without script: a copy is asked for, and comes', async () => {
    await page.goto(`${url}/settings`);
    await page.getByRole('link', { name: 'Download a copy of everything' }).click();
    await says(page, 'There is no copy at the moment.');
    await press(page, 'Make a copy');
    await comes(page, 'A copy is ready.', 30);
    await says(page, 'not in it: without it nobody can open');
  });
  await attempt('without script: not without the password', async () => {
    await page.getByLabel('Your password').fill('a wrong one');
    await press(page, 'Download it');
    await says(page, 'That is not your password.');
  });
  await attempt('without script: it is downloaded', () => fetchAs(page, 'plain'));
  await attempt('without script: who fetched it stands in the audit trail', async () => {
    await page.goto(`${url}/settings/audit`);
    await says(page, 'the copy was fetched, in the browser by admin');
    await says(page, 'a copy was asked for, in the browser by admin');
  });
}

async function withScript(page) {
  await attempt('with script: another, with the key; the page goes on by itself', async () => {
    await page.goto(here);
    await page.getByLabel('With the key').check();
    await press(page, 'Make a copy');
    await says(page, 'in it: whoever has the file can use every system');
    await fetchAs(page, 'key');
  });
}

async function removed(page) {
  await attempt('without script: it is removed', async () => {
    await page.goto(here);
    await press(page, 'Remove it now');
    await says(page, 'The file is removed.');
    await comes(page, 'There is no copy at the moment.');
  });
}

async function pictures(browser, what) {
  for (const { name, width, height, colorScheme } of looks) {
    const on = await open(browser, { viewport: { width, height }, colorScheme });
    await signIn(on.page);
    await on.page.goto(here);
    await look(on.page, `backup-${what} ${name}`);
    await on.context.close();
  }
}

await inBrowser(async (browser) => {
  const off = await open(browser, { javaScriptEnabled: false });
  const on = await open(browser, {});
  await signIn(off.page);
  await signIn(on.page);
  await pictures(browser, 'none');
  await without(off.page);
  await pictures(browser, 'ready');
  await withScript(on.page);
  await removed(off.page);
});
