// A very small browser: cookies with their paths, forms as they stand; redirects are shown, not followed.

import { request } from 'node:http';
import { request as requestTls } from 'node:https';

const isWithin = (path, base) => path === base || path.startsWith(base.endsWith('/') ? base : `${base}/`);

function unescape(text) {
  return text.replace(/&#(x?)([0-9a-f]+);/gi, (_, x, digits) => String.fromCodePoint(Number.parseInt(digits, x === '' ? 10 : 16)))
    .replace(/&lt;/g, '<').replace(/&gt;/g, '>').replace(/&quot;/g, '"').replace(/&amp;/g, '&');
}

function attribute(tag, name) {
  const found = new RegExp(`\\b${name}="([^"]*)"`).exec(tag);
  return found === null ? undefined : unescape(found[1]);
}

// The first form of the page that is posted: its address and the values in it.
function formOf(page, url) {
  const form = /<form[^>]*method="post"[^>]*>[\s\S]*?<\/form>/i.exec(page);
  if (form === null) throw new Error(`there is no form in ${page}`);
  const fields = {};
  for (const [tag] of form[0].matchAll(/<input[^>]*>/g)) {
    const name = attribute(tag, 'name');
    if (name !== undefined) fields[name] = attribute(tag, 'value') ?? '';
  }
  return { action: new URL(attribute(form[0], 'action') ?? '', url).href, fields };
}

export class Browser {
  // localAddress: who it calls as; headers: in each request.  Certificates are not looked at.
  constructor({ localAddress, headers = {} } = {}) {
    this.jar = [];
    this.localAddress = localAddress;
    this.headers = headers;
  }

  #keep(lines) {
    for (const line of lines ?? []) {
      const [pair, ...attributes] = line.split(';').map((part) => part.trim());
      const name = pair.slice(0, pair.indexOf('=')), value = pair.slice(pair.indexOf('=') + 1);
      const path = attributes.find((a) => /^path=/i.test(a))?.slice(5) ?? '/';
      this.jar = this.jar.filter((cookie) => cookie.name !== name || cookie.path !== path);
      if (value !== '') this.jar.push({ name, value, path });
    }
  }

  /* { status, headers, body }; status 0 and the reason as body when nobody answers. */
  ask(method, url, body, more = {}) {
    const { pathname, protocol } = new URL(url);
    const headers = { Connection: 'close', ...this.headers, ...more };
    const cookies = this.jar.filter(({ path }) => isWithin(pathname, path)).map(({ name, value }) => `${name}=${value}`);
    if (cookies.length > 0) headers.Cookie = cookies.join('; ');
    return new Promise((done) => {
      const options = { method, headers, localAddress: this.localAddress, rejectUnauthorized: false };
      const req = (protocol === 'https:' ? requestTls : request)(url, options, (res) => {
        const chunks = [];
        res.on('data', (chunk) => chunks.push(chunk));
        res.on('end', () => {
          this.#keep(res.headers['set-cookie']);
          done({ status: res.statusCode, headers: res.headers, body: Buffer.concat(chunks).toString() });
        });
      });
      req.on('error', (error) => done({ status: 0, headers: {}, body: error.message }));
      req.end(body);
    });
  }

  get(url) {
    return this.ask('GET', url);
  }

  post(url, fields) {
    return this.ask('POST', url, new URLSearchParams(fields).toString(), { 'Content-Type': 'application/x-www-form-urlencoded' });
  }

  // Opens the login page at url and sends its form with name and password in it.
  async login(url, name, password) {
    const page = await this.get(url);
    const { action, fields } = formOf(page.body, url);
    return this.post(action, { ...fields, name, password });
  }
}
