/*
 * For the tests of a mapping's pages: the sync "main" from the source
 * "stripe" into the CRM "hub" by a preset, a customer with an invoice, and HubSpot's
 * description of its companies.
 */
#ifndef TESTS_UNIT_MAPPING_UNIT_H
#define TESTS_UNIT_MAPPING_UNIT_H

#include "dest/dest.h"
#include "site-unit.h"
#include "state/draft.h"
#include "state/mirror.h"
#include "state/target.h"
#include "state/trail.h"
#include "state/walk.h"

#define MAPPING_NASTY "Ada \"<script>alert(1)</script>\" & Co"

static inline void
mapping_commit(struct store_txn **txn)
{
	assert_int_equal(store_commit(*txn, NULL, NULL), 0);
	store_free(txn);
}

static inline json_t *
mapping_read_preset(const char *name)
{
	char *path = bh_xasprintf("presets/%s.json", name), *file = unit_path(path);
	struct bh_err err = BH_ERR_INIT;
	json_t *preset;

	if (bh_json_read(file, 1 << 20, &preset, &err) < 0)
		fail_msg("%s", err.text);
	free(file);
	free(path);
	return preset;
}

/* Takes mapping. */
static inline void
mapping_put_sync(struct world *world, json_t *mapping, const char *preset)
{
	struct account_sync sync = {.code = "main",
	    .from = "stripe",
	    .to = "hub",
	    .mapping = mapping,
	    .settings = json_pack("{s:s}", "invoice_lines", "no")};
	struct store_txn *txn = store_begin(world->site.store);

	snprintf(sync.preset, sizeof(sync.preset), "%s", preset);
	assert_int_equal(account_sync_save(txn, &sync, NULL), 0);
	mapping_commit(&txn);
	account_sync_release(&sync);
}

/* Takes fields. */
static inline void
mapping_put_object(struct world *world, enum object_kind kind, const char *id, json_t *fields)
{
	struct store_txn *txn = store_begin(world->site.store);
	struct object_state object = {.version = {.at_ms = 1700000000000}, .fields = fields};
	struct mirror_id at = {"stripe", "", kind, id};

	mirror_put(txn, &at, &object);
	mapping_commit(&txn);
	mirror_object_release(&object);
}

static inline void
mapping_describe(struct world *world)
{
	static const char text[] =
	    "{\"name\": \"companies\", \"fields\": ["
	    "{\"name\": \"name\", \"label\": \"Company <name>\", \"type\": \"text\", \"length\": 20, \"writable\": true},"
	    "{\"name\": \"city\", \"label\": \"City\", \"type\": \"text\", \"writable\": true},"
	    "{\"name\": \"must\", \"label\": \"Must\", \"type\": \"text\", \"writable\": true, \"required\": true},"
	    "{\"name\": \"secret_note\", \"label\": \"Read only\", \"type\": \"text\", \"writable\": false},"
	    "{\"name\": \"billhook_balance\", \"label\": \"Balance\", \"type\": \"date\", \"writable\": true}]}";
	struct store_txn *txn = store_begin(world->site.store);
	json_t *doc;

	assert_int_equal(bh_json_parse(text, strlen(text), &doc, NULL), 0);
	target_put(txn, "hub", "companies", doc, bh_now_ms());
	mapping_commit(&txn);
	json_decref(doc);
}

static inline void
mapping_fill(struct world *world)
{
	free(world->conf.preset_dir);
	world->conf.preset_dir = unit_path("presets");
	connect((struct connection_case){.world = world,
	    .code = "stripe",
	    .driver = "stripe",
	    .name = "Stripe",
	    .is_source = true});
	connect((struct connection_case){.world = world,
	    .code = "hub",
	    .driver = "hubspot",
	    .name = "HubSpot"});
	mapping_put_sync(world, mapping_read_preset("stripe-hubspot"), "stripe-hubspot");
	mapping_put_object(world, OBJECT_CUSTOMER, "cus_1",
	    json_pack("{s:s, s:s, s:s, s:i, s:s, s:s}", "name", MAPPING_NASTY, "email",
		"ada@example.com", "currency", "EUR", "balance", -1250, "address_city", "Graz",
		"website", "www.example.com"));
	mapping_put_object(world, OBJECT_INVOICE, "in_1",
	    json_pack("{s:s, s:s, s:i, s:s, s:s, s:[{s:s, s:s, s:i}]}", "customer", "cus_1",
		"number", "INV-1", "total", 5000, "currency", "EUR", "status", "open", "lines",
		"id", "il_1", "description", "Plan", "amount", 5000));
}

/* The draft's mapping: new reference, NULL there is none. */
static inline json_t *
mapping_draft(struct world *world)
{
	struct store_txn *txn = store_begin(world->site.store);
	json_t *draft, *mapping;

	assert_true(draft_load(txn, "main", &draft, NULL) >= 0);
	store_free(&txn);
	mapping = json_incref(json_object_get(draft, "mapping"));
	json_decref(draft);
	return mapping;
}

/* The mapping that is in use: new reference. */
static inline json_t *
mapping_stored(struct world *world)
{
	struct store_txn *txn = store_begin(world->site.store);
	struct account_sync sync;
	json_t *mapping;

	assert_int_equal(account_sync_load(txn, "main", &sync, NULL), 1);
	store_free(&txn);
	mapping = json_incref(sync.mapping);
	account_sync_release(&sync);
	return mapping;
}

#endif
