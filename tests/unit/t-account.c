/* Connections with sealed secrets, tokens, syncs, users, sessions, failed logins. */
#include "base/base.h"

#include <sys/stat.h>

#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "state.h"
#include "state/account.h"
#include "state/link.h"

static const struct account_key key_a = {"0123456789abcdef0123456789abcde"};
static const struct account_key key_b = {"0123456789abcdef0123456789abcdf"};

static struct account_connection
sample(void)
{
	return (struct account_connection){.code = "stripe-eu",
	    .driver = "stripe",
	    .is_source = true,
	    .name = "Stripe, Europe",
	    .settings = json_pack("{s:s}", "account", "acct_1"),
	    .secrets = json_pack("{s:s, s:[s]}", "webhook", "whsec_1", "old", "whsec_0")};
}

static void
save(struct fixture *f, const struct account_key *key, struct account_connection *connection)
{
	MUST(account_connection_save(f->txn, key, connection, &f->err));
	state_commit(f);
	account_connection_release(connection);
}

/* Load what must be there; the caller releases. */
static struct account_connection
load(struct fixture *f, const struct account_key *key, const char *code)
{
	struct account_connection connection;

	assert_int_equal(MUST(account_connection_load(f->txn, key, code, &connection, &f->err)), 1);
	store_reset(f->txn);
	return connection;
}

static void
connections_kept(void **state)
{
	struct fixture *f = *state;
	struct account_connection c = sample();

	snprintf(c.broken, sizeof(c.broken), "the key was revoked");
	c.paused = true;
	save(f, &key_a, &c);
	c = load(f, &key_a, "stripe-eu");
	assert_string_equal(c.code, "stripe-eu");
	assert_string_equal(c.driver, "stripe");
	assert_string_equal(c.name, "Stripe, Europe");
	assert_string_equal(c.broken, "the key was revoked");
	assert_true(c.is_source);
	assert_true(c.paused);
	assert_string_equal(bh_json_str(c.settings, "account"), "acct_1");
	assert_string_equal(bh_json_str(c.secrets, "webhook"), "whsec_1");
	assert_string_equal(bh_json_str(c.secrets, "old.0"), "whsec_0");
	account_connection_release(&c);
	assert_int_equal(MUST(account_connection_load(f->txn, &key_a, "none", &c, &f->err)), 0);
}

static bool
dump_holds(struct fixture *f, const char *text)
{
	struct store_scan scan = {.prefix = "A", .prefix_len = 1, .max = 1000};
	struct store_txn *txn = store_begin(f->store);
	const struct store_entry *entries;
	bool more, found = false;
	size_t n;

	MUST(store_scan(txn, &scan, &entries, &n, &more, &f->err));
	for (size_t i = 0; i < n; i++)
		found =
		    found ||
		    memmem(entries[i].value, entries[i].value_len, text, strlen(text)) != NULL ||
		    memmem(entries[i].key, entries[i].key_len, text, strlen(text)) != NULL;
	store_free(&txn);
	return found;
}

static void
secrets_are_sealed(void **state)
{
	struct fixture *f = *state;
	struct account_connection c = sample();

	save(f, &key_a, &c);
	assert_true(dump_holds(f, "acct_1"));
	assert_false(dump_holds(f, "whsec"));
	/* Without the key the rest can be read. */
	c = load(f, NULL, "stripe-eu");
	assert_null(c.secrets);
	assert_string_equal(c.name, "Stripe, Europe");
	account_connection_release(&c);
	MUST_FAIL(account_connection_load(f->txn, &key_b, "stripe-eu", &c, &f->err), BH_DENIED);
	assert_null(c.secrets);
	assert_null(c.settings);
	assert_non_null(strstr(f->err.text, "stripe-eu"));
	assert_null(strstr(f->err.text, "whsec"));
}

/* A sealed value that was copied to another connection does not open there. */
static void
seals_cannot_be_moved(void **state)
{
	struct fixture *f = *state;
	struct account_connection c = sample();
	struct bh_buf value = BH_BUF_INIT(10000);

	save(f, &key_a, &c);
	MUST(store_get(f->txn, "Acstripe-eu", 12, &value, &f->err));
	store_put(f->txn, "Acother", 8, value.data, value.len);
	state_commit(f);
	MUST_FAIL(account_connection_load(f->txn, &key_a, "other", &c, &f->err), BH_DENIED);
	bh_buf_release(&value);
}

/* Loaded without the key, changed, saved: the secrets stay.  An empty object drops them. */
static void
saved_without_the_key(void **state)
{
	struct fixture *f = *state;
	struct account_connection c = sample();

	save(f, &key_a, &c);
	c = load(f, NULL, "stripe-eu");
	c.paused = true;
	save(f, NULL, &c);
	c = load(f, &key_a, "stripe-eu");
	assert_true(c.paused);
	assert_string_equal(bh_json_str(c.secrets, "webhook"), "whsec_1");
	json_decref(c.secrets);
	c.secrets = json_object();
	save(f, &key_a, &c);
	c = load(f, &key_a, "stripe-eu");
	assert_int_equal(json_object_size(c.secrets), 0);
	account_connection_release(&c);
}

static void
bad_codes(void **state)
{
	static const char *const codes[] = {"", "A", "a b", "../x", "a/b", "\xc3\xa4"};
	struct fixture *f = *state;

	for (size_t i = 0; i < BH_LEN(codes); i++) {
		struct account_connection c = sample();
		struct account_sync s = {.from = "a", .to = "b"};

		snprintf(c.code, sizeof(c.code), "%s", codes[i]);
		MUST_FAIL(account_connection_save(f->txn, &key_a, &c, &f->err), BH_INVALID);
		account_connection_release(&c);
		snprintf(s.code, sizeof(s.code), "%s", codes[i]);
		MUST_FAIL(account_sync_save(f->txn, &s, &f->err), BH_INVALID);
	}
}

/* Names come from forms and reasons from CRMs: cut or invalid, the rest must survive. */
static void
odd_texts(void **state)
{
	struct fixture *f = *state;
	struct account_connection c = sample();

	snprintf(c.name, sizeof(c.name), "caf\xc3");
	snprintf(c.broken, sizeof(c.broken), "\xff says no");
	save(f, &key_a, &c);
	c = load(f, &key_a, "stripe-eu");
	assert_string_equal(c.name, "caf");
	assert_string_equal(c.broken, "? says no");
	assert_string_equal(bh_json_str(c.secrets, "webhook"), "whsec_1");
	account_connection_release(&c);
}

static void
connections_listed_and_dropped(void **state)
{
	static const char *const codes[] = {"b", "a", "c"};
	struct fixture *f = *state;
	struct account_connection c;
	uint64_t before, after;
	json_t *list, *auth = json_pack("{s:s}", "access_token", "tok_1");

	for (size_t i = 0; i < BH_LEN(codes); i++) {
		c = sample();
		snprintf(c.code, sizeof(c.code), "%s", codes[i]);
		save(f, &key_a, &c);
	}
	account_auth_save(f->txn, &key_a, "b", auth);
	state_commit(f);
	json_decref(auth);
	MUST(account_version(f->txn, &before, &f->err));
	store_reset(f->txn);
	account_connection_drop(f->txn, "b");
	state_commit(f);
	MUST(account_connections(f->txn, &list, &f->err));
	assert_int_equal(json_array_size(list), 2);
	assert_string_equal(bh_json_str(list, "0"), "a");
	assert_string_equal(bh_json_str(list, "1"), "c");
	json_decref(list);
	assert_int_equal(MUST(account_auth_load(f->txn, &key_a, "b", &auth, &f->err)), 0);
	MUST(account_version(f->txn, &after, &f->err));
	assert_true(after > before);
}

/* Who worked with a snapshot of the settings does not commit over a change of them. */
static void
settings_changed_meanwhile(void **state)
{
	struct fixture *f = *state;
	struct store_txn *other = store_begin(f->store);
	struct account_connection c = sample();
	uint64_t version;

	MUST(account_version(other, &version, &f->err));
	store_put(other, "Xx", 2, "", 0);
	save(f, &key_a, &c);
	MUST_FAIL(store_commit(other, NULL, &f->err), BH_CONFLICT);
	store_free(&other);
}

static void
tokens(void **state)
{
	struct fixture *f = *state;
	json_t *auth = json_pack("{s:s, s:i}", "access_token", "tok_1", "expires", 99), *back;
	struct bh_buf value = BH_BUF_INIT(10000);

	assert_int_equal(MUST(account_auth_load(f->txn, &key_a, "sf", &back, &f->err)), 0);
	assert_null(back);
	account_auth_save(f->txn, &key_a, "sf", auth);
	state_commit(f);
	assert_false(dump_holds(f, "tok_1"));
	assert_int_equal(MUST(account_auth_load(f->txn, &key_a, "sf", &back, &f->err)), 1);
	assert_true(json_equal(auth, back));
	json_decref(back);
	MUST_FAIL(account_auth_load(f->txn, &key_b, "sf", &back, &f->err), BH_DENIED);
	assert_null(back);
	MUST(store_get(f->txn, "Aasf", 5, &value, &f->err));
	store_put(f->txn, "Aahs", 5, value.data, value.len);
	state_commit(f);
	MUST_FAIL(account_auth_load(f->txn, &key_a, "hs", &back, &f->err), BH_DENIED);
	store_reset(f->txn);
	account_auth_drop(f->txn, "sf");
	state_commit(f);
	assert_int_equal(MUST(account_auth_load(f->txn, &key_a, "sf", &back, &f->err)), 0);
	bh_buf_release(&value);
	json_decref(auth);
}

/* The account's id stays from the first linked record on; tokens never do. */
static void
tokens_of_other_settings(void **state)
{
	struct fixture *f = *state;
	json_t *auth = json_pack("{s:s, s:s}", "access_token", "tok_1", "account_id", "00D1"),
	       *want = json_pack("{s:s}", "account_id", "00D1"), *back;
	struct link_dirty_entry entry = {.id = {"sf", 0, "s", "account", "", "cus_1"}};
	struct link link = {.state = LINK_CLEAN, .remote_id = "001"};
	bool clear = true;

	account_auth_save(f->txn, &key_a, "sf", auth);
	MUST(account_auth_renew(f->txn, &key_a, "sf", &f->err));
	state_commit(f);
	assert_int_equal(MUST(account_auth_load(f->txn, &key_a, "sf", &back, &f->err)), 0);
	account_auth_save(f->txn, &key_a, "sf", auth);
	state_commit(f);
	MUST(link_settle(f->store, &entry, &link, &clear, 1, &f->err));
	MUST(account_auth_renew(f->txn, &key_a, "sf", &f->err));
	state_commit(f);
	assert_int_equal(MUST(account_auth_load(f->txn, &key_a, "sf", &back, &f->err)), 1);
	assert_true(json_equal(back, want));
	json_decref(back);
	MUST(account_auth_renew(f->txn, &key_b, "sf", &f->err));
	state_commit(f);
	assert_int_equal(MUST(account_auth_load(f->txn, &key_a, "sf", &back, &f->err)), 0);
	json_decref(want);
	json_decref(auth);
}

static void
syncs(void **state)
{
	struct fixture *f = *state;
	struct account_sync sync = {.code = "s1",
	    .from = "stripe",
	    .to = "crm",
	    .paused = true,
	    .preset = "stripe-hubspot",
	    .mapping = json_pack("{s:[]}", "objects")};
	json_t *list;

	assert_int_equal(MUST(account_sync_load(f->txn, "s1", &(struct account_sync){0}, &f->err)),
	    0);
	MUST(account_sync_save(f->txn, &sync, &f->err));
	state_commit(f);
	account_sync_release(&sync);
	assert_int_equal(MUST(account_sync_load(f->txn, "s1", &sync, &f->err)), 1);
	assert_string_equal(sync.code, "s1");
	assert_string_equal(sync.from, "stripe");
	assert_string_equal(sync.to, "crm");
	assert_string_equal(sync.preset, "stripe-hubspot");
	assert_true(sync.paused);
	assert_true(json_is_array(json_object_get(sync.mapping, "objects")));
	assert_null(sync.settings);
	account_sync_release(&sync);
	MUST(account_syncs(f->txn, &list, &f->err));
	assert_int_equal(json_array_size(list), 1);
	json_decref(list);
	account_sync_drop(f->txn, "s1");
	state_commit(f);
	MUST(account_syncs(f->txn, &list, &f->err));
	assert_int_equal(json_array_size(list), 0);
	json_decref(list);
}

/* -- the key file -- */

static void
key_file(void **state BH_UNUSED)
{
	struct fixture local = {0}, *f = &local;
	char dir[] = "/tmp/t-account-XXXXXX", *path;
	struct account_key a, b;
	struct stat st;

	assert_non_null(mkdtemp(dir));
	path = bh_xasprintf("%s/key", dir);
	MUST_FAIL(account_key_load(dir, &a, &f->err), BH_INVALID);
	assert_non_null(strstr(f->err.text, "billhook init"));
	assert_int_equal(MUST(account_key_make(dir, &f->err)), 1);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_size, 65);
	MUST(account_key_load(dir, &a, &f->err));
	assert_int_equal(MUST(account_key_make(dir, &f->err)), 0);
	MUST(account_key_load(dir, &b, &f->err));
	assert_memory_equal(&a, &b, sizeof(a));
	assert_int_equal(truncate(path, 63), 0);
	MUST_FAIL(account_key_load(dir, &a, &f->err), BH_INVALID);
	assert_int_equal(truncate(path, 64), 0);
	MUST_FAIL(account_key_load(dir, &a, &f->err), BH_INVALID);
	unlink(path);
	rmdir(dir);
	MUST_FAIL(account_key_make(dir, &f->err), BH_STORAGE);
	free(path);
}

/* -- users -- */

static void
users(void **state)
{
	struct fixture *f = *state;
	struct account_user user = {.name = "ada", .role = ACCOUNT_OPERATOR};
	json_t *names;

	user.hash = bh_xstrdup("scrypt$...");
	account_user_save(f->txn, &user);
	state_commit(f);
	account_user_release(&user);
	assert_int_equal(MUST(account_user_load(f->txn, "ada", &user, &f->err)), 1);
	assert_string_equal(user.name, "ada");
	assert_int_equal(user.role, ACCOUNT_OPERATOR);
	assert_string_equal(user.hash, "scrypt$...");
	account_user_release(&user);
	assert_int_equal(MUST(account_user_load(f->txn, "bob", &user, &f->err)), 0);
	/* Whatever was typed as a name: not found, no failure. */
	assert_int_equal(MUST(account_user_load(f->txn, "Ada'; --", &user, &f->err)), 0);
	MUST(account_users(f->txn, &names, &f->err));
	assert_int_equal(json_array_size(names), 1);
	json_decref(names);
	account_user_drop(f->txn, "ada");
	state_commit(f);
	assert_int_equal(MUST(account_user_load(f->txn, "ada", &user, &f->err)), 0);
}

static void
roles(void **state BH_UNUSED)
{
	for (int i = ACCOUNT_VIEWER; i <= ACCOUNT_ADMIN; i++)
		assert_int_equal(account_role_of(account_role_name((enum account_role)i)), i);
	assert_int_equal(account_role_of("nobody"), ACCOUNT_NOBODY);
	assert_int_equal(account_role_of("root"), ACCOUNT_NOBODY);
	assert_int_equal(account_role_of(""), ACCOUNT_NOBODY);
}

/* -- sessions -- */

static void
sessions_expire(void **state)
{
	struct fixture *f = *state;
	struct account_session session = {.user = "ada",
				   .role = ACCOUNT_ADMIN,
				   .expires_ms = 1790000001000},
			       back;
	char id[BH_ID_LEN + 1], token[BH_ID_LEN + 1];

	bh_clock_set(1790000000000);
	account_session_new(f->txn, &session, id);
	state_commit(f);
	assert_int_equal(strlen(id), BH_ID_LEN);
	assert_string_not_equal(id, session.form_token);
	snprintf(token, sizeof(token), "%s", session.form_token);
	assert_false(dump_holds(f, id));
	assert_int_equal(MUST(account_session_load(f->txn, id, &back, &f->err)), 1);
	assert_string_equal(back.user, "ada");
	assert_int_equal(back.role, ACCOUNT_ADMIN);
	assert_string_equal(back.form_token, token);
	assert_true(back.expires_ms == 1790000001000);
	bh_clock_set(1790000000999);
	assert_int_equal(MUST(account_session_load(f->txn, id, &back, &f->err)), 1);
	bh_clock_set(1790000001000);
	assert_int_equal(MUST(account_session_load(f->txn, id, &back, &f->err)), 0);
	bh_clock_set(0);
	assert_int_equal(MUST(account_session_load(f->txn, "", &back, &f->err)), 0);
	assert_int_equal(MUST(account_session_load(f->txn, "aaaaaaaaaaaaaaaaaaaaaaaa", &back,
			     &f->err)),
	    0);
}

static void
sessions_end(void **state)
{
	struct fixture *f = *state;
	struct account_session session = {.user = "ada", .expires_ms = 10}, back;
	char id[BH_ID_LEN + 1], other[BH_ID_LEN + 1];

	bh_clock_set(1);
	account_session_new(f->txn, &session, id);
	account_session_new(f->txn, &session, other);
	state_commit(f);
	account_session_drop(f->txn, id);
	state_commit(f);
	assert_int_equal(MUST(account_session_load(f->txn, id, &back, &f->err)), 0);
	assert_int_equal(MUST(account_session_load(f->txn, other, &back, &f->err)), 1);
	bh_clock_set(0);
}

/* -- failed logins -- */

#define MINUTE_MS 60000

static int64_t
failures(struct fixture *f, const char *who)
{
	int64_t n = -1;

	MUST(account_login_failures(f->txn, who, &n, &f->err));
	store_reset(f->txn);
	return n;
}

static void
fail_at(struct fixture *f, const char *who, int64_t at_ms)
{
	bh_clock_set(at_ms);
	MUST(account_login_failed(f->txn, who, &f->err));
	state_commit(f);
}

static void
failures_within_15_minutes(void **state)
{
	struct fixture *f = *state;
	int64_t at_ms = 1790000000000;

	assert_int_equal(failures(f, "name/ada"), 0);
	for (int i = 0; i < 5; i++)
		fail_at(f, "name/ada", at_ms + i * MINUTE_MS);
	assert_int_equal(failures(f, "name/ada"), 5);
	assert_int_equal(failures(f, "name/bob"), 0);
	bh_clock_set(at_ms + 15 * MINUTE_MS - 1);
	assert_int_equal(failures(f, "name/ada"), 5);
	bh_clock_set(at_ms + 15 * MINUTE_MS);
	assert_int_equal(failures(f, "name/ada"), 4);
	bh_clock_set(at_ms + 19 * MINUTE_MS);
	assert_int_equal(failures(f, "name/ada"), 0);
	bh_clock_set(0);
}

/* One failure now and then never adds up: nobody can be locked out for ever by that. */
static void
slow_failures_do_not_add_up(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 20; i++) {
		fail_at(f, "name/ada", 1790000000000 + i * 14 * MINUTE_MS);
		assert_in_range(failures(f, "name/ada"), 1, 2);
	}
	bh_clock_set(0);
}

static void
failures_forgotten(void **state)
{
	struct fixture *f = *state;
	char who[5000];

	/* An address may be anything, of any length. */
	memset(who, '\xff', sizeof(who));
	who[sizeof(who) - 1] = '\0';
	for (int i = 0; i < 150; i++)
		fail_at(f, who, 1790000000000 + i);
	assert_int_equal(failures(f, who), 100); /* as far as it counts */
	account_login_forget(f->txn, who);
	state_commit(f);
	assert_int_equal(failures(f, who), 0);
	bh_clock_set(0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    STATE_TEST(connections_kept),
	    STATE_TEST(secrets_are_sealed),
	    STATE_TEST(seals_cannot_be_moved),
	    STATE_TEST(saved_without_the_key),
	    STATE_TEST(bad_codes),
	    STATE_TEST(odd_texts),
	    STATE_TEST(connections_listed_and_dropped),
	    STATE_TEST(settings_changed_meanwhile),
	    STATE_TEST(tokens),
	    STATE_TEST(tokens_of_other_settings),
	    STATE_TEST(syncs),
	    cmocka_unit_test(key_file),
	    STATE_TEST(users),
	    cmocka_unit_test(roles),
	    STATE_TEST(sessions_expire),
	    STATE_TEST(sessions_end),
	    STATE_TEST(failures_within_15_minutes),
	    STATE_TEST(slow_failures_do_not_add_up),
	    STATE_TEST(failures_forgotten),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
