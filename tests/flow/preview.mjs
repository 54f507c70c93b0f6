// The preview of a sync in Chromium.
//
//   node preview.mjs URL     below which the site answers
//
// The sync "sf" leads to Salesforce's simulator and is paused.  For the rest see
// chromium.mjs.  Prints "ok - case" or "not ok - case" for each case.

import { attempt, comes, expect, inBrowser, look, looks, open, says, signIn, url } from './chromium.mjs';

const press = (page, name) => page.getByRole('button', { name, exact: true }).click();
const row = (page, name) => page.getByRole('row', { name: new RegExp(`^${name}`) });
const cells = async (page, name) => (await row(page, name).getByRole('cell').allInnerTexts()).map((text) => text.replace(/\D.*$/s, ''));

async function totals(page) {
  expect(await page.getByRole('columnheader', { name: 'Waits', exact: true }).count() === 1, 'no column of what waits');
  const account = await cells(page, 'Account');
  expect(account.join() === '2,2,0,0,1,1,0,1', `accounts: ${account}`);
  const all = await cells(page, 'All');
  expect(all.join() === '7,2,0,0,1,1,2,1', `all: ${all}`);
  await says(page, '1 × account, by Website');
}

// Of the account that people made: what stays, what changes, and why.
async function fields(page) {
  await says(page, 'This record would be linked and written.');
  await says(page, 'Website is webcorp.example');
  const city = await row(page, 'Billing City|BillingCity').innerText();
  expect(/Ulm[\s\S]*Ulm[\s\S]*not empty: stays[\s\S]*billing says: Bonn/.test(city), city);
  const name = await row(page, 'Account Name|Name').first().innerText();
  expect(/Web Corp[\s\S]*Web[\s\S]*changes[\s\S]*billing decides/.test(name), name);
}

async function hostile(page) {
  expect(await page.locator('main script').count() === 0, 'a script stands in the page');
  await page.getByText('<script>alert(1)</script>').first().waitFor();
}

await inBrowser(async (browser) => {
  // -- with script off: begin, reload until it is done, look at samples and at one record --
  const plain = await open(browser, { javaScriptEnabled: false });
  await signIn(plain.page);
  await attempt('script off: an empty preview says what to do', async () => {
    await plain.page.goto(`${url}/syncs/hs`);
    await plain.page.getByRole('link', { name: 'Preview', exact: true }).click();
    await says(plain.page, 'Nothing is written to');
  });
  await attempt('script off: all records are looked at', async () => {
    await plain.page.goto(`${url}/syncs/sf/preview`);
    await press(plain.page, 'Begin again');
    await comes(plain.page, 'Done');
    await comes(plain.page, '14 of 14 looked at.');
    await totals(plain.page);
  });
  await attempt('script off: samples lead to the fields of one', async () => {
    await row(plain.page, 'Account').getByRole('link', { name: '2 Adopt', exact: true }).click();
    await says(plain.page, 'found by the matching rules: it carries the key stripe:cus_key');
    await plain.page.getByRole('group', { name: 'Samples' }).getByRole('link', { name: 'Web', exact: true }).click();
    await says(plain.page, 'As it was when all records were looked at.');
    await fields(plain.page);
  });
  await attempt('script off: one record by its id', async () => {
    await plain.page.getByLabel('Its id').fill('cus_web');
    await press(plain.page, 'Look at it');
    await comes(plain.page, 'The CRM was asked');
    await fields(plain.page);
  });
  await attempt('script off: an id that nobody knows', async () => {
    await plain.page.getByLabel('Its id').fill('cus_none');
    await press(plain.page, 'Look at it');
    await comes(plain.page, 'There is no customer cus_none.');
  });
  await plain.context.close();

  // -- with script on, wide and light, narrow and dark --
  for (const view of looks) {
    const { context, page } = await open(browser, { viewport: { width: view.width, height: view.height }, colorScheme: view.colorScheme });
    await signIn(page);
    await attempt(`${view.name}: it goes on by itself`, async () => {
      await page.goto(`${url}/syncs/sf/preview`);
      await press(page, 'Begin again');
      await page.getByText('14 of 14 looked at.').waitFor();
      await page.getByRole('columnheader', { name: 'Needs a choice', exact: true }).waitFor();
      await totals(page);
    });
    await look(page, `preview ${view.name}`);
    await attempt(`${view.name}: samples`, async () => {
      await row(page, 'Account').getByRole('link', { name: '2 Create', exact: true }).click();
      await page.getByRole('heading', { name: 'Create: Account account' }).waitFor();
      await hostile(page);
    });
    await look(page, `preview-samples ${view.name}`);
    await attempt(`${view.name}: one record`, async () => {
      await page.getByLabel('Its id').fill('cus_web');
      await press(page, 'Look at it');
      await page.getByText('The CRM was asked').waitFor();
      await fields(page);
    });
    await look(page, `preview-record ${view.name}`);
    await attempt(`${view.name}: one that cannot be mapped`, async () => {
      await page.goto(`${url}/syncs/sf/preview?kind=customer&id=cus_bad`);
      await press(page, 'Look at customer cus_bad');
      await page.getByText('Nothing would be written: it cannot be.').waitFor();
    });
    await context.close();
  }
});
