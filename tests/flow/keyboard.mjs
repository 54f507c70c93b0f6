// From two connections to a running sync with nothing but keys.
//
//   node keyboard.mjs URL     below which the site answers
//
// For the rest see chromium.mjs.  Prints "ok - case" or "not ok - case" for each case.

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { attempt, expect, inBrowser, open, says, url } from './chromium.mjs';

const sendScript = fileURLToPath(new URL('send.mjs', import.meta.url));
const STOPS_MAX = 300; // of Tab on one page

function send(event) {
  const said = execFileSync('node', [sendScript, `${url}/hook/stripe`, 'stripe', JSON.stringify(event)], { encoding: 'utf8' });
  expect(/^200/.test(said), said);
}

// What has the focus, by the name that is read out, and whether one sees it.
function focused() {
  const node = document.activeElement, style = getComputedStyle(node);
  const name = node.labels?.[0]?.textContent ?? node.getAttribute('aria-label') ?? node.textContent;
  // Behind the last stop comes the page itself.
  if (node === document.body) return { name: '', isSeen: true };
  return { name: name.trim().replace(/\s+/g, ' '), isSeen: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0 };
}

// By Tab to what has this name.
async function reach(page, name) {
  const passed = [];
  for (let i = 0; i < STOPS_MAX; i++) {
    await page.keyboard.press('Tab');
    const now = await page.evaluate(focused);
    expect(now.isSeen, `the focus is not seen on "${now.name}"`);
    if (typeof name === 'string' ? now.name === name : name.test(now.name)) return;
    passed.push(now.name);
  }
  throw new Error(`Tab does not reach ${name}: ${passed.slice(0, 40).join(' | ')}`);
}

async function go(page, name, where) {
  await reach(page, name);
  await page.keyboard.press('Enter');
  await page.waitForURL(where);
}

async function type(page, name, text) {
  await reach(page, name);
  await page.keyboard.press('Control+a');
  await page.keyboard.type(text);
}

async function connect(page) {
  await attempt('keys: signed in', async () => {
    await page.goto(`${url}/login`);
    await type(page, 'Name', 'admin');
    await type(page, 'Password', process.env.BILLHOOK_PASSWORD);
    await page.keyboard.press('Enter');
    await page.waitForURL(`${url}/`);
  });
  await attempt('keys: the first stop leads past the navigation', async () => {
    await reach(page, 'Skip to the content');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement.closest('main') !== null), 'it does not');
  });
  await attempt('keys: Stripe is connected', async () => {
    await page.goto(`${url}/`);
    await go(page, 'Connections', `${url}/connections`);
    await go(page, 'Connect Stripe', '**/connections/new/stripe');
    await type(page, 'Signing secret', process.env.FLOW_STRIPE_SECRET);
    await go(page, 'Save and validate', '**/connections/stripe?saved=1');
    send({ customer: 'cus_1', name: 'Acme' });
  });
  await attempt('keys: a sandbox is connected', async () => {
    await go(page, 'Connections', `${url}/connections`);
    await go(page, /^Connect (the |a )?[Ss]andbox/, '**/connections/new/sandbox');
    await go(page, /^Save/, '**/connections/sandbox?saved=1');
  });
}

async function map(page) {
  await attempt('keys: a sync is made', async () => {
    await go(page, 'Syncs', `${url}/syncs`);
    await go(page, 'Make the first one.', /\/syncs\/new/);
    await go(page, 'Make the sync', /\/syncs\/stripe-sandbox\?created=1/);
  });
  await attempt('keys: a row of the mapping is changed and saved', async () => {
    await page.goto(`${url}/syncs/stripe-sandbox/mapping`);
    await go(page, /^(account|company|customer)$/, /\/mapping\/\w+$/);
    await go(page, /^name change$/i, /edit=row-/);
    await type(page, 'From', '{name|upper}');
    await reach(page, 'Into the draft');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Draft: 1 change' }).waitFor();
    await page.goto(`${url}/syncs/stripe-sandbox/mapping`);
    await reach(page, 'Save: put it to use');
    await page.keyboard.press('Enter');
    await says(page, 'Saved.');
  });
}

async function start(page) {
  await attempt('keys: the preview is looked at', async () => {
    await page.goto(`${url}/syncs/stripe-sandbox`);
    await go(page, 'Look at the preview', /\/preview/);
    await reach(page, 'Look at all records');
    await page.keyboard.press('Enter');
    await page.getByText('Go on to the start').filter({ visible: true }).first().waitFor({ timeout: 30000 });
    await says(page, 'ACME');
  });
  await attempt('keys: the sync is started, and the record is there', async () => {
    await go(page, 'Go on to the start', /\/syncs\/stripe-sandbox([?#].*)?$/);
    await go(page, 'Start the sync', /started=1/);
    await page.getByText('All is in step.').filter({ visible: true }).first().waitFor({ timeout: 30000 });
  });
}

await inBrowser(async (browser) => {
  const { page } = await open(browser, {});
  for (const part of [connect, map, start]) await part(page);
});
