/*
 * Drafts of mappings: see draft.h for their states.
 *
 * Keys: Ad <code of the sync>, a JSON object.
 */
#include "base/base.h"

#include "state/draft.h"

#include "base/json.h"
#include "base/text.h"
#include "store/key.h"

#define VALUE_MAX (4u << 20)

void
draft_digest(const json_t *json, char version[DRAFT_VERSION_LEN + 1])
{
	unsigned char digest[BH_SHA256_LEN];
	char *text = bh_json_text(json);

	bh_sha256(digest, text, strlen(text));
	bh_hex(version, digest, DRAFT_VERSION_LEN / 2);
	free(text);
}

void
draft_version(const struct account_sync *sync, char version[DRAFT_VERSION_LEN + 1])
{
	json_t *all = json_pack("{s:o, s:o, s:o, s:O*, s:O*}", "from", bh_json_string(sync->from),
	    "to", bh_json_string(sync->to), "preset", bh_json_string(sync->preset), "mapping",
	    sync->mapping, "settings", sync->settings);

	draft_digest(all, version);
	json_decref(all);
}

static void
draft_key(struct key *key, const char *sync)
{
	key_begin(key, "Ad");
	key_text(key, sync);
}

int
draft_load(struct store_txn *txn, const char *sync, json_t **draft_r, struct bh_err *err)
{
	struct bh_buf value = BH_BUF_INIT(VALUE_MAX);
	struct key key;
	int rc;

	*draft_r = NULL;
	draft_key(&key, sync);
	rc = store_get(txn, key.data, key.len, &value, err);
	if (rc > 0 && (*draft_r = json_loadb(value.data, value.len, 0, NULL)) == NULL)
		rc = bh_fail(err, BH_STORAGE, "the draft of %s cannot be read", sync);
	bh_buf_release(&value);
	return rc;
}

void
draft_save(struct store_txn *txn, const char *sync, const json_t *mapping, const char *of,
    const char *by, int64_t at_ms)
{
	json_t *draft = json_pack("{s:O, s:s, s:o, s:I}", "mapping", mapping, "of", of, "by",
	    bh_json_string(by), "at", (json_int_t)at_ms);
	char *text = bh_json_text(draft);
	struct key key;

	draft_key(&key, sync);
	store_put(txn, key.data, key.len, text, strlen(text));
	free(text);
	json_decref(draft);
}

void
draft_drop(struct store_txn *txn, const char *sync)
{
	struct key key;

	draft_key(&key, sync);
	store_delete(txn, key.data, key.len);
}
