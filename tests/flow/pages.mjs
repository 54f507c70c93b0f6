// The pages of billing systems and events in Chromium.
//
//   node pages.mjs URL     below which the site answers
//
// STRIPE_URL is Stripe's simulator; for the rest see chromium.mjs.  Prints
// "ok - case" or "not ok - case" for each case.

import { attempt, comes, expect, inBrowser, look, looks, open, says, shots, signIn, url } from './chromium.mjs';

const stripe = process.env.STRIPE_URL;
const seconds = (s) => ({ timeout: s * 1000 });

async function sim(method, path, body) {
  const answer = await fetch(`${stripe}/_sim/${path}`, { method, body: body && JSON.stringify(body) });
  const json = await answer.json();
  if (!answer.ok) throw new Error(`simulator: ${JSON.stringify(json)}`);
  return json;
}

// -- with script off --

async function connectBy(page, code, fields) {
  await page.goto(`${url}/connections/new/stripe`);
  await page.getByLabel('Name', { exact: true }).fill(fields.name);
  await page.getByLabel('Code', { exact: true }).fill(code);
  await page.getByLabel('API key', { exact: true }).fill(fields.key);
  await page.getByLabel('Mode', { exact: true }).selectOption('test');
  if (await page.getByLabel('Address of the API').isHidden()) await page.getByText('More settings').click();
  await page.getByLabel('Address of the API').fill(stripe);
  await page.getByRole('button', { name: 'Save and validate' }).click();
}

async function withoutScript(page) {
  await attempt('without script: the empty home page leads to connections', async () => {
    await page.getByRole('link', { name: 'Connect one.' }).click();
    await says(page, 'No billing system is connected yet.');
    await page.getByRole('link', { name: 'Connect Stripe' }).click();
    await page.waitForURL(`${url}/connections/new/stripe`);
  });
  await attempt('without script: what is wrong is said, and what was typed stays', async () => {
    await connectBy(page, 'eu', { name: 'Stripe Europe', key: 'pk_test_wrong' });
    await says(page, 'publishable key');
    expect(await page.getByLabel('Name', { exact: true }).inputValue() === 'Stripe Europe', 'the name is lost');
    expect(await page.getByLabel('Address of the API').inputValue() === stripe, 'the address is lost');
    expect(await page.getByLabel('API key', { exact: true }).inputValue() === '', 'the key came back');
  });
  await attempt('without script: save and validate shows who answers', async () => {
    await connectBy(page, 'eu', { name: 'Stripe Europe', key: 'rk_test_sim' });
    await page.waitForURL(`${url}/connections/eu?saved=1`);
    await comes(page, /the key may not read .*account.*, API version/);
  });
  await attempt('without script: what the key lacks is listed', async () => {
    await page.getByLabel('API key', { exact: true }).fill('rk_test_few');
    await page.getByRole('button', { name: 'Save and validate' }).click();
    await comes(page, 'The key lacks permissions.');
    await says(page, 'rak_invoice_read');
  });
  await attempt('without script: another key answers with its name', async () => {
    await page.getByLabel('API key', { exact: true }).fill('sk_test_sim');
    await page.getByRole('button', { name: 'Save and validate' }).click();
    await comes(page, 'Billhook Demo GmbH');
  });
  await attempt('without script: the webhook is made with the events that were chosen', async () => {
    await page.getByText('Events to receive').click();
    await page.getByLabel('invoice.sent').check();
    await page.getByLabel('product.updated').uncheck();
    await page.getByRole('button', { name: 'Make the webhook' }).click();
    await comes(page, 'The webhook is made.');
    const { endpoints } = await sim('GET', 'endpoints?livemode=false');
    const ours = endpoints.find((one) => one.url === `${url}/hook/eu`);
    expect(ours !== undefined, JSON.stringify(endpoints));
    expect(ours.enabled_events.includes('invoice.sent') && !ours.enabled_events.includes('product.updated'), ours.enabled_events.join());
    await page.reload(); // what is read for one page may stand on both sides of a commit
    await page.getByText('Events to receive').click();
    expect(await page.getByLabel('invoice.sent').isChecked() && !await page.getByLabel('product.updated').isChecked(), 'the choice is not kept');
  });
  await attempt('without script: it is seen to be in order', async () => {
    await page.getByRole('button', { name: 'Look at the webhooks there' }).click();
    await comes(page, 'The webhook is in order.');
  });
  await attempt('without script: an event is received and shown', async () => {
    await sim('POST', 'change', { livemode: false, type: 'customer.created', object: { id: 'cus_pages_1', object: 'customer', name: 'Müller & <Søn>', email: 'rechnung@example.com', livemode: false } });
    const sent = await sim('POST', 'deliver', { livemode: false });
    expect(sent.delivered >= 1, JSON.stringify(sent));
    await page.goto(`${url}/activity?type=customer.*`);
    await comes(page, 'customer.created');
    await page.locator('tbody a').first().click();
    await says(page, 'Müller & <Søn>');
    await page.getByRole('button', { name: 'Handle again' }).click();
    await says(page, 'It is handled again.');
  });
  await attempt('without script: events are found by what they carry, and handled again', async () => {
    await page.goto(`${url}/activity`);
    await page.getByLabel('Id of an event or object').fill('cus_pages_1');
    await page.getByRole('button', { name: 'Show' }).click();
    expect(await page.locator('tbody tr').count() === 1, 'not one row');
    await page.getByText('Handle the one shown again').click();
    await page.getByRole('button', { name: 'Handle 1 again' }).click();
    await says(page, '1 event is handled again.');
    expect(await page.getByLabel('Id of an event or object').inputValue() === 'cus_pages_1', 'the filter is lost');
  });
  await attempt('without script: everything is read, with a pause', async () => {
    await sim('POST', 'generate', { livemode: false, customers: 1500, seed: 7 });
    await sim('POST', 'settings', { latency_ms: 150 });
    await page.goto(`${url}/connections/eu`);
    await page.locator('button[form="start-backfill"]').click();
    await comes(page, /Step \d+ of \d+/);
    await page.locator('button[form="pause-backfill"]').click();
    await comes(page, 'Go on where it stood');
    expect(await page.locator('progress').first().isVisible(), 'there is no bar');
    const stood = await page.locator('[data-live="backfill.progress"]').innerText();
    await page.waitForTimeout(500);
    await page.reload();
    expect(await page.locator('[data-live="backfill.progress"]').innerText() === stood, 'it goes on while paused');
    await page.locator('button[form="resume-backfill"]').click();
    await comes(page, /Step \d+ of \d+/);
  });
  await attempt('without script: the webhook is taken away after a question', async () => {
    await sim('POST', 'settings', { latency_ms: 0 });
    await page.goto(`${url}/connections/eu`);
    expect(await page.getByRole('button', { name: 'Take the webhook away' }).isHidden(), 'there is no question');
    await page.getByText('Take ours away').click();
    await page.getByRole('button', { name: 'Take the webhook away' }).click();
    await comes(page, 'The webhook was taken away.');
    expect((await sim('GET', 'endpoints?livemode=false')).endpoints.length === 0, 'it is still there');
  });
}

// -- with script on: nothing is reloaded by hand --

async function withScript(page) {
  await attempt('with script: who answers comes by itself', async () => {
    await connectBy(page, 'us', { name: 'Stripe America', key: 'sk_test_sim' });
    await page.waitForURL(`${url}/connections/us**`);
    await says(page, 'Billhook Demo GmbH');
  });
  await attempt('with script: the webhook, too', async () => {
    await page.getByRole('button', { name: 'Make the webhook' }).click();
    await says(page, 'The webhook is made.');
  });
  await attempt('with script: what is typed is not lost when an answer comes', async () => {
    await sim('POST', 'settings', { latency_ms: 300 });
    await page.getByRole('button', { name: 'Ask again' }).click();
    await says(page, 'Asking …');
    await page.getByLabel('Name', { exact: true }).fill('half typed');
    await page.getByText('There is an answer: show it').waitFor();
    expect(await page.getByLabel('Name', { exact: true }).inputValue() === 'half typed', 'the name is lost');
  });
  await attempt('with script: progress is counted, buttons change', async () => {
    await sim('POST', 'settings', { latency_ms: 100 });
    await page.goto(`${url}/connections/us`);
    await page.locator('button[form="start-backfill"]').click();
    const progress = page.locator('[data-live="backfill.progress"]');
    await progress.filter({ hasText: /Step \d+ of \d+, \w+/ }).waitFor();
    const first = await progress.innerText();
    await progress.filter({ hasNotText: first }).waitFor();
    if (shots !== undefined) await page.screenshot({ path: `${shots}/reading.png` });
    expect(await page.locator('button[form="pause-backfill"]').isVisible(), 'no button to pause');
    expect(Number(await page.locator('progress').first().getAttribute('value')) <= 100, 'the bar is broken');
    await sim('POST', 'settings', { latency_ms: 0 });
    await page.locator('[data-live="backfill.word"]').filter({ hasText: 'done' }).waitFor(seconds(90));
    await page.locator('button[form="start-backfill"]').waitFor();
    expect(await page.locator('button[form="pause-backfill"]').isHidden(), 'it is done and can be paused');
  });
  await attempt('with script: times are shown in the zone of the reader', async () => {
    await page.goto(`${url}/activity`);
    const title = await page.locator('tbody time').first().getAttribute('title');
    expect(/\n.* UTC$/.test(title), title);
  });
}

// -- every page: axe, pictures, width --

async function inspect(browser, state) {
  for (const { name, width, height, colorScheme } of looks) {
    const { context, page } = await open(browser, { viewport: { width, height }, colorScheme, storageState: state });
    const event = await (async () => {
      await page.goto(`${url}/activity?type=customer.*`);
      return page.locator('tbody a').first().getAttribute('href');
    })();
    const pages = [['home', '/'], ['connections', '/connections'], ['source', '/connections/eu'], ['open-source', '/connections/us'], ['activity', '/activity'],
      ['activity-filtered', '/activity?type=invoice.*&state=applied&since=2026-01-01&q=none'], ['activity-error', '/activity?since=yesterday'],
      ['event', event], ['error', '/nothing'], ...['stripe', 'lago', 'lostchurn', 'generic'].map((one) => [`new-${one}`, `/connections/new/${one}`])];
    for (const [title, path] of pages) {
      await page.goto(`${url}${path}`);
      const closed = page.locator('details:not([open]) > summary');
      if (title.startsWith('new') || title.startsWith('open')) while (await closed.count() > 0) await closed.first().click();
      await look(page, `${title} ${name}`);
    }
    await context.close();
  }
  for (const { name, width, height, colorScheme } of looks) {
    const { context, page } = await open(browser, { viewport: { width, height }, colorScheme });
    await page.goto(`${url}/login`);
    await look(page, `login ${name}`);
    await context.close();
  }
}

await inBrowser(async (browser) => {
  const plain = await open(browser, { javaScriptEnabled: false });
  await signIn(plain.page);
  await withoutScript(plain.page);
  const live = await open(browser, {});
  await signIn(live.page);
  await withScript(live.page);
  await inspect(browser, await live.context.storageState());
});
