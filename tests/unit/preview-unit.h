/* Previews as a worker leaves them, for the tests of pages. */
#ifndef TESTS_UNIT_PREVIEW_UNIT_H
#define TESTS_UNIT_PREVIEW_UNIT_H

#include "crm-unit.h"
#include "sync/preview.h"

#define PREVIEW_OBJECTS                                                                            \
	"[{\"name\": \"account\", \"from\": \"customer\", \"to\": \"Account\","                    \
	" \"counts\": {\"create\": 1204, \"adopt\": 3, \"choice\": 2, \"excluded\": 1},"           \
	" \"rules\": {\"Email <b>\": 3}},"                                                         \
	" {\"name\": \"bill\", \"from\": \"credit_note\", \"to\": \"Bill__c\","                    \
	" \"counts\": {\"refused\": 1}, \"rules\": {}}]"
#define PREVIEW_SAMPLE_LIST                                                                        \
	"[{\"account\": \"acct_1\", \"id\": \"cus_1\", \"title\": \"<script>alert(1)</script>\","  \
	" \"remote_id\": \"001\\\"X\", \"why\": \"found by <i>\", \"has_detail\": true},"          \
	" {\"account\": \"\", \"id\": \"cus_2\", \"title\": \"T\", \"remote_id\": \"\","           \
	" \"why\": \"w\", \"has_detail\": false}]"
#define PREVIEW_FIELDS                                                                             \
	"[{\"to\": \"Name\", \"label\": \"Account <Name>\", \"from\": \"name\", \"as\": \"text\"," \
	" \"now\": \"<u>Old\", \"then\": \"New\", \"value\": \"New\", \"state\": \"change\","      \
	" \"why\": \"billing decides\"},"                                                          \
	" {\"to\": \"City\", \"label\": \"\", \"from\": \"\", \"as\": \"\", \"now\": \"\","        \
	" \"then\": \"\", \"value\": \"\", \"state\": \"none\", \"why\": \"no value\"},"           \
	" {\"to\": \"Phone\", \"label\": \"Phone\", \"from\": \"phone\", \"as\": \"\","            \
	" \"now\": \"theirs\", \"then\": \"theirs\", \"value\": \"ours\", \"state\": \"stays\","   \
	" \"why\": \"a person changed it: stays\"}]"
#define PREVIEW_DOCUMENT(verdict, more)                                                            \
	"{\"object\": \"account\", \"kind\": \"customer\", \"to\": \"Account\","                   \
	" \"account\": \"acct_1\", \"id\": \"cus_1\", \"title\": \"<script>alert(2)</script>\","   \
	" \"verdict\": \"" verdict "\", \"remote_id\": \"001A\", \"why\": \"linked <before>\","    \
	" \"remedy\": \"mend <it>\", \"key_field\": \"Billhook_Id__c\", \"key\": \"stripe:cus_1\"" \
	"," more " \"fields\": " PREVIEW_FIELDS "}"

static inline json_t *
preview_json(const char *text)
{
	json_t *json;

	assert_int_equal(bh_json_parse(text, strlen(text), &json, NULL), 0);
	return json;
}

/* The preview of a sync as it is set up now, in this state. */
static inline void
preview_put(struct world *world, const char *sync, enum preview_state state, const char *note)
{
	struct store_txn *txn = store_begin(world->site.store);
	struct preview preview = PREVIEW_INIT;

	preview.state = state;
	preview.run = 1;
	preview.started_ms = preview.turned_ms = bh_now_ms() - 10000;
	preview.ended_ms = state == PREVIEW_DONE ? bh_now_ms() - 1000 : 0;
	preview.done = 1210;
	preview.total = state == PREVIEW_DONE ? 1210 : 5000;
	preview.calls = 17;
	preview.waits_until_ms = *note != '\0' ? bh_now_ms() + 300000 : 0;
	snprintf(preview.note, sizeof(preview.note), "%s", note);
	preview.objects = preview_json(PREVIEW_OBJECTS);
	assert_int_equal(preview_digest_now(txn, sync, preview.digest, NULL), 1);
	preview_save(txn, sync, &preview);
	crm_commit(&txn);
	preview_release(&preview);
}

/* And a person has looked at it. */
static inline void
preview_put_seen(struct world *world, const char *sync)
{
	struct store_txn *txn;

	preview_put(world, sync, PREVIEW_DONE, "");
	txn = store_begin(world->site.store);
	assert_int_equal(preview_see(txn, sync, bh_now_ms(), NULL), 0);
	crm_commit(&txn);
}

/* Samples of what would be adopted, the first with its fields. */
static inline void
preview_put_samples(struct world *world, const char *sync)
{
	struct preview_object of = {"account", "acct_1", "cus_1"};
	json_t *list = preview_json(PREVIEW_SAMPLE_LIST);
	json_t *doc = preview_json(PREVIEW_DOCUMENT("adopt", "\"unread\": \"\","));
	struct store_txn *txn = store_begin(world->site.store);

	preview_samples_save(txn, sync, "account", "adopt", list);
	preview_detail_save(txn, sync, &of, doc);
	crm_commit(&txn);
	json_decref(list);
	json_decref(doc);
}

/* The answer about one object; part: a document, or "". */
static inline void
preview_put_answer(struct world *world, const char *sync, const char *error, const char *part)
{
	struct store_txn *txn = store_begin(world->site.store);
	json_t *ask = json_pack("{s:b, s:s, s:s, s:s, s:I, s:I, s:s, s:[]}", "open", false, "kind",
	    "customer", "account", "", "id", "cus_7", "asked", (json_int_t)bh_now_ms() - 2000,
	    "done", (json_int_t)bh_now_ms() - 1000, "error", error, "parts");

	if (*part != '\0')
		json_array_append_new(json_object_get(ask, "parts"), preview_json(part));
	preview_asked_save(txn, sync, ask);
	crm_commit(&txn);
	json_decref(ask);
}

#endif
