/* An object that a source names by two ids is held once, whichever id comes first. */
#include "state.h"
#include "sync/alias.h"

/* The id to which a change with these two goes; it is placed, and stored when told to. */
static void
news(struct fixture *f, struct working *work, const char *id, const char *alias, const char *held)
{
	struct object_change change = {.kind = OBJECT_RECOVERY};

	snprintf(change.id, sizeof(change.id), "%s", id);
	snprintf(change.alias, sizeof(change.alias), "%s", alias);
	MUST(alias_resolve(f->txn, work, "churn", &change, &f->err));
	if (strcmp(change.id, held) != 0)
		fail_msg("%s, %s goes to %s, not %s", id, alias, change.id, held);
	working_place(work, &(struct mirror_id){"churn", "", OBJECT_RECOVERY, change.id});
}

/* Store what was placed, as a commit does, and begin anew. */
static void
stored(struct fixture *f, struct working *work)
{
	json_t *fields = json_object();

	for (size_t i = 0; i < work->n; i++)
		mirror_put(f->txn, &work->items[i].id, &(struct object_state){.fields = fields});
	state_commit(f);
	store_reset(f->txn);
	working_release(work);
	working_init(work);
	json_decref(fields);
}

static void
recovery_first(void **state)
{
	struct fixture *f = *state;
	struct working work;

	working_init(&work);
	news(f, &work, "rec_1", "pay_1", "rec_1");
	news(f, &work, "rec_1", "pay_1", "rec_1");
	news(f, &work, "pay_1", "pay_1", "rec_1"); /* in the same transaction */
	stored(f, &work);
	news(f, &work, "pay_1", "pay_1", "rec_1");
	news(f, &work, "rec_1", "rec_1", "rec_1");
	news(f, &work, "rec_1", "pay_1", "rec_1");
	stored(f, &work);
	assert_int_equal(state_count(f, "Ma"), 1);
	assert_int_equal(state_count(f, "Mo"), 1);
	working_release(&work);
}

static void
payment_first(void **state)
{
	struct fixture *f = *state;

	for (int same = 0; same < 2; same++) {
		struct working work;
		const char *pay = same ? "pay_2" : "pay_3", *rec = same ? "rec_2" : "rec_3";

		working_init(&work);
		news(f, &work, pay, pay, pay);
		if (!same)
			stored(f, &work);
		news(f, &work, rec, pay, pay);
		news(f, &work, rec, rec, pay); /* an event that leaves the payment out */
		stored(f, &work);
		news(f, &work, rec, rec, pay);
		news(f, &work, rec, pay, pay);
		news(f, &work, pay, pay, pay);
		working_release(&work);
	}
	assert_int_equal(state_count(f, "Mo"), 2);
	assert_int_equal(state_count(f, "Ma"), 2);
}

/* Looked up for the id that is held, and told by the other one. */
static void
apart(void **state)
{
	struct fixture *f = *state;
	struct object_change other = {.kind = OBJECT_RECOVERY, .id = "pay_1", .alias = "pay_1"};
	struct working work;

	working_init(&work);
	news(f, &work, "rec_1", "pay_1", "rec_1");
	stored(f, &work);
	/* The ids of another connection, and of another account, are other objects. */
	MUST(alias_resolve(f->txn, &work, "churn-2", &other, &f->err));
	assert_string_equal(other.id, "pay_1");
	snprintf(other.account, sizeof(other.account), "acct");
	MUST(alias_resolve(f->txn, &work, "churn", &other, &f->err));
	assert_string_equal(other.id, "pay_1");
	other.account[0] = '\0';
	MUST(alias_resolve(f->txn, &work, "churn", &other, &f->err));
	assert_string_equal(other.id, "rec_1");
	working_release(&work);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    STATE_TEST(recovery_first),
	    STATE_TEST(payment_first),
	    STATE_TEST(apart),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
