// Undo in Chromium.
//
//   node undo.mjs URL     below which the site answers
//
// The newest run of the sync "sf" wrote one record, customer cus_2.  For the rest see
// chromium.mjs.  Prints "ok - case" or "not ok - case" for each case.

import { attempt, comes, expect, inBrowser, look, looks, open, says, signIn, url } from './chromium.mjs';

const press = (page, name) => page.getByRole('button', { name }).first().click();
const record = `${url}/records/sf/account?id=cus_2`;

await inBrowser(async (browser) => {
  // -- with script off: the newest run is looked at, put back, and let go --
  const plain = await open(browser, { javaScriptEnabled: false });
  await signIn(plain.page);
  await attempt('script off: the page of the sync leads to it', async () => {
    await plain.page.goto(`${url}/syncs/sf`);
    await plain.page.getByRole('link', { name: 'Undo', exact: true }).click();
    await says(plain.page, 'You see what would come of it before anything is written');
  });
  await attempt('script off: what would come of it is shown', async () => {
    await press(plain.page, /^Look what putting back run/);
    await comes(plain.page, 'Ready: nothing is written yet');
    await says(plain.page, 'records get values back');
    await says(plain.page, '+49 30 2');
  });
  await attempt('script off: it is done', async () => {
    await press(plain.page, 'Put it back: 1 records');
    await comes(plain.page, 'records got values back');
    expect(await plain.page.getByRole('button', { name: /^Put it back/ }).count() === 0, 'it can be done twice');
  });
  await attempt('script off: the record says so, and is let go', async () => {
    await plain.page.goto(record);
    await says(plain.page, 'left alone until someone lets it be written again');
    await press(plain.page, 'Write it again');
    await says(plain.page, 'It is written again.');
  });
  await plain.context.close();

  // -- with script on, wide and light, narrow and dark --
  for (const view of looks) {
    const { context, page } = await open(browser, { viewport: { width: view.width, height: view.height }, colorScheme: view.colorScheme });
    await signIn(page);
    await attempt(`${view.name}: one record's last write`, async () => {
      await page.goto(record);
      await press(page, /^Put back what was last written here/);
      await page.getByText('Ready: nothing is written yet').waitFor();
      await page.getByRole('heading', { name: 'account cus_2' }).waitFor();
    });
    await look(page, `undo ${view.name}`);
    await attempt(`${view.name}: a time that is none`, async () => {
      await page.getByText('Look at a time, or at a run').click();
      await press(page, 'Look what putting back would do');
      await page.getByText('Say since when.').waitFor();
    });
    await page.goto(record);
    await look(page, `undo-record ${view.name}`);
    await context.close();
  }
});
