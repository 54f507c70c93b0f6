// Everything that an account has in one mode, and the worlds of all accounts.

import { randomBytes } from 'node:crypto';
import { Collection } from './collection.mjs';
import { SHAPES, TYPES } from './shapes.mjs';
import { View } from './view.mjs';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

// As the service makes them: evt_1Q... with 24 characters behind the prefix.
export function newId(prefix, length = 22) {
  let text = '';
  for (const byte of randomBytes(length)) text += ALPHABET[byte % ALPHABET.length];
  return `${prefix}1Q${text}`;
}

export class World {
  constructor(account, live) {
    this.account = account;
    this.live = live;
    this.collections = new Map(TYPES.map((type) => [type, new Collection(type)]));
    this.itemOwners = new Map(); // subscription item -> subscription
    this.secrets = new Map(); // webhook endpoint -> its secrets, the newest first
    this.connect = new Set(); // webhook endpoints for what happens in connected accounts
    this.deliveries = new Map(); // event -> Map of destination -> {state, attempts, status}
    this.idempotent = new Map(); // key -> {fingerprint, answer}
    this.view = new View(this);
  }

  collection(type) {
    return this.collections.get(type);
  }

  get(type, id) {
    if (type === 'subscription_item') return this.item(id);
    return this.collections.get(type)?.get(id);
  }

  // For types of which there are few.
  all(type) {
    return [...this.collection(type).walk()];
  }

  item(id) {
    const owner = this.get('subscription', this.itemOwners.get(id) ?? this.#generatedOwner(id));
    return owner?.items?.data.find((item) => item.id === id);
  }

  // Items of generated subscriptions are named after them.
  #generatedOwner(id) {
    return /^si_(G\w+)n\d+$/.test(id) ? `sub_${/^si_(G\w+)n\d+$/.exec(id)[1]}` : '';
  }

  // Keeps an object; others that stand whole in place of a reference are kept by themselves.
  put(given) {
    const type = given.object;
    if (!this.collections.has(type)) throw new Error(`objects of type ${type} are not kept`);
    if (typeof given.id !== 'string' || given.id === '') throw new Error(`${type} without an id`);
    if (given.deleted === true) {
      if (this.collection(type).place(given.id) === 'unknown') this.collection(type).put({ id: given.id, object: type, created: given.created });
      this.collection(type).remove(given.id);
      return undefined;
    }
    const obj = structuredClone(given);
    this.#collapse(obj, SHAPES[type], type);
    if (type === 'price') this.#keepOnRequest(obj);
    this.collection(type).put(obj);
    if (type === 'subscription') for (const item of obj.items?.data ?? []) this.itemOwners.set(item.id, obj.id);
    return obj;
  }

  // A price that comes again without its tiers has not lost them.
  #keepOnRequest(obj) {
    const old = this.get('price', obj.id);
    for (const name of ['tiers', 'currency_options'])
      if (obj[name] === undefined && old?.[name] !== undefined) obj[name] = old[name];
  }

  #collapse(holder, shape, type) {
    for (const [name, field] of Object.entries(shape)) {
      const value = holder[name];
      if (value === null || value === undefined) continue;
      if (field.ref) holder[name] = this.#idOf(value);
      else if (field.refs) holder[name] = value.map((one) => this.#idOf(one));
      else if (field.hash) this.#collapse(value, field.hash, type);
      else if (field.hashes) for (const one of value) this.#collapse(one, field.hashes, type);
      else if (field.list) {
        for (const one of value.data) this.#collapse(one, SHAPES[field.list], field.list);
        value.has_more = false; // here all of them are kept
        if (value.total_count !== undefined) value.total_count = value.data.length;
      } else if (field.whole) this.#whole(value, field.whole);
      else if (name === 'payments') {
        for (const one of value.data) this.put(one);
        delete holder.payments;
      }
    }
  }

  #idOf(value) {
    if (typeof value === 'string') return value;
    if (this.collections.has(value.object)) this.put(value);
    return value.id;
  }

  // A price inside an item stays there, without what is sent on request, and is known by itself too.
  #whole(value, type) {
    this.#collapse(value, SHAPES[type], type);
    if (type !== 'price') return;
    if (this.get('price', value.id) === undefined || value.tiers !== undefined) this.collection('price').put(structuredClone(value));
    delete value.tiers;
    delete value.currency_options;
  }

  counts() {
    return Object.fromEntries([...this.collections].map(([type, collection]) => [type, collection.count()]).filter(([, n]) => n > 0));
  }
}

export class Worlds {
  constructor(settings) {
    this.settings = settings;
    this.clear();
  }

  clear() {
    this.byName = new Map();
  }

  of(account, live) {
    const name = `${account} ${live}`;
    if (!this.byName.has(name)) this.byName.set(name, new World(account, live));
    return this.byName.get(name);
  }

  // The world that a control call means: the main account's, live.
  named({ account = this.settings.account, livemode = true } = {}) {
    if (account !== this.settings.account && !this.settings.connected_accounts.includes(account)) throw new Error(`no such account: ${account}`);
    return this.of(account, livemode);
  }

  now() {
    return Math.floor(Date.now() / 1000) + this.settings.clock_offset_s;
  }
}
