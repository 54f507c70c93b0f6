// What the scripts that look at pages in Chromium share: a window that notes
// every complaint, cases, signing in, and the look of axe and of a person.
//
// BH_NODE_MODULES has playwright-core and axe-core, BILLHOOK_PASSWORD is that
// of "admin".  With FLOW_SHOTS set, every page looked at is pictured there.

import { createRequire } from 'node:module';
import { mkdirSync, readFileSync } from 'node:fs';

const modules = createRequire(`${process.env.BH_NODE_MODULES}/`);
const { chromium } = modules('playwright-core');
const axeSource = readFileSync(modules.resolve('axe-core/axe.min.js'), 'utf8');
export const url = process.argv[2], shots = process.env.FLOW_SHOTS;
export const looks = [{ name: '1280-light', width: 1280, height: 900, colorScheme: 'light' }, { name: '390-dark', width: 390, height: 800, colorScheme: 'dark' }];
const complaints = []; // of the console, of requests that leave

export function report(name, isGood, why = '') {
  console.log(`${isGood ? 'ok' : 'not ok'} - ${name}`);
  if (!isGood) for (const line of String(why).split('\n').slice(0, 60)) console.log(`#   ${line.slice(0, 300)}`);
}

export async function attempt(name, act) {
  try {
    await act();
    report(name, true);
  } catch (error) {
    report(name, false, error.message);
  }
}

export function expect(isTrue, why) {
  if (!isTrue) throw new Error(why);
}

// A window; everything that it complains of is noted.  elsewhere: origins that it may go to, beside ours.
export async function open(browser, options, elsewhere = []) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  context.setDefaultTimeout(15000);
  context.on('request', (request) => {
    const { origin } = new URL(request.url());
    if (origin !== new URL(url).origin && !elsewhere.includes(origin)) complaints.push(`request to ${request.url()}`);
  });
  context.on('console', (message) => {
    // Chromium notes an answer of 400, 403, 404 or 409 as an error; the page itself is what counts then.
    if (['error', 'warning'].includes(message.type()) && !/status of 40[0349]/.test(message.text())) complaints.push(`console: ${message.text()} ${message.location().url}`);
  });
  context.on('weberror', (error) => complaints.push(`script: ${error.error().message}`));
  return { context, page: await context.newPage() };
}

export async function signIn(page) {
  await page.goto(`${url}/login`);
  await page.getByLabel('Name').fill('admin');
  await page.getByLabel('Password').fill(process.env.BILLHOOK_PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL(`${url}/`);
}

export const says = (page, text) => page.getByText(text).first().waitFor();

// Without script the person reloads.
export async function comes(page, text, limit = 15) {
  const end = Date.now() + limit * 1000;
  while (await page.getByText(text).filter({ visible: true }).count() === 0) {
    expect(Date.now() < end, `"${text}" does not come: ${await page.locator('main').innerText()}`);
    await page.waitForTimeout(100);
    await page.reload();
  }
}

// A picture of the whole page, where they are wanted.
export async function snap(page, name) {
  if (shots !== undefined) await page.screenshot({ path: `${shots}/${name.replaceAll(' ', '-')}.png`, fullPage: true });
}

// What axe finds, a line each; rules: only these.
export async function axe(page, rules) {
  if (!await page.evaluate(() => window.axe !== undefined)) await page.evaluate(axeSource);
  const { violations } = await page.evaluate((only) => window.axe.run(document, { resultTypes: ['violations'], ...(only && { runOnly: only }) }), rules);
  return violations.map((one) => `${one.id}: ${one.help}: ${one.nodes.map((node) => node.html).slice(0, 3).join(' ')}`);
}

export async function look(page, name) {
  await snap(page, name);
  const found = await axe(page);
  report(`${name}: axe finds nothing`, found.length === 0, found.join('\n'));
  const wide = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
  report(`${name}: nothing stands out to the right`, wide[0] <= wide[1], wide.join(' > '));
}

// Runs act with a browser; ends with the case that nobody complained.
export async function inBrowser(act) {
  if (shots !== undefined) mkdirSync(shots, { recursive: true });
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-dev-shm-usage'] });
  try {
    await act(browser);
    report('no complaint on the console, no request to elsewhere', complaints.length === 0, complaints.join('\n'));
  } finally {
    await browser.close();
  }
}
