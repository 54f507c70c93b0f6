// Standard objects with the fields, lengths and required flags of a fresh org
// (Salesforce: Standard objects). Lengths cannot be changed by an admin.

const text = (name, label, length, more) => ({ name, label, type: 'string', length, ...more });
const area = (name, label, length, more) => ({ name, label, type: 'textarea', length, ...more });
const phone = (name, label) => ({ name, label, type: 'phone', length: 40 });
const pick = (name, label, values, more) => ({ name, label, type: 'picklist', length: 255, values, ...more });
const check = (name, label, more) => ({ name, label, type: 'boolean', nillable: false, defaultValue: false, ...more });
const money = (name, label, precision, scale, more) => ({ name, label, type: 'currency', precision, scale, ...more });
const day = (name, label, more) => ({ name, label, type: 'date', ...more });
const moment = (name, label, more) => ({ name, label, type: 'datetime', ...more });
const link = (name, label, referenceTo, relationshipName, more) =>
  ({ name, label, type: 'reference', referenceTo, relationshipName, ...more });

const READ_ONLY = { createable: false, updateable: false };
const REQUIRED = { nillable: false };
const DERIVED = { ...READ_ONLY, nillable: false, defaultedOnCreate: true };

const owner = () => link('OwnerId', 'Owner ID', ['User'], 'Owner', { nillable: false, defaultedOnCreate: true, polymorphic: true });
const recordType = () => link('RecordTypeId', 'Record Type ID', ['RecordType'], 'RecordType', { onlyWithRecordTypes: true });

const address = (prefix, label) => [
  area(`${prefix}Street`, `${label} Street`, 255), text(`${prefix}City`, `${label} City`, 40),
  text(`${prefix}State`, `${label} State/Province`, 80), text(`${prefix}PostalCode`, `${label} Zip/Postal Code`, 20),
  text(`${prefix}Country`, `${label} Country`, 80),
];

const LEAD_SOURCES = ['Web', 'Phone Inquiry', 'Partner Referral', 'Purchased List', 'Other'];

// Stage, default probability, forecast category, closed, won.
export const STAGES = [
  ['Prospecting', 10, 'Pipeline'], ['Qualification', 10, 'Pipeline'], ['Needs Analysis', 20, 'Pipeline'],
  ['Value Proposition', 50, 'Pipeline'], ['Id. Decision Makers', 60, 'Pipeline'],
  ['Perception Analysis', 70, 'Pipeline'], ['Proposal/Price Quote', 75, 'Pipeline'],
  ['Negotiation/Review', 90, 'Pipeline'], ['Closed Won', 100, 'Closed', true, true], ['Closed Lost', 0, 'Omitted', true, false],
];

export const STANDARD_OBJECTS = [
  {
    name: 'Account', label: 'Account', plural: 'Accounts', keyPrefix: '001',
    children: [['Contact', 'AccountId', 'Contacts', true], ['Opportunity', 'AccountId', 'Opportunities', true],
      ['Account', 'ParentId', 'ChildAccounts', false], ['Task', 'WhatId', 'Tasks', true]],
    fields: [
      link('MasterRecordId', 'Master Record ID', ['Account'], 'MasterRecord', READ_ONLY),
      text('Name', 'Account Name', 255, { ...REQUIRED, nameField: true }),
      pick('Type', 'Account Type', ['Prospect', 'Customer - Direct', 'Customer - Channel', 'Channel Partner / Reseller', 'Installation Partner', 'Technology Partner', 'Other']),
      recordType(), link('ParentId', 'Parent Account ID', ['Account'], 'Parent'),
      ...address('Billing', 'Billing'), ...address('Shipping', 'Shipping'),
      phone('Phone', 'Account Phone'), phone('Fax', 'Account Fax'), text('AccountNumber', 'Account Number', 40),
      { name: 'Website', label: 'Website', type: 'url', length: 255 }, text('Sic', 'SIC Code', 20),
      pick('Industry', 'Industry', ['Agriculture', 'Banking', 'Consulting', 'Education', 'Electronics', 'Finance', 'Healthcare', 'Insurance', 'Manufacturing', 'Media', 'Retail', 'Technology', 'Telecommunications', 'Utilities', 'Other']),
      money('AnnualRevenue', 'Annual Revenue', 18, 0), { name: 'NumberOfEmployees', label: 'Employees', type: 'int', digits: 8 },
      pick('Ownership', 'Ownership', ['Public', 'Private', 'Subsidiary', 'Other']), text('TickerSymbol', 'Ticker Symbol', 20),
      area('Description', 'Account Description', 32000), pick('Rating', 'Account Rating', ['Hot', 'Warm', 'Cold']),
      text('Site', 'Account Site', 80), owner(), day('LastActivityDate', 'Last Activity', READ_ONLY),
      pick('AccountSource', 'Account Source', LEAD_SOURCES),
    ],
  },
  {
    name: 'Contact', label: 'Contact', plural: 'Contacts', keyPrefix: '003',
    children: [['Task', 'WhoId', 'Tasks', true]],
    fields: [
      link('MasterRecordId', 'Master Record ID', ['Contact'], 'MasterRecord', READ_ONLY),
      link('AccountId', 'Account ID', ['Account'], 'Account'), text('LastName', 'Last Name', 80, REQUIRED),
      text('FirstName', 'First Name', 40), pick('Salutation', 'Salutation', ['Mr.', 'Ms.', 'Mrs.', 'Dr.', 'Prof.', 'Mx.']),
      text('Name', 'Full Name', 121, { ...DERIVED, nameField: true }), recordType(),
      ...address('Mailing', 'Mailing'), ...address('Other', 'Other'), phone('Phone', 'Business Phone'),
      phone('Fax', 'Business Fax'), phone('MobilePhone', 'Mobile Phone'), phone('HomePhone', 'Home Phone'),
      link('ReportsToId', 'Reports To ID', ['Contact'], 'ReportsTo'),
      { name: 'Email', label: 'Email', type: 'email', length: 80, idLookup: true, lowerCased: true },
      text('Title', 'Title', 128), text('Department', 'Department', 80), pick('LeadSource', 'Lead Source', LEAD_SOURCES),
      day('Birthdate', 'Birthdate'), area('Description', 'Contact Description', 32000), owner(),
      check('HasOptedOutOfEmail', 'Email Opt Out'), day('LastActivityDate', 'Last Activity', READ_ONLY),
    ],
  },
  {
    name: 'Opportunity', label: 'Opportunity', plural: 'Opportunities', keyPrefix: '006',
    children: [['Task', 'WhatId', 'Tasks', true]],
    fields: [
      link('AccountId', 'Account ID', ['Account'], 'Account'), recordType(), check('IsPrivate', 'Private'),
      text('Name', 'Name', 120, { ...REQUIRED, nameField: true, idLookup: true }), area('Description', 'Description', 32000),
      pick('StageName', 'Stage', STAGES.map((stage) => stage[0]), REQUIRED), money('Amount', 'Amount', 18, 2),
      { name: 'Probability', label: 'Probability (%)', type: 'percent', precision: 3, scale: 0 },
      money('ExpectedRevenue', 'Expected Amount', 18, 2, { ...READ_ONLY, calculated: true }),
      { name: 'TotalOpportunityQuantity', label: 'Quantity', type: 'double', precision: 18, scale: 2 },
      day('CloseDate', 'Close Date', REQUIRED), pick('Type', 'Opportunity Type', ['Existing Customer - Upgrade', 'Existing Customer - Replacement', 'Existing Customer - Downgrade', 'New Customer']),
      text('NextStep', 'Next Step', 255), pick('LeadSource', 'Lead Source', LEAD_SOURCES),
      check('IsClosed', 'Closed', DERIVED), check('IsWon', 'Won', DERIVED),
      pick('ForecastCategory', 'Forecast Category', ['Omitted', 'Pipeline', 'BestCase', 'MostLikely', 'Forecast', 'Closed'], { ...DERIVED, restricted: true }),
      pick('ForecastCategoryName', 'Forecast Category', ['Omitted', 'Pipeline', 'Best Case', 'Most Likely', 'Commit', 'Closed'], { restricted: true }),
      check('HasOpportunityLineItem', 'Has Line Item', DERIVED), owner(),
      link('ContactId', 'Contact ID', ['Contact'], 'Contact', { updateable: false }), day('LastActivityDate', 'Last Activity', READ_ONLY),
    ],
  },
  {
    name: 'Task', label: 'Task', plural: 'Tasks', keyPrefix: '00T', children: [],
    fields: [
      recordType(), link('WhoId', 'Name ID', ['Contact', 'Lead'], 'Who', { polymorphic: true }),
      link('WhatId', 'Related To ID', ['Account', 'Opportunity'], 'What', { polymorphic: true, takesActivities: true }),
      { name: 'Subject', label: 'Subject', type: 'combobox', length: 255, nameField: true, values: ['Call', 'Send Letter', 'Send Quote', 'Other'] },
      day('ActivityDate', 'Due Date Only'),
      pick('Status', 'Status', ['Not Started', 'In Progress', 'Completed', 'Waiting on someone else', 'Deferred'], { nillable: false, defaultedOnCreate: true, defaultValue: 'Not Started' }),
      pick('Priority', 'Priority', ['High', 'Normal', 'Low'], { nillable: false, defaultedOnCreate: true, defaultValue: 'Normal' }),
      check('IsHighPriority', 'High Priority', DERIVED), owner(), area('Description', 'Description', 32000),
      pick('Type', 'Type', ['Call', 'Meeting', 'Other']), link('AccountId', 'Account ID', ['Account'], 'Account', READ_ONLY),
      check('IsClosed', 'Closed', DERIVED), { name: 'CallDurationInSeconds', label: 'Call Duration', type: 'int', digits: 8 },
      moment('ReminderDateTime', 'Reminder Date/Time'), check('IsReminderSet', 'Reminder Set'),
    ],
  },
  {
    name: 'User', label: 'User', plural: 'Users', keyPrefix: '005', adminOnly: true, children: [],
    fields: [
      text('Username', 'Username', 80, { ...REQUIRED, idLookup: true }), text('LastName', 'Last Name', 80, REQUIRED),
      text('FirstName', 'First Name', 40), text('Name', 'Full Name', 121, { ...DERIVED, nameField: true }),
      { name: 'Email', label: 'Email', type: 'email', length: 128, nillable: false, idLookup: true },
      text('Alias', 'Alias', 8), check('IsActive', 'Active', { defaultValue: true }), text('TimeZoneSidKey', 'Time Zone', 40),
      text('Title', 'Title', 80), phone('Phone', 'Phone'),
    ],
  },
  {
    name: 'RecordType', label: 'Record Type', plural: 'Record Types', keyPrefix: '012', adminOnly: true, setup: true, children: [],
    fields: [
      text('Name', 'Name', 80, { ...REQUIRED, nameField: true }), text('DeveloperName', 'Record Type Name', 80, REQUIRED),
      text('SobjectType', 'SObject Type Name', 40, REQUIRED), text('Description', 'Description', 255),
      text('NamespacePrefix', 'Namespace Prefix', 15, READ_ONLY), check('IsActive', 'Active', { defaultValue: true }),
      check('IsPersonType', 'Is Person Type', DERIVED),
    ],
  },
  {
    name: 'Organization', label: 'Organization', plural: 'Organizations', keyPrefix: '00D', adminOnly: true, setup: true, children: [],
    fields: [
      text('Name', 'Name', 80, { ...REQUIRED, nameField: true }), check('IsSandbox', 'Is Sandbox', READ_ONLY),
      text('OrganizationType', 'Edition', 40, READ_ONLY), text('InstanceName', 'Instance Name', 5, READ_ONLY),
      moment('TrialExpirationDate', 'Trial Expiration Date', READ_ONLY),
      text('DefaultLocaleSidKey', 'Locale', 40), text('TimeZoneSidKey', 'Time Zone', 40),
    ],
  },
  {
    name: 'PermissionSet', label: 'Permission Set', plural: 'Permission Sets', keyPrefix: '0PS', adminOnly: true, setup: true,
    children: [['PermissionSetAssignment', 'PermissionSetId', 'Assignments', true]],
    fields: [
      text('Name', 'Permission Set Name', 80, { ...REQUIRED, nameField: true }), text('Label', 'Permission Set Label', 80, REQUIRED),
      text('Description', 'Description', 255), text('NamespacePrefix', 'Namespace Prefix', 15, READ_ONLY),
      check('IsOwnedByProfile', 'Owned By Profile', READ_ONLY), check('IsCustom', 'Custom', { ...READ_ONLY, defaultValue: true }),
    ],
  },
  {
    name: 'PermissionSetAssignment', label: 'Permission Set Assignment', plural: 'Permission Set Assignments', keyPrefix: '0Pa', setup: true,
    children: [],
    fields: [
      link('PermissionSetId', 'PermissionSet ID', ['PermissionSet'], 'PermissionSet', { ...REQUIRED, updateable: false }),
      link('AssigneeId', 'Assignee ID', ['User'], 'Assignee', { ...REQUIRED, updateable: false }),
    ],
  },
  {
    name: 'CurrencyType', label: 'Currency Type', plural: 'Currency Types', keyPrefix: '01L', adminOnly: true, setup: true, children: [],
    fields: [
      text('IsoCode', 'Currency ISO Code', 3, { ...REQUIRED, nameField: true }), check('IsActive', 'Active', { defaultValue: true }),
      check('IsCorporate', 'Corporate Currency'), { name: 'ConversionRate', label: 'Conversion Rate', type: 'double', precision: 18, scale: 6 },
      { name: 'DecimalPlaces', label: 'Decimal Places', type: 'int', digits: 1 },
    ],
  },
];

// Fields that every object has. Audit fields are set by the server only.
export const SYSTEM_FIELDS = [
  { name: 'IsDeleted', label: 'Deleted', type: 'boolean', defaultValue: false, ...DERIVED },
  { name: 'CreatedDate', label: 'Created Date', type: 'datetime', ...DERIVED },
  { name: 'CreatedById', label: 'Created By ID', type: 'reference', referenceTo: ['User'], relationshipName: 'CreatedBy', ...DERIVED },
  { name: 'LastModifiedDate', label: 'Last Modified Date', type: 'datetime', ...DERIVED },
  { name: 'LastModifiedById', label: 'Last Modified By ID', type: 'reference', referenceTo: ['User'], relationshipName: 'LastModifiedBy', ...DERIVED },
  { name: 'SystemModstamp', label: 'System Modstamp', type: 'datetime', ...DERIVED },
];

export const CUSTOM_OBJECT_OWNER = owner();
export const CUSTOM_OBJECT_RECORD_TYPE = recordType();
