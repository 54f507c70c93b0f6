// Settings in Chromium.
//
//   node settings.mjs URL [reset]     below which the site answers; reset: only that the
//                                     password set on the command line is the one that counts
//
// For the rest see chromium.mjs.  Prints "ok - case" or "not ok - case" for each case.

import { attempt, expect, inBrowser, look, looks, open, says, signIn, url } from './chromium.mjs';

const press = (page, name) => page.getByRole('button', { name, exact: true }).click();
const main = (page) => page.locator('main').innerText();

async function enter(page, name, password) {
  await page.goto(`${url}/login`);
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Password').fill(password);
  await press(page, 'Sign in');
}

const isOut = async (page) => {
  await page.goto(`${url}/settings`);
  return new URL(page.url()).pathname.endsWith('/login');
};

async function users(page, other) {
  await attempt('without script: a user is added, and comes in', async () => {
    await page.getByRole('link', { name: 'Settings' }).click();
    await page.getByText('Add a user').click();
    await page.getByLabel('Name', { exact: true }).fill('No Good');
    await page.getByLabel('Password', { exact: true }).fill('another horse');
    await press(page, 'Add');
    await says(page, 'A name has 1 to 64 characters');
    await page.getByLabel('Name', { exact: true }).fill('vera');
    await page.getByLabel('Password', { exact: true }).fill('another horse');
    await press(page, 'Add');
    await says(page, 'The user is added.');
    await enter(other, 'vera', 'another horse');
    await other.waitForURL(`${url}/`);
    await other.goto(`${url}/settings`);
    expect(!(await main(other)).includes('Users'), 'a viewer sees the users');
  });
  await attempt('without script: another role counts at once', async () => {
    await page.getByRole('link', { name: 'vera' }).click();
    await page.locator('select[name=role]').selectOption('admin');
    await press(page, 'Save');
    await says(page, 'The role is changed.');
    await other.goto(`${url}/settings`);
    await says(other, 'Add a user');
    await page.locator('select[name=role]').selectOption('viewer');
    await press(page, 'Save');
    await says(page, 'The role is changed.');
    expect((await other.request.get(`${url}/settings/audit`)).status() === 403, 'still an administrator');
  });
  await attempt('without script: the only administrator stays one', async () => {
    await page.goto(`${url}/settings/users/admin`);
    await page.locator('select[name=role]').selectOption('viewer');
    await press(page, 'Save');
    await says(page, 'admin is the only administrator.');
  });
  await attempt('without script: somebody is signed out', async () => {
    await page.goto(`${url}/settings/users/vera`);
    await says(page, 'Chrome on Linux');
    await press(page, 'Sign out everywhere');
    await says(page, 'Nowhere.');
    expect(await isOut(other), 'still signed in');
  });
}

async function own(page, second) {
  await attempt('without script: the own password, with the old one asked', async () => {
    await enter(page, 'vera', 'another horse');
    await enter(second, 'vera', 'another horse');
    await page.goto(`${url}/settings`);
    await page.getByLabel('Password of now').fill('wrong horse');
    await page.getByLabel('New password', { exact: true }).fill('a third horse');
    await page.getByLabel('New password again').fill('a third horse');
    await press(page, 'Change it');
    await says(page, 'That is not your password.');
    await page.getByLabel('Password of now').fill('another horse');
    await page.getByLabel('New password', { exact: true }).fill('a third horse');
    await page.getByLabel('New password again').fill('a third horse');
    await press(page, 'Change it');
    await says(page, 'Your password is changed.');
    expect(await isOut(second), 'the other session goes on');
  });
}

async function audit(page) {
  await attempt('without script: who did what', async () => {
    await page.goto(`${url}/settings`);
    await page.getByRole('link', { name: 'Audit trail' }).click();
    await says(page, 'role admin instead of viewer');
    await page.getByLabel('Who').selectOption('vera');
    await page.getByLabel('What').selectOption('Signing in');
    await press(page, 'Show');
    await says(page, 'wrong name or password');
    expect(!(await main(page)).includes('role admin instead'), await main(page));
  });
}

async function configuration(page) {
  const document = (secrets) => JSON.stringify({ billhook: 1, connections: [{ code: 'second', driver: 'sandbox', name: '<img src=x onerror=alert(2)>', ...secrets }] });
  await attempt('without script: a configuration is refused with its place and reason', async () => {
    await page.goto(`${url}/settings/configuration`);
    await page.getByLabel('Or its text').fill(document({ secrets: { token: 'env:HOME' } }));
    await press(page, 'Look what it would change');
    await says(page, /\/connections\/0\/secrets\/token: in the browser only "keep"/);
  });
  await attempt('without script: it comes as a file, too', async () => {
    const upload = (text) => page.getByLabel('A file').setInputFiles({ name: 'x"; filename="\u00e4\n.json', mimeType: 'application/json', buffer: Buffer.from(text) });
    await page.getByLabel('Or its text').fill('');
    await upload('\ufeff{"billhook": 1, "connections": [{"code": "upl", "driver": "nothing"}]}');
    await press(page, 'Look what it would change');
    await says(page, /\/connections\/0/);
    await page.getByLabel('Or its text').fill('what was typed counts less');
    await upload(document({}));
    await press(page, 'Look what it would change');
    await says(page, 'What this file would change');
  });
  await attempt('without script: a configuration is looked at, then put in', async () => {
    await page.getByLabel('Or its text').fill(document({}));
    await press(page, 'Look what it would change');
    await says(page, 'What this file would change');
    await press(page, 'Change it so');
    await says(page, 'The configuration is changed.');
    const text = await (await page.request.get(`${url}/settings/configuration.json`)).json();
    expect(text.connections.some(({ code }) => code === 'second'), JSON.stringify(text));
  });
}

async function options(page) {
  await attempt('without script: a wrong option is refused in its field', async () => {
    await page.goto(`${url}/settings/options`);
    await page.getByLabel(/^Days/).fill('a year');
    await press(page, 'Save');
    await says(page, 'keep_days must be a number from 0 to 36500, not "a year"');
  });
  await attempt('without script: options are changed, and in force soon', async () => {
    await page.getByLabel(/^Days/).fill('45');
    await page.getByLabel(/^MiB of events/).fill('77');
    await page.getByLabel(/^Cache/).fill('6');
    await press(page, 'Save');
    await says(page, 'The options are changed');
    for (let i = 0; i < 100 && !(await main(page)).includes('45 days, at most 77 MiB'); i++) {
      await new Promise((done) => setTimeout(done, 200));
      await page.goto(`${url}/settings`);
    }
    await says(page, '45 days, at most 77 MiB of events');
  });
}

async function remove(page) {
  await attempt('without script: a user is removed after the name was typed', async () => {
    await page.goto(`${url}/settings/users/vera`);
    await page.getByText('Remove this user').click();
    await page.getByLabel(/^Type/).fill('vera');
    await press(page, 'Remove the user');
    await says(page, 'The user is removed');
    expect(await page.getByRole('link', { name: 'vera' }).count() === 0, 'vera is still there');
  });
}

async function pictures(browser) {
  for (const { name, width, height, colorScheme } of looks) {
    const on = await open(browser, { viewport: { width, height }, colorScheme });
    await on.page.goto(`${url}/login`);
    await look(on.page, `login ${name}`);
    await signIn(on.page);
    for (const [what, path] of [['settings', '/settings'], ['user', '/settings/users/vera'], ['audit', '/settings/audit'], ['options', '/settings/options'], ['configuration', '/settings/configuration']]) {
      await on.page.goto(url + path);
      await look(on.page, `${what} ${name}`);
    }
    await on.page.getByLabel('Or its text').fill('{"billhook": 1, "connections": [{"code": "third", "driver": "sandbox", "name": "Third"}]}');
    await press(on.page, 'Look what it would change');
    await look(on.page, `configuration-change ${name}`);
    await on.page.getByLabel('Or its text').fill('{');
    await press(on.page, 'Look what it would change');
    await look(on.page, `configuration-wrong ${name}`);
    await on.context.close();
  }
}

await inBrowser(async (browser) => {
  const off = await open(browser, { javaScriptEnabled: false });
  if (process.argv[3] === 'reset') {
    await attempt('the password set on the command line counts', async () => {
      await enter(off.page, 'admin', 'set on the server');
      await off.page.waitForURL(`${url}/`);
    });
    return;
  }
  const other = await open(browser, { javaScriptEnabled: false });
  const third = await open(browser, { javaScriptEnabled: false });
  await signIn(off.page);
  await users(off.page, other.page);
  await own(other.page, third.page);
  await audit(off.page);
  await configuration(off.page);
  await options(off.page);
  await pictures(browser);
  await remove(off.page);
});
