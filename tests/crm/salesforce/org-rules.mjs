// Rules an org's admin may have switched on: duplicate rules, validation rules,
// active currencies (Salesforce: Standard objects; the simulator, org variants).

import { badRequest } from './errors.mjs';

export function checkRules(call, type, row, before) {
  const settings = call.org.settings.values;
  if (call.admin) return;
  for (const rule of settings.validation_rules) {
    if (rule.object === type.name && breaks(rule, row[rule.field])) {
      throw badRequest('FIELD_CUSTOM_VALIDATION_EXCEPTION', rule.message, rule.on_field ? [rule.field] : []);
    }
  }
  if (settings.currencies && row.CurrencyIsoCode && !settings.currencies.includes(row.CurrencyIsoCode)) {
    throw badRequest('INVALID_CURRENCY_ISO', `Currency ISO Code: invalid currency code: ${row.CurrencyIsoCode}`, ['CurrencyIsoCode']);
  }
  for (const rule of settings.duplicate_rules) {
    if (rule.object === type.name) checkDuplicates(call, type, rule, row, before);
  }
}

// A rule fires on an exact value, on null, or on text matching a pattern.
function breaks(rule, value) {
  if ('equals' in rule) return value === rule.equals;
  if (rule.is_null) return value === null || value === undefined;
  return typeof value === 'string' && new RegExp(rule.matches).test(value);
}

function checkDuplicates(call, type, rule, row, before) {
  const fields = rule.fields.map((name) => type.field(name, true));
  if (fields.some((field) => row[field.name] === null || row[field.name] === undefined)) return;
  if (before && fields.every((field) => before[field.name] === row[field.name])) return;
  const table = call.org.store.table(type);
  const same = table.find(fields[0], row[fields[0].name]).filter((id) => id !== row.Id
    && fields.every((field) => String(table.rows.get(id)[field.name] ?? '').toLowerCase() === String(row[field.name]).toLowerCase()));
  if (same.length === 0) return;
  // allowSave passes rules whose action is "alert"; "block" still fails
  // (Salesforce: REST basics, request headers).
  if (rule.action === 'alert' && call.allowSave) return;
  throw duplicates(call, type, rule, same);
}

// Older answers spell the key without its second l.
function duplicates(call, type, rule, ids) {
  const error = badRequest('DUPLICATES_DETECTED', rule.message ?? 'Use one of these records?', []);
  const name = rule.name ?? `Standard_${type.name}_Duplicate_Rule`;
  error.extra = {
    [call.org.settings.values.duplicate_result_misspelt ? 'duplicateResut' : 'duplicateResult']: {
      allowSave: rule.action === 'alert', duplicateRule: name, duplicateRuleEntityType: type.name,
      errorMessage: error.message,
      matchResults: [{
        entityType: type.name, errors: [], matchEngine: 'ExactMatchEngine',
        matchRecords: ids.map((id) => ({ additionalInformation: [], fieldDiffs: [], matchConfidence: 100,
          record: { attributes: { type: type.name, url: `/services/data/v67.0/sobjects/${type.name}/${id}` }, Id: id } })),
        rule: `${name}_Matching`, size: ids.length, success: true,
      }],
    },
  };
  return error;
}
