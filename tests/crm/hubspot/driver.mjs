// For the tests of the simulator: one simulator, and short calls to it.

import assert from 'node:assert/strict';
import { request } from 'node:http';
import { Witness } from '../../openapi/witness.mjs';
import { Simulator } from './server.mjs';

export const V = '2026-09';

export async function start(settings = {}) {
  const simulator = new Simulator({ search_lag_ms: 0, ...settings });
  simulator.witness = new Witness({ ofAnswers: true });
  const port = await simulator.listen(0);
  const base = `http://127.0.0.1:${port}`;

  // Answers {status, headers, body}; body is parsed when it is JSON.
  async function call(method, path, body, headers = {}) {
    const raw = typeof body === 'string' || Buffer.isBuffer(body);
    const response = await fetch(base + path, {
      method,
      redirect: 'manual',
      headers: {
        Authorization: 'Bearer pat-sim-token',
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? undefined : raw ? body : JSON.stringify(body),
    });
    const text = await response.text();
    let parsed = text;
    if ((response.headers.get('content-type') ?? '').startsWith('application/json')) parsed = JSON.parse(text);
    return { status: response.status, headers: response.headers, body: parsed };
  }

  return {
    base,
    call,
    get: (path, headers) => call('GET', path, undefined, headers),
    post: (path, body, headers) => call('POST', path, body, headers),
    form: (path, fields) => call('POST', path, new URLSearchParams(fields).toString(),
      { 'Content-Type': 'application/x-www-form-urlencoded', Authorization: '' }),
    batch: (type, verb, inputs, more = {}) => call('POST', `/crm/objects/${V}/${type}/batch/${verb}`, { inputs, ...more }),
    set: (changes) => call('POST', '/_sim/settings', changes),
    fault: (...faults) => call('POST', '/_sim/faults', { faults }),
    state: async (type) => (await call('GET', `/_sim/state/${type}`)).body.objects[type],
    stop: async () => {
      await simulator.close();
      assert.deepEqual(simulator.witness.notes, new Set(), 'all of it is in the documents');
    },
  };
}

// A bare request that tells how the connection ended.
export function rawRequest(base, path, body) {
  return new Promise((resolve) => {
    const req = request(base + path, {
      method: 'POST', headers: { Authorization: 'Bearer pat-sim-token', 'Content-Type': 'application/json' }, agent: false,
    }, (res) => {
      const chunks = [];
      res.on('data', (chunk) => chunks.push(chunk));
      res.on('error', () => resolve({ status: res.statusCode, cut: true }));
      res.on('aborted', () => resolve({ status: res.statusCode, cut: true }));
      res.on('end', () => resolve({ status: res.statusCode, cut: !res.complete, text: Buffer.concat(chunks).toString() }));
    });
    req.on('error', () => resolve({ status: 0, cut: true }));
    req.end(JSON.stringify(body));
  });
}

const text = (name, more = {}) => ({ name, label: name, type: 'string', fieldType: 'text', ...more });

// The properties and the custom object that the tests write.
export const SCHEMA = {
  properties: {
    companies: [
      text('lago_customer_id', { groupName: 'companyinformation', hasUniqueValue: true }),
      text('lago_link', { groupName: 'companyinformation' }),
      { name: 'renewal', label: 'Renewal', type: 'date', fieldType: 'date', groupName: 'companyinformation' },
      { name: 'seen', label: 'Seen', type: 'datetime', fieldType: 'date', groupName: 'companyinformation' },
      {
        name: 'delinquent', label: 'Delinquent', type: 'bool', fieldType: 'booleancheckbox', groupName: 'companyinformation',
        options: [{ label: 'Yes', value: 'true' }, { label: 'No', value: 'false' }],
      },
      {
        name: 'plans', label: 'Plans', type: 'enumeration', fieldType: 'checkbox', groupName: 'companyinformation',
        options: [{ label: 'Basic', value: 'basic' }, { label: 'Pro', value: 'pro' }, { label: 'Max', value: 'max' }],
      },
    ],
    contacts: [text('lago_customer_id', { groupName: 'contactinformation', hasUniqueValue: true })],
    deals: [text('billhook_deal_key', { groupName: 'dealinformation', hasUniqueValue: true })],
  },
  schemas: [{
    name: 'LagoInvoices', labels: { singular: 'LagoInvoice', plural: 'LagoInvoices' },
    primaryDisplayProperty: 'lago_invoice_number', requiredProperties: ['lago_invoice_id'],
    searchableProperties: ['lago_invoice_number', 'lago_invoice_id'], secondaryDisplayProperties: [],
    associatedObjects: ['0-2', 'CONTACT'],
    properties: [
      text('lago_invoice_id', { hasUniqueValue: true }), text('lago_invoice_number'),
      { name: 'lago_invoice_total_amount', label: 'Total', type: 'number', fieldType: 'number' },
    ],
  }],
};

export function company(key, properties = {}, more = {}) {
  return { id: key, idProperty: 'lago_customer_id', properties: { name: `Fernhill ${key}`, ...properties }, objectWriteTraceId: `t-${key}`, ...more };
}
