// One HubSpot portal in memory: settings, object types, records, pipelines.
// What calls do with it stands in the files named after the calls.

import { randomBytes } from 'node:crypto';
import { AssociationTypes } from './association-types.mjs';
import { Events } from './events.mjs';
import { dealPipeline, ticketPipeline } from './factory.mjs';
import { applySettings, defaultSettings } from './settings.mjs';
import { Tokens } from './tokens.mjs';
import { TypeTable } from './types.mjs';

export class Portal {
  constructor(settings = {}) {
    this.settings = defaultSettings();
    applySettings(this.settings, settings);
    this.id = this.settings.portal_id;
    this.resetSchema();
    this.tokens = new Tokens(this.settings);
  }

  resetSchema() {
    this.types = new TypeTable(this.id);
    this.associationTypes = new AssociationTypes();
    this.pipelines = new Map([['deals', [dealPipeline()]], ['tickets', [ticketPipeline()]]]);
    this.lastSchemaId = 35482700;
    this.events = new Events();
  }

  clearRecords() {
    for (const type of this.types.byId.values()) type.clearRecords();
    this.events.clearSent();
  }

  nextSchemaId() {
    this.lastSchemaId += 7;
    return String(this.lastSchemaId);
  }

  currencies() {
    return [this.settings.company_currency, ...this.settings.additional_currencies];
  }

  pipelineOf(type, id) {
    return this.pipelines.get(type.plural)?.find((p) => p.id === id && !p.archived);
  }

  livePipelines(type) {
    return (this.pipelines.get(type.plural) ?? []).filter((p) => !p.archived);
  }

  // The values an enumeration takes now; some come from elsewhere in the portal.
  optionsOf(def) {
    switch (def.optionSource) {
    case 'owners': return this.settings.owners.map((o) => String(o.id));
    case 'currencies': return this.currencies();
    case 'pipelines': return this.pipelinesFor(def).map((p) => p.id);
    case 'stages': return this.pipelinesFor(def).flatMap((p) => p.stages.filter((s) => !s.archived).map((s) => s.id));
    default: return def.options.map((o) => o.value);
    }
  }

  pipelinesFor(def) {
    const type = def.groupName === 'ticketinformation' ? 'tickets' : 'deals';
    return this.pipelines.get(type).filter((p) => !p.archived);
  }

  recordUrl(type, id) {
    return `https://app.hubspot.com/contacts/${this.id}/record/${type.id}/${id}`;
  }

  shuffled(list) {
    if (!this.settings.shuffle || list.length < 2) return list;
    const random = randomBytes(list.length * 2);
    for (let i = list.length - 1; i > 0; i--) {
      const j = random.readUInt16LE(i * 2) % (i + 1);
      [list[i], list[j]] = [list[j], list[i]];
    }
    return list;
  }
}
