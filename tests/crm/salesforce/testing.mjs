// What the simulator's own tests share: a small client and a schema.

import http from 'node:http';
import { startSalesforce } from '../salesforce.mjs';

export const BASE = '/services/data/v67.0';

export const SCHEMA = [
  { name: 'Account', fields: [
    { name: 'Billhook_Id__c', label: 'Billhook Id', type: 'Text', length: 255, externalId: true, unique: true, caseSensitive: true, help: 'tolerated' },
    { name: 'Legacy_Id__c', label: 'Legacy Id', type: 'Text', length: 40, externalId: true },
    { name: 'Code__c', label: 'Code', type: 'Text', length: 20, unique: true },
    { name: 'Plan__c', label: 'Plan', type: 'Picklist', values: ['basic', 'pro'], restricted: true },
    { name: 'Tier__c', label: 'Tier', type: 'Picklist', values: ['gold', 'silver'], restricted: false },
    { name: 'Secret__c', label: 'Secret', type: 'Text', length: 20 },
  ] },
  { name: 'Contact', fields: [{ name: 'Billhook_Id__c', label: 'Billhook Id', type: 'Text', length: 255, externalId: true, unique: true }] },
  { name: 'Billhook_Subscription__c', label: 'Subscription', plural: 'Subscriptions', nameField: { type: 'Text' }, fields: [
    { name: 'Billhook_Id__c', label: 'Billhook Id', type: 'Text', length: 255, externalId: true, unique: true, caseSensitive: true },
    { name: 'Account__c', label: 'Account', type: 'Lookup', referenceTo: 'Account' },
    { name: 'Amount__c', label: 'Amount', type: 'Currency', precision: 18, scale: 2 },
    { name: 'Seats__c', label: 'Seats', type: 'Number', precision: 5, scale: 0 },
    { name: 'Discount__c', label: 'Discount', type: 'Percent', precision: 5, scale: 2 },
    { name: 'Start__c', label: 'Start', type: 'Date' },
    { name: 'Renewed_At__c', label: 'Renewed At', type: 'DateTime' },
    { name: 'Overdue__c', label: 'Overdue', type: 'Checkbox' },
    { name: 'Link__c', label: 'Link', type: 'Url' },
    { name: 'Mail__c', label: 'Mail', type: 'Email' },
    { name: 'Tags__c', label: 'Tags', type: 'MultiselectPicklist', values: ['a', 'b', 'c'], restricted: true },
    { name: 'Raw__c', label: 'Raw', type: 'LongTextArea', length: 300 },
  ] },
  { name: 'Billhook_Line__c', label: 'Line', nameField: { type: 'AutoNumber', format: 'L-{0000}' }, fields: [
    { name: 'Subscription__c', label: 'Subscription', type: 'MasterDetail', referenceTo: 'Billhook_Subscription__c', relationshipName: 'Lines' },
    { name: 'Kind__c', label: 'Kind', type: 'Text', length: 10, required: true },
  ] },
];

// One request over node:http, which leaves headers and bodies exactly as given.
export function request(port, method, path, { headers = {}, body } = {}) {
  return new Promise((resolve, reject) => {
    // Node sends no length of its own with a DELETE.
    const length = body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) };
    const req = http.request({ host: '127.0.0.1', port, method, path, headers: { ...length, ...headers } }, (res) => {
      const parts = [];
      res.on('data', (part) => parts.push(part));
      res.on('error', reject);
      res.on('aborted', () => reject(new Error('answer was cut')));
      res.on('end', () => {
        const bytes = Buffer.concat(parts);
        let json;
        try {
          json = JSON.parse(bytes.toString('utf8'));
        } catch {
          json = undefined;
        }
        resolve({ status: res.statusCode, headers: res.headers, rawHeaders: res.rawHeaders, bytes, text: bytes.toString('utf8'), json });
      });
    });
    req.on('error', reject);
    req.end(body);
  });
}

export class TestOrg {
  static async start(options = {}) {
    const sim = await startSalesforce({ schema: SCHEMA, ...options });
    const org = new TestOrg(sim);
    await org.login();
    return org;
  }

  constructor(sim) {
    this.sim = sim;
    this.port = sim.port;
  }

  stop() {
    return this.sim.close();
  }

  async login() {
    const answer = await this.token({ grant_type: 'refresh_token', refresh_token: 'sim-refresh', client_id: 'sim-client', client_secret: 'sim-secret' });
    this.access = answer.json.access_token;
    return answer;
  }

  token(form, headers = {}) {
    return request(this.port, 'POST', '/services/oauth2/token', {
      headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...headers }, body: String(new URLSearchParams(form)) });
  }

  control(method, path, body) {
    return request(this.port, method, `/_sim/${path}`, { body: body === undefined ? undefined : JSON.stringify(body) });
  }

  // A data call; `path` is relative to the version unless it starts with "/".
  call(method, path, body, headers = {}) {
    const text = body === undefined || typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
    return request(this.port, method, path.startsWith('/') ? path : `${BASE}/${path}`, {
      headers: { Authorization: `Bearer ${this.access}`, ...(text === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers }, body: text });
  }

  async create(object, body) {
    const answer = await this.call('POST', `sobjects/${object}`, body);
    if (answer.status !== 201) throw new Error(`create ${object}: ${answer.text}`);
    return answer.json.id;
  }

  query(soql, headers) {
    return this.call('GET', `query?q=${encodeURIComponent(soql)}`, undefined, headers);
  }

  upsertRows(object, key, records, allOrNone = false) {
    return this.call('PATCH', `composite/sobjects/${object}/${key}`, {
      allOrNone, records: records.map((record) => ({ attributes: { type: object }, ...record })) });
  }

  composite(compositeRequest, more = {}) {
    return this.call('POST', 'composite', { allOrNone: false, collateSubrequests: false, ...more, compositeRequest });
  }
}

export const error = (answer) => answer.json[0];
