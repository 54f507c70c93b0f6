// What every portal has on the first day: object types, their groups and
// properties, deal pipelines, association types. Data only.
//
// The property lists are the part of HubSpot's own lists that a billing sync
// can meet, not all of it; a property missing here answers
// PROPERTY_DOESNT_EXIST, and a test can add it through the control interface.

const FACTORY_DATE = '2019-08-06T02:41:08.029Z';

// Section 4.
export const STANDARD_TYPES = [
  ['0-1', 'contacts', 'contact', 'Contact', 'Contacts', 'contactinformation'],
  ['0-2', 'companies', 'company', 'Company', 'Companies', 'companyinformation'],
  ['0-3', 'deals', 'deal', 'Deal', 'Deals', 'dealinformation'],
  ['0-5', 'tickets', 'ticket', 'Ticket', 'Tickets', 'ticketinformation'],
  ['0-7', 'products', 'product', 'Product', 'Products', 'productinformation'],
  ['0-8', 'line_items', 'line_item', 'Line item', 'Line items', 'lineiteminformation'],
  ['0-14', 'quotes', 'quote', 'Quote', 'Quotes', 'quoteinformation'],
  ['0-27', 'tasks', 'task', 'Task', 'Tasks', 'task'],
  ['0-46', 'notes', 'note', 'Note', 'Notes', 'note'],
  ['0-47', 'meetings', 'meeting', 'Meeting', 'Meetings', 'meeting'],
  ['0-48', 'calls', 'call', 'Call', 'Calls', 'call'],
  ['0-49', 'emails', 'email', 'Email', 'Emails', 'email'],
  ['0-53', 'invoices', 'invoice', 'Invoice', 'Invoices', 'invoiceinformation'],
  ['0-69', 'subscriptions', 'subscription', 'Subscription', 'Subscriptions', 'subscriptioninformation'],
  ['0-101', 'payments', 'payment', 'Payment', 'Payments', 'paymentinformation'],
  ['0-123', 'orders', 'order', 'Order', 'Orders', 'orderinformation'],
].map(([id, plural, singular, label, pluralLabel, group]) => ({ id, plural, singular, label, pluralLabel, group }));

export const ACTIVITIES = new Set(['tasks', 'notes', 'meetings', 'calls', 'emails']);

// Section 3: names of the two times, and what a read returns unasked.
export const SYSTEM_NAMES = {
  contacts: {
    created: 'createdate', modified: 'lastmodifieddate',
    read: ['createdate', 'email', 'firstname', 'hs_object_id', 'lastmodifieddate', 'lastname'],
  },
  companies: {
    created: 'createdate', modified: 'hs_lastmodifieddate',
    read: ['name', 'domain', 'createdate', 'hs_lastmodifieddate', 'hs_object_id'],
  },
  deals: {
    created: 'createdate', modified: 'hs_lastmodifieddate',
    read: ['dealname', 'amount', 'closedate', 'pipeline', 'dealstage', 'createdate', 'hs_lastmodifieddate', 'hs_object_id'],
  },
  others: {
    created: 'hs_createdate', modified: 'hs_lastmodifieddate',
    read: ['hs_createdate', 'hs_lastmodifieddate', 'hs_object_id'],
  },
};

// Section 7, last line, and section 14; one of the names of an inner list is enough.
export const REQUIRED_ON_CREATE = {
  companies: [['name', 'domain']],
  deals: [['dealname'], ['dealstage']],
  tasks: [['hs_timestamp']],
  notes: [['hs_timestamp']],
  calls: [['hs_timestamp']],
  meetings: [['hs_timestamp']],
  emails: [['hs_timestamp']],
  invoices: [['hs_currency']],
};

// Section 8: a record moves only to the right.
export const LIFECYCLE = ['subscriber', 'lead', 'marketingqualifiedlead', 'salesqualifiedlead', 'opportunity',
  'customer', 'evangelist', 'other'];

// name type fieldType [flags] [options]; flags: u unique, r read-only value,
// o owner ids, c portal currencies, p pipelines, s stages.
const PERSON = 'hubspot_owner_id enumeration select o';
const PROPERTIES = {
  contacts: ['email string text u', 'firstname string text', 'lastname string text', 'phone string phonenumber',
    'mobilephone string phonenumber', 'company string text', 'website string text', 'jobtitle string text',
    'address string text', 'city string text', 'state string text', 'zip string text', 'country string text',
    `lifecyclestage enumeration radio - ${LIFECYCLE.join('|')}`,
    'hs_lead_status enumeration radio - NEW|OPEN|IN_PROGRESS|OPEN_DEAL|UNQUALIFIED|ATTEMPTED_TO_CONTACT|CONNECTED|BAD_TIMING',
    'hs_additional_emails string text', 'hs_email_domain string text r', 'associatedcompanyid number number r', PERSON],
  companies: ['name string text', 'domain string text', 'website string text', 'phone string phonenumber',
    'address string text', 'address2 string text', 'city string text', 'state string text', 'zip string text',
    'country string text', 'timezone string text', 'numberofemployees number number', 'annualrevenue number number',
    'description string textarea', 'type enumeration select - PROSPECT|PARTNER|RESELLER|VENDOR|OTHER',
    'industry enumeration select - ACCOUNTING|BANKING|COMPUTER_SOFTWARE|INTERNET|RETAIL|TELECOMMUNICATIONS',
    `lifecyclestage enumeration radio - ${LIFECYCLE.join('|')}`,
    'hs_lead_status enumeration radio - NEW|OPEN|IN_PROGRESS|OPEN_DEAL|UNQUALIFIED|ATTEMPTED_TO_CONTACT|CONNECTED|BAD_TIMING',
    'hs_additional_domains string text', 'num_associated_contacts number number r', PERSON],
  deals: ['dealname string text', 'dealstage enumeration radio s', 'pipeline enumeration select p',
    'amount number number', 'closedate datetime date', 'deal_currency_code enumeration select c',
    'dealtype enumeration radio - newbusiness|existingbusiness', 'description string textarea',
    'hs_next_step string text', 'closed_lost_reason string textarea', 'closed_won_reason string textarea',
    'hs_priority enumeration select - low|medium|high', 'hs_is_closed bool booleancheckbox r',
    'amount_in_home_currency number number r', 'num_associated_contacts number number r', PERSON],
  tickets: ['subject string text', 'content string textarea', 'hs_pipeline enumeration select p',
    'hs_pipeline_stage enumeration radio s', 'hs_ticket_priority enumeration select - LOW|MEDIUM|HIGH|URGENT', PERSON],
  products: ['name string text', 'price number number', 'description string textarea', 'hs_sku string text',
    'recurringbillingfrequency enumeration select - weekly|biweekly|monthly|quarterly|per_six_months|annually'],
  line_items: ['name string text', 'quantity number number', 'price number number', 'discount number number',
    'hs_discount_percentage number number', 'tax number number', 'hs_product_id number number', 'hs_sku string text',
    'description string textarea', 'hs_line_item_currency_code enumeration select c', 'amount number number r',
    'recurringbillingfrequency enumeration select - weekly|biweekly|monthly|quarterly|per_six_months|annually',
    'hs_recurring_billing_start_date date date', 'hs_recurring_billing_period string text'],
  quotes: ['hs_title string text', 'hs_expiration_date date date', 'hs_status string text'],
  tasks: ['hs_timestamp datetime date', 'hs_task_subject string text', 'hs_task_body string html',
    'hs_task_status enumeration select - NOT_STARTED|IN_PROGRESS|WAITING|DEFERRED|COMPLETED',
    'hs_task_priority enumeration select - LOW|MEDIUM|HIGH', 'hs_task_type enumeration select - TODO|CALL|EMAIL',
    'hs_task_reminders string text', PERSON],
  notes: ['hs_timestamp datetime date', 'hs_note_body string html', 'hs_attachment_ids string text', PERSON],
  meetings: ['hs_timestamp datetime date', 'hs_meeting_title string text', 'hs_meeting_body string html',
    'hs_meeting_start_time datetime date', 'hs_meeting_end_time datetime date', PERSON],
  calls: ['hs_timestamp datetime date', 'hs_call_title string text', 'hs_call_body string html',
    'hs_call_duration number number', PERSON],
  emails: ['hs_timestamp datetime date', 'hs_email_subject string text', 'hs_email_text string textarea', PERSON],
  invoices: ['hs_currency enumeration select c', 'hs_invoice_billable bool booleancheckbox', 'hs_invoice_date datetime date',
    'hs_due_date datetime date', 'hs_title string text', 'hs_number string text r', 'hs_invoice_status string text r', PERSON],
  subscriptions: ['hs_name string text', 'hs_status string text', 'hs_currency_code enumeration select c',
    'hs_invoice_creation string text', 'hs_recurring_billing_start_date date date', PERSON],
  payments: ['hs_initial_amount number number', 'hs_initiated_date datetime date', 'hs_currency_code enumeration select c'],
  orders: ['hs_order_name string text', 'hs_currency_code enumeration select c', 'hs_external_order_id string text'],
};

const BOOLEAN_OPTIONS = [
  { label: 'True', value: 'true', displayOrder: 0, hidden: false },
  { label: 'False', value: 'false', displayOrder: 1, hidden: false },
];

function property(line, group) {
  const [name, type, fieldType, flags = '', options = ''] = line.split(' ');
  const readOnly = flags.includes('r');
  const values = options === '' ? [] : options.split('|');
  const source = { o: 'owners', c: 'currencies', p: 'pipelines', s: 'stages' }[flags];
  return {
    name, label: labelOf(name), type, fieldType, groupName: group, description: '',
    options: type === 'bool' ? BOOLEAN_OPTIONS
      : values.map((value, i) => ({ label: labelOf(value), value, displayOrder: i, hidden: false })),
    optionSource: source, // options that come from elsewhere in the portal; not shown in answers
    displayOrder: -1, hasUniqueValue: flags.includes('u'), hidden: false, formField: !readOnly,
    calculated: false, externalOptions: source === 'owners', hubspotDefined: true, archived: false,
    createdAt: FACTORY_DATE, updatedAt: FACTORY_DATE, dataSensitivity: 'non_sensitive',
    modificationMetadata: { archivable: false, readOnlyDefinition: true, readOnlyValue: readOnly },
  };
}

function labelOf(name) {
  return name.replace(/^hs_/, '').replace(/_/g, ' ').replace(/^./, (c) => c.toUpperCase());
}

const SYSTEM = ['hs_object_id number number r', 'hs_object_source string text r', 'hs_object_source_id string text r',
  'hs_object_source_label string text r', 'hs_merged_object_ids string text r'];

export function standardProperties(row) {
  const names = SYSTEM_NAMES[row.plural] ?? SYSTEM_NAMES.others;
  const times = [`${names.created} datetime date r`, `${names.modified} datetime date r`];
  return {
    groups: [{ name: row.group, label: `${row.label} information`, displayOrder: -1, archived: false }],
    properties: [...PROPERTIES[row.plural], ...times, ...SYSTEM].map((line) => property(line, row.group)),
  };
}

// The hs_* properties that a new custom object gets by itself (section 11.2: about 30 with the rest).
export function customObjectProperties(group) {
  return ['hs_createdate datetime date r', 'hs_lastmodifieddate datetime date r', ...SYSTEM, PERSON,
    'hs_all_owner_ids string text r', 'hs_all_team_ids string text r', 'hs_created_by_user_id number number r',
    'hs_updated_by_user_id number number r', 'hs_object_source_detail_1 string text r',
    'hs_object_source_user_id number number r', 'hs_pinned_engagement_id number number r',
    'hs_read_only bool booleancheckbox r', 'hs_unique_creation_key string text r',
    'hs_user_ids_of_all_owners string text r', 'hs_was_imported bool booleancheckbox r',
    'hubspot_owner_assigneddate datetime date r', 'hubspot_team_id string text r']
    .map((line) => property(line, group));
}

// Section 14.
export function dealPipeline() {
  return pipeline('default', 'Sales Pipeline', [
    ['appointmentscheduled', 'Appointment Scheduled', { isClosed: 'false', probability: '0.2' }],
    ['qualifiedtobuy', 'Qualified To Buy', { isClosed: 'false', probability: '0.4' }],
    ['presentationscheduled', 'Presentation Scheduled', { isClosed: 'false', probability: '0.6' }],
    ['decisionmakerboughtin', 'Decision Maker Bought-In', { isClosed: 'false', probability: '0.8' }],
    ['contractsent', 'Contract Sent', { isClosed: 'false', probability: '0.9' }],
    ['closedwon', 'Closed Won', { isClosed: 'true', probability: '1.0' }],
    ['closedlost', 'Closed Lost', { isClosed: 'true', probability: '0.0' }],
  ]);
}

export function ticketPipeline() {
  return pipeline('0', 'Support Pipeline', [
    ['1', 'New', { isClosed: 'false', ticketState: 'OPEN' }],
    ['2', 'Waiting on contact', { isClosed: 'false', ticketState: 'OPEN' }],
    ['3', 'Waiting on us', { isClosed: 'false', ticketState: 'OPEN' }],
    ['4', 'Closed', { isClosed: 'true', ticketState: 'CLOSED' }],
  ]);
}

function pipeline(id, label, stages) {
  return {
    id, label, displayOrder: 0, archived: false, createdAt: FACTORY_DATE, updatedAt: FACTORY_DATE,
    stages: stages.map(([stageId, stageLabel, metadata], i) => ({
      id: stageId, label: stageLabel, displayOrder: i, metadata, archived: false,
      createdAt: FACTORY_DATE, updatedAt: FACTORY_DATE, writePermissions: 'CRM_PERMISSIONS_ENFORCEMENT',
    })),
  };
}

// Section 12.1, all HUBSPOT_DEFINED: from, to, type id there, type id back,
// label there, label back. Without labels it is the plain link of the pair.
// Deal and line item (19, 20) are not in the table of the sheet.
export const ASSOCIATION_TYPES = [
  ['0-1', '0-2', 279, 280], ['0-1', '0-2', 1, 2, 'Primary', 'Primary'],
  ['0-3', '0-2', 341, 342], ['0-3', '0-2', 5, 6, 'Primary', 'Primary'],
  ['0-3', '0-1', 3, 4], ['0-3', '0-8', 19, 20],
  ['0-27', '0-2', 192, 191], ['0-27', '0-1', 204, 203], ['0-27', '0-3', 216, 215],
  ['0-46', '0-2', 190, 189], ['0-46', '0-1', 202, 201], ['0-46', '0-3', 214, 213],
  ['0-53', '0-2', 179, 180], ['0-53', '0-1', 177, 178], ['0-53', '0-3', 175, 176],
  ['0-69', '0-2', 297, 298], ['0-69', '0-1', 295, 296],
  ['0-2', '0-2', 13, 14, 'Child Company', 'Parent Company'],
  ['0-1', '0-1', 449, 449], ['0-2', '0-2', 450, 450], ['0-3', '0-3', 451, 451],
  ['0-1', '0-2', 931, 930, 'Billing contact', 'Billing contact'],
];

export const OWNERS = [
  { id: '41629779', email: 'ada.field@example.com', firstName: 'Ada', lastName: 'Field', userId: 9586504 },
  { id: '41629780', email: 'ben.moor@example.com', firstName: 'Ben', lastName: 'Moor', userId: 9586505 },
];

export const ALL_SCOPES = ['oauth',
  ...['companies', 'contacts', 'deals', 'custom', 'line_items', 'products', 'quotes', 'invoices', 'subscriptions', 'orders']
    .flatMap((t) => [`crm.objects.${t}.read`, `crm.objects.${t}.write`]),
  ...['companies', 'contacts', 'deals', 'custom', 'line_items', 'quotes', 'invoices', 'subscriptions', 'orders']
    .flatMap((t) => [`crm.schemas.${t}.read`, `crm.schemas.${t}.write`]),
  'crm.objects.owners.read', 'tickets', 'e-commerce',
  'analytics.behavioral_events.send', 'behavioral_events.event_definitions.read_write'];
