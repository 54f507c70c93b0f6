// One simulated org: schema, records, settings, tokens, faults and call log.

import { CallLog } from './calls.mjs';
import { PublishedEvents } from './events.mjs';
import { Faults } from './faults.mjs';
import { IngestJobs } from './ingest-jobs.mjs';
import { prefixOf } from './ids.mjs';
import { MetadataState } from './metadata/state.mjs';
import { OAuth } from './oauth.mjs';
import { applyKind, seedKind } from './org-kinds.mjs';
import { QueryLocators } from './query-pages.mjs';
import { Schema } from './schema.mjs';
import { Settings } from './settings.mjs';
import { Store } from './store.mjs';
import { insertRecord } from './writer.mjs';

export class Org {
  constructor(initial = {}) {
    this.settings = new Settings(initial);
    this.schema = new Schema();
    this.store = new Store();
    this.metadata = new MetadataState(this);
    this.faults = new Faults();
    this.calls = new CallLog();
    this.locators = new QueryLocators();
    this.ingest = new IngestJobs(this);
    this.events = new PublishedEvents(this.settings);
    this.baseUrl = '';
    const own = this.store.ids.next('00D');
    this.orgId = this.settings.values.org_id || own;
    this.userId = this.store.ids.next('005');
    this.seed();
    this.oauth = new OAuth(this);
    this.applyVisibility();
  }

  // Writing as an admin: no field-level security, audit fields may be given.
  adminCall() {
    return { org: this, admin: true, userId: this.userId, now: Date.now(), raw: '', records: 0, allowSave: true };
  }

  // The live row under an id, whatever its object.
  rowById(id) {
    const type = this.schema.byPrefix.get(prefixOf(id));
    return type && this.store.table(type).rows.get(id);
  }

  // The running user and the one Organization row are there in every org.
  seed() {
    const call = this.adminCall();
    const { username, is_sandbox, organization_type, instance_name } = this.settings.values;
    const user = this.schema.object('User', true);
    const row = this.store.table(user).rows;
    if (!row.has(this.userId)) {
      const id = insertRecord(call, user, { Username: username, LastName: 'Sync', FirstName: 'Billhook', Email: username, Alias: 'sync' });
      this.rename(user, id, this.userId);
    }
    const organization = this.schema.object('Organization', true);
    if (this.store.table(organization).rows.size === 0) {
      const id = insertRecord(call, organization, {
        Name: 'Example Org', IsSandbox: is_sandbox, OrganizationType: organization_type, InstanceName: instance_name });
      this.rename(organization, id, this.orgId);
    }
    seedKind(this);
  }

  // Seeded rows keep one id over resets: tokens and identity answers hold it.
  rename(type, from, to) {
    const table = this.store.table(type);
    const row = table.rows.get(from);
    table.unlink(row);
    table.rows.delete(from);
    row.Id = to;
    table.rows.set(to, row);
    table.link(row);
  }

  changeSettings(changes) {
    this.settings.set(changes);
    this.settingsChanged(changes);
  }

  settingsChanged(changes) {
    if ('refresh_token' in changes || 'approval_limit' in changes) this.oauth.seed();
    const table = this.store.table(this.schema.object('Organization', true));
    const row = table.rows.get(this.orgId);
    row.IsSandbox = this.settings.values.is_sandbox;
    row.OrganizationType = this.settings.values.organization_type;
    row.InstanceName = this.settings.values.instance_name;
    seedKind(this);
    this.applyVisibility();
  }

  applySchema(objects) {
    const added = this.schema.apply(objects);
    this.metadata.addKnown(objects);
    this.applyVisibility();
    return added;
  }

  // Field-level security: a hidden field is absent from describe and unknown in
  // writes and queries (Salesforce: the simulator, FLS).
  applyVisibility() {
    const { hidden_fields, readonly_fields, hidden_objects, currencies } = this.settings.values;
    const hidden = new Set(hidden_fields.map((name) => name.toLowerCase()));
    const readOnly = new Set(readonly_fields.map((name) => name.toLowerCase()));
    const objects = new Set(hidden_objects.map((name) => name.toLowerCase()));
    const access = this.metadata.access();
    applyKind(this);
    for (const type of this.schema.objects.values()) {
      type.rights = access.object(type);
      type.hidden = objects.has(type.name.toLowerCase()) || !(type.rights.read || type.rights.create) || (type.name === 'CurrencyType' && !currencies);
      if (currencies) this.addCurrency(type, currencies);
      for (const field of type.fields.values()) {
        const name = `${type.name}.${field.name}`.toLowerCase();
        const rights = access.field(type, field);
        field.hidden = hidden.has(name) || field.absent || !rights.read || (field.name === 'CurrencyIsoCode' && !currencies);
        field.readOnly = readOnly.has(name) || !rights.edit;
      }
    }
    this.recordTypesChanged();
    this.schema.touch();
  }

  // Multi-currency: CurrencyIsoCode exists on all objects only when enabled.
  addCurrency(type, currencies) {
    if (type.adminOnly || type.event) return;
    if (!type.fields.has('currencyisocode')) {
      type.add({ name: 'CurrencyIsoCode', label: 'Currency ISO Code', type: 'picklist', length: 3, values: currencies, defaultValue: currencies[0] });
    }
    const field = type.fields.get('currencyisocode');
    field.values = [...currencies];
    [field.defaultValue] = currencies;
  }

  recordTypesChanged() {
    const rows = this.store.table(this.schema.object('RecordType', true)).rows;
    const named = new Set([...rows.values()].map((row) => row.SobjectType));
    for (const type of this.schema.objects.values()) type.hasRecordTypes = named.has(type.name);
    this.schema.touch();
  }

  reset({ schema = false, settings = false, tokens = false } = {}) {
    if (schema) this.metadata.clear();
    const putBack = this.metadata.keepRows();
    this.store.reset();
    this.faults.clear();
    this.calls.clear();
    this.locators.clear();
    this.ingest.clear();
    this.events.clear();
    if (settings) this.settings.reset();
    this.settings.values.daily_used = this.settings.initial.daily_used;
    this.settings.values.bulk_batches_used = this.settings.initial.bulk_batches_used;
    if (schema) this.schema.reset();
    putBack();
    this.seed();
    if (tokens || settings) this.oauth.reset();
    this.applyVisibility();
  }
}
