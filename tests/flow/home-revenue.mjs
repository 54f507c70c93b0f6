// Home, revenue and automations in Chromium.
//
//   node home-revenue.mjs URL     below which the site answers
//
// For the rest see chromium.mjs.  Prints "ok - case" or "not ok - case" for each case.

import { attempt, comes, expect, inBrowser, look, looks, open, says, signIn, url } from './chromium.mjs';

const amount = (text) => Number(text.replace(/,/g, '').replace('–', '0'));

async function home(page) {
  await attempt('without script: home names the syncs of each CRM and the use of its API', async () => {
    await page.goto(`${url}/`);
    const row = page.getByRole('group', { name: 'CRMs' }).locator('tbody tr').first();
    expect(/calls of a day are used|has not told yet/.test(await row.innerText()), await row.innerText());
    await row.getByRole('link', { name: 'stripe', exact: true }).click();
    await page.waitForURL(/\/syncs\//);
  });
  for (const [column, place] of [[3, /\/syncs\/|\/connections\//], [4, /\/problems\?crm=/], [5, /\/syncs\/|\/connections\//]])
    await attempt(`without script: the count in column ${column} leads to its reason`, async () => {
      await page.goto(`${url}/`);
      await page.getByRole('group', { name: 'CRMs' }).locator('tbody tr').first().locator('th, td').nth(column).getByRole('link').click();
      await page.waitForURL(place);
    });
}

async function revenue(page) {
  await attempt('without script: revenue is added up when the page is opened', async () => {
    await page.getByRole('link', { name: 'Revenue' }).click();
    await page.waitForURL(`${url}/revenue`);
    await comes(page, 'MRR is 520.00 USD, from 2 customers.');
    const now = page.getByRole('region', { name: 'Now' });
    expect((await now.innerText()).includes('50.00 EUR'), await now.innerText());
  });
  await attempt('without script: each month begins with what the one before ended with, and adds up', async () => {
    await page.getByLabel('Time').selectOption('24 months');
    await page.getByRole('button', { name: 'Show' }).click();
    await page.waitForURL(/months=24/);
    const rows = await page.getByRole('group', { name: 'Movements by month' }).locator('tbody tr').all();
    expect(rows.length === 24, `${rows.length} months`);
    let after = null, moved = 0;
    for (const row of rows) {
      const cells = (await row.locator('td').allInnerTexts()).map(amount), end = cells.pop(), [begin, ...moves] = cells;
      const sum = moves.reduce((all, one) => all + one, begin);
      expect(Math.abs(sum - end) < 0.005, `${await row.innerText()}: ${sum}`);
      expect(after === null || Math.abs(end - after) < 0.005, `${end} is not ${after}`);
      after = begin;
      moved += moves.filter((one) => one !== 0).length;
    }
    expect(moved >= 3, `${moved} movements`);
  });
  await attempt('without script: another currency', async () => {
    await page.getByRole('link', { name: 'EUR', exact: true }).click();
    await says(page, 'MRR is 50.00 EUR, from 1 customer.');
    await page.getByLabel('Billing system').selectOption({ index: 1 });
    await page.getByRole('button', { name: 'Show' }).click();
    await says(page, 'MRR is 50.00 EUR, from 1 customer.');
    expect(page.url().includes('connection=stripe'), page.url());
  });
  await attempt('without script: the table as a file', async () => {
    const link = page.getByRole('link', { name: 'Download as CSV' });
    const answer = await page.request.get(new URL(await link.getAttribute('href'), page.url()).href);
    expect(answer.headers()['content-type'] === 'text/csv; charset=utf-8', answer.headers()['content-type']);
    const lines = (await answer.text()).trim().split('\r\n');
    expect(lines.length === 25 && lines[0].startsWith('month,currency,mrr_begin') && lines[24].includes(',EUR,50.00,'), lines.join('\n'));
  });
  await attempt('without script: a button has it worked out anew', async () => {
    const before = await page.locator('p.sub time').first().getAttribute('datetime');
    await page.waitForTimeout(1100);
    await page.getByRole('button', { name: 'Work them out now' }).click();
    for (let i = 0; i < 100 && await page.locator('p.sub time').first().getAttribute('datetime') === before; i++) {
      await page.waitForTimeout(100);
      await page.goto(`${url}/revenue`);
    }
    expect(await page.locator('p.sub time').first().getAttribute('datetime') !== before, 'it is as old as before');
  });
}

async function automations(page) {
  const press = (name) => page.getByRole('button', { name, exact: true }).click();
  await attempt('without script: an automation is taken into use', async () => {
    await page.getByRole('link', { name: 'Automations' }).click();
    await says(page, 'None is in use.');
    await page.getByRole('link', { name: 'Expansion of 500 a month or more' }).click();
    await page.getByLabel('Title').fill('Growth <b>');
    await page.getByLabel('From which amounts on').fill('USD much');
    await press('Take it into use');
    await page.getByRole('alert').waitFor();
    expect(await page.getByLabel('Title').inputValue() === 'Growth <b>', 'the title is lost');
    await page.getByLabel('From which amounts on').fill('USD 100');
    await press('Take it into use');
    await page.getByRole('heading', { name: 'Growth <b>' }).waitFor();
    await says(page, 'No sync of stripe writes what automations make');
  });
  await attempt('without script: a dry run tells what it would have done', async () => {
    await press('Try it on the last 90 days');
    await comes(page, 'would have fired 1 time in 90 days');
    await says(page, 'MRR grew: Big Holding Ltd');
  });
  await attempt('without script: it is switched off and changed', async () => {
    await press('Switch it off');
    await page.getByRole('button', { name: 'Switch it on' }).waitFor();
    const rule = page.getByLabel('The rule as JSON');
    await rule.fill((await rule.inputValue()).replace('Growth <b>', 'Growth & more'));
    await press('Save the rule');
    await page.getByRole('heading', { name: 'Growth & more' }).waitFor();
    await page.getByRole('button', { name: 'Switch it on' }).waitFor();
  });
}

await inBrowser(async (browser) => {
  const off = await open(browser, { javaScriptEnabled: false });
  await signIn(off.page);
  await home(off.page);
  await revenue(off.page);
  await automations(off.page);
  await off.context.close();
  for (const { name, width, height, colorScheme } of looks) {
    const on = await open(browser, { viewport: { width, height }, colorScheme });
    await signIn(on.page);
    for (const [what, path] of [['home', '/'], ['revenue', '/revenue'], ['revenue-24', '/revenue?currency=EUR&months=24'], ['revenue-none', '/revenue?connection=none'],
      ['automations', '/automations'], ['automation', '/automations/expansions'], ['automation-new', '/automations/new/renewals']]) {
      await on.page.goto(url + path);
      await look(on.page, `${what} ${name}`);
    }
    await on.context.close();
  }
});
