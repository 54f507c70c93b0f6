// Object types: what a portal has, and which of them a path means (section 4).

import { validation, notFound } from './errors.mjs';
import { ACTIVITIES, STANDARD_TYPES, standardProperties, SYSTEM_NAMES } from './factory.mjs';

// All types begin at the same number on purpose: an id is unique per object
// type only (section 3), so a client that forgets the type is found out.
const FIRST_RECORD_ID = 20500000011;

export class ObjectType {
  constructor({ id, plural, singular, label, pluralLabel, errorName, createName, coordinates, schema = null }) {
    this.id = id;
    this.plural = plural;
    this.singular = singular;
    this.label = label;
    this.pluralLabel = pluralLabel;
    this.errorName = errorName; // as in "Could not get some COMPANY objects"
    this.createName = createName; // as in "Error creating LagoInvoices."
    this.coordinatesText = coordinates;
    this.schema = schema; // custom objects only
    this.properties = new Map();
    this.archivedProperties = new Map();
    this.groups = new Map();
    this.clearRecords();
    const names = SYSTEM_NAMES[plural] ?? SYSTEM_NAMES.others;
    this.createdName = names.created;
    this.modifiedName = names.modified;
    this.readDefaults = names.read;
  }

  clearRecords() {
    this.records = new Map();
    this.merged = new Map(); // id of a record that was merged away -> id of its survivor
    this.unique = new Map(); // property -> value -> record id
    this.lastId = FIRST_RECORD_ID;
    this.step = 7;
  }

  // Numbers grow unevenly, as they do in a portal that others write to as well.
  nextId() {
    this.step = (this.step * 16807) % 2147483647;
    this.lastId += 1 + (this.step % 97);
    return String(this.lastId);
  }

  coordinates() {
    return this.coordinatesText;
  }

  isActivity() {
    return ACTIVITIES.has(this.plural);
  }

  uniqueIndex(property) {
    let index = this.unique.get(property);
    if (index === undefined)
      this.unique.set(property, index = new Map());
    return index;
  }

  live(id) {
    const record = this.records.get(id);
    return record !== undefined && record.archivedAt === 0 ? record : undefined;
  }
}

export class TypeTable {
  constructor(portalId) {
    this.portalId = portalId;
    this.byId = new Map();
    this.byPath = new Map(); // every spelling a path may use, lower case
    for (const row of STANDARD_TYPES) {
      const type = new ObjectType({
        id: row.id, plural: row.plural, singular: row.singular, label: row.label, pluralLabel: row.pluralLabel,
        errorName: row.singular.toUpperCase(), createName: row.singular.toUpperCase(),
        coordinates: `legacyObjectType=${row.singular.toUpperCase()}`,
      });
      const { groups, properties } = standardProperties(row);
      for (const group of groups) type.groups.set(group.name, group);
      for (const property of properties) type.properties.set(property.name, property);
      this.add(type, [row.id, row.plural, row.singular]);
    }
  }

  add(type, spellings) {
    this.byId.set(type.id, type);
    for (const spelling of spellings)
      this.byPath.set(spelling.toLowerCase(), type);
  }

  remove(type) {
    this.byId.delete(type.id);
    for (const [spelling, one] of this.byPath)
      if (one === type) this.byPath.delete(spelling);
  }

  // A path segment. Custom objects answer to 2-<n> and p<portal>_<name> only: a
  // bare name is refused since spring 2025 (section 4).
  resolve(segment) {
    const type = this.byPath.get(segment.toLowerCase());
    if (type !== undefined && !(type.schema !== null && type.schema.archived))
      return type;
    if (/^\d+-\d+$/.test(segment))
      throw notFound(`Object type ${segment} was not found in portal ${this.portalId}`);
    throw validation(`Unable to infer object type from: ${segment}`, { category: undefined });
  }

  // For the control interface, where a person writes the name of a custom object.
  byAnyName(name) {
    const wanted = name.toLowerCase();
    const custom = this.custom();
    // "Invoices" may be a custom object beside HubSpot's own "invoices".
    return custom.find((t) => t.schema.name === name) ?? this.byPath.get(wanted) ??
      custom.find((t) => t.schema.name.toLowerCase() === wanted);
  }

  custom() {
    return [...this.byId.values()].filter((type) => type.schema !== null);
  }
}
