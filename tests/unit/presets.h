/* For the tests of presets and schemas: which there are, and reading them. */
#ifndef TESTS_UNIT_PRESETS_H
#define TESTS_UNIT_PRESETS_H

#include "base/json.h"
#include "model/record.h"
#include "unit.h"

#define FILE_BYTES (1 << 20)

struct preset {
	const char *name, *schema, *objects; /* what it maps, parents first */
};

#define SALESFORCE_OBJECTS                                                                         \
	"account opportunity event subscription invoice invoice_line credit_note payment"

#define HUBSPOT_OBJECTS                                                                            \
	"customer person deal invoice subscription invoice_line credit_note payment"

static const struct preset presets[] = {
    {"stripe-salesforce", "salesforce", SALESFORCE_OBJECTS},
    {"lago-salesforce", "salesforce", SALESFORCE_OBJECTS},
    {"stripe-hubspot", "hubspot", HUBSPOT_OBJECTS},
    {"lago-hubspot", "hubspot", HUBSPOT_OBJECTS},
    {"alguna-salesforce", "salesforce",
	"account contact opportunity event subscription invoice invoice_line credit_note payment"},
    {"alguna-hubspot", "hubspot", HUBSPOT_OBJECTS},
    {"lostchurn-salesforce", "salesforce",
	"account recovery_event contact opportunity event recovery"},
    {"lostchurn-hubspot", "hubspot", "contact deal recovery_event recovery"},
};

/* What the schemas call types. */
struct type_word {
	const char *word;
	enum record_type type;
	size_t length;
};

static const struct type_word type_words[] = {
    {"Text", RECORD_TEXT, 0},
    {"LongTextArea", RECORD_TEXT, 0},
    {"Url", RECORD_TEXT, 255},
    {"Email", RECORD_TEXT, 80},
    {"Phone", RECORD_TEXT, 40},
    {"Currency", RECORD_NUMBER, 0},
    {"Number", RECORD_NUMBER, 0},
    {"Percent", RECORD_NUMBER, 0},
    {"Date", RECORD_DATE, 0},
    {"DateTime", RECORD_TIME, 0},
    {"Checkbox", RECORD_BOOL, 0},
    {"Picklist", RECORD_ENUM, 0},
    {"string", RECORD_TEXT, 65536},
    {"number", RECORD_NUMBER, 0},
    {"date", RECORD_DATE, 0},
    {"datetime", RECORD_TIME, 0},
    {"bool", RECORD_BOOL, 0},
    {"enumeration", RECORD_ENUM, 0},
};

static inline json_t *
read_json(const char *folder, const char *name)
{
	char *file = bh_xasprintf("%s/%s.json", folder, name), *path = unit_path(file);
	struct bh_err err = BH_ERR_INIT;
	json_t *json;

	if (bh_json_read(path, FILE_BYTES, &json, &err) < 0)
		fail_msg("%s", err.text);
	free(path);
	free(file);
	return json;
}

static inline const json_t *
find_named(const json_t *list, const char *name)
{
	json_t *item;
	size_t i;

	json_array_foreach ((json_t *)(uintptr_t)list, i, item) {
		if (strcmp(bh_json_str(item, "name"), name) == 0)
			return item;
	}
	return NULL;
}

static inline const struct type_word *
find_type(const char *word)
{
	for (size_t i = 0; i < BH_LEN(type_words); i++) {
		if (strcmp(type_words[i].word, word) == 0)
			return &type_words[i];
	}
	return NULL;
}

#endif
