// Switches of one simulated org. Unknown names and wrong types are refused, so
// that a misspelt setting cannot pass unnoticed.

const DEFAULTS = {
  // Behaviour of the line and of the server.
  latency_ms: 0, latency_per_record_ms: 0, gzip: true, lowercase_headers: false, uppercase_headers: false, chunked_answers: false, extra_keys: false,
  // Quotas (Salesforce: Limits). Only calls that have run for long_call_ms
  // count as concurrent; 20 seconds in a real org.
  daily_limit: 15000, daily_used: 0, concurrent_limit: 25, long_call_ms: 20000, storage_limit_records: 0, query_page_size: 2000,
  hourly_event_limit: 50000,
  // Rows that a collection may hold before the call runs too long, or a trigger
  // breaks a limit; 0 for any number.
  running_time_rows: 0, apex_cpu_rows: 0, apex_query_rows: 0,
  // Bulk jobs: how long they stay queued and running, in time and in polls that
  // see it; quotas; line breaks inside quotes counted as line endings; clashes
  // of a running job with live writes on its object.
  bulk_queued_ms: 0, bulk_queued_polls: 0, bulk_running_ms: 0, bulk_running_polls: 1, bulk_max_bytes: 100 * 1024 * 1024,
  bulk_daily_batches: 15000, bulk_batches_used: 0, bulk_newlines_counted: false, bulk_live_locks: false,
  // OAuth.
  client_id: 'sim-client', client_secret: 'sim-secret', require_secret: true, refresh_token: 'sim-refresh',
  redirect_uris: ['http://localhost:8080/oauth/salesforce/callback', 'https://localhost/oauth/salesforce/callback'],
  token_ttl_s: 7200, token_sliding: true, code_ttl_s: 900, rotate_refresh_tokens: false, require_pkce: true, approval_limit: 5,
  allowed_scopes: 'api refresh_token offline_access id openid full profile email', client_credentials_user: true,
  // Whether a person is asked at each authorisation, or had allowed the app before.
  consent_page: true, app_installed: true, deny_authorization: false, jwt_certificate: '', jwt_preauthorized: true, username: 'sync@billhook.example.com', instance_url: '',
  // Hosts, without port: the org's own (else any but login.* and test.*), and one
  // the org has moved away from, with its answer (301, 302 or 404).
  my_domain_host: '', moved_from: '', moved_status: 301,
  // The org; org_id makes it another one than all simulators are.
  org_id: '', api_disabled: false, check_references: true, attributes_first: true, hidden_fields: [], readonly_fields: [], hidden_objects: [],
  person_accounts: false, state_country_picklists: false, stages: null, required_fields: [], instance_name: 'SIM1',
  // The Metadata API: how long it takes, what its user may do, what cannot be
  // deleted ({component, by}), the edition's limits.
  soap_latency_ms: 0, jwt_access_tokens: false, modify_metadata: true, customize_application: true, manage_permission_sets: true,
  assign_permission_sets: true, components_in_use: [], custom_object_limit: 400, custom_field_limit: 500, event_limit: 5,
  currencies: null, duplicate_rules: [], duplicate_result_misspelt: false, validation_rules: [], is_sandbox: false, organization_type: 'Developer Edition',
};

const NULLABLE = ['currencies', 'stages'];

function check(name, value) {
  if (!(name in DEFAULTS)) throw new Error(`unknown setting ${name}`);
  const like = DEFAULTS[name];
  if (NULLABLE.includes(name)) {
    if (value !== null && !Array.isArray(value)) throw new Error(`setting ${name} must be an array or null`);
  } else if (Array.isArray(like) ? !Array.isArray(value) : typeof value !== typeof like) {
    throw new Error(`setting ${name} must be of type ${Array.isArray(like) ? 'array' : typeof like}`);
  }
}

export class Settings {
  constructor(initial = {}) {
    this.initial = {};
    this.values = { ...DEFAULTS };
    this.set(initial);
    this.initial = { ...this.values };
  }

  set(changes) {
    for (const [name, value] of Object.entries(changes)) check(name, value);
    Object.assign(this.values, changes);
  }

  reset() {
    this.values = { ...this.initial };
  }
}
