// How stored objects are shown: embedded lists cut to ten, members that are
// sent on request left out, references expanded as asked (section 6).

import { invalid, NotSimulated } from './errors.mjs';
import { READ, SHAPES } from './shapes.mjs';

const EMBEDDED = 10;
const MAX_DEPTH = 4;

// -- Checking, before anything is read --

// paths: those of expand[]; inList: the answer is a page. Answers the types that they read.
export function checkExpand(paths, type, inList) {
  const read = new Set();
  for (const path of paths) {
    const names = path.split('.');
    if (names.length > MAX_DEPTH)
      throw invalid(`You cannot expand more than ${MAX_DEPTH} levels of a property. You attempted to expand ${path}.`, 'expand');
    if (inList && (names[0] !== 'data' || names.length === 1)) {
      const hint = canExpand(names, SHAPES[type]) ? `. You may want to try expanding 'data.${path}' instead` : '';
      throw invalid(`This property cannot be expanded (${path})${hint}.`, 'expand');
    }
    if (!canExpand(inList ? names.slice(1) : names, SHAPES[type], read)) throw invalid(`This property cannot be expanded (${path}).`, 'expand');
  }
  return [...read].filter((name) => READ[name] !== undefined);
}

function canExpand(names, shape, read = new Set()) {
  const [name, ...rest] = names;
  if (!Object.hasOwn(shape, name)) return false;
  const field = shape[name];
  if (field.onRequest) {
    if (name === 'payments') return rest.length === 0 || (rest[0] === 'data' && rest.length > 1 && canExpand(rest.slice(1), SHAPES.invoice_payment, read));
    return rest.length === 0;
  }
  if (field.foreign) return rest.length === 0;
  if (field.hash ?? field.hashes) return rest.length > 0 && canExpand(rest, field.hash ?? field.hashes, read);
  if (field.list) return rest[0] === 'data' && rest.length > 1 && canExpand(rest.slice(1), SHAPES[field.list], read);
  const type = field.ref ?? field.refs ?? field.whole;
  if (rest.length === 0 && field.whole) return false;
  if (!field.whole) read.add(type);
  return rest.length === 0 || canExpand(rest, SHAPES[type], read);
}

// -- Showing --

export class View {
  constructor(world) {
    this.world = world;
  }

  show(type, stored, paths = []) {
    const obj = structuredClone(stored);
    if (obj.deleted === true) return obj;
    this.#trim(type, obj);
    for (const path of paths) this.#expand(obj, type, path.split('.'));
    return obj;
  }

  page(type, { data, has_more: more }, url, paths = []) {
    const below = paths.map((path) => path.slice('data.'.length));
    return { object: 'list', data: data.map((obj) => this.show(type, obj, below)), has_more: more, url };
  }

  #trim(type, obj) {
    for (const [name, field] of Object.entries(SHAPES[type])) {
      if (field.onRequest) delete obj[name];
      if (field.list && obj[name]?.data !== undefined) cut(obj[name]);
    }
  }

  #expand(obj, type, names) {
    this.#into(obj, SHAPES[type], names, type);
  }

  #into(holder, shape, [name, ...rest], type) {
    const field = shape[name];
    if (field.onRequest) {
      this.#request(holder, type, name);
      if (rest.length > 1) for (const one of holder[name].data) this.#expand(one, 'invoice_payment', rest.slice(1));
      return;
    }
    const value = holder[name];
    if (value === null || value === undefined) return;
    if (field.foreign) throw new NotSimulated(`${name} of ${type} cannot be expanded here: the simulator holds no such objects`);
    else if (field.ref) holder[name] = this.#reference(field.ref, value, rest);
    else if (field.refs) holder[name] = value.map((one) => this.#reference(field.refs, one, rest));
    else if (field.whole) this.#expand(value, field.whole, rest);
    else if (field.hash) this.#into(value, field.hash, rest, type);
    else if (field.hashes) for (const one of value) this.#into(one, field.hashes, rest, type);
    else for (const one of value.data) this.#expand(one, field.list, rest.slice(1));
  }

  // An id of something that is gone or never was known stays an id.
  #reference(type, value, rest) {
    let obj = value;
    if (typeof value === 'string') {
      const stored = this.world.get(type, value);
      if (stored === undefined) return value;
      obj = this.show(type, stored);
    }
    if (rest.length > 0 && obj.deleted !== true) this.#expand(obj, type, rest);
    return obj;
  }

  #request(holder, type, name) {
    if (name === 'payments') {
      const data = this.world.all('invoice_payment').filter((one) => one.invoice === holder.id);
      holder.payments ??= cut({ object: 'list', data: structuredClone(data), has_more: false, url: `/v1/invoices/${holder.id}/payments` });
      return;
    }
    const stored = this.world.get(type, holder.id);
    if (name === 'subscriptions') throw new NotSimulated('customer.subscriptions: list them with ?customer=');
    if (stored?.[name] !== undefined) holder[name] = structuredClone(stored[name]);
  }
}

function cut(list) {
  if (list.data.length > EMBEDDED) {
    list.total_count ??= list.data.length;
    list.data.length = EMBEDDED;
    list.has_more = true;
  }
  return list;
}
