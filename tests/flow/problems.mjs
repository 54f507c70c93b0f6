// Problems in Chromium.
//
//   node problems.mjs URL     below which the site answers
//
// SF_URL is Salesforce's simulator.  For the rest see chromium.mjs.  Prints
// "ok - case" or "not ok - case" for each case.

import { attempt, comes, expect, inBrowser, look, looks, open, says, signIn, url } from './chromium.mjs';

const { SF_URL: salesforce } = process.env;
const press = (page, name) => page.getByRole('button', { name, exact: true }).click();
const rows = (page) => page.locator('tbody tr');

async function sim(method, path, body) {
  const answer = await fetch(`${salesforce}/_sim/${path}`, { method, body: body && JSON.stringify(body) });
  const json = await answer.json();
  if (!answer.ok) throw new Error(`simulator: ${JSON.stringify(json)}`);
  return json;
}

async function grouped(page) {
  await attempt('without script: the navigation tells how many need a person', async () => {
    await page.getByRole('link', { name: 'Problems 60' }).click();
    await page.waitForURL(`${url}/problems`);
    await says(page, '60 records need you.');
  });
  await attempt('without script: one cause, with its cure, and what waits', async () => {
    const group = page.getByRole('region', { name: 'Records that need you, by cause' });
    expect(await group.locator('tbody tr').count() === 1, 'not one group');
    const text = await group.innerText();
    expect(text.includes('No <b>such</b> names here') && text.includes('exempt the connection'), text);
    const waiting = await page.getByRole('region', { name: /^Waiting/ }).innerText();
    expect(waiting.includes('EX-<b>1') && waiting.includes('Forbidden'), waiting);
  });
  await attempt('without script: only one CRM, there and back', async () => {
    await page.goto(`${url}/`);
    await page.getByRole('region', { name: 'CRMs' }).getByRole('link', { name: '60', exact: true }).click();
    await page.waitForURL(`${url}/problems?crm=salesforce`);
    await says(page, '60 records need you.');
    await page.getByRole('region', { name: 'Records that need you, by cause' }).getByRole('link').click();
    await page.getByRole('main').getByRole('link', { name: 'Problems' }).click();
    await page.waitForURL(`${url}/problems?crm=salesforce`);
    await page.getByLabel('CRM', { exact: true }).selectOption('');
    await press(page, 'Show');
    await says(page, '60 records need you.');
    expect(await page.getByRole('link', { name: 'All CRMs' }).count() === 0, 'still one CRM');
    await page.goto(`${url}/problems`);
  });
  await attempt('without script: its records, page by page', async () => {
    await page.getByRole('region', { name: 'Records that need you, by cause' }).getByRole('link').click();
    expect(await rows(page).count() === 50, `${await rows(page).count()} rows`);
    await page.getByRole('link', { name: 'More records' }).click();
    expect(await rows(page).count() === 10, `${await rows(page).count()} rows`);
  });
}

async function mending(page) {
  await attempt('without script: one record: the raw answer, and leaving it out', async () => {
    await page.goto(`${url}/records/crm/account?id=cus_no0`);
    await page.getByText('What the CRM answered').click();
    await says(page, '"statusCode":"FIELD_CUSTOM_VALIDATION_EXCEPTION"');
    await press(page, 'Leave it out until it changes');
    await says(page, 'left out by admin until it changes');
    await page.getByRole('link', { name: 'Problems 59' }).waitFor();
  });
  await attempt('without script: retried while the cause stands, they are refused again', async () => {
    await page.goto(`${url}/problems`);
    await page.getByRole('region', { name: 'Records that need you, by cause' }).getByRole('link').click();
    await press(page, 'Retry these 59');
    await page.waitForURL(/problems\?done=retry&n=59/);
    await says(page, '59 records are tried again.');
    await page.waitForTimeout(1500);
    await page.goto(`${url}/problems`);
    await comes(page, '59 records need you.');
  });
  await attempt('without script: once the cause is gone all go through', async () => {
    await sim('POST', 'settings', { validation_rules: [] });
    await page.getByRole('region', { name: 'Records that need you, by cause' }).getByRole('link').click();
    await press(page, 'Retry these 59');
    await comes(page, 'Nothing needs you.');
    expect(await page.getByRole('link', { name: 'Problems', exact: true }).count() > 0, 'a number is left');
  });
}

await inBrowser(async (browser) => {
  for (const { name, width, height, colorScheme } of looks) {
    const on = await open(browser, { viewport: { width, height }, colorScheme });
    await signIn(on.page);
    await on.page.goto(`${url}/problems`);
    await look(on.page, `problems ${name}`);
    await on.page.getByRole('region', { name: 'Records that need you, by cause' }).getByRole('link').click();
    await look(on.page, `problem ${name}`);
    await on.page.goto(`${url}/records/crm/account?id=cus_no5`);
    await look(on.page, `problem-record ${name}`);
    await on.context.close();
  }
  const off = await open(browser, { javaScriptEnabled: false });
  await signIn(off.page);
  await grouped(off.page);
  await mending(off.page);
  await off.page.goto(`${url}/problems`);
  await off.context.close();
  for (const { name, width, height, colorScheme } of looks) {
    const on = await open(browser, { viewport: { width, height }, colorScheme });
    await signIn(on.page);
    await on.page.goto(`${url}/problems`);
    await look(on.page, `problems-none ${name}`);
    await on.context.close();
  }
});
