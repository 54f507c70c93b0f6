// The page of alerts in Chromium.
//
//   node alert-pages.mjs URL DIR     below which the site answers; of receivers.mjs
//
// Prints "ok - case" or "not ok - case" for each case.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { attempt, comes, expect, inBrowser, look, looks, open, says, signIn, url } from './chromium.mjs';

const dir = process.argv[3];
const port = (name) => readFileSync(`${dir}/${name}.port`, 'utf8');
const taken = (name) => (existsSync(`${dir}/${name}`) ? readFileSync(`${dir}/${name}`, 'utf8').trim().split('\n').length : 0);
const hostile = '<script>alert(1)</script> & "Co"';

async function adding(page) {
  await attempt('problems lead to the alerts, which say that nobody is told', async () => {
    await page.goto(`${url}/problems`);
    await page.getByRole('link', { name: 'Alerts' }).click();
    await says(page, 'Nobody is told yet');
  });
  await attempt('an address that is none is refused, the name is kept', async () => {
    await page.getByRole('link', { name: 'Add Slack' }).click();
    await page.getByLabel('Name').fill(hostile);
    await page.getByLabel('Address of the incoming webhook').fill('http://hooks.example.com/x');
    await page.getByRole('button', { name: 'Save' }).click();
    await says(page, 'only https URLs may be called');
    expect((await page.getByLabel('Name').inputValue()) === hostile, 'the name is gone');
  });
  await attempt('the right one is saved', async () => {
    await page.getByLabel('Address of the incoming webhook').fill(`http://127.0.0.1:${port('slack')}/secret-path`);
    await page.getByRole('button', { name: 'Save' }).click();
    await says(page, 'Saved.');
    await says(page, hostile);
  });
  await attempt('a mail server with a wrong password', async () => {
    await page.getByRole('link', { name: 'Add e-mail' }).click();
    await page.getByLabel('Name').fill('Operations');
    await page.getByLabel('Mail server').fill(`smtp://127.0.0.1:${port('smtp')}`);
    await page.getByLabel('User').fill('billhook');
    await page.getByLabel('Password').fill('wrong-word');
    await page.getByLabel('From').fill('billhook@example.com');
    await page.getByLabel('To', { exact: true }).fill('ada@example.com, bob@example.com');
    await page.getByRole('button', { name: 'Save' }).click();
    await says(page, 'Saved.');
  });
}

const test = (page, name) => page.getByRole('button', { name: `Test ${name}` }).click();

async function trying(page) {
  await attempt('the button sends a message', async () => {
    await test(page, hostile);
    await says(page, 'A message on trial is on its way');
    await comes(page, 'works');
    expect(taken('slack') === 1, `${taken('slack')} messages`);
  });
  await attempt('the wrong password is shown', async () => {
    await test(page, 'Operations');
    await comes(page, 'the mail server refuses this user or password');
  });
  await attempt('a receiver that is down is shown', async () => {
    writeFileSync(`${dir}/mood`, 'down');
    await test(page, hostile);
    await comes(page, 'the receiver answered 503');
  });
  await attempt('quiet hours are kept, wrong ones refused', async () => {
    await page.getByLabel('Quiet from').fill('20:00');
    await page.getByLabel('Quiet until').fill('26:00');
    await page.getByLabel(/^Their time zone/).fill('+01:00');
    await page.getByRole('button', { name: 'Save' }).click();
    await says(page, 'Quiet hours have from and to such as');
    expect((await page.getByLabel('Quiet from').inputValue()) === '20:00', 'what was typed is gone');
    await page.getByLabel('Quiet until').fill('07:00');
    await page.getByRole('button', { name: 'Save' }).click();
    await says(page, 'Saved.');
    expect((await page.getByLabel('Quiet until').inputValue()) === '07:00', 'they are not kept');
  });
}

async function inspect(browser, storageState) {
  for (const { name, ...options } of looks) {
    const { context, page } = await open(browser, { ...options, viewport: { width: options.width, height: options.height }, storageState });
    for (const [at, path] of Object.entries({ alerts: '/alerts', 'alert-slack': '/alerts/slack', 'alert-mail': '/alerts/new/mail' })) {
      await page.goto(`${url}${path}`);
      await look(page, `${at} ${name}`);
    }
    await context.close();
  }
}

async function removing(page) {
  await attempt('removed, it is gone', async () => {
    await page.goto(`${url}/alerts`);
    await page.getByRole('link', { name: 'Operations' }).click();
    expect((await page.getByLabel('Password').inputValue()) === '', 'the password is given back');
    await page.getByRole('button', { name: 'Remove' }).click();
    await says(page, 'Nothing is told there any more');
    expect((await page.getByText('Operations').count()) === 0, 'it is there');
  });
}

await inBrowser(async (browser) => {
  const plain = await open(browser, { javaScriptEnabled: false });
  await signIn(plain.page);
  await adding(plain.page);
  await trying(plain.page);
  const live = await open(browser, {});
  await signIn(live.page);
  await inspect(browser, await live.context.storageState());
  await removing(live.page);
});
