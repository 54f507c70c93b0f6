// The pages of a CRM in Chromium.
//
//   node crm-pages.mjs URL     below which the site answers
//
// SF_URL is Salesforce's simulator, SF_LOGIN the same by another name, so that
// logging in leads to another site; BILLHOOK is the program.  For the rest see
// chromium.mjs.  Prints "ok - case" or "not ok - case" for each case.

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { attempt, comes, expect, inBrowser, look, looks, open, says, signIn, url } from './chromium.mjs';

const { SF_URL: salesforce, SF_LOGIN: login, BILLHOOK: billhook, FLOW_SF_SECRET: secret } = process.env;
const sendScript = fileURLToPath(new URL('send.mjs', import.meta.url));
const elsewhere = [new URL(salesforce).origin, new URL(login).origin];
const press = (page, name) => page.getByRole('button', { name, exact: true }).click();

async function sim(method, path, body) {
  const answer = await fetch(`${salesforce}/_sim/${path}`, { method, body: body && JSON.stringify(body) });
  const json = await answer.json();
  if (!answer.ok) throw new Error(`simulator: ${JSON.stringify(json)}`);
  return json;
}

// -- what stands on both sides --

const MAPPING = {
  name: 'flow', source: 'stripe', dest: 'salesforce', objects: [
    {
      name: 'account', from: 'customer', to: 'Account', key: 'Billhook_Id__c',
      match: [{ by: 'key' }, { by: 'value', fields: [{ to: 'Name', from: 'name' }] }],
      fields: [{ to: 'Name', from: 'name', when: 'on_create' }, { to: 'Billhook_Email__c', from: 'email' }, { to: 'Billhook_MRR__c', from: 'mrr' }],
    },
    {
      name: 'invoice', from: 'invoice', to: 'Billhook_Invoice__c', key: 'Billhook_Id__c', parents: [{ object: 'account', id: 'customer', to: 'Account__c' }],
      fields: [{ to: 'Name', from: 'number' }, { to: 'Status__c', from: 'status' }, { to: 'Total__c', from: 'total' }],
    },
  ],
};

// create: what is done for a customer that no account matches.
function syncTo(code, create) {
  const [account, ...others] = MAPPING.objects;
  const mapping = { ...MAPPING, objects: [{ ...account, create }, ...others] };
  const document = { billhook: 1, syncs: [{ code: `stripe-${code}`, from: 'stripe', to: code, mapping }] };
  execFileSync(billhook, ['apply', '--yes', '--quiet', '-'], { input: JSON.stringify(document) });
}

function send(id, name) {
  const said = execFileSync('node', [sendScript, `${url}/hook/stripe`, 'stripe', JSON.stringify({ customer: id, name })], { encoding: 'utf8' });
  expect(/^200/.test(said), said);
}

async function accountOf(key) {
  const rows = await sim('GET', 'state/Account');
  return rows.find((row) => row.Billhook_Id__c === key);
}

// -- steps that both ways share --

async function fill(page, { code, name, address }) {
  await page.goto(`${url}/connections/new/salesforce`);
  await page.getByLabel('Name', { exact: true }).fill(name);
  await page.getByLabel('Code', { exact: true }).fill(code);
  await page.getByLabel('another', { exact: true }).check();
  await page.getByLabel('Login address: another').fill(address);
  await page.getByLabel('How Billhook logs in').selectOption('login');
  await page.getByLabel('Consumer key').fill('sim-client');
  await page.getByLabel('Consumer secret').fill(secret);
  await press(page, 'Save and validate');
}

// To the simulator's page and back.
async function logIn(page, button, decision) {
  await press(page, button);
  await page.getByRole('link', { name: 'Go on to Salesforce' }).click();
  await page.waitForURL(`${login}/services/oauth2/authorize**`);
  await page.getByRole('button', { name: decision }).click();
  await page.waitForURL(`${url}/**`);
}

async function confirm(page, typed, what) {
  const summary = page.locator('summary', { hasText: 'Disconnect' });
  if (await page.getByLabel(/^Type/).isHidden()) await summary.click();
  await page.getByLabel(what).check();
  await page.getByLabel(/^Type/).fill(typed);
  await press(page, 'Disconnect');
}

// -- with script off --

async function connecting(page) {
  await attempt('without script: the empty home page leads to the CRMs', async () => {
    await page.getByRole('link', { name: 'Connect a CRM.' }).click();
    await says(page, 'No CRM is connected yet.');
    await page.getByRole('link', { name: 'Connect Salesforce' }).click();
    await page.waitForURL(`${url}/connections/new/salesforce`);
    await says(page, `${url}/oauth/callback`);
  });
  await attempt('without script: the other address is asked for only when it is picked', async () => {
    const other = page.getByLabel('Login address: another');
    expect(await page.getByLabel('production').isChecked() && await other.isHidden(), 'production is not picked');
    await page.getByLabel('another', { exact: true }).check();
    expect(await other.isVisible(), 'there is no field');
  });
  await attempt('without script: what is wrong is said, and what was typed stays', async () => {
    await fill(page, { code: 'sf', name: 'Our CRM', address: 'ftp://crm.example.com' });
    await says(page, 'Login address');
    expect(await page.getByRole('alert').isVisible(), 'nothing is said');
    expect(await page.getByLabel('Login address: another').inputValue() === 'ftp://crm.example.com', 'the address is lost');
    expect(await page.getByLabel('Consumer key').inputValue() === 'sim-client', 'the key is lost');
    expect(await page.getByLabel('Consumer secret').inputValue() === '', 'the secret came back');
  });
  await attempt('without script: once saved, the next step is to log in', async () => {
    await fill(page, { code: 'sf', name: 'Our CRM', address: login });
    await page.waitForURL(`${url}/connections/sf?saved=1`);
    await says(page, 'Nobody has let Billhook in yet.');
  });
}

async function loggingIn(page) {
  await attempt('without script: who denies the access is told so', async () => {
    await logIn(page, 'Log in to Salesforce', 'Deny');
    await says(page, 'The access was not allowed');
    expect(!page.url().includes('code='), page.url());
    await page.getByRole('link', { name: 'Back to the connection' }).click();
    await says(page, 'Nobody has let Billhook in yet.');
  });
  await attempt('without script: who allows it sees whose org it is', async () => {
    await logIn(page, 'Log in to Salesforce', 'Allow');
    expect(page.url() === `${url}/connections/sf`, page.url());
    await comes(page, 'Developer Edition');
    expect((await page.locator('h1 .badge').innerText()).toLowerCase() === 'sandbox', 'there is no badge');
  });
  await attempt('without script: a login is good once', async () => {
    await page.goto(`${url}/oauth/callback?state=aaaaaaaaaaaaaaaaaaaaaaaa&code=made-up`);
    await says(page, 'This login is not known here');
  });
  await attempt('without script: the test shows limits', async () => {
    await page.goto(`${url}/connections/sf`);
    await press(page, 'Ask again');
    await comes(page, 'All limits, as they were told last');
    await page.getByText('All limits').click();
    await says(page, 'API calls in 24 hours');
  });
}

async function fittingOut(page) {
  await attempt('without script: the plan tells what is missing, and why', async () => {
    syncTo('sf', 'yes');
    await press(page, 'Look what is there');
    await comes(page, /\d+ missing/);
    await says(page, 'Billhook_Invoice__c');
  });
  await attempt('without script: installing shows how far it is', async () => {
    await sim('POST', 'settings', { soap_latency_ms: 700 });
    await press(page, 'Make what is missing');
    await comes(page, /Making it: \d+ of \d+/);
    expect(await page.getByRole('progressbar', { name: 'Making' }).isVisible(), 'there is no bar');
    await sim('POST', 'settings', { soap_latency_ms: 0 });
    await comes(page, 'Complete', 60);
  });
  await attempt('without script: afterwards all is there', async () => {
    await says(page, 'This was before the last time that Billhook made something.');
    await press(page, 'Look what is there');
    await comes(page, /^\d+ there\.$/);
    expect(await page.getByText(/\d+ missing/).count() === 0, 'something is missing');
  });
}

async function choosing(page) {
  const { ids } = await sim('POST', 'records', { Account: [{ Name: 'Acme <b>&' }, { Name: 'Acme <b>&' }, { Name: 'Beta' }, { Name: 'Beta' }] });
  await attempt('without script: who may be two is asked about', async () => {
    send('cus_1', 'Acme <b>&');
    await page.goto(`${url}/connections/sf`);
    await comes(page, /^This one/);
    expect(await page.getByRole('article').count() === 1, 'not one match waits');
    expect(await page.getByRole('article').locator('li').count() === 3, 'not two candidates');
  });
  await attempt('without script: the choice is what is written to', async () => {
    const second = ids.Account[1];
    await page.getByRole('article').locator('li', { hasText: second }).getByRole('button').click();
    await says(page, 'Stored.');
    for (let i = 0; i < 100 && await accountOf('stripe:cus_1') === undefined; i++) await page.waitForTimeout(100);
    expect((await accountOf('stripe:cus_1'))?.Id === second, JSON.stringify(await sim('GET', 'state/Account')));
    expect((await sim('GET', 'state/Account')).length === 4, 'a record was made');
  });
  await attempt('without script: none of them makes a new one', async () => {
    send('cus_2', 'Beta');
    await page.goto(`${url}/connections/sf`);
    await comes(page, /^Make a new one/);
    await page.getByRole('button', { name: 'Make a new one' }).click();
    await says(page, 'Stored.');
    for (let i = 0; i < 100 && await accountOf('stripe:cus_2') === undefined; i++) await page.waitForTimeout(100);
    expect((await sim('GET', 'state/Account')).length === 5, 'no record was made');
    await page.goto(`${url}/connections/sf`);
    await says(page, 'No match waits for a choice.');
  });
}

async function leaving(page) {
  await attempt('without script: nothing is removed without its count', async () => {
    await page.goto(`${url}/connections/sf`);
    await page.locator('summary', { hasText: 'Disconnect' }).click();
    expect(await page.getByLabel('goes:').isDisabled(), 'it can be removed uncounted');
    await press(page, 'Count what would be lost');
    await comes(page, 'What removing would lose');
    await page.getByText('What removing would lose').click();
    await page.getByRole('group', { name: 'What removing would lose' }).getByText('Billhook_Invoice__c', { exact: true }).waitFor();
  });
  await attempt('without script: another word than the code does nothing', async () => {
    await confirm(page, 'salesforce', 'stays:');
    await says(page, 'To disconnect, type the connection\'s code: sf. Nothing was done.');
  });
  await attempt('without script: the schema goes, then the connection', async () => {
    await confirm(page, 'sf', 'goes:');
    await comes(page, 'It is disconnected.', 60);
    const { objects } = await sim('GET', 'metadata');
    expect(!JSON.stringify(objects).includes('Billhook_Invoice__c'), 'the object stays');
    await page.goto(`${url}/connections`);
    await says(page, 'No CRM is connected yet.');
  });
}

// -- with script on: nothing is reloaded by hand --

async function withScript(page) {
  await attempt('with script: logging in ends with the org\'s name', async () => {
    await fill(page, { code: 'live', name: 'The CRM', address: login });
    await logIn(page, 'Log in to Salesforce', 'Allow');
    await says(page, 'Developer Edition');
  });
  await attempt('with script: the plan comes by itself', async () => {
    syncTo('live', 'no');
    await press(page, 'Look what is there');
    await says(page, /\d+ missing/);
  });
  await attempt('with script: the bar moves, and the report comes', async () => {
    await sim('POST', 'settings', { soap_latency_ms: 900 });
    await sim('POST', 'faults', { faults: [{ match: { component: 'Account.Billhook_MRR__c' }, do: { component_error: { statusCode: 'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST', message: 'no <such> type' } } }] });
    await press(page, 'Make what is missing');
    const text = page.locator('[data-live="install.text"]');
    await text.filter({ hasText: /Making it: \d+ of \d+/ }).waitFor();
    const first = await text.innerText();
    await text.filter({ hasNotText: first }).waitFor();
    expect(await page.getByRole('progressbar', { name: 'Making' }).isVisible(), 'there is no bar');
    await sim('POST', 'settings', { soap_latency_ms: 0 });
    await text.filter({ hasText: 'Not complete' }).waitFor();
    await says(page, 'What could not be made');
    await says(page, 'Account.Billhook_MRR__c');
  });
  await attempt('with script: it can be repeated', async () => {
    await press(page, 'Make what is missing');
    await page.locator('[data-live="install.text"]').filter({ hasText: /^Complete/ }).waitFor();
  });
  await attempt('with script: a match that comes up is shown', async () => {
    await sim('POST', 'records', { Account: [{ Name: 'Gamma' }, { Name: 'Gamma' }] });
    send('cus_9', 'Gamma');
    await page.getByRole('article').filter({ hasText: 'Gamma' }).waitFor();
  });
}

// Accounts that billing does not know, and customers that the CRM does not know.
async function matching(page) {
  await attempt('with script: accounts without a customer are found', async () => {
    await sim('POST', 'records', { Account: [{ Name: 'Epsilon <i>' }] });
    send('cus_20', 'Delta');
    await page.goto(`${url}/connections/live`);
    await press(page, 'Look for accounts');
    await says(page, 'Epsilon <i>');
  });
  await attempt('with script: customers without an account are proposed', async () => {
    await page.locator('#customers option[value=cus_20]').waitFor({ state: 'attached' });
  });
  await attempt('with script: another id is refused, and the list stays', async () => {
    await page.getByLabel(/Epsilon/).check();
    await page.getByLabel('Id of the customer').fill('cus_404');
    await press(page, 'Link');
    await says(page, 'There is no customer cus_404 in stripe.');
  });
  await attempt('with script: an account is linked to a customer by its id', async () => {
    await page.getByLabel(/Epsilon/).check();
    await page.getByLabel('Id of the customer').fill('cus_20');
    await press(page, 'Link');
    await says(page, 'Stored.');
    for (let i = 0; i < 100 && await accountOf('stripe:cus_20') === undefined; i++) await page.waitForTimeout(100);
    expect((await accountOf('stripe:cus_20'))?.Name === 'Epsilon <i>', JSON.stringify(await sim('GET', 'state/Account')));
    expect(await page.getByText('Epsilon <i>').count() === 0, 'it is still in the list');
  });
  await attempt('with script: it has a customer from then on, also for who looks again', async () => {
    const { newest } = await (await page.request.get(`${url}/connections/live/status.json`)).json();
    await press(page, 'Look for accounts');
    await page.locator(`[data-newest]:not([data-newest="${newest}"])`).waitFor({ state: 'attached' });
    await says(page, /accounts have no customer/);
    expect(await page.getByText('Epsilon <i>').count() === 0, 'it is listed again');
  });
}

// Some of everything on the page, and nothing folded away.
async function inspect(browser, state) {
  send('cus_10', 'Beta');
  await sim('POST', 'settings', { daily_used: 9100 });
  for (const { name, width, height, colorScheme } of looks) {
    const { context, page } = await open(browser, { viewport: { width, height }, colorScheme, storageState: state }, elsewhere);
    for (const [title, path] of [['connections-crm', '/connections'], ['home-crm', '/'], ['new-salesforce', '/connections/new/salesforce'],
      ['new-sandbox', '/connections/new/sandbox'], ['crm', '/connections/live'], ['open-crm', '/connections/live'], ['oauth-error', '/oauth/callback?state=x&error=access_denied']]) {
      await page.goto(`${url}${path}`);
      const closed = page.locator('details:not([open]) > summary');
      if (title.startsWith('new') || title.startsWith('open')) while (await closed.count() > 0) await closed.first().click();
      await look(page, `${title} ${name}`);
    }
    await page.goto(`${url}/connections/live`);
    await press(page, 'Log in again');
    await page.getByRole('link', { name: 'Go on to Salesforce' }).waitFor();
    await look(page, `login-to-crm ${name}`);
    await context.close();
  }
}

async function goodbye(page) {
  await attempt('with script: a match is chosen with the keyboard', async () => {
    await page.goto(`${url}/connections/live`);
    const button = page.getByRole('article').filter({ hasText: 'Gamma' }).getByRole('button').first();
    await button.focus();
    await page.keyboard.press('Enter');
    await says(page, 'Stored.');
  });
  await attempt('with script: what is kept there stays, the connection goes, and the list is shown', async () => {
    await confirm(page, 'live', 'stays:');
    await page.waitForURL((to) => to.search === '?gone=1');
    await says(page, 'It is disconnected.');
    const { objects } = await sim('GET', 'metadata');
    expect(JSON.stringify(objects).includes('Billhook_Invoice__c'), 'the object is gone');
  });
  await attempt('with script: the tokens are given back', async () => {
    const calls = await sim('GET', 'calls');
    expect(JSON.stringify(calls).includes('/services/oauth2/revoke'), 'nothing was revoked');
  });
}

await inBrowser(async (browser) => {
  const plain = await open(browser, { javaScriptEnabled: false }, elsewhere);
  await signIn(plain.page);
  for (const part of [connecting, loggingIn, fittingOut, choosing, leaving]) await part(plain.page);
  const live = await open(browser, {}, elsewhere);
  await signIn(live.page);
  await withScript(live.page);
  await matching(live.page);
  await inspect(browser, await live.context.storageState());
  await goodbye(live.page);
});
