// From an empty installation to customers in HubSpot, in Chromium.
//
//   node first-run.mjs URL on|off     below which the site answers; script on or off
//
// FLOW_HUBSPOT is HubSpot's simulator, BILLHOOK_DIR the data directory.  For the
// rest see chromium.mjs.  Prints "ok - case" or "not ok - case" for each case.

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { attempt, comes, expect, inBrowser, look, looks, open, says, url } from './chromium.mjs';

const { FLOW_HUBSPOT: hubspot, FLOW_HS_TOKEN: token, FLOW_STRIPE_SECRET: secret, BILLHOOK_DIR: dir, BILLHOOK_PASSWORD: password } = process.env;
const hasScript = process.argv[3] === 'on', way = `script ${process.argv[3]}`;
const sendScript = fileURLToPath(new URL('send.mjs', import.meta.url));
const press = (page, name) => page.getByRole('button', { name, exact: true }).click();
const codeFile = `${dir}/setup-code`;

async function sim(method, path, body) {
  const answer = await fetch(`${hubspot}/_sim/${path}`, { method, body: body && JSON.stringify(body) });
  const json = await answer.json();
  if (!answer.ok) throw new Error(`simulator: ${JSON.stringify(json)}`);
  return json;
}

function send(id, name) {
  const said = execFileSync('node', [sendScript, `${url}/hook/stripe`, 'stripe', JSON.stringify({ customer: id, name })], { encoding: 'utf8' });
  expect(/^200/.test(said), said);
}

async function company(key) {
  const { objects } = await sim('GET', 'state');
  return (objects.companies ?? []).map(({ properties }) => properties).find((one) => one.billhook_customer_id === key);
}

// With script the page changes by itself, without it the person reloads.
async function shows(page, text, limit = 20) {
  if (hasScript) await page.getByText(text).filter({ visible: true }).first().waitFor({ timeout: limit * 1000 });
  else await comes(page, text, limit);
}

async function until(what, isSo, limit = 20) {
  const end = Date.now() + limit * 1000;
  while (!await isSo()) {
    expect(Date.now() < end, what);
    await new Promise((done) => { setTimeout(done, 100); });
  }
}

const step = (page, title) => page.getByRole('heading', { name: new RegExp(`^${title}`) }).locator('.state').innerText();

// -- the first administrator --

async function fillFirst(page, code) {
  await page.getByLabel('Setup code').fill(code);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByLabel('Password again').fill(password);
  await press(page, 'Make the administrator');
}

async function beginning(browser, page) {
  await attempt(`${way}: the first page asks for the setup code`, async () => {
    await page.goto(url);
    expect(page.url() === `${url}/setup`, page.url());
    await says(page, 'Nobody can sign in to this Billhook yet.');
    expect(existsSync(codeFile), 'there is no file');
    expect(!(await page.content()).includes(readFileSync(codeFile, 'utf8').trim()), 'the page tells the code');
  });
  await attempt(`${way}: a stranger's guess makes nobody`, async () => {
    await fillFirst(page, 'aaaaa-bbbbb-ccccc-ddddd');
    await says(page, 'This is not the setup code.');
  });
  await lookAt(browser, 'first-admin', '/setup');
  await attempt(`${way}: who has the code is the administrator, and sees the next steps`, async () => {
    await fillFirst(page, readFileSync(codeFile, 'utf8').trim());
    await page.waitForURL(`${url}/setup`);
    await says(page, 'First steps');
    expect(await step(page, 'Administrator') === 'done' && await step(page, 'Data directory') === 'done', await page.locator('main').innerText());
    expect(await step(page, 'Billing system') === 'to do', 'a billing system?');
    expect(!existsSync(codeFile), 'the code is still there');
  });
}

// -- Stripe --

async function connectingStripe(page) {
  await attempt(`${way}: Stripe is connected with the pasted secret`, async () => {
    await page.goto(`${url}/setup`);
    await page.getByRole('listitem').filter({ hasText: 'Billing system' }).getByRole('link', { name: 'Connections' }).click();
    await page.getByRole('link', { name: 'Connect Stripe' }).click();
    await page.getByLabel('Signing secret', { exact: true }).fill(secret);
    await press(page, 'Save and validate');
    await page.waitForURL(`${url}/connections/stripe?saved=1`);
    await says(page, `${url}/hook/stripe`);
  });
  await attempt(`${way}: a signed webhook is the next step`, async () => {
    send('cus_1', 'Acme <b>&');
    await page.goto(`${url}/setup`);
    expect(await step(page, 'First webhook') === 'done', await page.locator('main').innerText());
  });
}

// -- HubSpot --

async function connectingHubSpot(page) {
  await attempt(`${way}: HubSpot is connected with a pasted token`, async () => {
    await page.goto(`${url}/connections/new/hubspot`);
    await page.getByLabel('Access token').fill(token);
    await page.locator('summary', { hasText: 'More settings' }).click();
    await page.getByLabel('API address').fill(hubspot);
    await press(page, 'Save and validate');
    await page.waitForURL(`${url}/connections/hubspot?saved=1`);
    await until('the portal does not answer', async () => {
      await page.goto(`${url}/setup`);
      expect(await step(page, 'CRM') === 'done', await page.locator('main').innerText());
      return /answers\./.test(await page.locator('main').innerText());
    });
  });
}

async function makingTheSync(page) {
  await attempt(`${way}: a sync is made of the preset, and stands`, async () => {
    await page.goto(`${url}/setup`);
    await page.getByRole('link', { name: 'New sync' }).click();
    expect(await page.getByLabel('Customers become').inputValue() === 'companies', 'no companies');
    expect(await page.getByRole('radio', { name: /^Stripe to HubSpot/ }).isChecked(), 'another preset');
    await press(page, 'Make the sync');
    await page.waitForURL(`${url}/syncs/stripe-hubspot?created=1`);
    await says(page, 'Nothing is written before you start it.');
    expect(await page.getByRole('button', { name: 'Start the sync' }).isDisabled(), 'it can be started unseen');
  });
  await attempt(`${way}: what is missing in HubSpot is made`, async () => {
    await page.goto(`${url}/connections/hubspot`);
    await press(page, 'Look what is there');
    await shows(page, /\d+ missing/, 30);
    await press(page, 'Make what is missing');
    await until('it is not made', async () => {
      await page.goto(`${url}/setup`);
      return await step(page, 'Fields in the CRM') === 'done';
    }, 90);
  });
}

async function starting(page) {
  await attempt(`${way}: the preview tells what would be made`, async () => {
    await page.goto(`${url}/syncs/stripe-hubspot`);
    await page.getByRole('link', { name: 'Look at the preview' }).click();
    await press(page, 'Look at all records');
    await shows(page, 'Go on to the start', 60);
    expect(await company('stripe:cus_1') === undefined, 'it was written');
    expect((await page.locator('main').innerText()).includes('Acme <b>&'), 'Acme is not told of');
  });
  await attempt(`${way}: then it can be started, and the company is there`, async () => {
    await page.getByRole('link', { name: 'Go on to the start' }).click();
    await press(page, 'Start the sync');
    await page.waitForURL(`${url}/syncs/stripe-hubspot?started=1`);
    await until('no company', async () => await company('stripe:cus_1') !== undefined, 40);
    expect((await company('stripe:cus_1')).name === 'Acme <b>&', JSON.stringify(await company('stripe:cus_1')));
    await page.goto(`${url}/syncs/stripe-hubspot`);
    await shows(page, 'All is in step.', 30);
  });
  await attempt(`${way}: all first steps are done`, async () => {
    await page.goto(`${url}/setup`);
    await says(page, 'All is done.');
    await page.goto(`${url}/`);
    expect(await page.getByText('first steps are done').count() === 0, 'home still reminds');
  });
}

// -- afterwards --

async function mending(page) {
  await attempt(`${way}: a record that is refused comes up`, async () => {
    await sim('POST', 'faults', { faults: [{ match: { key: 'stripe:cus_2' }, times: 10, do: { record_error: { category: 'VALIDATION_ERROR', message: 'Property values were not valid: <x>' } } }] });
    send('cus_2', 'Beta');
    await page.goto(`${url}/syncs/stripe-hubspot`);
    await shows(page, /1 record is refused/, 40);
    await page.goto(`${url}/problems`);
    await page.getByRole('table', { name: /Causes/ }).getByRole('link').first().click();
    await says(page, 'Beta');
  });
  await attempt(`${way}: tried again it is in HubSpot`, async () => {
    await sim('DELETE', 'faults');
    await page.getByRole('button', { name: /^(Retry|Try)/ }).first().click();
    await until('Beta is not there', async () => await company('stripe:cus_2') !== undefined, 40);
    await page.goto(`${url}/syncs/stripe-hubspot`);
    await shows(page, 'All is in step.', 30);
  });
}

async function resyncing(page) {
  await attempt(`${way}: paused it waits, and goes on`, async () => {
    await press(page, 'Pause');
    await says(page, 'Paused by a person.');
    send('cus_3', 'Gamma');
    await page.waitForTimeout(1500);
    expect(await company('stripe:cus_3') === undefined, 'it was written while paused');
    await press(page, 'Go on');
    await until('Gamma is not there', async () => await company('stripe:cus_3') !== undefined, 40);
  });
  await attempt(`${way}: a re-sync tells what it did`, async () => {
    await page.goto(`${url}/syncs/stripe-hubspot`);
    await press(page, 'Re-sync all');
    await shows(page, /\d records are compared with what was sent last/);
    await shows(page, 'Re-sync all');
  });
  await attempt(`${way}: a setting is changed for what is there, too`, async () => {
    await page.getByLabel('A customer whom no record matches').selectOption('no');
    await press(page, 'Save');
    await page.waitForURL(`${url}/syncs/stripe-hubspot?saved=1`);
    expect(await page.getByLabel('A customer whom no record matches').inputValue() === 'no', 'it is not kept');
  });
}

async function lookAt(browser, name, path, state) {
  for (const { name: kind, width, height, colorScheme } of looks) {
    const { context, page } = await open(browser, { viewport: { width, height }, colorScheme, storageState: state, javaScriptEnabled: true });
    await page.goto(`${url}${path}`);
    const closed = page.locator('details:not([open]) > summary');
    while (await closed.count() > 0) await closed.first().click();
    await look(page, `${name} ${kind}`);
    await context.close();
  }
}

async function removing(page) {
  await attempt(`${way}: the sync goes, what it wrote stays`, async () => {
    await page.goto(`${url}/syncs/stripe-hubspot`);
    await page.locator('summary', { hasText: 'Remove this sync' }).click();
    await page.getByLabel(/^Type/).fill('stripe-hubspot');
    await press(page, 'Remove the sync');
    await page.waitForURL(`${url}/syncs?gone=1`);
    await says(page, 'What it wrote stays in the CRM.');
    expect(await company('stripe:cus_1') !== undefined, 'the company is gone');
  });
}

await inBrowser(async (browser) => {
  const { context, page } = await open(browser, { javaScriptEnabled: hasScript });
  await beginning(browser, page);
  const state = () => context.storageState();
  if (hasScript) await lookAt(browser, 'setup-begun', '/setup', await state());
  await connectingStripe(page);
  await connectingHubSpot(page);
  if (hasScript) await lookAt(browser, 'sync-new', '/syncs/new', await state());
  await makingTheSync(page);
  if (hasScript) await lookAt(browser, 'sync-not-started', '/syncs/stripe-hubspot', await state());
  await starting(page);
  await mending(page);
  await resyncing(page);
  if (hasScript) {
    await lookAt(browser, 'syncs', '/syncs', await state());
    await lookAt(browser, 'sync', '/syncs/stripe-hubspot', await state());
    await lookAt(browser, 'setup-done', '/setup', await state());
  }
  await removing(page);
});
