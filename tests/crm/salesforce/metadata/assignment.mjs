// Assigning a permission set over the data API (Salesforce: Metadata,
// Assignment): once per user and set, by those who may.

import { badRequest, SalesforceError } from '../errors.mjs';

export function checkAssignment(call, { AssigneeId, PermissionSetId }) {
  if (!call.admin && !call.org.settings.values.assign_permission_sets) {
    throw new SalesforceError(403, 'INSUFFICIENT_ACCESS_OR_READONLY', 'insufficient access rights on object id', []);
  }
  const same = call.org.metadata.assignments().some((other) => other.AssigneeId === AssigneeId && other.PermissionSetId === PermissionSetId);
  if (!same) return;
  throw badRequest('DUPLICATE_VALUE', `Duplicate PermissionSetAssignment.  Assignee: ${AssigneeId}; Permission Set: ${PermissionSetId}`,
    ['AssigneeId', 'PermissionSetId']);
}
