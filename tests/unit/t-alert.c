/* Incidents, what is told of them and when, quiet hours, and the words. */
#include "base/base.h"

#include "base/clock.h"
#include "state.h"
#include "state/alert.h"
#include "sync/alert_tell.h"

#define HOUR (3600 * INT64_C(1000))
#define T0 INT64_C(1790000000000)

static struct alert_cause
cause(const char *title)
{
	return (struct alert_cause){.key = "held/crm",
	    .title = title,
	    .priority = ALERT_NORMAL,
	    .is_reminded = true};
}

static struct alert_incident
load(struct fixture *f, int expected)
{
	struct alert_incident incident;

	assert_int_equal(MUST(alert_incident_load(f->txn, "held/crm", &incident, &f->err)),
	    expected);
	return incident;
}

/* -- what becomes of an incident -- */

static void
comes_goes_and_comes_again(void **state)
{
	struct fixture *f = *state;
	struct alert_cause first = cause("2 records"), other = cause("3 records");
	struct alert_incident incident;

	MUST(alert_raise(f->txn, &first, T0, &f->err));
	state_commit(f);
	MUST(alert_raise(f->txn, &other, T0 + 5, &f->err));
	state_commit(f);
	incident = load(f, 1);
	assert_string_equal(incident.title, "3 records");
	assert_int_equal(incident.since_ms, T0);
	assert_int_equal(incident.count, 1);
	alert_incident_release(&incident);
	assert_int_equal(MUST(alert_cure(f->txn, "held/crm", T0 + 9, &f->err)), 1);
	state_commit(f);
	assert_int_equal(MUST(alert_cure(f->txn, "held/crm", T0 + 10, &f->err)), 0);
	assert_int_equal(MUST(alert_cure(f->txn, "held/none", T0 + 10, &f->err)), 0);
	MUST(alert_raise(f->txn, &first, T0 + 20, &f->err));
	state_commit(f);
	incident = load(f, 1);
	assert_int_equal(incident.since_ms, T0 + 20);
	assert_int_equal(incident.cured_ms, 0);
	assert_int_equal(incident.count, 2);
	assert_int_equal(state_count(f, "Nl"), 1);
	alert_incident_release(&incident);
}

static void
too_short_is_nothing(void **state)
{
	struct fixture *f = *state;
	struct alert_cause slow = cause("waits");
	struct alert_incident incident;

	slow.grace_ms = HOUR;
	MUST(alert_raise(f->txn, &slow, T0, &f->err));
	state_commit(f);
	incident = load(f, 1);
	assert_int_equal(incident.due_ms, T0 + HOUR);
	alert_incident_release(&incident);
	assert_int_equal(MUST(alert_cure(f->txn, "held/crm", T0 + 1, &f->err)), 1);
	state_commit(f);
	incident = load(f, 0);
	alert_incident_release(&incident);
	assert_int_equal(state_count(f, "N"), 0);
}

static int
count(void *arg, const struct alert_incident *incident BH_UNUSED, struct bh_err *err BH_UNUSED)
{
	++*(size_t *)arg;
	return 0;
}

static void
lists_go_on_where_they_ended(void **state)
{
	struct fixture *f = *state;
	struct bh_buf after = BH_BUF_INIT(STORE_KEY_MAX + 1);
	size_t n = 0;
	bool more = true;

	for (int i = 0; i < 7; i++) {
		char key[20];
		struct alert_cause one = cause("x");

		snprintf(key, sizeof(key), "held/%d", i);
		one.key = key;
		MUST(alert_raise(f->txn, &one, T0 + i, &f->err));
	}
	state_commit(f);
	while (more)
		MUST(alert_incidents(f->txn, 3, &after, count, &n, &more, &f->err));
	assert_int_equal(n, 7);
	n = 0;
	MUST(alert_newest(f->txn, false, 5, count, &n, &more, &f->err));
	assert_int_equal(n, 5);
	assert_true(more);
	n = 0;
	MUST(alert_newest(f->txn, true, 5, count, &n, &more, &f->err));
	assert_int_equal(n, 0);
	bh_buf_release(&after);
}

/* -- targets -- */

static void
secrets_are_sealed(void **state)
{
	struct fixture *f = *state;
	struct account_key key = {.bytes = {7}}, other = {.bytes = {8}};
	struct alert_target target = {.code = "team",
	    .name = "Team",
	    .least = ALERT_HIGH,
	    .settings = json_object(),
	    .secrets = json_pack("{s:s}", "url", "https://hooks.example.com/secret")};
	json_t *delivery;

	MUST(alert_target_save(f->txn, &key, &target, &f->err));
	state_commit(f);
	alert_target_release(&target);
	MUST_FAIL(alert_target_load(f->txn, &other, "team", &target, &f->err), BH_DENIED);
	assert_int_equal(MUST(alert_target_load(f->txn, NULL, "team", &target, &f->err)), 1);
	assert_null(target.secrets);
	snprintf(target.name, sizeof(target.name), "Other");
	MUST(alert_target_save(f->txn, NULL, &target, &f->err));
	state_commit(f);
	alert_target_release(&target);
	assert_int_equal(MUST(alert_target_load(f->txn, &key, "team", &target, &f->err)), 1);
	assert_string_equal(target.name, "Other");
	assert_int_equal(target.least, ALERT_HIGH);
	assert_string_equal(bh_json_str(target.secrets, "url"), "https://hooks.example.com/secret");
	alert_target_release(&target);
	assert_int_equal(MUST(alert_test_ask(f->txn, "moon", T0, &f->err)), 0);
	assert_int_equal(MUST(alert_test_ask(f->txn, "team", T0, &f->err)), 1);
	state_commit(f);
	MUST(alert_delivery_get(f->txn, "team", &delivery, &f->err));
	assert_string_equal(bh_json_str(delivery, "test"), "asked");
	json_decref(delivery);
	alert_target_drop(f->txn, "team");
	state_commit(f);
	assert_int_equal(state_count(f, "N"), 0);
}

/* -- quiet hours -- */

static void
quiet_hours_end(void **state)
{
	static const struct {
		const char *from, *to, *zone, *now, *end; /* end "": not quiet */
	} cases[] = {
	    {"20:00", "07:00", NULL, "2026-11-22T19:59:59Z", ""},
	    {"20:00", "07:00", NULL, "2026-11-22T20:00:00Z", "2026-11-23T07:00:00Z"},
	    {"20:00", "07:00", NULL, "2026-11-23T06:59:59Z", "2026-11-23T07:00:00Z"},
	    {"20:00", "07:00", NULL, "2026-11-23T07:00:00Z", ""},
	    {"20:00", "07:00", "+01:00", "2026-11-22T19:00:00Z", "2026-11-23T06:00:00Z"},
	    {"20:00", "07:00", "-05:30", "2026-11-23T01:29:00Z", ""},
	    {"20:00", "07:00", "-05:30", "2026-11-23T01:30:00Z", "2026-11-23T12:30:00Z"},
	    {"12:00", "13:00", NULL, "2026-12-31T12:30:00Z", "2026-12-31T13:00:00Z"},
	    {"22:00", "02:00", NULL, "2026-12-31T23:00:00Z", "2027-01-01T02:00:00Z"},
	    {"08:00", "08:00", NULL, "2026-12-31T08:00:00Z", ""},
	    /* Summer time ends on 2026-10-25 and begins on 2027-03-28: that night has 12 hours, this one 10. */
	    {"20:00", "07:00", "Europe/Berlin", "2026-10-24T17:59:59Z", ""},
	    {"20:00", "07:00", "Europe/Berlin", "2026-10-24T18:00:00Z", "2026-10-25T06:00:00Z"},
	    {"20:00", "07:00", "Europe/Berlin", "2027-03-27T18:59:59Z", ""},
	    {"20:00", "07:00", "Europe/Berlin", "2027-03-27T19:00:00Z", "2027-03-28T05:00:00Z"},
	    {"20:00", "07:00", "America/New_York", "2026-11-01T10:30:00Z", "2026-11-01T12:00:00Z"},
	    /* 02:30 is shown twice, and not at all. */
	    {"22:00", "02:30", "Europe/Berlin", "2026-10-24T23:00:00Z", "2026-10-25T00:30:00Z"},
	    {"22:00", "02:30", "Europe/Berlin", "2026-10-25T00:45:00Z", ""},
	    {"22:00", "02:30", "Europe/Berlin", "2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z"},
	    {"22:00", "02:30", "Europe/Berlin", "2027-03-28T00:00:00Z", "2027-03-28T01:00:00Z"},
	    {"02:15", "02:45", "Europe/Berlin", "2027-03-28T01:15:00Z", ""},
	};

	(void)state;
	for (size_t i = 0; i < BH_LEN(cases); i++) {
		json_t *quiet = json_pack("{s:s, s:s, s:s*}", "from", cases[i].from, "to",
		    cases[i].to, "zone", cases[i].zone);
		int64_t now, end = 0;

		assert_int_equal(alert_quiet_check(quiet, NULL), 0);
		assert_true(bh_is_time(cases[i].now, &now));
		assert_true(cases[i].end[0] == '\0' || bh_is_time(cases[i].end, &end));
		if (alert_quiet_end(quiet, now) != end)
			fail_msg("%s", cases[i].now);
		json_decref(quiet);
	}
	assert_int_equal(alert_quiet_end(NULL, T0), 0);
}

static void
quiet_hours_of_no_zone(void **state)
{
	json_t *quiet =
	    json_pack("{s:s, s:s, s:s}", "from", "00:00", "to", "23:59", "zone", "Mars/Phobos");
	struct bh_err err = BH_ERR_INIT;

	(void)state;
	assert_int_equal(alert_quiet_check(quiet, &err), -1);
	assert_non_null(strstr(err.text, "no zone \"Mars/Phobos\""));
	/* Where the host forgot it: rather told at night than not at all. */
	assert_int_equal(alert_quiet_end(quiet, T0), 0);
	json_decref(quiet);
}

/* -- what is told -- */

static void
what_a_target_hears(void **state)
{
	static const struct {
		int64_t due, cured, told, quiet_end;
		enum alert_priority priority;
		bool is_reminded;
		enum alert_news news;
		int64_t next; /* 0: never */
	} cases[] = {
	    {0, 0, 0, 0, ALERT_NORMAL, true, ALERT_NEW, 0},
	    {HOUR, 0, 0, 0, ALERT_NORMAL, true, ALERT_NO_NEWS, HOUR},
	    {0, 0, -HOUR, 0, ALERT_NORMAL, true, ALERT_NO_NEWS, 23 * HOUR},
	    {0, 0, -24 * HOUR, 0, ALERT_NORMAL, true, ALERT_REMINDER, 0},
	    {0, 0, -24 * HOUR, 0, ALERT_NORMAL, false, ALERT_NO_NEWS, 0},
	    {0, -1, -HOUR, 0, ALERT_NORMAL, true, ALERT_CURED, 0},
	    {0, -1, 0, 0, ALERT_NORMAL, true, ALERT_NO_NEWS, 0},
	    {0, 0, 0, 3 * HOUR, ALERT_NORMAL, true, ALERT_NO_NEWS, 3 * HOUR},
	    {0, 0, 0, 3 * HOUR, ALERT_HIGH, true, ALERT_NEW, 0},
	    {0, -1, -HOUR, 3 * HOUR, ALERT_NORMAL, true, ALERT_NO_NEWS, 3 * HOUR},
	    {0, 0, 0, 0, ALERT_LOW, true, ALERT_NO_NEWS, 0}, /* below what the target wants */
	};
	struct alert_target target = {.code = "team", .least = ALERT_NORMAL};

	(void)state;
	for (size_t i = 0; i < BH_LEN(cases); i++) {
		struct alert_incident incident = {.priority = cases[i].priority,
		    .is_reminded = cases[i].is_reminded,
		    .due_ms = T0 + cases[i].due,
		    .cured_ms = cases[i].cured != 0 ? T0 + cases[i].cured : 0,
		    .told = json_object()};
		int64_t next = INT64_MAX;
		int64_t quiet = cases[i].quiet_end != 0 ? T0 + cases[i].quiet_end : 0;

		if (cases[i].told != 0)
			json_object_set_new(incident.told, "team",
			    json_integer((json_int_t)(T0 + cases[i].told)));
		if (alert_news(&incident, &target, 24 * HOUR, quiet, T0, &next) != cases[i].news ||
		    next != (cases[i].next != 0 ? T0 + cases[i].next : INT64_MAX))
			fail_msg("case %zu", i);
		alert_incident_release(&incident);
	}
}

static void
words_are_bounded_and_escaped(void **state)
{
	struct alert_incident incident = {.title = "a <!channel> & \n\"b\"",
	    .text = "why\r\nthen",
	    .link = "javascript:alert(1)"};
	struct bh_buf out = BH_BUF_INIT(100000);
	struct alert_message message;

	(void)state;
	alert_message_begin(&message);
	alert_message_add(&message, ALERT_NEW, &incident);
	alert_message_add(&message, ALERT_CURED, &incident);
	alert_message_end(&message, "https://billhook.example.com");
	alert_slack_add(&out, &message);
	assert_string_equal(bh_buf_str(&out),
	    "{\"text\":\"a &lt;!channel&gt; &amp;  \\\"b\\\"\\n  why  then\\n"
	    "Over: a &lt;!channel&gt; &amp;  \\\"b\\\"\\nhttps://billhook.example.com/alerts\\n\"}");
	assert_string_equal(message.subject, "1 alerts, 1 over");
	alert_message_release(&message);
	alert_message_begin(&message);
	for (int i = 0; i < 500; i++)
		alert_message_add(&message, ALERT_NEW, &incident);
	alert_message_end(&message, "");
	assert_non_null(strstr(bh_buf_str(&message.text), "and 480 more\n"));
	assert_string_equal(message.subject, "500 alerts");
	alert_message_release(&message);
	bh_buf_release(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    STATE_TEST(comes_goes_and_comes_again),
	    STATE_TEST(too_short_is_nothing),
	    STATE_TEST(lists_go_on_where_they_ended),
	    STATE_TEST(secrets_are_sealed),
	    cmocka_unit_test(quiet_hours_end),
	    cmocka_unit_test(quiet_hours_of_no_zone),
	    cmocka_unit_test(what_a_target_hears),
	    cmocka_unit_test(words_are_bounded_and_escaped),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
