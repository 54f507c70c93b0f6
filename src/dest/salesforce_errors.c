/*
 * What Salesforce's errors mean: one table from code to outcome, cause and
 * remedy.  Sources: REST API guide (status codes and errors), Object
 * Reference (StatusCode), and answers recorded from real orgs.  Codes are
 * open text: the enumeration of the vendor is not complete.
 */
#include "base/base.h"

#include "dest/salesforce.h"

#define RULE_PERMANENT 1u /* with DEST_AUTH: a person must act */
#define RULE_DOUBTFUL 2u  /* with DEST_LATER: may never succeed */
#define RULE_PAUSE 4u     /* concerns every call of the connection: all wait retry_s */
#define RULE_SLOW 8u      /* fewer records in a collection may help */
#define RULE_GONE 16u     /* of a record written by its id: it is not there any more */

/*
 * The first rule whose code (NULL: any) is equal and whose text (if any)
 * stands in the message, case ignored, applies.  cause and remedy may hold
 * {object} and {fields}.  Codes "HTTP n" are for answers without a code of
 * their own.
 */
struct rule {
	const char *code;
	const char *text;
	enum dest_outcome outcome;
	unsigned flags;
	int retry_s;
	const char *cause;
	const char *remedy;
};

#define R_WAIT "Nothing is to be done: Billhook tries again."
#define R_BUG "This is an error in Billhook: please report it with the code shown here."
#define R_CORRECT "Correct the value at the billing system or in the mapping, then retry."
#define R_RIGHTS "Grant this to the connection's user in a permission set, then retry."
#define R_SCHEMA                                                                                   \
	"Install what is missing in the CRM; or create {fields} on {object}, or grant it to the connection's user in a permission set, or take it out of the mapping."
#define R_FLOW                                                                                     \
	"Ask the Salesforce administrator to look at the flow or trigger on {object}, then retry."

static const struct rule rules[] = {
    /* The token, the app, the edition. */
    {"INVALID_SESSION_ID", "not valid for use with the REST API", DEST_AUTH, RULE_PERMANENT, 0,
	"The access token may not use the REST API",
	"Give the app the scope \"api\" and its user the permission \"API Enabled\", then connect again."},
    {"INVALID_SESSION_ID", "blocked", DEST_AUTH, RULE_PERMANENT, 0,
	"The app is blocked in this Salesforce org",
	"Let the administrator install or unblock the app, then connect again."},
    {"INVALID_SESSION_ID", NULL, DEST_AUTH, 0, 0, "The access token has expired",
	"Nothing is to be done: Billhook asks for a new one."},
    {"INVALID_AUTH_HEADER", NULL, DEST_AUTH, RULE_PERMANENT, 0,
	"Salesforce does not accept the form of the access token", "Connect again."},
    {"API_DISABLED_FOR_ORG", NULL, DEST_AUTH, RULE_PERMANENT, 0,
	"This Salesforce org has no API access, or the user lacks the permission \"API Enabled\"",
	"Use an edition with API access (Professional needs the add-on), grant \"API Enabled\", then connect again."},
    {"FORBIDDEN", NULL, DEST_AUTH, RULE_PERMANENT, 0, "Salesforce forbids this app or user the API",
	"Let the administrator allow the app and the user, then connect again."},

    /* Limits of the org. */
    {"REQUEST_LIMIT_EXCEEDED", "TotalRequests", DEST_LATER, RULE_PAUSE, 900,
	"The org's API calls of the last 24 hours are used up",
	"Billhook goes on when Salesforce allows it; for more, raise the org's API limit or find who uses it."},
    {"REQUEST_LIMIT_EXCEEDED", NULL, DEST_LATER, RULE_PAUSE, 30,
	"Too many long API calls run in this org at the same time", R_WAIT},
    {"API_CURRENTLY_DISABLED", NULL, DEST_LATER, RULE_PAUSE, 900,
	"Salesforce has switched the API off for a while", R_WAIT},
    {"INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE", NULL, DEST_LATER, RULE_PAUSE, 900,
	"The org is under maintenance and read-only", R_WAIT},
    {"LIMIT_EXCEEDED", "operations", DEST_REJECTED, 0, 0, "The call held too many operations",
	R_BUG},
    {"LIMIT_EXCEEDED", NULL, DEST_LATER, 0, 3600, "A limit of the org is reached", R_WAIT},
    {"EXCEEDEDQUOTA", NULL, DEST_LATER, 0, 3600, "The org's bulk quota is used up", R_WAIT},
    {"TOO_MANY_APEX_REQUESTS", NULL, DEST_LATER, RULE_PAUSE, 30,
	"The org runs too much custom code at the same time", R_WAIT},

    /* Salesforce is busy; nothing was written. */
    {"SERVER_UNAVAILABLE", NULL, DEST_LATER, RULE_PAUSE, 10, "Salesforce is not available", R_WAIT},
    {"SERVICE_UNAVAILABLE", NULL, DEST_LATER, RULE_PAUSE, 10, "Salesforce is not available",
	R_WAIT},
    {"UNABLE_TO_LOCK_ROW", NULL, DEST_LATER, 0, 0, "Somebody else is writing the same record",
	R_WAIT},
    {"UNABLE_TO_LOCK_RECORD", NULL, DEST_LATER, 0, 0, "Somebody else is writing the same record",
	R_WAIT},
    {"RECORD_LOCKED", NULL, DEST_LATER, 0, 0, "Somebody else is writing the same record", R_WAIT},
    {"RECORD_IN_USE_BY_WORKFLOW", NULL, DEST_LATER, 0, 0, "A workflow is using the record", R_WAIT},
    {"TERRITORY_REALIGN_IN_PROGRESS", NULL, DEST_LATER, 0, 60, "Territories are being realigned",
	R_WAIT},
    {"QUERY_TIMEOUT", NULL, DEST_LATER, 0, 0, "Salesforce took too long", R_WAIT},
    {"REQUEST_RUNNING_TOO_LONG", NULL, DEST_LATER, RULE_SLOW, 0,
	"Salesforce took too long for this many records", R_WAIT},
    {"INVALID_QUERY_LOCATOR", NULL, DEST_LATER, 0, 0, "A query must be started again", R_WAIT},
    {"PLATFORM_EVENT_PUBLISHING_UNAVAILABLE", NULL, DEST_LATER, 0, 60,
	"Platform events cannot be published at the moment", R_WAIT},
    {"PLATFORM_EVENT_PUBLISH_FAILED", NULL, DEST_LATER, 0, 60,
	"Platform events cannot be published at the moment", R_WAIT},
    {"PLATFORM_EVENT_ENCRYPTION_ERROR", NULL, DEST_REJECTED, 0, 0,
	"The org cannot encrypt platform events",
	"Ask the Salesforce administrator to look at the event bus encryption, then retry."},

    /* Rolled back because of another record: send again without the culprit. */
    {"ALL_OR_NONE_OPERATION_ROLLED_BACK", NULL, DEST_LATER, 0, 0,
	"Another record of the same call was refused", R_WAIT},
    {"PROCESSING_HALTED", NULL, DEST_LATER, 0, 0, "Another part of the same call was refused",
	R_WAIT},

    /* Custom code of the org. */
    {"CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "UNABLE_TO_LOCK_ROW", DEST_LATER, 0, 0,
	"Somebody else is writing a record that a trigger needs", R_WAIT},
    {"CANNOT_EXECUTE_FLOW_TRIGGER", "UNABLE_TO_LOCK_ROW", DEST_LATER, 0, 0,
	"Somebody else is writing a record that a flow needs", R_WAIT},
    /* What a collection's rows share is used up: time, queries, memory (Apex governor limits). */
    {NULL, "Apex CPU time limit", DEST_LATER, RULE_DOUBTFUL | RULE_SLOW, 30,
	"A trigger or flow on {object} took too long for this many records", R_FLOW},
    {NULL, "Too many SOQL queries", DEST_LATER, RULE_DOUBTFUL | RULE_SLOW, 30,
	"A trigger or flow on {object} asked too much for this many records", R_FLOW},
    {NULL, "System.LimitException", DEST_LATER, RULE_DOUBTFUL | RULE_SLOW, 30,
	"A trigger or flow on {object} needed too much for this many records", R_FLOW},
    {"CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", NULL, DEST_REJECTED, 0, 0,
	"A trigger on {object} refused the record", R_FLOW},
    {"CANNOT_EXECUTE_FLOW_TRIGGER", NULL, DEST_REJECTED, 0, 0, "A flow on {object} failed", R_FLOW},
    {"APEX_ERROR", NULL, DEST_LATER, RULE_DOUBTFUL, 60, "Custom code of the org failed", R_FLOW},
    {"UNKNOWN_EXCEPTION", NULL, DEST_LATER, RULE_DOUBTFUL, 60, "Salesforce had an inner error",
	"If it stays, give the number in the text to Salesforce support."},
    {"INTERNAL_ERROR", NULL, DEST_LATER, RULE_DOUBTFUL, 60, "Salesforce had an inner error",
	"If it stays, give the number in the text to Salesforce support."},

    /* Links.  Both codes are seen for a parent that is not there (noted November 2026). */
    {"INVALID_FIELD", "More than 1 field provided", DEST_REJECTED, 0, 0,
	"A link was sent with more than one key", R_BUG},
    {"INVALID_FIELD", "can not be filtered", DEST_REJECTED, 0, 0,
	"A field of {object} cannot be searched",
	"Match by another field: long texts cannot be searched in Salesforce."},
    {"INVALID_FIELD", "filter criterion", DEST_REJECTED, 0, 0,
	"A field of {object} does not hold texts", "Match by a text, e-mail or id field."},
    {"INVALID_QUERY_FILTER_OPERATOR", NULL, DEST_REJECTED, 0, 0,
	"A field of {object} cannot be searched for this value",
	"Correct the field or the value in the mapping's rules for matching."},
    {"INVALID_FIELD", "foreign key", DEST_WAITING, 0, 0, "Its parent is not in Salesforce yet",
	"Nothing is to be done: the record follows its parent."},
    {"INVALID_CROSS_REFERENCE_KEY", "foreign key", DEST_WAITING, 0, 0,
	"Its parent is not in Salesforce yet",
	"Nothing is to be done: the record follows its parent."},
    {"INVALID_CROSS_REFERENCE_KEY", "Record Type", DEST_REJECTED, 0, 0,
	"The record type is not open to the connection's user",
	"Make the record type visible in the user's permission set, or take it out of the mapping."},
    {"INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", DEST_REJECTED, RULE_GONE, 0,
	"A Salesforce id that the record names does not exist (any more)",
	"Match the record again if it was deleted or merged in Salesforce, or correct the id in the mapping."},
    {"INVALID_CROSS_REFERENCE_KEY", NULL, DEST_REJECTED, 0, 0,
	"A Salesforce id that the record names does not exist (any more)",
	"Match the record again if it was deleted or merged in Salesforce, or correct the id in the mapping."},

    /* The org's fields and objects are not what the mapping says. */
    {"INVALID_FIELD", NULL, DEST_REJECTED, 0, 0,
	"{object} has no field {fields}, or the connection's user may not see it", R_SCHEMA},
    {"INVALID_FIELD_FOR_INSERT_UPDATE", NULL, DEST_REJECTED, 0, 0,
	"The connection's user may not write {fields} of {object}", R_SCHEMA},
    {"FIELD_NOT_UPDATABLE", NULL, DEST_REJECTED, 0, 0, "{fields} of {object} cannot be changed",
	R_SCHEMA},
    {"INVALID_TYPE", NULL, DEST_REJECTED, 0, 0,
	"The org has no object {object}, or the connection's user may not see it",
	"Install what is missing in the CRM; or create {object}, or grant it to the connection's user in a permission set, or correct the mapping."},
    {"INVALID_EXTERNAL_ID_FIELD_NAME", NULL, DEST_REJECTED, 0, 0,
	"The key field of {object} is no external id",
	"Make the key field of {object} a text field with External ID and Unique set, then retry."},
    {"NOT_FOUND", "external ID field", DEST_REJECTED, 0, 0,
	"The key field of {object} does not exist, or the connection's user may not see it",
	"Install what is missing in the CRM; or create the key field of {object} as External ID and Unique, and grant it in a permission set."},
    {"NOT_FOUND", "requested resource", DEST_REJECTED, 0, 0,
	"The org has no object {object}, the connection's user may not see it, or the API version is unknown",
	"Install what is missing in the CRM; or create {object}, or grant it to the connection's user in a permission set; check the API version in the settings."},
    {"NOT_FOUND", NULL, DEST_REJECTED, RULE_GONE, 0, "The record does not exist (any more)",
	"Match the record again, or let Billhook create it anew."},

    /* The record's values. */
    {"REQUIRED_FIELD_MISSING", NULL, DEST_REJECTED, 0, 0, "{object} needs a value in {fields}",
	"Map a value to {fields}, or make it optional in Salesforce."},
    {"FIELD_CUSTOM_VALIDATION_EXCEPTION", NULL, DEST_REJECTED, 0, 0,
	"A validation rule on {object} refused the record",
	"Correct the value, or let the administrator exempt the connection's user from the rule."},
    {"FIELD_FILTER_VALIDATION_EXCEPTION", NULL, DEST_REJECTED, 0, 0,
	"A lookup filter on {object} refused the linked record",
	"Correct the link, or let the administrator change the lookup filter of {fields}."},
    {"FIELD_INTEGRITY_EXCEPTION", NULL, DEST_REJECTED, 0, 0, "{fields} does not fit the org's data",
	"Map state and country to the codes that the org knows, or correct the value."},
    {"INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", NULL, DEST_REJECTED, 0, 0,
	"{fields} takes only the values of its picklist",
	"Add the value to the picklist, make the picklist unrestricted, or translate the value in the mapping."},
    {"STRING_TOO_LONG", NULL, DEST_REJECTED, 0, 0, "The text is too long for {fields}",
	"Make the field longer in Salesforce, or shorten the text in the mapping."},
    {"INVALID_EMAIL_ADDRESS", NULL, DEST_REJECTED, 0, 0, "{fields} holds no valid e-mail address",
	R_CORRECT},
    {"NUMBER_OUTSIDE_VALID_RANGE", NULL, DEST_REJECTED, 0, 0,
	"The number is too large for {fields}",
	"Give the field more digits in Salesforce, or correct the value."},
    {"INVALID_CURRENCY_ISO", NULL, DEST_REJECTED, 0, 0, "The currency is not active in this org",
	"Activate the currency in Salesforce, or take CurrencyIsoCode out of the mapping."},
    {"DATE_OUT_OF_RANGE", NULL, DEST_REJECTED, 0, 0, "The date is outside what Salesforce keeps",
	R_CORRECT},
    {"TEXT_DATA_OUTSIDE_SUPPORTED_CHARSET", NULL, DEST_REJECTED, 0, 0,
	"The text holds characters that Salesforce does not keep", R_CORRECT},
    {"INVALID_PERSON_ACCOUNT_OPERATION", NULL, DEST_REJECTED, 0, 0,
	"This is a person account: its contact cannot be written by itself",
	"Map customers that are people to person accounts and leave their contacts out."},

    /* Two records where one should be. */
    {"DUPLICATE_VALUE", "Duplicate external id specified", DEST_REJECTED, 0, 0,
	"Two records of one call have the same key in Salesforce's eyes",
	"Make the key field of {object} case sensitive, then retry."},
    {"DUPLICATE_VALUE", NULL, DEST_REJECTED, 0, 0,
	"Another record in Salesforce already holds this unique value",
	"Merge the two records in Salesforce, or take the value off the other one, then retry."},
    {"DUPLICATES_DETECTED", NULL, DEST_REJECTED, 0, 0,
	"A duplicate rule of the org blocks the record",
	"Match the record with the one that Salesforce found, or let the rule only alert."},
    {"DUPLICATE_EXTERNAL_ID", NULL, DEST_REJECTED, 0, 0,
	"Several records in Salesforce hold this record's key",
	"Delete or merge them until one is left, and make the key field unique."},
    {"HTTP 300", NULL, DEST_REJECTED, 0, 0, "Several records in Salesforce hold this record's key",
	"Delete or merge them until one is left, and make the key field unique."},

    /* Rights and states that an administrator can change. */
    {"INSUFFICIENT_ACCESS", NULL, DEST_REJECTED, 0, 0,
	"The connection's user may not write {object}", R_RIGHTS},
    {"INSUFFICIENT_ACCESS_OR_READONLY", NULL, DEST_REJECTED, 0, 0,
	"The connection's user may not write this record of {object}", R_RIGHTS},
    {"INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", NULL, DEST_REJECTED, 0, 0,
	"The connection's user may not use a record that this one links to", R_RIGHTS},
    {"TRANSFER_REQUIRES_READ", NULL, DEST_REJECTED, 0, 0, "The new owner may not read {object}",
	"Grant the owner read access to {object}, or map another owner."},
    {"INACTIVE_OWNER_OR_USER", NULL, DEST_REJECTED, 0, 0, "The record's owner is not active",
	"Give the record an active owner in Salesforce, then retry."},
    {"ENTITY_IS_LOCKED", NULL, DEST_REJECTED, 0, 0, "The record is locked by an approval",
	"Finish or recall the approval in Salesforce, then retry."},
    {"STORAGE_LIMIT_EXCEEDED", NULL, DEST_REJECTED, 0, 0, "The org's data storage is full",
	"Delete data in Salesforce or buy storage, then retry."},
    {"FUNCTIONALITY_NOT_ENABLED", NULL, DEST_REJECTED, 0, 0,
	"The org lacks a feature that this needs",
	"Switch the feature on in Salesforce, then retry."},
    {"INVALID_RECORD_TYPE", NULL, DEST_REJECTED, 0, 0, "The record type cannot be used",
	"Make the record type active and visible to the connection's user, or take it out of the mapping."},
    {"LICENSE_LIMIT_EXCEEDED", NULL, DEST_REJECTED, 0, 0, "A licence limit of the org is reached",
	"Buy or free licences in Salesforce, then retry."},

    /* The record is gone. */
    {"ENTITY_IS_DELETED", NULL, DEST_REJECTED, RULE_GONE, 0, "The record was deleted in Salesforce",
	"Match the record again, or let Billhook create it anew."},
    {"ENTITY_IS_ARCHIVED", NULL, DEST_REJECTED, 0, 0, "The record was archived in Salesforce",
	"Match the record again, or let Billhook create it anew."},
    {"CANNOT_UPDATE_CONVERTED_LEAD", NULL, DEST_REJECTED, 0, 0, "The lead was converted",
	"Match the record with the account or contact that the lead became."},

    /* Our own mistakes. */
    {"JSON_PARSER_ERROR", NULL, DEST_REJECTED, 0, 0, "A value has the wrong form for its field",
	"Check that the mapping's type fits the Salesforce field; else report it with this text."},
    {"MALFORMED_ID", NULL, DEST_REJECTED, 0, 0, "A Salesforce id is malformed",
	"Correct the id in the mapping, or match the record again."},
    {"MISSING_ARGUMENT", NULL, DEST_REJECTED, 0, 0, "The call was not complete", R_BUG},
    {"MALFORMED_QUERY", NULL, DEST_REJECTED, 0, 0, "A query was malformed", R_BUG},
    {"METHOD_NOT_ALLOWED", NULL, DEST_REJECTED, 0, 0, "The call was malformed", R_BUG},
    {"EXCEEDED_ID_LIMIT", NULL, DEST_REJECTED, 0, 0, "The call held too many records", R_BUG},

    /* Bulk jobs (codes without underscores). */
    {"INVALIDENTITY", NULL, DEST_REJECTED, 0, 0,
	"The org has no object {object}, or it cannot be written in bulk",
	"Create {object} or grant it to the connection's user in a permission set, then retry."},
    {"INVALIDUSER", NULL, DEST_REJECTED, 0, 0, "The connection's user may not use the Bulk API",
	R_RIGHTS},
    {"FEATURENOTENABLED", NULL, DEST_REJECTED, 0, 0, "The org has no Bulk API",
	"Switch the Bulk API on in Salesforce, or set bulk_from so high that it is not used."},
    {"INVALIDJOBSTATE", NULL, DEST_REJECTED, 0, 0, "The bulk job has gone on meanwhile",
	"Nothing is to be done: Billhook begins another."},
    {"INVALIDJOB", NULL, DEST_REJECTED, 0, 0, "The bulk job cannot be made", R_BUG},

    /* No code that we know: the status decides. */
    {"HTTP 301", NULL, DEST_AUTH, 0, 0, "The org has moved to another address",
	"Nothing is to be done: Billhook asks for a new token and the new address."},
    {"HTTP 302", NULL, DEST_AUTH, 0, 0, "The org has moved to another address",
	"Nothing is to be done: Billhook asks for a new token and the new address."},
    {"HTTP 307", NULL, DEST_AUTH, 0, 0, "The org has moved to another address",
	"Nothing is to be done: Billhook asks for a new token and the new address."},
    {"HTTP 308", NULL, DEST_AUTH, 0, 0, "The org has moved to another address",
	"Nothing is to be done: Billhook asks for a new token and the new address."},
    {"HTTP 401", NULL, DEST_AUTH, 0, 0, "The access token is not accepted",
	"Nothing is to be done: Billhook asks for a new one."},
    {"HTTP 404", NULL, DEST_REJECTED, 0, 0, "Salesforce does not know the address that was called",
	"Check the address and the API version in the connection's settings."},
    {"HTTP 408", NULL, DEST_UNCERTAIN, 0, 0, "Salesforce did not receive the whole call", R_WAIT},
    {"HTTP 405", NULL, DEST_REJECTED, 0, 0, "The call was malformed", R_BUG},
    {"HTTP 410", NULL, DEST_AUTH, RULE_PERMANENT, 0, "Salesforce has retired this API version",
	"Set a newer API version in the connection's settings."},
    {"HTTP 414", NULL, DEST_REJECTED, 0, 0, "The call's address was too long", R_BUG},
    {"HTTP 415", NULL, DEST_REJECTED, 0, 0, "The call was malformed", R_BUG},
    {"HTTP 431", NULL, DEST_REJECTED, 0, 0, "The call's headers were too long", R_BUG},
    {"HTTP 420", NULL, DEST_LATER, RULE_PAUSE, 10, "Salesforce has trouble with this org's server",
	R_WAIT},
    {"HTTP 429", NULL, DEST_LATER, RULE_PAUSE, 30, "Salesforce asks for fewer calls", R_WAIT},
    {"HTTP 500", NULL, DEST_LATER, RULE_DOUBTFUL, 60, "Salesforce had an inner error", R_WAIT},
    {"HTTP 502", NULL, DEST_UNCERTAIN, RULE_PAUSE, 10,
	"Salesforce's front did not reach its server", R_WAIT},
    {"HTTP 503", NULL, DEST_LATER, RULE_PAUSE, 10, "Salesforce is not available", R_WAIT},
    {"HTTP 504", NULL, DEST_UNCERTAIN, RULE_PAUSE | RULE_SLOW, 10,
	"Salesforce's front waited in vain for its server", R_WAIT},
};

/* Reference: treat unknown codes like UNKNOWN_EXCEPTION, a few tries and then a person. */
static const struct rule unknown_rule = {NULL, NULL, DEST_LATER, RULE_DOUBTFUL, 60,
    "Salesforce refused with a code that Billhook does not know",
    "Billhook tries a few times; then correct what the text says and retry."};

static const struct rule *
find_rule(const char *code, const char *message)
{
	for (size_t i = 0; i < BH_LEN(rules); i++) {
		if ((rules[i].code == NULL || strcmp(rules[i].code, code) == 0) &&
		    (rules[i].text == NULL || strcasestr(message, rules[i].text) != NULL))
			return &rules[i];
	}
	return NULL;
}

/* Errors come as an array, as a bare object, or (OAuth) with other names. */
static const json_t *
first_error(const json_t *error)
{
	return json_is_array(error) ? json_array_get(error, 0) : error;
}

static const char *
text_of(const json_t *error, const char *first, const char *second)
{
	const char *text = dest_text(error, first, NULL);

	return text != NULL ? text : dest_text(error, second, "");
}

/*
 * What went wrong in a query is told behind the query's text and a line that points into it
 * ("ERROR at Row:1:Column:8"): both hold what was asked for, which is nobody else's business.
 */
static const char *
without_query(const char *message)
{
	const char *at = strstr(message, "ERROR at Row:");

	if (at == NULL)
		return message;
	at += strcspn(at, "\n");
	return at + (*at == '\n');
}

static const char *
message_of(const json_t *error)
{
	return without_query(text_of(error, "message", "error_description"));
}

/* The column between quotes in "No such column 'X__c' on ..."; NULL.  A new string. */
static json_t *
column_of(const char *message)
{
	const char *from = strstr(message, "column '");
	size_t len;

	if (from == NULL)
		return NULL;
	from += strlen("column '");
	len = strcspn(from, "'");
	return len > 0 && len <= 80 ? json_stringn(from, len) : NULL;
}

json_t *
salesforce_named_fields(const json_t *error)
{
	const json_t *fields = json_object_get(error, "fields");
	json_t *names = json_array();

	for (size_t i = 0; i < json_array_size(fields); i++) {
		if (json_is_string(json_array_get(fields, i)))
			json_array_append(names, json_array_get(fields, i));
	}
	if (json_array_size(names) == 0)
		json_array_append_new(names, column_of(message_of(error)));
	return names;
}

/* The fields that an error names, "the field" when it names none. */
static void
add_fields(struct bh_buf *out, const json_t *error)
{
	json_t *names = salesforce_named_fields(error);

	for (size_t i = 0; i < json_array_size(names) && i < 5; i++)
		bh_buf_addf(out, "%s%.80s", i > 0 ? ", " : "",
		    json_string_value(json_array_get(names, i)));
	if (out->len == 0)
		bh_buf_adds(out, "the field");
	json_decref(names);
}

/* Replace {object} and {fields}. */
static void
expand(struct bh_buf *out, const char *text, const char *object, const char *fields)
{
	while (*text != '\0') {
		size_t len = strcspn(text, "{");

		bh_buf_add(out, text, len);
		text += len;
		if (strncmp(text, "{object}", 8) == 0) {
			bh_buf_adds(out,
			    object != NULL && object[0] != '\0' ? object : "the object");
			text += 8;
		} else if (strncmp(text, "{fields}", 8) == 0) {
			bh_buf_adds(out, fields);
			text += 8;
		} else if (*text != '\0') {
			bh_buf_addc(out, *text++);
		}
	}
}

/*
 * The record that a duplicate rule found.  The key was misspelt in older
 * versions ("duplicateResut"); newer ones spell it right.
 */
static const char *
found_duplicate(const json_t *error)
{
	static const char *const names[] = {"duplicateResut", "duplicateResult"};

	for (size_t i = 0; i < BH_LEN(names); i++) {
		const char *id = bh_json_str(json_object_get(error, names[i]),
		    "matchResults.0.matchRecords.0.record.Id");

		if (id != NULL)
			return id;
	}
	return NULL;
}

static void
fill(struct dest_result *result, const struct rule *rule, const char *code, const char *message,
    const json_t *error, const char *object)
{
	struct bh_buf fields = BH_BUF_INIT(1024), cause = BH_BUF_INIT(4096),
		      remedy = BH_BUF_INIT(4096);
	const char *found = found_duplicate(error);
	size_t own_len;

	add_fields(&fields, error);
	expand(&cause, rule->cause, object, bh_buf_str(&fields));
	if (found != NULL)
		bh_buf_addf(&cause, " (it found %.18s)", found);
	/* The server's own words follow: only they say which rule or value of the org it was. */
	own_len = cause.len;
	if (message[0] != '\0')
		bh_buf_addf(&cause, ": %.1000s", message);
	expand(&remedy, rule->remedy, object, bh_buf_str(&fields));
	dest_result_set(result, rule->outcome, code, bh_buf_str(&cause), bh_buf_str(&remedy));
	result->own_len = message[0] != '\0' ? own_len : 0;
	dest_result_say(result, error);
	result->retry_after_s = rule->retry_s;
	result->permanent_auth = (rule->flags & RULE_PERMANENT) != 0;
	result->doubtful = (rule->flags & RULE_DOUBTFUL) != 0;
	bh_buf_release(&fields);
	bh_buf_release(&cause);
	bh_buf_release(&remedy);
}

/* Never NULL; *code_r is the server's word, or one made of the status in by_status. */
static const struct rule *
rule_for(int status, const json_t *first, char by_status[16], const char **code_r)
{
	const char *code = text_of(first, "errorCode", "statusCode");
	const struct rule *rule = find_rule(code, message_of(first));

	snprintf(by_status, 16, "HTTP %d", status);
	*code_r = code[0] != '\0' ? code : status >= 300 ? by_status : "NO_CODE";
	if (rule == NULL)
		rule = find_rule(by_status, "");
	return rule != NULL ? rule : &unknown_rule;
}

int
salesforce_explain(struct dest_result *result, int status, const json_t *error, const char *object)
{
	const json_t *first = first_error(error);
	char by_status[16];
	const char *code;
	const struct rule *rule = rule_for(status, first, by_status, &code);

	fill(result, rule, code, message_of(first), first, object);
	return (rule->flags & RULE_PAUSE) != 0 ? rule->retry_s : 0;
}

/* Does an error speak of the record itself, not of one that a field of it names? */
static bool
is_about_record(const json_t *error)
{
	json_t *names = salesforce_named_fields(error);
	const char *name = json_string_value(json_array_get(names, 0));
	bool about = name == NULL || strcasecmp(name, "id") == 0;

	json_decref(names);
	return about;
}

unsigned
salesforce_hints(int status, const json_t *error)
{
	const json_t *first = first_error(error);
	char by_status[16];
	const char *code;
	const struct rule *rule = rule_for(status, first, by_status, &code);
	unsigned hints = 0;

	if ((rule->flags & RULE_SLOW) != 0)
		hints |= SALESFORCE_SLOW;
	if ((rule->flags & RULE_GONE) != 0 && is_about_record(first))
		hints |= SALESFORCE_GONE;
	return hints;
}
