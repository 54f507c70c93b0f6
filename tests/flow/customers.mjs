// Customers in Chromium.
//
//   node customers.mjs URL     below which the site answers
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
const accountOf = async (key) => (await sim('GET', 'state/Account')).find((row) => row.Billhook_Id__c === key);

async function listing(page) {
  await attempt('without script: customers are listed by name, with what they are worth', async () => {
    await page.getByRole('link', { name: 'Customers' }).click();
    await page.waitForURL(`${url}/customers`);
    expect(await rows(page).count() === 50, `${await rows(page).count()} rows`);
    const first = await rows(page).first().innerText();
    expect(first.includes('Ada & <script>alert(1)</script>') && first.includes('25.00 USD') && first.includes('in step'), first);
  });
  await attempt('without script: the next page begins behind the last one', async () => {
    await page.getByRole('link', { name: 'More customers' }).click();
    expect(await rows(page).count() === 23, `${await rows(page).count()} rows`);
    await says(page, 'small shop');
    await page.getByRole('link', { name: 'From the beginning' }).click();
    expect(await rows(page).count() === 50, 'not at the beginning');
  });
  await attempt('without script: the largest first', async () => {
    await page.getByLabel('Order by').selectOption('MRR in USD, largest first');
    await press(page, 'Show');
    const names = await rows(page).locator('th a').allInnerTexts();
    expect(names.join() === 'Big Holding Ltd,Ada & <script>alert(1)</script>', names.join());
  });
  for (const [what, text, name] of [['a word of the name', 'HOLD', 'Big Holding Ltd'], ['an e-mail address', 'Shop@', 'small shop'], ['an id', 'cus_sma', 'small shop']]) {
    await attempt(`without script: ${what} finds them`, async () => {
      await page.goto(`${url}/customers`);
      await page.getByLabel(/begins with/).fill(text);
      await press(page, 'Show');
      expect((await rows(page).locator('th a').allInnerTexts()).join() === name, await page.locator('main').innerText());
    });
  }
  await attempt('without script: who is not there is said so', async () => {
    await page.getByLabel(/begins with/).fill('<b>nobody');
    await press(page, 'Show');
    await says(page, 'begins so.');
  });
}

async function looking(page) {
  await attempt('without script: one customer: figures, records, what happened', async () => {
    await page.goto(`${url}/customers?q=ada`);
    await rows(page).first().getByRole('link').first().click();
    await says(page, '300.00 USD');
    await says(page, 'EX-1');
    await says(page, 'made in the CRM');
    await says(page, 'customer.updated');
    const record = page.getByRole('region', { name: 'In the CRM' }).locator('tbody tr');
    expect((await record.innerText()).includes('in step'), await record.innerText());
    const account = await accountOf('stripe:cus_ada');
    await record.getByText(account.Id).waitFor();
  });
  await attempt('without script: why a field has its value', async () => {
    await page.getByRole('link', { name: /^Fields, and why/ }).click();
    const field = (name) => page.getByRole('row').filter({ has: page.getByRole('rowheader', { name, exact: true }) });
    const mrr = await field('Billhook_Balance__c').innerText();
    expect(mrr.includes('25.00') && mrr.includes('mrr: 25.00') && mrr.includes('Billing wins'), mrr);
    const email = await field('Billhook_Email__c').innerText();
    expect(email.includes('Whoever wrote last') && email.includes('Billhook has written here'), email);
    await page.goto(`${url}/records/crm/account?id=cus_big&field=Billhook_Note__c`);
    const note = await field('Billhook_Note__c').innerText();
    expect(note.includes('so the default counts: nothing said'), note);
    await page.getByRole('link', { name: 'All fields' }).click();
    await field('Name').waitFor();
  });
}

async function sending(page) {
  await attempt('without script: what a person changed there is put right', async () => {
    const account = await accountOf('stripe:cus_big');
    await sim('PATCH', 'records', { Account: [{ Id: account.Id, Name: 'Scribble' }] });
    await page.goto(`${url}/customers/stripe?id=cus_big`);
    await press(page, 'Sync now');
    await says(page, 'sent once more');
    for (let i = 0; i < 100 && (await accountOf('stripe:cus_big')).Name !== 'Big Holding Ltd'; i++) await page.waitForTimeout(100);
    expect((await accountOf('stripe:cus_big')).Name === 'Big Holding Ltd', JSON.stringify(await accountOf('stripe:cus_big')));
    await comes(page, 'written to the CRM');
  });
  await attempt('without script: another record is linked by its id', async () => {
    const { ids } = await sim('POST', 'records', { Account: [{ Name: 'The other one' }] });
    await sim('DELETE', 'records', { ids: [(await accountOf('stripe:cus_small')).Id] }); // it holds the key, which only one may
    await page.goto(`${url}/records/crm/account?id=cus_small`);
    await page.getByText('Another record is meant').click();
    await page.getByLabel(/^Id of the record/).fill('no id!');
    await press(page, 'Link this record');
    await says(page, 'That is no id of a record');
    await page.getByText('Another record is meant').click();
    await page.getByLabel(/^Id of the record/).fill(ids.Account[0]);
    await press(page, 'Link this record');
    await says(page, 'It is written to that record from now on.');
    await comes(page, /chosen by admin/);
    for (let i = 0; i < 100 && (await accountOf('stripe:cus_small'))?.Id !== ids.Account[0]; i++) await page.waitForTimeout(100);
    expect((await accountOf('stripe:cus_small'))?.Id === ids.Account[0], 'it is not written there');
  });
}

await inBrowser(async (browser) => {
  const off = await open(browser, { javaScriptEnabled: false });
  await signIn(off.page);
  await listing(off.page);
  await looking(off.page);
  await sending(off.page);
  await off.context.close();
  for (const { name, width, height, colorScheme } of looks) {
    const on = await open(browser, { viewport: { width, height }, colorScheme });
    await signIn(on.page);
    for (const [what, path] of [['customers', '/customers'], ['customers-none', '/customers?q=nobody'], ['customer', '/customers/stripe?id=cus_ada'],
      ['customer-invoices', '/customers/stripe?id=cus_ada&kind=invoice'], ['record', '/records/crm/account?id=cus_ada']]) {
      await on.page.goto(url + path);
      await look(on.page, `${what} ${name}`);
    }
    await on.context.close();
  }
});
