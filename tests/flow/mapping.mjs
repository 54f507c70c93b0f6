// The mapping of a sync in Chromium.
//
//   node mapping.mjs URL     below which the site answers
//
// HS_URL is HubSpot's simulator.  For the rest see chromium.mjs.  Prints
// "ok - case" or "not ok - case" for each case.

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { attempt, comes, expect, inBrowser, look, looks, open, says, signIn, url } from './chromium.mjs';

const hubspot = process.env.HS_URL;
const sendScript = fileURLToPath(new URL('send.mjs', import.meta.url));
const all = `${url}/syncs/main/mapping`, customer = `${all}/customer`;
const NASTY = 'Acme <script>window.hacked = 1</script> "&\'';
const press = (page, name) => page.getByRole('button', { name, exact: true }).first().click();
let bad; // the page of an object whose names are script
const pause = (ms) => new Promise((done) => { setTimeout(done, ms); });

function send(kind, id, fields) {
  const said = execFileSync('node', [sendScript, `${url}/hook/stripe`, 'stripe', JSON.stringify({ [kind]: id, ...fields })], { encoding: 'utf8' });
  expect(/^200/.test(said), said);
}

const sendCustomer = (id, city, more = {}) => send('customer', id, { name: `Customer ${id}`, email: `${id}@example.com`, address: { city, country: 'AT' }, ...more });

async function company(key) {
  const answer = await fetch(`${hubspot}/_sim/state/companies`);
  const { companies } = (await answer.json()).objects;
  return companies.map((one) => one.properties).find((one) => one.billhook_customer_id === `stripe:${key}`);
}

// Until HubSpot has that city for the customer.
async function hasCity(key, city) {
  let found;
  for (let i = 0; i < 150; i++) {
    found = await company(key);
    if (found?.city === city) return;
    await pause(100);
  }
  throw new Error(`${key}: ${JSON.stringify(found)}, not ${city}`);
}

async function change(page, field) {
  await page.goto(customer);
  await page.getByRole('link', { name: `${field} change`, exact: true }).click();
  await page.getByRole('form', { name: `Field ${field}` }).waitFor();
}

// The draft is put to use.
async function save(page, how) {
  await page.getByLabel(how).check();
  await press(page, 'Save: put it to use');
  await says(page, 'Saved.');
}

const ALREADY = /what is synced already, too/, FROM_NOW = /what changes from now on only/;
const draftSays = (page, words) => page.getByRole('heading', { name: `Draft: ${words}` }).waitFor();

// -- with script off --

async function looking(page) {
  await attempt('without script: the mapping shows what becomes of what', async () => {
    await page.goto(all);
    await says(page, 'companies');
    await says(page, 'the web address in domain is at the host of {email|company_domain}');
    await page.getByRole('row', { name: /^invoice_line/ }).getByText('switched off').waitFor();
    expect(await page.getByText('Draft:').count() === 0, 'there is a draft');
  });
  await attempt('without script: an object without a record says so', async () => {
    await page.getByRole('link', { name: 'customer', exact: true }).click();
    await says(page, 'No customer has come in yet');
  });
  await attempt('without script: rows show the values of the newest record', async () => {
    sendCustomer('cus_1', 'Graz', { name: NASTY });
    await page.goto(customer);
    await comes(page, 'Graz');
    await page.getByText(NASTY).first().waitFor();
    await hasCity('cus_1', 'Graz');
  });
  await attempt('without script: another record is chosen by its id, on every page', async () => {
    sendCustomer('cus_2', 'Wien');
    await hasCity('cus_2', 'Wien');
    await page.goto(all);
    await page.getByLabel(/See what becomes of a record/).fill('cus_1');
    await press(page, 'Look');
    expect(page.url() === `${customer}?sample=cus_1`, page.url());
    await says(page, 'Graz');
    await page.getByRole('searchbox', { name: /^Sample/ }).fill('cus_404');
    await press(page, 'Show its values');
    await says(page, 'Billhook holds no customer of this id.');
  });
  await attempt('without script: HubSpot is asked for its fields', async () => {
    await press(page, 'Ask HubSpot for its fields');
    await comes(page, /Checked against HubSpot/);
    await comes(page, 'City · text');
  });
}

async function rows(page) {
  await attempt('without script: a button shows what a row would make', async () => {
    await page.goto(customer);
    await page.getByRole('link', { name: 'city change', exact: true }).click();
    await page.getByLabel('Turned by').selectOption('upper');
    await press(page, 'Show its value');
    await page.locator('form.edit output').filter({ hasText: /^[A-Z]+$/ }).waitFor();
    expect(await page.getByLabel('Turned by').inputValue() === 'upper', 'what was chosen is lost');
    await page.getByRole('link', { name: 'Leave it' }).click();
  });
  await attempt('without script: what is wrong is said in the row, and what was typed stays', async () => {
    await change(page, 'city');
    expect(await page.locator('#sources option').count() > 50 && await page.locator('#crm-fields option').count() > 20, 'there is nothing to choose from');
    await page.getByLabel('From', { exact: true }).fill('no_such');
    await press(page, 'Into the draft');
    await page.getByRole('alert').filter({ hasText: 'customer has no field \'no_such\'' }).waitFor();
    expect(await page.getByLabel('From', { exact: true }).inputValue() === 'no_such', 'what was typed is lost');
    expect(await page.getByText('Draft:').count() === 0, 'it was stored');
  });
  await attempt('without script: a changed row shows its new value, and is not in use', async () => {
    await page.getByLabel('From', { exact: true }).fill('address_city');
    await page.getByLabel('Turned by').selectOption('upper');
    await page.getByLabel('Who wins').selectOption('always');
    await press(page, 'Into the draft');
    await draftSays(page, '1 change');
    await page.goto(`${customer}?sample=cus_1`);
    await says(page, 'GRAZ');
    await page.getByText('Before and after').click();
    await page.getByRole('row', { name: /^customer · city changed/ }).waitFor();
    expect((await company('cus_1')).city === 'Graz', 'HubSpot has it already');
  });
  await attempt('without script: it is not saved before a person says for whom', async () => {
    await page.goto(all);
    await press(page, 'Save: put it to use');
    expect(page.url() === all && await page.getByText('Saved.').count() === 0, 'it was saved');
  });
  await attempt('without script: saved from now on, only what changes is written by it', async () => {
    await save(page, FROM_NOW);
    sendCustomer('cus_3', 'Linz');
    await hasCity('cus_3', 'LINZ');
    expect((await company('cus_1')).city === 'Graz', 'what was synced is changed');
  });
  await attempt('without script: saved for what is synced already, HubSpot holds the new value', async () => {
    await change(page, 'city');
    await page.getByLabel('Else, where it is missing or empty').fill('Somewhere');
    await press(page, 'Into the draft');
    await page.goto(all);
    await save(page, ALREADY);
    await hasCity('cus_1', 'GRAZ');
    await hasCity('cus_2', 'WIEN');
  });
  await attempt('without script: a type that the CRM does not take is said in the row', async () => {
    await change(page, 'billhook_balance');
    await page.getByLabel('From', { exact: true }).fill('created_at');
    await press(page, 'Into the draft');
    await page.getByRole('row', { name: /^billhook_balance/ }).getByText('it takes numbers').waitFor();
    await press(page, 'Throw the draft away');
    await says(page, 'The draft is thrown away.');
  });
  await attempt('without script: rows are added, moved and removed', async () => {
    await page.goto(customer);
    await page.getByRole('link', { name: 'Add a field' }).click();
    await page.getByLabel('CRM field', { exact: true }).fill('description');
    await page.getByLabel('From', { exact: true }).fill('{name} in {address_country|country}');
    await press(page, 'Into the draft');
    await page.goto(`${customer}?sample=cus_2`);
    await says(page, 'Customer cus_2 in Austria');
    await page.getByRole('link', { name: 'description change', exact: true }).click();
    await press(page, 'Move up');
    const names = await page.locator('#rows tr[id] th code').allInnerTexts();
    expect(names.at(-2) === 'description', names.join());
    await press(page, 'Remove');
    await page.goto(all);
    expect(await page.getByText('Draft:').count() === 0, 'there is still a draft');
  });
}

async function filters(page) {
  await attempt('without script: filters that a form cannot hold are JSON', async () => {
    await page.goto(customer);
    await page.getByRole('link', { name: 'Change the filter' }).click();
    await page.getByLabel('Filter, as JSON').fill('');
    await press(page, 'Into the draft');
    await says(page, 'All of them.');
  });
  await attempt('without script: a filter keeps records out of the CRM', async () => {
    await page.getByRole('link', { name: 'Change the filter' }).click();
    await page.getByLabel('Field', { exact: true }).first().fill('email');
    await page.getByLabel('Compared').first().selectOption('not_in');
    await page.getByLabel(/^Values/).first().fill('cus_4@example.com, cus_5@example.com');
    await press(page, 'Into the draft');
    await says(page, 'Those of which email is none of cus_4@example.com, cus_5@example.com.');
    await page.goto(all);
    await save(page, ALREADY);
    sendCustomer('cus_4', 'Nowhere');
    sendCustomer('cus_6', 'Steyr');
    await hasCity('cus_6', 'STEYR');
    expect(await company('cus_4') === undefined, 'it was written');
  });
  await attempt('without script: matching rules are added, moved, explained', async () => {
    await page.goto(`${customer}?sample=cus_6`);
    await page.getByRole('link', { name: 'Add a rule' }).click();
    await page.getByLabel('It is recognised by').selectOption('value');
    await page.getByRole('group', { name: 'First pair' }).getByLabel('CRM field').fill('name');
    await page.getByRole('group', { name: 'First pair' }).getByLabel('Is').fill('name');
    await press(page, 'Into the draft');
    await page.goto(`${customer}?sample=cus_6`);
    await says(page, 'Of the sample: name is Customer cus_6.');
    await page.getByRole('link', { name: 'Change rule: name is name', exact: true }).click();
    await press(page, 'Move up');
    expect((await page.locator('ol.rules > li').allInnerTexts()).at(-2).startsWith('name is name'), 'it did not move');
    await press(page, 'Remove');
  });
}

async function files(page) {
  let file;
  await attempt('without script: the preset comes back', async () => {
    await page.goto(all);
    await page.getByRole('button', { name: /^Put the preset/ }).click();
    await draftSays(page, '2 changes');
    await press(page, 'Throw the draft away');
    await page.goto(customer);
    await page.getByRole('button', { name: 'Put the preset\'s customer into the draft' }).click();
    await draftSays(page, '2 changes');
    await page.goto(all);
    await save(page, FROM_NOW);
    await says(page, 'It is the preset “Stripe to HubSpot”, unchanged.');
  });
  await attempt('without script: what is exported is imported', async () => {
    file = await (await page.request.get(`${all}.json`)).text();
    const mapping = JSON.parse(file);
    Object.assign(mapping.objects[0].fields.find((row) => row.to === 'city'), { as: 'lower', when: 'always' });
    await page.locator('summary', { hasText: 'Import' }).click();
    await page.getByLabel('Or its contents').fill(JSON.stringify(mapping));
    await press(page, 'Put it into the draft');
    await draftSays(page, '1 change');
    const draft = JSON.parse(await (await page.request.get(`${all}.json?draft=1`)).text());
    expect(JSON.stringify(draft.objects[0].fields.find((row) => row.to === 'city')).includes('lower'), JSON.stringify(draft));
    await save(page, ALREADY);
    await hasCity('cus_1', 'graz');
  });
  await attempt('without script: a file with an error is refused, and stays', async () => {
    await page.locator('summary', { hasText: 'Import' }).click();
    const wrong = file.replace('"address_city"', '"address_<b>"');
    await page.getByLabel('Or its contents').fill(wrong);
    await press(page, 'Put it into the draft');
    await page.getByRole('alert').filter({ hasText: 'customer: field' }).waitFor();
    expect(await page.getByLabel('Or its contents').inputValue() === wrong.trim(), 'the text is lost');
    await page.getByLabel('Or its contents').fill('{"objects": [');
    await press(page, 'Put it into the draft');
    await page.getByRole('alert').filter({ hasText: 'This is no JSON' }).waitFor();
  });
  await attempt('without script: an object is taken out and put back', async () => {
    await page.goto(`${all}/payment`);
    await press(page, 'Take payment out of the mapping');
    await draftSays(page, '1 change');
    await press(page, 'Put payment of the preset back');
    await page.getByRole('link', { name: 'payment', exact: true }).waitFor();
    await page.goto(all);
    expect(await page.getByText(/order of the objects/).count() <= 1, 'more than the order differs');
    if (await page.getByRole('button', { name: 'Throw the draft away' }).count() > 0) await press(page, 'Throw the draft away');
  });
}

// Each with a page of their own.
async function together(ada, bob) {
  await attempt('without script: who changes the same row is shown the other\'s', async () => {
    await change(ada, 'zip');
    await change(bob, 'zip');
    await bob.getByLabel('Turned by').selectOption('upper');
    await press(bob, 'Into the draft');
    await ada.getByLabel('From', { exact: true }).fill('address_state');
    await press(ada, 'Into the draft');
    await ada.getByRole('alert').filter({ hasText: 'changed it meanwhile. Now it is: address_postal_code' }).waitFor();
    expect(await ada.getByLabel('From', { exact: true }).inputValue() === 'address_state', 'what was typed is lost');
    await press(ada, 'Into the draft');
    await draftSays(ada, '1 change');
    await ada.getByText('Before and after').click();
    await ada.getByRole('row', { name: /zip changed .* address_state/ }).waitFor();
  });
  await attempt('without script: what was not looked at is not saved', async () => {
    await ada.goto(all);
    await change(bob, 'state');
    await press(bob, 'Remove');
    await ada.getByLabel(FROM_NOW).check();
    await press(ada, 'Save: put it to use');
    await says(ada, 'Somebody changed the draft since you looked at it.');
    await draftSays(ada, '2 changes');
  });
  await attempt('without script: where the sync was changed meanwhile there is a way out', async () => {
    const mapping = JSON.parse(await (await ada.request.get(`${all}.json`)).text());
    mapping.title = 'Changed <elsewhere>';
    const document = { billhook: 1, syncs: [{ ...JSON.parse(execFileSync(process.env.BILLHOOK, ['export'], { encoding: 'utf8' })).syncs[0], mapping }] };
    execFileSync(process.env.BILLHOOK, ['apply', '--yes', '--quiet', '-'], { input: JSON.stringify(document) });
    await ada.goto(all);
    await says(ada, 'The sync was changed elsewhere since this draft began.');
    expect(await ada.getByRole('button', { name: 'Save: put it to use' }).count() === 0, 'it can be saved');
    await press(ada, 'I have looked: keep the draft');
    await draftSays(ada, '3 changes');
    await press(ada, 'Throw the draft away');
    await says(ada, 'The draft is thrown away.');
  });
}

// -- with script on --

async function withScript(page) {
  await attempt('with script: HubSpot\'s fields come by themselves', async () => {
    await page.goto(customer);
    const before = await page.locator('p.sub time').first().getAttribute('datetime');
    await press(page, 'Ask HubSpot for its fields');
    await page.locator(`p.sub time:not([datetime="${before}"])`).first().waitFor();
  });
  await attempt('with script: a long table is cut down to what is looked for', async () => {
    await page.getByLabel('Show only rows with').fill('renewal');
    expect(await page.locator('#rows tr[id]:visible').count() < 5, 'all rows are shown');
    await page.getByLabel('Show only rows with').fill('');
    expect(await page.locator('#rows tr[id]:visible').count() > 30, 'they do not come back');
  });
  await attempt('with script: what is typed is tried on the sample at once', async () => {
    await page.goto(customer);
    await page.getByRole('link', { name: 'city change', exact: true }).click();
    const tried = page.locator('form.edit output');
    await page.getByLabel('From', { exact: true }).pressSequentially('x');
    await page.waitForFunction(() => document.querySelector('form.edit output').dataset.state === 'bad');
    await page.getByLabel('From', { exact: true }).fill('{name} in {address_city}');
    await tried.filter({ hasText: / in \w/ }).waitFor();
    await page.getByLabel('Its value is').selectOption('value');
    await page.getByLabel('Turned by').selectOption('');
    await page.getByLabel('From', { exact: true }).fill('<img src=x onerror=window.hacked=9>');
    await tried.filter({ hasText: '<img src=x onerror=window.hacked=9>' }).waitFor();
    expect(await page.evaluate(() => window.hacked) === undefined, 'a script ran');
    await page.goto(customer);
    expect(!(await page.locator('main').innerText()).includes('not in use'), 'it is in a draft');
  });
  await attempt('with script: a file is uploaded', async () => {
    const mapping = JSON.parse(await (await page.request.get(`${all}.json`)).text());
    mapping.objects.push({ name: 'x"><script>window.hacked = 2</script>', from: 'coupon', to: '"><img src=x onerror=window.hacked=3>', key: '<b>', fields: [
      { to: '"><script>window.hacked = 4</script>', from: 'name', default: '<img src=x>' }] });
    const path = `${tmpdir()}/mapping-${process.pid}.json`;
    writeFileSync(path, JSON.stringify(mapping));
    bad = `/@${mapping.objects.length - 1}`;
    await page.goto(all);
    await page.locator('summary', { hasText: 'Import' }).click();
    await page.locator('#choose').setInputFiles(path);
    await press(page, 'Put it into the draft');
    await draftSays(page, '1 change');
  });
  await attempt('with script: what comes from outside is text on every page', async () => {
    for (const path of ['', bad, `${bad}?edit=row-0`, `${bad}?edit=filter`, '/customer?sample=cus_1', '/customer?sample=%22%3E%3Cscript%3Ewindow.hacked=5%3C/script%3E'])
      await page.goto(`${all}${path}`);
    expect(await page.evaluate(() => window.hacked) === undefined, 'a script ran');
    await page.goto(`${all}${bad}`);
    await page.getByText('"><script>window.hacked = 4</script>').first().waitFor();
  });
  await attempt('with script: a row is changed with the keyboard alone', async () => {
    await page.goto(customer);
    const link = page.getByRole('link', { name: 'phone change', exact: true });
    await link.focus();
    await page.keyboard.press('Enter');
    await page.getByLabel('Turned by').focus();
    await page.keyboard.type('upper');
    await page.getByLabel('CRM field', { exact: true }).focus();
    await page.keyboard.press('Enter');
    await draftSays(page, '2 changes');
  });
}

async function inspect(browser, state) {
  for (const { name, width, height, colorScheme } of looks) {
    const { context, page } = await open(browser, { viewport: { width, height }, colorScheme, storageState: state });
    for (const [title, path] of [['mapping', ''], ['mapping-customer', '/customer?sample=cus_1'], ['mapping-row', '/customer?sample=cus_1&edit=row-39'], ['mapping-new-row', '/customer?edit=row-new'],
      ['mapping-filter', '/customer?edit=filter'], ['mapping-filter-form', '/payment?edit=filter'], ['mapping-rule', '/customer?edit=rule-2'], ['mapping-create', '/customer?edit=create'], ['mapping-rest', '/customer?edit=rest'],
      ['mapping-off', '/invoice_line'], ['mapping-bad', bad]]) {
      await page.goto(`${all}${path}`);
      if (title === 'mapping') {
        const closed = page.locator('details:not([open]) > summary');
        while (await closed.count() > 0) await closed.first().click();
      }
      await look(page, `${title} ${name}`);
    }
    await context.close();
  }
}

await inBrowser(async (browser) => {
  const plain = await open(browser, { javaScriptEnabled: false });
  await signIn(plain.page);
  for (const part of [looking, rows, filters, files]) await part(plain.page);
  const other = await open(browser, { javaScriptEnabled: false });
  await signIn(other.page);
  await together(plain.page, other.page);
  const live = await open(browser, {});
  await signIn(live.page);
  await withScript(live.page);
  await inspect(browser, await live.context.storageState());
});
