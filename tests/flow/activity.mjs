// The log of events in Chromium.
//
//   node activity.mjs URL     below which the site answers
//
// For the rest see chromium.mjs.  Prints "ok - case" or "not ok - case" for each case.

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { attempt, comes, expect, inBrowser, look, looks, open, says, signIn, url } from './chromium.mjs';

const sendScript = fileURLToPath(new URL('send.mjs', import.meta.url));
const rows = (page) => page.locator('tbody tr');
const press = (page, name) => page.getByRole('button', { name, exact: true }).click();

function send(event) {
  const said = execFileSync('node', [sendScript, `${url}/hook/stripe`, 'stripe', JSON.stringify(event)], { encoding: 'utf8' });
  expect(/^200/.test(said), said);
}

// What the filters hold; those that are left out are empty.
async function search(page, { q = '', type = '', state = 'all', since = '', until = '' }) {
  await page.goto(`${url}/activity`);
  await page.getByLabel('Id of an event or object').fill(q);
  await page.getByLabel('Type').fill(type);
  await page.getByLabel('State').selectOption(state);
  await page.getByLabel('From (UTC)').fill(since);
  await page.getByLabel('Until (UTC)').fill(until);
  await press(page, 'Show');
}

async function searching(page, way) {
  const cases = [['the id of an event', { q: 'evt_ada_paid' }, 1], ['a customer', { q: 'cus_ada' }, 2], ['an invoice', { q: 'in_ada' }, 1], ['a type', { type: 'invoice.paid' }, 1],
    ['types that begin so', { type: 'invoice.*' }, 1], ['a state', { state: 'failed' }, 0], ['a day that is over', { until: '2026-01-01T00:00' }, 0],
    ['a customer and a type', { q: 'cus_ada', type: 'customer.*' }, 1]];
  for (const [what, filters, n] of cases)
    await attempt(`${way}: events are found by ${what}`, async () => {
      await search(page, filters);
      expect(await rows(page).count() === n, `${await rows(page).count()} rows at ${page.url()}`);
      const [[name, value]] = Object.entries(filters);
      expect(new URL(page.url()).searchParams.get(name) === value, `${page.url()} cannot be passed on`);
    });
  await attempt(`${way}: the log goes on page by page`, async () => {
    await page.goto(`${url}/activity`);
    const first = await rows(page).first().innerText();
    await page.getByRole('link', { name: 'Older events' }).click();
    expect(await rows(page).count() === 50 && await rows(page).first().innerText() !== first, await rows(page).first().innerText());
    await page.getByRole('link', { name: 'Newest events' }).click();
    expect(await rows(page).first().getByRole('link').innerText() === /evt_\S+/.exec(first)[0], 'another event is the newest');
  });
}

async function oneEvent(page, way) {
  await attempt(`${way}: an event tells how it was proved, and what it changed`, async () => {
    await search(page, { q: 'evt_ada', type: 'customer.*' });
    await rows(page).first().getByRole('link').click();
    await says(page, 'webhook, proved to be the sender\'s when it came');
    const effect = page.getByRole('group', { name: 'What it changed' }).locator('tbody tr');
    expect(await effect.count() === 1 && /customer cus_ada[\s\S]*(in step|written)/.test(await effect.innerText()), await effect.allInnerTexts());
  });
  await attempt(`${way}: its body is shown indented, and as it came`, async () => {
    const body = page.getByRole('group', { name: /^Body/ });
    expect((await body.innerText()).includes('\n  "object": "event"'), await body.innerText());
    await page.getByRole('link', { name: 'as it came' }).click();
    const raw = await body.innerText();
    expect(raw.startsWith('{"id":"evt_ada"') && raw.includes('{"note":"  two  blanks "}') && raw.includes('<script>'), raw);
    JSON.parse(raw);
    await page.getByRole('link', { name: 'indented' }).click();
  });
  await attempt(`${way}: what it changed leads to the record and the customer`, async () => {
    const effects = page.getByRole('group', { name: 'What it changed' });
    await effects.locator('td').getByRole('link').first().click();
    await page.waitForURL(/\/records\/crm\/account\?id=cus_ada/);
    await page.goBack();
    await effects.locator('th').getByRole('link').click();
    await page.waitForURL(/\/customers\/stripe\?id=cus_ada/);
  });
}

async function again(page, way) {
  await attempt(`${way}: one event is handled again`, async () => {
    await search(page, { q: 'evt_ada_paid' });
    await rows(page).first().getByRole('link').click();
    await press(page, 'Handle again, with the settings of now');
    await says(page, 'It is handled again.');
    await comes(page, 'older');
  });
  await attempt(`${way}: those that are shown are handled again`, async () => {
    await search(page, { q: 'cus_ada' });
    await page.getByText('Handle the 2 shown again').click();
    await press(page, 'Handle 2 again');
    await says(page, '2 events are handled again.');
    expect(await page.getByLabel('Id of an event or object').inputValue() === 'cus_ada', 'the filter is lost');
  });
  await attempt(`${way}: all that fit are, more than are shown, of a span of time`, async () => {
    const now = new Date(Date.now() + 3600000).toISOString().slice(0, 16), before = new Date(Date.now() - 3600000).toISOString().slice(0, 16);
    await search(page, { type: 'customer.*', since: before, until: now });
    await page.getByText('Handle the 50 shown again').click();
    await press(page, 'Handle all that fit again');
    await says(page, /1[2-9]\d events are handled again\./);
    expect(new URL(page.url()).searchParams.get('type') === 'customer.*', page.url());
  });
}

async function tail(page) {
  await attempt('with script: a new event comes by itself, and what came of it', async () => {
    await page.goto(`${url}/activity?type=customer.*`);
    send({ customer: 'cus_tail', name: 'Tail', event: 'evt_tail_1' });
    await page.locator('tbody tr', { hasText: 'evt_tail_1' }).filter({ hasText: 'applied' }).waitFor();
  });
  await attempt('with script: nothing moves under who types: there is a link', async () => {
    await page.getByLabel('Type').fill('customer.upd');
    send({ customer: 'cus_tail', name: 'Tail 2', event: 'evt_tail_2' });
    await page.getByRole('link', { name: 'There are newer events: show them' }).waitFor();
    expect(await page.getByLabel('Type').inputValue() === 'customer.upd', 'what was typed is lost');
    await page.getByRole('link', { name: 'There are newer events: show them' }).click();
    await page.locator('tbody tr', { hasText: 'evt_tail_2' }).waitFor();
    expect(new URL(page.url()).searchParams.get('type') === 'customer.*', page.url());
  });
}

await inBrowser(async (browser) => {
  for (const [way, javaScriptEnabled] of [['without script', false], ['with script', true]]) {
    const { context, page } = await open(browser, { javaScriptEnabled });
    await signIn(page);
    for (const part of [searching, oneEvent, again]) await part(page, way);
    if (javaScriptEnabled) await tail(page);
    await context.close();
  }
  for (const { name, width, height, colorScheme } of looks) {
    const { context, page } = await open(browser, { viewport: { width, height }, colorScheme });
    await signIn(page);
    await page.goto(`${url}/activity?q=cus_ada`);
    const href = await rows(page).last().getByRole('link').getAttribute('href');
    for (const [what, path] of [['activity-customer', '/activity?q=cus_ada'], ['event', href], ['event-raw', `${href}?body=raw`]]) {
      await page.goto(`${url}${path}`);
      await look(page, `${what} ${name}`);
    }
    await context.close();
  }
});
