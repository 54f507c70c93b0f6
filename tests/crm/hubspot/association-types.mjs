// Which links may exist between two object types, by type id and direction
// (section 12.1), and the labels an admin adds.

import { ACTIVITIES, ASSOCIATION_TYPES, STANDARD_TYPES } from './factory.mjs';

// Numbers of portal-defined types differ per portal (section 11.2), so they
// begin where nobody would guess.
const FIRST_USER_DEFINED = 613;

export class AssociationTypes {
  constructor() {
    this.byPair = new Map(); // "0-1>0-2" -> definitions, plain one first
    this.byNumber = new Map(); // "USER_DEFINED:613" -> definition
    this.lastUserDefined = FIRST_USER_DEFINED;
    for (const [from, to, there, back, labelThere = null, labelBack = null] of ASSOCIATION_TYPES)
      this.addPair(from, to, { category: 'HUBSPOT_DEFINED', there, back, labelThere, labelBack });
  }

  nextUserDefined() {
    return this.lastUserDefined++;
  }

  addPair(from, to, { category, there, back, labelThere = null, labelBack = null, name = null }) {
    const forth = this.#add({ category, typeId: there, label: labelThere, from, to, name });
    // A pair of one type and one number is its own way back (449, 450, 451).
    const reverse = from === to && there === back ? forth
      : this.#add({ category, typeId: back, label: labelBack, from: to, to: from, name });
    forth.inverse = reverse;
    reverse.inverse = forth;
    return forth;
  }

  #add(def) {
    def.primary = def.category === 'HUBSPOT_DEFINED' && def.label === 'Primary';
    const key = `${def.from}>${def.to}`;
    const list = this.byPair.get(key);
    if (list === undefined) this.byPair.set(key, [def]);
    else if (def.label === null) list.unshift(def);
    else list.push(def);
    this.byNumber.set(`${def.category}:${def.typeId}`, def);
    return def;
  }

  // Custom objects: one plain type per direction, numbered by the portal
  // (section 11.2: the way back has the lower number).
  addUserDefined(from, to, name) {
    const back = this.nextUserDefined();
    const there = from === to ? back : this.nextUserDefined();
    return this.addPair(from, to, { category: 'USER_DEFINED', there, back, name });
  }

  addCustomObject(type, others, nameOf) {
    const activities = STANDARD_TYPES.filter((row) => ACTIVITIES.has(row.plural)).map((row) => row.id);
    for (const other of [...others, ...activities.filter((id) => !others.includes(id))])
      this.addUserDefined(type.id, other, `${type.schema.name}_to_${nameOf(other)}`.toLowerCase());
  }

  between(from, to) {
    return this.byPair.get(`${from.id}>${to.id}`) ?? [];
  }

  plain(from, to) {
    return this.between(from, to).find((def) => def.label === null);
  }

  find(category, typeId) {
    return this.byNumber.get(`${category}:${typeId}`);
  }

  ofType(typeId) {
    const found = [];
    for (const list of this.byPair.values())
      for (const def of list)
        if (def.from === typeId || def.to === typeId) found.push(def);
    return found;
  }

  remove(def) {
    for (const one of new Set([def, def.inverse])) {
      const key = `${one.from}>${one.to}`;
      this.byPair.set(key, this.byPair.get(key).filter((d) => d !== one));
      this.byNumber.delete(`${one.category}:${one.typeId}`);
    }
  }

  removeType(typeId) {
    for (const def of this.ofType(typeId)) this.remove(def);
  }
}
