/*
 * See configure_schema.h.  What has no table of its own stands here as text;
 * kinds of objects, drivers and their settings are put into it.
 */
#include "base/base.h"

#include "sync/configure_schema.h"

#include <assert.h>

#include "base/json.h"
#include "base/text.h"
#include "dest/dest.h"
#include "map/row.h"
#include "map/transform.h"
#include "model/object.h"
#include "source/source.h"

/* JSON with ' for ". */
static const char base[] =
    "{'$schema':'https://json-schema.org/draft/2020-12/schema',"
    "'title':'Configuration of Billhook',"
    "'description':'What billhook export prints and billhook apply takes','type':'object',"
    "'required':['billhook'],'additionalProperties':false,"
    "'properties':{'$schema':{'type':'string'},'billhook':{'const':1},"
    "'connections':{'type':'array','items':{'$ref':'#/$defs/connection'}},"
    "'syncs':{'type':'array','items':{'$ref':'#/$defs/sync'}},'automations':{'type':'array',"
    "'items':{'$ref':'#/$defs/automation'}},'alerts':{'$ref':'#/$defs/alerts'}}}";
static const struct {
	const char *name, *text;
} definitions[] = {
    {"code",
	"{'type':'string','pattern':'^[a-z0-9_-]{1,64}$','description':'1 to 64 characters of a-z,"
	" 0-9, - and _'}"},
    {"reference",
	"{'type':'string','pattern':'^(env:|file:|keep$)','description':'\\\"env:NAME\\\","
	" \\\"file:PATH\\\" or \\\"keep\\\"; secrets do not stand in this file'}"},
    {"secrets", "{'type':'object','additionalProperties':{'anyOf':[{'$ref':'#/$defs/reference'},"
		"{'type':'array','minItems':1,'items':{'$ref':'#/$defs/reference'}}]}}"},
    {"connection",
	"{'type':'object','required':['code','driver'],'additionalProperties':false,"
	"'properties':{'code':{'$ref':'#/$defs/code'},'driver':{'type':'string'},"
	"'name':{'type':'string'},'paused':{'type':'boolean'},'settings':{'type':'object'},"
	"'secrets':{'$ref':'#/$defs/secrets'}}}"},
    {"sync", "{'type':'object','required':['code','from','to'],'additionalProperties':false,"
	     "'properties':{'code':{'$ref':'#/$defs/code'},'from':{'$ref':'#/$defs/code'},"
	     "'to':{'$ref':'#/$defs/code'},'preset':{'$ref':'#/$defs/code'},"
	     "'mapping':{'$ref':'#/$defs/mapping'},'settings':{'type':'object'},"
	     "'paused':{'type':'boolean'},'started':{'type':'boolean'}},'anyOf':[{'type':'object',"
	     "'required':['preset']},{'type':'object','required':['mapping']}]}"},
    {"mapping",
	"{'type':'object','required':['objects'],'additionalProperties':false,"
	"'properties':{'name':{'type':'string'},'title':{'type':'string'},"
	"'description':{'type':'string'},'source':{'type':'string'},'dest':{'type':'string'},"
	"'settings':{'type':'object'},'prefix':{'type':'string'},'objects':{'type':'array',"
	"'items':{'$ref':'#/$defs/object'}}}}"},
    {"text", "{'type':'string','minLength':1}"},
    {"words", "{'anyOf':[{'$ref':'#/$defs/text'},{'type':'array','items':{'type':'string'}}]}"},
    {"object",
	"{'type':'object','required':['name','from','to','key','fields'],"
	"'additionalProperties':false,'properties':{'name':{'$ref':'#/$defs/text'},"
	"'from':{'type':'string','enum':[]},'to':{'$ref':'#/$defs/text'},"
	"'key':{'$ref':'#/$defs/text'},'on':{'$ref':'#/$defs/words'},'parents':{'type':'array',"
	"'items':{'$ref':'#/$defs/parent'}},'if':{'$ref':'#/$defs/filter'},"
	"'fields':{'type':'array','items':{'$ref':'#/$defs/row'}},'match':{'type':'array',"
	"'items':{'$ref':'#/$defs/match'}},'create':{'type':'string'},"
	"'key_from':{'$ref':'#/$defs/text'},'urgent':{'type':'boolean'}}}"},
    {"parent", "{'type':'object','required':['object','id'],'additionalProperties':false,"
	       "'properties':{'object':{'$ref':'#/$defs/text'},'id':{'$ref':'#/$defs/text'},"
	       "'to':{'type':'string'}}}"},
    {"row", "{'type':'object','required':['to'],'additionalProperties':false,"
	    "'properties':{'to':{'$ref':'#/$defs/text'},'from':{'$ref':'#/$defs/words'},"
	    "'as':{'type':'string','enum':[]},'when':{'type':'string','enum':[]},"
	    "'enum':{'type':'object','additionalProperties':{'$ref':'#/$defs/constant'}},"
	    "'value':{'$ref':'#/$defs/constant'},'default':{'anyOf':[{'type':'string'},"
	    "{'type':'array','items':{'type':'string'}},{'$ref':'#/$defs/setting'}]},"
	    "'with':{'type':'string'},'on':{'$ref':'#/$defs/words'},"
	    "'empty':{'type':'string','enum':['clear','keep']},'setting':{'type':'string'}},"
	    "'anyOf':[{'type':'object','required':['from']},{'type':'object',"
	    "'required':['value']},{'type':'object','required':['setting']}]}"},
    {"constant", "{'type':['string','integer','boolean','null']}"},
    {"setting", "{'type':'object','required':['setting'],'additionalProperties':false,"
		"'properties':{'setting':{'$ref':'#/$defs/text'}}}"},
    {"match",
	"{'type':'object','required':['by'],'additionalProperties':false,"
	"'properties':{'by':{'type':'string','enum':['id','key','value','domain']},"
	"'from':{'type':'string'},'to':{'type':'string'},'on':{'$ref':'#/$defs/words'},"
	"'fields':{'type':'array','items':{'$ref':'#/$defs/asked'}},'if':{'$ref':'#/$defs/filter'}}}"},
    {"asked", "{'allOf':[{'$ref':'#/$defs/row'},{'anyOf':[{'type':'object','required':['from']},"
	      "{'type':'object','required':['value']}]}]}"},
    {"filter",
	"{'type':'object','additionalProperties':false,"
	"'properties':{'field':{'$ref':'#/$defs/text'},'setting':{'$ref':'#/$defs/text'},'is':{},"
	"'in':{'type':'array'},'not_in':{'type':'array'},'all':{'type':'array',"
	"'items':{'$ref':'#/$defs/filter'}},'any':{'type':'array',"
	"'items':{'$ref':'#/$defs/filter'}}}}"},
    {"automation",
	"{'type':'object','additionalProperties':false,'properties':{'preset':{'type':'string'},"
	"'code':{'$ref':'#/$defs/code'},'title':{'type':'string'},'from':{'$ref':'#/$defs/code'},"
	"'on':{'type':'string','enum':[]},'each':{'type':'string'},'if':{'$ref':'#/$defs/filter'},"
	"'amount':{'type':'object'},'date':{'type':'object'},'once':{'type':'boolean'},"
	"'ends':{'type':'array','items':{'$ref':'#/$defs/end'}},'make':{'$ref':'#/$defs/make'},"
	"'enabled':{'type':'boolean'},'since':{'type':'string'}},'anyOf':[{'type':'object',"
	"'required':['preset']},{'type':'object','required':['code','from','on','make']}]}"},
    {"end",
	"{'type':'object','required':['as'],'additionalProperties':false,"
	"'properties':{'if':{'$ref':'#/$defs/filter'},'as':{'type':'string','enum':['won','lost',"
	"'done','dropped']}}}"},
    {"make",
	"{'type':'object','additionalProperties':false,'properties':{'type':{'type':'string',"
	"'enum':['task','opportunity','alert']},'title':{'type':'string'},'text':{'type':'string'},"
	"'due':{'type':'object'},'priority':{'type':'string','enum':['high','normal','low']},"
	"'amount':{'type':'string'},'link':{'type':'string'},'owner':{'type':'array',"
	"'items':{'$ref':'#/$defs/text'}}}}"},
    {"quiet",
	"{'type':['object','null'],'additionalProperties':false,"
	"'properties':{'from':{'type':'string'},'to':{'type':'string'},'zone':{'type':'string'}}}"},
    {"hours", "{'type':'integer','minimum':0,'maximum':8760}"},
    {"alerts", "{'type':'object','additionalProperties':false,"
	       "'properties':{'remind_hours':{'$ref':'#/$defs/hours'},"
	       "'silent_hours':{'$ref':'#/$defs/hours'},'quiet':{'$ref':'#/$defs/quiet'},"
	       "'targets':{'type':'array','items':{'$ref':'#/$defs/target'}}}}"},
    {"target",
	"{'type':'object','required':['code','kind'],'additionalProperties':false,"
	"'properties':{'code':{'$ref':'#/$defs/code'},'kind':{'type':'string','enum':['slack',"
	"'mail']},'name':{'type':'string'},'paused':{'type':'boolean'},'least':{'type':'string',"
	"'enum':['low','normal','high']},'settings':{'type':'object','additionalProperties':false,"
	"'properties':{'server':{'type':'string'},'user':{'type':'string'},"
	"'from':{'type':'string'},'to':{'type':'array','items':{'type':'string'}}}},"
	"'secrets':{'$ref':'#/$defs/secrets'},'quiet':{'$ref':'#/$defs/quiet'}}}"},
};

/* -- of the tables -- */

/* What stands in this file can be read. */
static json_t *
read_text(const char *text)
{
	char *copy = bh_xstrdup(text);
	json_t *json;

	for (char *at = copy; *at != '\0'; at++)
		if (*at == '\'')
			*at = '"';
	json = json_loads(copy, 0, NULL);
	assert(json != NULL);
	free(copy);
	return json;
}

static json_t *
read_base(void)
{
	json_t *schema = read_text(base), *all = json_object();

	for (size_t i = 0; i < BH_LEN(definitions); i++)
		json_object_set_new(all, definitions[i].name, read_text(definitions[i].text));
	json_object_set_new(schema, "$defs", all);
	return schema;
}

static json_t *
definition(const json_t *schema, const char *name)
{
	return json_object_get(json_object_get(schema, "$defs"), name);
}

static json_t *
words_of(const json_t *schema, const char *name, const char *member)
{
	json_t *properties = json_object_get(definition(schema, name), "properties");

	return json_object_get(json_object_get(properties, member), "enum");
}

static void
add_kinds(json_t *schema, const char *name, const char *member)
{
	json_t *list = words_of(schema, name, member);

	for (int kind = OBJECT_NONE + 1; kind < OBJECT__MAX; kind++)
		json_array_append_new(list, json_string(object_kind_name((enum object_kind)kind)));
}

static void
add_row_words(json_t *schema)
{
	json_t *as = words_of(schema, "row", "as"), *when = words_of(schema, "row", "when");
	size_t n;
	const struct transform *transforms = transform_list(&n);

	for (size_t i = 0; i < n; i++)
		json_array_append_new(as, json_string(transforms[i].name));
	for (unsigned i = 0; row_when_name(i) != NULL; i++)
		json_array_append_new(when, json_string(row_when_name(i)));
}

/* What is left out may also stand there as nothing. */
static json_t *
setting_schema(const struct setting *setting)
{
	json_t *schema = NULL, *choices;

	switch (setting->type) {
	case SETTING_NUMBER:
		schema = json_pack("{s:s, s:I, s:I}", "type", "integer", "minimum",
		    (json_int_t)setting->least, "maximum", (json_int_t)setting->most);
		break;
	case SETTING_BOOL:
		schema = json_pack("{s:s}", "type", "boolean");
		break;
	case SETTING_JSON:
		schema = json_pack("{s:[s, s]}", "type", "object", "array");
		break;
	case SETTING_CHOICE:
		choices = json_array();
		for (const char *at = setting->options; *at != '\0'; at += strspn(at, " ")) {
			size_t len = strcspn(at, " ");

			json_array_append_new(choices, json_stringn(at, len));
			at += len;
		}
		schema = json_pack("{s:s, s:o}", "type", "string", "enum", choices);
		break;
	case SETTING_TEXT:
	case SETTING_URL:
		schema = json_pack("{s:s}", "type", "string");
		break;
	}
	json_object_set_new(schema, "description", json_string(setting->meaning));
	return json_pack("{s:[o, {s:[n, s]}]}", "anyOf", schema, "enum", "");
}

/* {"if": it is of this driver, "then": its settings}. */
static void
add_driver(json_t *schema, const char *name, const struct setting *table)
{
	json_t *connection = definition(schema, "connection"), *settings = json_object();
	json_t *drivers = json_object_get(json_object_get(connection, "properties"), "driver");

	for (; table != NULL && table->name != NULL; table++)
		if ((table->flags & SETTING_SECRET) == 0)
			json_object_set_new(settings, table->name, setting_schema(table));
	json_array_append_new(json_object_get(drivers, "enum"), json_string(name));
	json_array_append_new(json_object_get(connection, "allOf"),
	    json_pack("{s:{s:s, s:{s:{s:[s]}}, s:[s]}, s:{s:{s:{s:o}}}}", "if", "type", "object",
		"properties", "driver", "enum", name, "required", "driver", "then", "properties",
		"settings", "properties", settings));
}

static void
add_drivers(json_t *schema)
{
	const struct source_driver *const *source = source_drivers();
	const struct dest_driver *const *dest = dest_drivers();
	json_t *connection = definition(schema, "connection");

	json_object_set_new(json_object_get(json_object_get(connection, "properties"), "driver"),
	    "enum", json_array());
	json_object_set_new(connection, "allOf", json_array());
	for (; *source != NULL; source++)
		add_driver(schema, (*source)->name, (*source)->settings);
	for (; *dest != NULL; dest++)
		add_driver(schema, (*dest)->name, (*dest)->settings);
}

json_t *
configure_schema(void)
{
	json_t *schema = read_base();

	add_kinds(schema, "object", "from");
	add_kinds(schema, "automation", "on");
	add_row_words(schema);
	add_drivers(schema);
	return schema;
}
