/* The version of the stored formats. */
#include "base/base.h"

#include "state.h"
#include "state/account.h"
#include "state/cause.h"
#include "state/derived.h"
#include "state/journal.h"
#include "state/schema.h"

static void
put_version(struct fixture *f, const char *text)
{
	store_put(f->txn, "Vs", 2, text, strlen(text));
	state_commit(f);
}

static void
empty_store_is_stamped(void **state)
{
	struct fixture *f = *state;
	struct bh_buf value = BH_BUF_INIT(20);
	char want[12];

	assert_int_equal(MUST(schema_check(f->store, &f->err)), 0);
	MUST(store_get(f->txn, "Vs", 2, &value, &f->err));
	snprintf(want, sizeof(want), "%d", SCHEMA_VERSION);
	assert_string_equal(bh_buf_str(&value), want);
	bh_buf_release(&value);
	assert_int_equal(MUST(schema_check(f->store, &f->err)), 0);
}

static void
newer_store_is_refused(void **state)
{
	struct fixture *f = *state;
	struct bh_buf value = BH_BUF_INIT(20);

	put_version(f, "4711");
	MUST_FAIL(schema_check(f->store, &f->err), BH_INVALID);
	assert_non_null(strstr(f->err.text, "4711"));
	MUST(store_get(f->txn, "Vs", 2, &value, &f->err));
	assert_string_equal(bh_buf_str(&value), "4711");
	bh_buf_release(&value);
}

/* What a front, a verb and the keeper's import make of a version. */
static void
looked_at(void **state)
{
	static const struct {
		const char *version;
		int look;
		enum bh_code import;
	} cases[] = {{"1", 0, BH_INVALID}, {"4711", -1, BH_UNAVAILABLE}, {"x", -1, BH_STORAGE}};
	struct fixture *f = *state;

	assert_int_equal(MUST(schema_look(f->txn, &f->err)), 0);
	MUST(schema_check(f->store, &f->err));
	assert_int_equal(MUST(schema_look(f->txn, &f->err)), 1);
	for (size_t i = 0; i < BH_LEN(cases); i++) {
		put_version(f, cases[i].version);
		assert_int_equal(schema_look(f->txn, &f->err), cases[i].look);
		/* What is no event goes; where it cannot be judged it waits. */
		MUST_FAIL(schema_import(f->txn, "no event", 8, &f->err), cases[i].import);
	}
}

static void
broken_versions(void **state)
{
	static const char *const texts[] = {"", "x", "0", "-1", "1 ", "99999999999999999999"};
	struct fixture *f = *state;

	for (size_t i = 0; i < BH_LEN(texts); i++) {
		put_version(f, texts[i]);
		MUST_FAIL(schema_check(f->store, &f->err), BH_STORAGE);
	}
}

static void
add_connection(struct fixture *f, const char *code, bool is_source)
{
	struct account_key key = {{1}};
	struct account_connection connection = {.is_source = is_source,
	    .settings = json_object(),
	    .secrets = json_object()};

	snprintf(connection.code, sizeof(connection.code), "%s", code);
	snprintf(connection.driver, sizeof(connection.driver), "stripe");
	MUST(account_connection_save(f->txn, &key, &connection, &f->err));
	state_commit(f);
	json_decref(connection.settings);
	json_decref(connection.secrets);
}

/* All customers of each source are to be looked at, once. */
static void
first_format_is_brought_up(void **state)
{
	struct fixture *f = *state;
	struct bh_buf names = BH_BUF_INIT(STORE_KEY_MAX), after = BH_BUF_INIT(STORE_KEY_MAX + 1);
	struct bh_buf value = BH_BUF_INIT(20), seen = BH_BUF_INIT(200);
	struct mirror_id of;
	int rc;

	add_connection(f, "crm", false);
	add_connection(f, "one", true);
	add_connection(f, "two", true);
	put_version(f, "1");
	MUST(schema_check(f->store, &f->err));
	MUST(store_get(f->txn, "Vs", 2, &value, &f->err));
	assert_string_equal(bh_buf_str(&value), "3");
	while ((rc = MUST(derived_deferred(f->txn, &names, &of, &after, &f->err))) > 0) {
		assert_int_equal(of.kind, OBJECT_CUSTOMER);
		assert_string_equal(of.id, "");
		assert_int_equal(after.len, 0);
		bh_buf_addf(&seen, "%s ", of.connection);
		derived_deferred_done(f->txn, &of);
		state_commit(f);
	}
	assert_int_equal(rc, 0);
	assert_string_equal(bh_buf_str(&seen), "one two ");
	MUST(schema_check(f->store, &f->err));
	assert_int_equal(MUST(derived_deferred(f->txn, &names, &of, &after, &f->err)), 0);
	bh_buf_release(&names);
	bh_buf_release(&after);
	bh_buf_release(&value);
	bh_buf_release(&seen);
}

static void
put_failed(struct fixture *f, const char *id, enum journal_state state)
{
	struct journal_entry entry = {.connection = "one",
	    .id = id,
	    .type = "t",
	    .received_ms = 1,
	    .body = "{}",
	    .body_len = 2};
	struct journal_event event;
	uint64_t stamp = 0;

	MUST(journal_accept(f->store, &entry, &f->err));
	MUST(journal_find(f->txn, "one", id, &stamp, &f->err));
	MUST(journal_read(f->txn, stamp, &event, &f->err));
	event.state = state;
	journal_settle(f->txn, &event);
	journal_event_release(&event);
	state_commit(f);
}

static void
drop_family(struct fixture *f, const char *family)
{
	struct store_scan scan = {.prefix = family, .prefix_len = 2, .max = 1000};
	const struct store_entry *entries;
	size_t n;
	bool more;

	MUST(store_scan(f->txn, &scan, &entries, &n, &more, &f->err));
	for (size_t i = 0; i < n; i++)
		store_delete(f->txn, entries[i].key, entries[i].key_len);
	state_commit(f);
}

/* The counts of the lane as they were stored then. */
static void
uncount(struct fixture *f)
{
	static const char counts[] = "{\"new\": 0, \"held\": 1}";

	assert_int_equal(state_count(f, "Ln"), 1);
	drop_family(f, "Ln");
	store_put(f->txn, "Lncrm\0", 6, counts, strlen(counts));
	state_commit(f);
}

/* What is held is counted, what failed is listed, and customers are to be looked at. */
static void
second_format_is_brought_up(void **state)
{
	struct fixture *f = *state;
	struct link_dirty_entry held = {{"crm", 0, "s", "account", "", "a"}, 0};
	struct link link = {.state = LINK_HELD, .code = "X"};
	uint64_t stamps[5];
	struct link_lane lane;
	struct cause cause;
	int64_t by_state[LINK__MAX];
	bool clear = true;
	size_t n;

	add_connection(f, "one", true);
	MUST(link_settle(f->store, &held, &link, &clear, 1, &f->err));
	put_failed(f, "e1", JOURNAL_FAILED);
	put_failed(f, "e2", JOURNAL_APPLIED);
	uncount(f);
	drop_family(f, "Lg");
	drop_family(f, "Lc");
	drop_family(f, "Jf");
	put_version(f, "2");
	MUST(schema_check(f->store, &f->err));
	assert_int_equal(MUST(cause_get(f->txn, "crm", "X", "s", "account", &cause, &f->err)), 1);
	assert_int_equal(cause.n, 1);
	assert_int_equal(state_count(f, "Lc"), 1);
	MUST(link_object_counts(f->txn, "crm", "s", "account", by_state, &f->err));
	assert_int_equal(by_state[LINK_HELD], 1);
	assert_int_equal(state_count(f, "Ln"), 1);
	MUST(link_lane_get(f->txn, "crm", &lane, &f->err));
	assert_int_equal(lane.held, 1);
	MUST(journal_failed(f->txn, 0, 5, stamps, &n, &f->err));
	assert_int_equal(n, 1);
	assert_int_equal(state_count(f, "Fq"), 1);
	assert_int_equal(state_count(f, "Vn"), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    STATE_TEST(empty_store_is_stamped),
	    STATE_TEST(first_format_is_brought_up),
	    STATE_TEST(second_format_is_brought_up),
	    STATE_TEST(newer_store_is_refused),
	    STATE_TEST(looked_at),
	    STATE_TEST(broken_versions),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
