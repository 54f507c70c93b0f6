// The first administrator, by HTTP alone.
//
//   node first.mjs URL CODE     prints "done" when the site then lets him in, else what it said
//
// BILLHOOK_PASSWORD in the environment.

import { Browser } from '../flow/browser.mjs';

const [url, code] = process.argv.slice(2);
const password = process.env.BILLHOOK_PASSWORD;
const browser = new Browser();
const page = await browser.get(`${url}/setup`);
const token = /name="token" value="([^"]*)"/.exec(page.body)?.[1];
const made = await browser.post(`${url}/setup`, { token, code, name: 'admin', password, again: password });
const home = await browser.get(`${url}/`);
console.log(made.status === 303 && home.status === 200 && home.body.includes('/billing/logout') ? 'done' : `${made.status} ${home.status} ${made.body} ${home.body}`);
