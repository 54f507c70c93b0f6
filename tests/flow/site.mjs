// A site as a program sees it: its routes, its links, its forms.

import { readFileSync } from 'node:fs';
import { Browser } from './browser.mjs';

export function unescape(text) {
  return text.replace(/&#(x?)([0-9a-f]+);/gi, (_, x, digits) => String.fromCodePoint(Number.parseInt(digits, x === '' ? 10 : 16)))
    .replace(/&lt;/g, '<').replace(/&gt;/g, '>').replace(/&quot;/g, '"').replace(/&amp;/g, '&');
}

// Patterns of the routes with that method, in the order in which they are tried.
export function routesOf(file, method) {
  return [...readFileSync(file, 'utf8').matchAll(/\{"(GET|POST)", "([^"]+)"/g)].filter(([, one]) => one === method).map(([, , pattern]) => pattern);
}

// The pattern that the router would take: words count more than parameters.
export function routeOf(patterns, path) {
  const parts = path.split('?')[0].split('/');
  const fits = (pattern) => {
    const words = pattern.split('/');
    return words.length === parts.length && words.every((word, i) => (word.startsWith(':') && parts[i] !== '') || word === parts[i]);
  };
  const parameters = (pattern) => pattern.split('/').filter((word) => word.startsWith(':')).length;
  return patterns.filter(fits).sort((a, b) => parameters(a) - parameters(b))[0];
}

// Signed in; answers are { path, status, headers, type, body }, redirects are not followed.
export async function enter(url, name, password) {
  const browser = new Browser();
  await browser.login(`${url}/login`, name, password);
  const cookie = browser.jar.map((one) => `${one.name}=${one.value}`).join('; ');
  const ask = async (method, path, body) => {
    const answer = await fetch(`${url}${path}`, { method, body, redirect: 'manual', headers: { Cookie: cookie } });
    return { path, status: answer.status, headers: answer.headers, type: answer.headers.get('content-type') ?? '', body: await answer.text() };
  };
  return { get: (path) => ask('GET', path), post: (path, fields) => ask('POST', path, new URLSearchParams(fields)) };
}

const attribute = (tag, name) => {
  const found = new RegExp(`\\s${name}="([^"]*)"`).exec(tag);
  return found === null ? undefined : unescape(found[1]);
};

// Paths of this site that a page leads to.
export function linksOf(url, { path, body }) {
  return [...body.matchAll(/<a\s[^>]*>/g)].map(([tag]) => attribute(tag, 'href')).filter((href) => href !== undefined)
    .map((href) => new URL(href, `${url}${path}`)).filter(({ origin }) => origin === new URL(url).origin).map(({ pathname, search }) => pathname + search);
}

function fieldsOf(form) {
  const fields = [];
  for (const [tag] of form.matchAll(/<input\s[^>]*>/g)) {
    const type = attribute(tag, 'type') ?? 'text', name = attribute(tag, 'name');
    if (name !== undefined && (!['checkbox', 'radio'].includes(type) || / checked/.test(tag))) fields.push({ name, type, value: attribute(tag, 'value') ?? '' });
  }
  for (const [, tag, inner] of form.matchAll(/<select(\s[^>]*)>([\s\S]*?)<\/select>/g)) {
    const chosen = /<option\s[^>]*\sselected[^>]*>/.exec(inner) ?? /<option\s[^>]*>/.exec(inner);
    fields.push({ name: attribute(tag, 'name'), type: 'select', value: attribute(chosen?.[0] ?? '', 'value') ?? '' });
  }
  for (const [, tag, inner] of form.matchAll(/<textarea(\s[^>]*)>([\s\S]*?)<\/textarea>/g))
    fields.push({ name: attribute(tag, 'name'), type: 'textarea', value: unescape(inner) });
  return fields;
}

// The forms of a page: { method, path, fields }.
export function formsOf(url, { path, body }) {
  return [...body.matchAll(/<form(\s[^>]*)>([\s\S]*?)<\/form>/g)].map(([, tag, inner]) => {
    const { pathname, search } = new URL(attribute(tag, 'action') ?? '', `${url}${path}`);
    return { method: (attribute(tag, 'method') ?? 'get').toUpperCase(), path: pathname + search, fields: fieldsOf(inner) };
  });
}
