// Orgs whose triggers do not stand many records at once: beyond a number of rows
// a collection takes too long, or its transaction breaks (Salesforce: Call
// strategy; Classification).

import { badRequest } from './errors.mjs';

const LIMITS = [['apex_cpu_rows', 'Apex CPU time limit exceeded'], ['apex_query_rows', 'Too many SOQL queries: 101']];

// Throws for the whole call.
export function checkRunningTime(call, rows) {
  const most = call.org.settings.values.running_time_rows;
  if (most && rows > most) {
    throw badRequest('REQUEST_RUNNING_TOO_LONG', 'Your request was running for too long, and has been stopped.');
  }
}

// The error of every row when a trigger breaks a limit, or null.
export function triggerError(call, rows) {
  const { values } = call.org.settings;
  const broken = LIMITS.find(([name]) => values[name] && rows > values[name]);
  return broken ? badRequest('CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY', `AccountTrigger: System.LimitException: ${broken[1]}`, []) : null;
}
