// One person's data, in Chromium.
//
//   node personal-data.mjs URL DIR     below which the site answers; where the document goes, as ada.json
//
// For the rest see chromium.mjs.  Prints "ok - case" or "not ok - case" for each case.

import { attempt, comes, expect, inBrowser, look, looks, open, says, signIn, url } from './chromium.mjs';

const dir = process.argv[3], here = `${url}/settings/person`;
const press = (page, name) => page.getByRole('button', { name, exact: true }).click();

async function fetchTo(page, path) {
  await page.getByLabel('Your password').fill(process.env.BILLHOOK_PASSWORD);
  const [download] = await Promise.all([page.waitForEvent('download'), press(page, 'Export')]);
  expect(/^person-\d{8}-\d{6}\.json$/.test(download.suggestedFilename()), download.suggestedFilename());
  await download.saveAs(path);
  expect(await download.failure() === null, 'the file is not whole');
}

async function eraseIt(page) {
  await page.getByRole('link', { name: 'Erase …' }).click();
  await says(page, 'This cannot be undone.');
  await page.getByLabel('Your password').fill(process.env.BILLHOOK_PASSWORD);
  await page.getByLabel('Type erase to confirm').fill('erase');
  await press(page, 'Erase for good');
}

async function without(page) {
  await attempt('without script: from the settings, by an address', async () => {
    await page.goto(`${url}/settings`);
    await page.getByRole('link', { name: 'Personal data' }).click();
    await says(page, 'Nobody is looked for at the moment.');
    await page.getByLabel('Id or e-mail address of a customer').fill('nobody@nowhere.example');
    await press(page, 'Look for it');
    await comes(page, 'All was read: nothing is kept.');
    expect(await page.getByRole('button', { name: 'Export' }).count() === 0, 'there is something to export');
    await page.getByLabel('Id or e-mail address of a customer').fill('ADA@person.example');
    await press(page, 'Look for it');
    await comes(page, 'All was read: this is kept.');
    await says(page, 'ADA@person.example');
    expect(await page.getByRole('row', { name: /^001.* salesforce / }).count() === 1, 'her record in the CRM is not told');
    expect(await page.getByRole('row', { name: /^sbx_/ }).count() === 0, 'a record of the sandbox is told to be out of reach');
  });
  await attempt('without script: not without the password', async () => {
    await page.getByLabel('Your password').fill('a wrong one');
    await press(page, 'Export');
    await says(page, 'That is not your password.');
  });
  await attempt('without script: it is handed out', () => fetchTo(page, `${dir}/ada.json`));
  await attempt('without script: erasing asks for the word', async () => {
    await page.goto(`${here}/erase`);
    await page.getByLabel('Your password').fill(process.env.BILLHOOK_PASSWORD);
    await page.getByLabel('Type erase to confirm').fill('yes');
    await press(page, 'Erase for good');
    await says(page, 'Type erase to confirm.');
    await page.getByRole('link', { name: 'Leave it' }).click();
    await says(page, 'All was read: this is kept.');
  });
}

async function erased(page) {
  await attempt('without script: she is erased', async () => {
    await page.goto(here);
    await eraseIt(page);
    await comes(page, 'Erased.');
    await says(page, 'What was erased');
    expect(await page.getByRole('row', { name: /^001.* salesforce / }).count() === 1, 'her record in the CRM is not told');
    expect(!(await page.locator('main').innerText()).includes('person.example'), 'her address is told');
  });
  await attempt('without script: the customer is gone, the trail names nobody', async () => {
    const gone = await page.goto(`${url}/customers/stripe?id=cus_ada`);
    expect(gone.status() === 404, `status ${gone.status()}`);
    await page.goto(`${url}/settings/audit?kind=person`);
    await says(page, 'a person was erased: 5 objects');
    await says(page, 'what is kept about a person was fetched, in the browser by admin');
    expect(!/cus_ada|person\.example/.test(await page.locator('main').innerText()), 'the trail names her');
  });
}

// From the page of a customer; nothing is reloaded by hand.
async function withScript(page) {
  await attempt('with script: from a customer\'s page', async () => {
    await page.goto(`${url}/customers/stripe?id=cus_eve`);
    await press(page, 'Export or erase …');
    await page.waitForURL(here);
    await page.locator('h2', { hasText: 'Found for cus_eve' }).waitFor();
    await eraseIt(page);
    await page.locator('h2', { hasText: 'What was erased' }).waitFor();
    await says(page, 'customer cus_eve');
  });
  await attempt('with script: what was found is forgotten', async () => {
    await press(page, 'Forget what was found');
    await says(page, 'The document is removed, and what was found forgotten.');
    await page.locator('[data-live="person.text"]', { hasText: 'Nobody is looked for at the moment.' }).waitFor();
  });
}

// Those who may not see it are not led to it.
async function asViewer(browser, admin) {
  await admin.goto(`${url}/settings`);
  await admin.getByText('Add a user …').click();
  await admin.getByLabel('Name', { exact: true }).fill('vic');
  await admin.getByLabel('Password', { exact: true }).fill(process.env.BILLHOOK_PASSWORD);
  await admin.getByLabel('Role').selectOption('viewer');
  await press(admin, 'Add');
  const { context, page } = await open(browser, {});
  await attempt('a viewer sees nothing of it', async () => {
    await page.goto(`${url}/login`);
    await page.getByLabel('Name').fill('vic');
    await page.getByLabel('Password').fill(process.env.BILLHOOK_PASSWORD);
    await press(page, 'Sign in');
    await page.waitForURL(`${url}/`);
    await page.goto(`${url}/customers/stripe?id=cus_adam`);
    await says(page, 'Adam Other');
    expect(await page.getByText('Personal data').count() === 0, 'the customer\'s page leads there');
    expect((await page.goto(here)).status() === 403, 'the page is shown');
  });
  await context.close();
}

async function pictures(browser, what, paths) {
  for (const { name, width, height, colorScheme } of looks) {
    const on = await open(browser, { viewport: { width, height }, colorScheme });
    await signIn(on.page);
    for (const [title, path] of paths) {
      await on.page.goto(`${url}${path}`);
      await look(on.page, `${title}-${what} ${name}`);
    }
    await on.context.close();
  }
}

await inBrowser(async (browser) => {
  const off = await open(browser, { javaScriptEnabled: false });
  const on = await open(browser, {});
  await signIn(off.page);
  await signIn(on.page);
  await pictures(browser, 'none', [['person', '/settings/person'], ['customer', '/customers/stripe?id=cus_ada']]);
  await without(off.page);
  await pictures(browser, 'found', [['person', '/settings/person'], ['person-erase', '/settings/person/erase']]);
  await erased(off.page);
  await pictures(browser, 'erased', [['person', '/settings/person']]);
  await withScript(on.page);
  await asViewer(browser, on.page);
});
