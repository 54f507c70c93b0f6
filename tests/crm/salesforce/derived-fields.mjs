// Fields the server computes itself (Salesforce: Standard objects).

import { STAGES } from './standard-objects.mjs';
import { roundTo } from './values.mjs';

const usualStages = new Map(STAGES.map(([name, probability, category, closed = false, won = false]) =>
  [name, { probability, category, closed, won }]));

// Any stage text is accepted; an unknown one has probability 0.
const UNKNOWN_STAGE = { probability: 0, category: 'Pipeline', closed: false, won: false };

const CATEGORY_NAMES = { BestCase: 'Best Case', MostLikely: 'Most Likely', Forecast: 'Commit' };

function fullName(row) {
  return [row.FirstName, row.LastName].filter(Boolean).join(' ');
}

function opportunity(type, row, changes) {
  const stages = type.fields.get('stagename').stages ?? usualStages;
  const out = {};
  if ('StageName' in changes) {
    const stage = stages.get(changes.StageName) ?? UNKNOWN_STAGE;
    out.IsClosed = stage.closed;
    out.IsWon = stage.won;
    out.ForecastCategory = stage.category;
    out.ForecastCategoryName = CATEGORY_NAMES[stage.category] ?? stage.category;
    if (changes.Probability === undefined) out.Probability = stage.probability;
  }
  const now = { ...row, ...changes, ...out };
  out.ExpectedRevenue = now.Amount === null || now.Amount === undefined
    ? null : roundTo((now.Amount * (now.Probability ?? 0)) / 100, 2);
  out.HasOpportunityLineItem = row.HasOpportunityLineItem ?? false;
  return out;
}

function task(row, changes, find) {
  const now = { ...row, ...changes };
  let accountId = null;
  if (now.WhatId) {
    const what = find(now.WhatId);
    accountId = what?.type === 'Account' ? now.WhatId : what?.row.AccountId ?? null;
  }
  if (!accountId && now.WhoId) accountId = find(now.WhoId)?.row.AccountId ?? null;
  return { AccountId: accountId, IsClosed: now.Status === 'Completed', IsHighPriority: now.Priority === 'High' };
}

// What to store besides the client's own changes.
export function derivedFields(type, row, changes, find) {
  switch (type.name) {
    case 'Contact':
    case 'User':
      return { Name: fullName({ ...row, ...changes }) };
    case 'Opportunity':
      return opportunity(type, row, changes);
    case 'Task':
      return task(row, changes, find);
    default:
      return {};
  }
}
