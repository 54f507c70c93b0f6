/* What the presets make of sample objects. */
#include "base/base.h"

#include "base/json.h"
#include "presets-map.h"

/* Sample objects and what must come out; fields that are not named are not looked at. */
struct golden {
	const char *name, *preset, *customer_object;
	const char *mapped;                /* which of the preset's objects */
	const char *object, *key, *wanted; /* {"Name": value, ...}; key NULL: it is left out */
	const char *missing;               /* a field that must not be written; NULL none */
};

#define CUSTOMER                                                                                                       \
	"{\"name\":\"Example Labs\",\"email\":\"Billing@Example.com\",\"phone\":null,\"website\":\"www.example.com\"," \
	"\"currency\":\"JPY\",\"balance\":-1500,\"address_line1\":\"1 Main St\",\"address_line2\":\"Floor 2\","        \
	"\"address_country\":\"CH\",\"created_at\":\"2026-01-02T03:04:05Z\",\"external_id\":\"ext-1\","                \
	"\"tax_id\":\"CHE-123\",\"link\":\"https://billing.example.com/c/1\"}"
#define PERSON                                                                                     \
	"{\"name\":\"Ada King\",\"email\":\"ada@gmail.com\",\"website\":null,\"legal_name\":null}"
#define INVOICE                                                                                                          \
	"{\"customer\":\"c1\",\"subscription\":\"s1\",\"number\":null,\"status\":\"draft\",\"source_status\":\"draft\"," \
	"\"currency\":\"KWD\",\"total\":1005,\"subtotal\":1000,\"issued_on\":\"2026-11-22\",\"overdue\":null}"

/* Amounts that Billhook works out are in figures_currency, whatever the customer's own is. */
#define FIGURES                                                                                               \
	"{\"name\":\"Acme\",\"currency\":\"JPY\",\"balance\":-5,\"figures_currency\":\"EUR\",\"mrr\":123450," \
	"\"arr\":1481400,\"mrr_known\":true,\"movement\":\"contraction\",\"movement_amount\":-50,"            \
	"\"movement_at\":\"2026-11-22T10:00:00Z\",\"payment_status\":\"past_due\",\"open_balance\":0,"        \
	"\"latest_invoice\":\"in_1\",\"active_subscriptions\":2,\"next_renewal_at\":"                         \
	"\"2026-12-31T23:59:59Z\"}"

#define RECOVERY                                                                                               \
	"{\"customer\":\"c_1\",\"customer_email\":\"ada@example.com\",\"currency\":\"USD\",\"stage\":\"won\"," \
	"\"amount\":4900,\"recovered_amount\":4900,\"retry_count\":2,\"started_at\":"                          \
	"\"2026-11-20T08:00:00Z\",\"completed_at\":\"2026-11-22T09:00:00Z\"}"

static const struct golden goldens[] = {
    {"a recovery in Salesforce", "lostchurn-salesforce", "", "recovery", RECOVERY, "src:id_1",
	"{\"Name\":\"Recovery - ada@example.com - 2026-11-20\",\"Stage__c\":\"won\",\"Recovered_Amount__c\":\"49.00\","
	"\"Retry_Count__c\":\"2\",\"Completed_At__c\":\"2026-11-22T09:00:00Z\"}",
	NULL},
    {"a recovery in HubSpot", "lostchurn-hubspot", "", "recovery", RECOVERY, "src:id_1",
	"{\"billhook_recovery_name\":\"Recovery - ada@example.com - 2026-11-20\",\"billhook_recovery_stage\":\"won\","
	"\"billhook_recovery_recovered_amount\":\"49.00\",\"billhook_recovery_retry_count\":\"2\","
	"\"billhook_recovery_completed_at\":\"2026-11-22T09:00:00Z\"}",
	"billhook_recovery_provider"},
    {"a recovery of no known stage has begun", "lostchurn-hubspot", "", "deal",
	"{\"customer\":\"c_1\",\"stage\":null}", "src:id_1",
	"{\"dealstage\":\"appointmentscheduled\"}", NULL},
    {"a recovery's deal", "lostchurn-hubspot", "", "deal", RECOVERY, "src:id_1",
	"{\"dealname\":\"Recovery - ada@example.com - 2026-11-20\",\"dealstage\":\"closedwon\",\"pipeline\":\"default\","
	"\"amount\":\"49.00\",\"billhook_recovery_stage\":\"won\",\"hubspot_owner_id\":\"005000000000001AAA\"}",
	NULL},
    {"a subscription's deal", "stripe-hubspot", "companies", "deal",
	"{\"customer\":\"c1\",\"name\":\"Team\",\"status\":\"past_due\",\"currency\":\"EUR\",\"amount\":4900,\"interval\":\"month\","
	"\"mrr\":4900,\"started_at\":\"2026-11-22T10:00:00Z\"}",
	"src:id_1",
	"{\"dealname\":\"Example Labs - Team\",\"pipeline\":\"default\",\"dealstage\":\"closedwon\","
	"\"closedate\":\"2026-11-22T10:00:00Z\",\"amount\":\"49.00\",\"billhook_subscription_status\":\"past_due\","
	"\"billhook_subscription_mrr\":\"49.00\",\"billhook_source_subscription_id\":\"id_1\"}",
	"billhook_subscription_arr"},
    {"a trial's deal is not won yet", "lago-hubspot", "companies", "deal",
	"{\"status\":\"trialing\",\"created_at\":\"2026-11-21T10:00:00Z\"}", "id_1",
	"{\"dealstage\":\"contractsent\",\"closedate\":\"2026-11-21T10:00:00Z\"}", "amount"},
    {"a credit note in HubSpot", "lago-hubspot", "companies", "credit_note",
	"{\"customer\":\"c1\",\"invoice\":\"i1\",\"number\":null,\"status\":\"issued\",\"currency\":\"EUR\",\"total\":1200}",
	"id_1",
	"{\"billhook_credit_note_number\":\"id_1\",\"billhook_credit_note_total\":\"12.00\","
	"\"billhook_credit_note_status\":\"issued\",\"billhook_credit_note_invoice\":\"i1\"}",
	"billhook_credit_note_tax"},
    {"a payment in HubSpot", "stripe-hubspot", "contacts", "payment",
	"{\"customer\":\"c1\",\"status\":\"failed\",\"currency\":\"JPY\",\"amount\":500,\"card\":{\"brand\":\"visa\",\"last4\":\"4242\"},"
	"\"failure_code\":\"expired_card\",\"failed_at\":\"2026-11-22T23:00:00Z\"}",
	"src:id_1",
	"{\"billhook_payment_name\":\"id_1\",\"billhook_payment_amount\":\"500\",\"billhook_payment_card_brand\":\"visa\","
	"\"billhook_payment_disputed\":false,\"billhook_payment_failed_at\":\"2026-11-22\"}",
	"billhook_payment_paid_at"},
    {"a line in HubSpot", "alguna-hubspot", "companies", "invoice_line",
	"{\"invoice\":\"in_1\",\"line_id\":\"il_1\",\"price\":\"seats\",\"currency\":\"EUR\",\"amount\":4900}",
	"src:id_1",
	"{\"billhook_invoice_line_name\":\"seats\",\"billhook_source_invoice_line_id\":\"il_1\","
	"\"billhook_invoice_line_amount\":\"49.00\",\"billhook_invoice_line_recurring\":false}",
	"billhook_invoice_line_tax"},
    {"a recovery's opportunity", "lostchurn-salesforce", "", "opportunity", RECOVERY, "src:id_1",
	"{\"Name\":\"Recovery - ada@example.com - 2026-11-20\",\"StageName\":\"Closed Won\",\"CloseDate\":\"2026-11-22\","
	"\"Amount\":\"49.00\",\"Billhook_Failed_Amount__c\":\"49.00\",\"RecordTypeId\":\"012000000000001AAA\","
	"\"OwnerId\":\"005000000000001AAA\",\"Billhook_Recovery_Id__c\":\"id_1\"}",
	NULL},
    {"an open recovery closes some day", "lostchurn-salesforce", "", "opportunity",
	"{\"customer_email\":\"ada@example.com\",\"stage\":\"open_late\",\"started_at\":\"2026-11-20T08:00:00Z\"}",
	"src:id_1", "{\"StageName\":\"Negotiation/Review\",\"CloseDate\":\"2026-12-20\"}",
	"Amount"},
    {"a recovery of which little is known", "lostchurn-salesforce", "", "opportunity",
	"{\"customer_email\":\"ada@example.com\",\"next_retry_at\":\"2026-11-25T08:00:00Z\"}",
	"src:id_1", "{\"StageName\":\"Prospecting\",\"CloseDate\":\"2026-12-25\"}", "Amount"},
    {"the company of an e-mail", "lostchurn-salesforce", "", "account",
	"{\"email\":\"Ada@Mail.Example.com\"}", "src:domain:mail.example.com",
	"{\"Name\":\"mail.example.com\",\"Website\":\"https://mail.example.com\"}", NULL},
    {"free mail is no company", "lostchurn-salesforce", "", "account", PERSON, NULL, "{}", NULL},
    {"the people of a customer", "alguna-salesforce", "", "contact",
	"{\"email\":\"Ada@example.com\",\"first_name\":\"Ada\",\"last_name\":\"King\",\"contacts\":[{\"title\":\"CFO\"}]}",
	"src:email:ada@example.com",
	"{\"Email\":\"ada@example.com\",\"FirstName\":\"Ada\",\"LastName\":\"King\",\"Title\":\"CFO\","
	"\"Billhook_Customer_Id__c\":\"id_1\"}",
	NULL},
    {"no people", "alguna-salesforce", "", "contact", "{\"name\":\"Example Labs\",\"email\":null}",
	NULL, "{}", NULL},
    {"the largest subscription of several", "alguna-salesforce", "", "account",
	"{\"name\":\"Example Labs\",\"tax_rate\":\"19\",\"figures_currency\":\"EUR\",\"active_subscriptions\":3,"
	"\"main_subscription\":\"s_1\",\"main_subscription_name\":\"Team\",\"main_subscription_status\":\"active\","
	"\"main_subscription_interval\":\"year\",\"main_subscription_amount\":12345678901200,"
	"\"main_subscription_cancel_at\":\"2027-01-31T12:00:00Z\",\"main_subscription_renewal_at\":\"2027-01-31T12:00:00Z\","
	"\"is_delinquent\":true}",
	"src:id_1",
	"{\"Billhook_Tax_Rate__c\":\"19\",\"Billhook_Active_Subscriptions__c\":\"3\",\"Billhook_Main_Subscription_Id__c\":\"s_1\","
	"\"Billhook_Main_Subscription__c\":\"Team\",\"Billhook_Main_Subscription_Value__c\":\"123456789012.00\","
	"\"Billhook_Main_Subscription_Cancel_At__c\":\"2027-01-31T12:00:00Z\","
	"\"Billhook_Main_Subscription_Renewal__c\":\"2027-01-31\",\"Billhook_Payment_Overdue__c\":true}",
	NULL},
    {"a subscription's opportunity", "stripe-salesforce", "", "opportunity",
	"{\"customer\":\"c1\",\"name\":\"Team\",\"status\":\"past_due\",\"currency\":\"EUR\",\"amount\":4900,\"interval\":\"month\","
	"\"started_at\":\"2026-11-22T10:00:00Z\"}",
	"src:id_1",
	"{\"Name\":\"Example Labs - Team\",\"StageName\":\"Closed Won\",\"CloseDate\":\"2026-11-22\",\"Amount\":\"49.00\","
	"\"Billhook_Subscription_Id__c\":\"id_1\",\"Billhook_Subscription_Status__c\":\"past_due\","
	"\"Billhook_Billing_Interval__c\":\"month\",\"RecordTypeId\":\"012000000000002AAA\"}",
	NULL},
    {"a trial is not won yet", "lago-salesforce", "", "opportunity",
	"{\"status\":\"trialing\",\"created_at\":\"2026-11-21T10:00:00Z\"}", "src:id_1",
	"{\"Name\":\"Example Labs\",\"StageName\":\"Negotiation/Review\",\"CloseDate\":\"2026-11-21\"}",
	"Amount"},
    {"a line of an invoice", "stripe-salesforce", "", "invoice_line",
	"{\"invoice\":\"in_1\",\"line_id\":\"il_1\",\"position\":2,\"description\":\"5 seats\",\"currency\":\"EUR\",\"amount\":4900,"
	"\"quantity\":\"5\",\"unit_amount\":\"9.80\",\"proration\":true}",
	"src:id_1",
	"{\"Name\":\"5 seats\",\"Line_Id__c\":\"il_1\",\"Position__c\":\"2\",\"Amount__c\":\"49.00\",\"Quantity__c\":\"5\","
	"\"Unit_Amount__c\":\"9.80\",\"Proration__c\":true,\"Recurring__c\":false,\"Deleted__c\":false}",
	"Discount__c"},
    {"a line without words", "lago-salesforce", "", "invoice_line", "{\"price\":\"seats\"}",
	"src:id_1", "{\"Name\":\"seats\"}", "Amount__c"},
    {"a failed payment", "stripe-salesforce", "", "payment",
	"{\"customer\":\"c1\",\"status\":\"failed\",\"currency\":\"JPY\",\"amount\":500,\"card\":{\"brand\":\"visa\",\"last4\":\"4242\"},"
	"\"failure_code\":\"expired_card\"}",
	"src:id_1",
	"{\"Name\":\"id_1\",\"Status__c\":\"failed\",\"Amount__c\":\"500\",\"Card_Brand__c\":\"visa\",\"Card_Last4__c\":\"4242\","
	"\"Failure_Code__c\":\"expired_card\",\"Disputed__c\":false}",
	"Paid_At__c"},
    {"a credit note", "lago-salesforce", "", "credit_note",
	"{\"customer\":\"c1\",\"invoice\":\"i1\",\"number\":\"CN-1\",\"status\":\"issued\",\"currency\":\"EUR\",\"total\":1200,"
	"\"credited\":1200,\"balance\":0,\"file_url\":\"https://billing.example.com/cn/1.pdf\"}",
	"src:id_1",
	"{\"Name\":\"CN-1\",\"Total__c\":\"12.00\",\"Credited__c\":\"12.00\",\"Balance__c\":\"0.00\","
	"\"File_Url__c\":\"https://billing.example.com/cn/1.pdf\"}",
	"Tax__c"},
    {"an event of a recovery", "lostchurn-salesforce", "", "recovery_event",
	"{\"event_id\":\"evt_1\",\"type\":\"recovery.retry_attempted\",\"recovery\":\"rec_1\",\"recovery_event\":\"retried\","
	"\"currency\":\"EUR\",\"amount\":4900,\"decline_code\":\"do_not_honor\",\"customer_email\":\"ada@example.com\","
	"\"received_at\":\"2026-11-22T10:00:01Z\"}",
	"src:id_1",
	"{\"Recovery_Id__c\":\"rec_1\",\"Event_Type__c\":\"retried\",\"Amount__c\":\"49.00\",\"Currency__c\":\"EUR\","
	"\"Decline_Code__c\":\"do_not_honor\",\"Customer_Email__c\":\"ada@example.com\",\"Occurred_At__c\":\"2026-11-22T10:00:01Z\"}",
	NULL},
    {"an event of something else", "lostchurn-salesforce", "", "recovery_event",
	"{\"event_id\":\"evt_1\",\"type\":\"campaign.started\"}", NULL, "{}", NULL},
    {"an event in the log", "stripe-salesforce", "", "event",
	"{\"event_id\":\"evt_1\",\"type\":\"invoice.paid\",\"kind\":\"invoice\",\"object_id\":\"in_1\",\"customer\":\"c1\","
	"\"connection\":\"stripe\",\"occurred_at\":\"2026-11-22T10:00:00Z\",\"summary\":\"invoice in_1: paid\"}",
	"src:id_1",
	"{\"Name\":\"invoice.paid - in_1\",\"Type__c\":\"invoice.paid\",\"Object_Kind__c\":\"invoice\",\"Connection__c\":\"stripe\","
	"\"Occurred_At__c\":\"2026-11-22T10:00:00Z\",\"Summary__c\":\"invoice in_1: paid\"}",
	"Received_At__c"},
    {"a customer at risk", "lostchurn-salesforce", "", "contact",
	"{\"name\":\"Ada King\",\"email\":\"ada@example.com\",\"churn_risk\":\"0.25\",\"figures_currency\":\"USD\","
	"\"mrr\":4900,\"recovery_count\":3}",
	"src:id_1",
	"{\"FirstName\":\"Ada\",\"LastName\":\"King\",\"Billhook_MRR__c\":\"49.00\",\"Billhook_Churn_Risk__c\":\"0.25\","
	"\"Billhook_Recovery_Count__c\":\"3\"}",
	NULL},
    {"figures in Salesforce", "stripe-salesforce", "companies", "account", FIGURES, "src:id_1",
	"{\"Billhook_MRR__c\":\"1234.50\",\"Billhook_ARR__c\":\"14814.00\",\"Billhook_MRR_Known__c\":true,"
	"\"Billhook_Movement__c\":\"contraction\",\"Billhook_Movement_Amount__c\":\"-0.50\","
	"\"Billhook_Open_Balance__c\":\"0.00\",\"Billhook_Latest_Invoice__c\":\"in_1\","
	"\"Billhook_Next_Renewal__c\":\"2026-12-31\",\"Billhook_Figures_Currency__c\":\"EUR\","
	"\"Billhook_Balance__c\":\"-5\",\"Billhook_Active_Subscriptions__c\":\"2\"}",
	NULL},
    {"figures in HubSpot", "lago-hubspot", "contacts", "person", FIGURES, "id_1",
	"{\"billhook_mrr\":\"1234.50\",\"billhook_payment_status\":\"past_due\","
	"\"billhook_mrr_movement_at\":\"2026-11-22T10:00:00Z\",\"billhook_mrr_known\":true}",
	NULL},
    {"a subscription's worth", "stripe-hubspot", "companies", "subscription",
	"{\"currency\":\"EUR\",\"mrr\":1800,\"arr\":21600}", "src:id_1",
	"{\"billhook_subscription_mrr\":\"18.00\",\"billhook_subscription_arr\":\"216.00\"}", NULL},
    {"a company in Salesforce", "stripe-salesforce", "companies", "account", CUSTOMER, "src:id_1",
	"{\"Name\":\"Example Labs\",\"Website\":\"https://www.example.com\",\"BillingStreet\":\"1 Main St\\nFloor 2\","
	"\"BillingCountry\":\"Switzerland\",\"Billhook_Balance__c\":\"-1500\",\"Billhook_Currency__c\":\"JPY\","
	"\"Billhook_Delinquent__c\":false,\"Billhook_Source__c\":\"Stripe\",\"Billhook_Email__c\":"
	"\"billing@example.com\",\"Billhook_Customer_Since__c\":\"2026-01-02T03:04:05Z\"}",
	"Phone"},
    {"nobody's name in Salesforce", "lago-salesforce", "companies", "account",
	"{\"name\":null,\"email\":\"ada@example.com\"}", "src:id_1",
	"{\"Name\":\"ada@example.com\"}", NULL},
    {"nothing but an id", "lago-salesforce", "companies", "account", "{}", "src:id_1",
	"{\"Name\":\"id_1\"}", "Website"},
    {"an invoice in Salesforce", "lago-salesforce", "companies", "invoice", INVOICE, "src:id_1",
	"{\"Name\":\"id_1\",\"Number__c\":null,\"Total__c\":\"1.01\",\"Subtotal__c\":\"1.00\",\"Overdue__c\":false,"
	"\"Issuing_Date__c\":\"2026-11-22\"}",
	"Tax__c"},
    {"a company in HubSpot", "lago-hubspot", "companies", "customer", CUSTOMER, "id_1",
	"{\"name\":\"Example Labs\",\"domain\":\"example.com\",\"address2\":\"Floor 2\",\"lago_billing_email\":"
	"\"billing@example.com\",\"lago_customer_external_id\":\"ext-1\",\"lago_tax_identification_number\":\"CHE-123\","
	"\"lago_customer_link\":\"https://billing.example.com/c/1\"}",
	"firstname"},
    {"a person in HubSpot", "lago-hubspot", "contacts", "person", PERSON, "id_1",
	"{\"firstname\":\"Ada\",\"lastname\":\"King\",\"email\":\"ada@gmail.com\"}", "domain"},
    {"who is a company is none for people", "lago-hubspot", "contacts", "person",
	"{\"name\":\"X\",\"type\":\"company\"}", NULL, "{}", NULL},
    {"but for companies", "lago-hubspot", "contacts", "customer",
	"{\"name\":\"X\",\"type\":\"company\"}", "id_1", "{\"name\":\"X\"}", NULL},
    {"who is a person is no company", "stripe-hubspot", "companies", "customer",
	"{\"name\":\"X\",\"type\":\"individual\"}", NULL, "{}", NULL},
    {"but among people", "stripe-hubspot", "companies", "person",
	"{\"name\":\"Ada King\",\"type\":\"individual\"}", "src:id_1",
	"{\"firstname\":\"Ada\",\"lastname\":\"King\"}", "name"},
    {"of whom nothing is known goes where the setting says", "stripe-hubspot", "contacts",
	"customer", "{\"name\":\"X\",\"type\":null}", NULL, "{}", NULL},
    {"free mail is nobody's domain", "stripe-hubspot", "companies", "customer", PERSON, "src:id_1",
	"{\"name\":\"Ada King\"}", "domain"},
    {"the domain of the e-mail", "stripe-hubspot", "companies", "customer",
	"{\"name\":\"X\",\"email\":\"a@mail.example.com\"}", "src:id_1",
	"{\"domain\":\"mail.example.com\",\"billhook_source\":\"Stripe\",\"billhook_source_customer_id\":\"id_1\"}",
	NULL},
    {"a subscription in HubSpot", "lago-hubspot", "companies", "subscription",
	"{\"customer\":\"c1\",\"status\":\"canceled\",\"source_status\":\"terminated\",\"billing_time\":\"calendar\","
	"\"ended_at\":\"2026-11-22T23:00:00Z\"}",
	"id_1",
	"{\"lago_subscription_status\":\"terminated\",\"lago_billing_time\":\"calendar\","
	"\"lago_subscription_terminated_at\":\"2026-11-22\"}",
	"lago_subscription_started_at"},
    {"an invoice in HubSpot", "stripe-hubspot", "companies", "invoice", INVOICE, "src:id_1",
	"{\"billhook_invoice_number\":\"id_1\",\"billhook_invoice_total\":\"1.005\",\"billhook_invoice_overdue\":false}",
	"billhook_invoice_tax"},
};

static void
check_golden_record(const struct golden *golden, const json_t *wanted, const struct record *record)
{
	const char *name;
	json_t *value;

	if (record == NULL || golden->key == NULL) {
		if (record != NULL || golden->key != NULL)
			fail_msg("%s: left out or not against expectation", golden->name);
		return;
	}
	assert_string_equal(record->key, golden->key);
	json_object_foreach ((json_t *)(uintptr_t)wanted, name, value) {
		const struct record_field *field = find_written(record, name);

		if (field == NULL || !json_equal(field->value, value))
			fail_msg("%s: %s is not as wanted", golden->name, name);
	}
	if (golden->missing != NULL && find_written(record, golden->missing) != NULL)
		fail_msg("%s: %s is written", golden->name, golden->missing);
}

static void
check_golden(const struct golden *golden, const struct preset *preset)
{
	json_t *json, *schema = read_json("presets/schema", preset->schema);
	json_t *settings = settings_for(preset, golden->customer_object);
	json_t *object = json_loads(golden->object, 0, NULL),
	       *wanted = json_loads(golden->wanted, 0, NULL),
	       *customer = json_loads(CUSTOMER, 0, NULL);
	struct map *map = load_map(golden->preset, settings, &json);
	struct map_context context = {.key_prefix = "src",
	    .account = "",
	    .settings = settings,
	    .customer = customer,
	    .is_described = is_described,
	    .arg = schema};
	const struct map_object *objects;
	struct record *record;
	size_t index = 0, n = map_objects(map, &objects);

	while (index < n && strcmp(objects[index].name, golden->mapped) != 0)
		index++;
	record = render(map, index, object, &context);
	check_golden_record(golden, wanted, record);
	record_free(&record);
	map_free(&map);
	json_decref(json);
	json_decref(schema);
	json_decref(settings);
	json_decref(object);
	json_decref(wanted);
	json_decref(customer);
}

static void
test_goldens(void **state BH_UNUSED)
{
	for (size_t i = 0; i < BH_LEN(goldens); i++) {
		size_t p = 0;

		while (strcmp(presets[p].name, goldens[i].preset) != 0)
			p++;
		check_golden(&goldens[i], &presets[p]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_goldens),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
