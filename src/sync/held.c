/* See held.h. */
#include "base/base.h"

#include "sync/held.h"

#include "base/text.h"
#include "state/target.h"
#include "sync/conflict.h"

#define SHOWN_MAX 300 /* bytes of a value */

static int
read_kept(const struct lane *lane, struct dest_reading *readings, const char *const *keys, size_t n,
    struct bh_err *err)
{
	struct store_txn *txn = store_begin(lane->context->store);
	int rc = 0;

	for (size_t i = 0; i < n && rc >= 0; i++) {
		json_t *kept = NULL;

		rc = target_kept_get(txn, lane->connection->account.code, readings[i].object,
		    keys[i], &kept, err);
		if (rc > 0)
			readings[i].values = json_incref(json_object_get(kept, "fields"));
		json_decref(kept);
	}
	store_free(&txn);
	return rc < 0 ? -1 : 0;
}

int
held_read(struct lane *lane, struct dest_reading *readings, const char *const *keys, size_t n,
    struct bh_err *err)
{
	struct bh_err why = BH_ERR_INIT;
	int rc;

	if (lane->driver->read == NULL)
		return read_kept(lane, readings, keys, n, err);
	rc = lane->driver->read(&lane->config, readings, n, &why);
	if (rc < 0 && why.code == BH_DENIED && lane_authorize(lane, &why) == 0)
		rc = lane->driver->read(&lane->config, readings, n, &why);
	if (rc < 0 && err != NULL)
		*err = why;
	return rc;
}

bool
is_held_alike(enum record_type type, const json_t *held, const json_t *value)
{
	char one[CONFLICT_DIGEST + 1], other[CONFLICT_DIGEST + 1];

	if (held == NULL || value == NULL)
		return false;
	conflict_digest(one, type, held);
	conflict_digest(other, type, value);
	return strcmp(one, other) == 0;
}

json_t *
held_shown(const json_t *value)
{
	struct bh_buf text = BH_BUF_INIT(SIZE_MAX / 2);
	json_t *json;

	if (json_is_string(value))
		bh_buf_adds(&text, json_string_value(value));
	else if (json_is_boolean(value))
		bh_buf_adds(&text, json_is_true(value) ? "yes" : "no");
	else if (value != NULL && !json_is_null(value))
		bh_json_add(&text, value);
	if (text.len > SHOWN_MAX) {
		char *cut = bh_xstrndup(bh_buf_str(&text), SHOWN_MAX);

		bh_utf8_mend(cut, true);
		json = json_sprintf("%s…", cut);
		free(cut);
	} else {
		json = bh_json_string(bh_buf_str(&text));
	}
	bh_buf_release(&text);
	return json;
}
