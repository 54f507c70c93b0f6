/* Where an archive in a web space keeps its data. */
#include "base/base.h"

#include <sys/stat.h>

#include <ftw.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/proc.h"
#include "conf/conf.h"
#include "conf/place.h"
#include "unit.h"

static char *home;

static char *
below(const char *name)
{
	return bh_xasprintf("%s/%s", home, name);
}

/* With all parents. */
static void
make(const char *name)
{
	char *path = below(name);

	for (char *at = path + strlen(home) + 1; (at = strchr(at, '/')) != NULL; at++) {
		*at = '\0';
		(void)mkdir(path, 0755);
		*at = '/';
	}
	(void)mkdir(path, 0755);
	free(path);
}

static int
begin(void **state BH_UNUSED)
{
	char name[] = "/tmp/t-place-XXXXXX";

	home = bh_xstrdup(mkdtemp(name));
	unsetenv("BILLHOOK_DIR");
	unsetenv("BILLHOOK_SOURCE");
	unsetenv("DOCUMENT_ROOT");
	return 0;
}

static int
remove_one(const char *path, const struct stat *st BH_UNUSED, int what BH_UNUSED,
    struct FTW *at BH_UNUSED)
{
	return remove(path);
}

static int
end(void **state BH_UNUSED)
{
	int rc = nftw(home, remove_one, 16, FTW_DEPTH | FTW_PHYS);

	free(home);
	return rc;
}

static const struct place_case {
	const char *name, *site, *document_root, *want; /* below home; NULL: unknown */
} cases[] = {
    {"beside public_html", "a/public_html/billing", NULL, "a/billhook-data/public_html-billing"},
    {"of a site in the document root itself", "b/htdocs", NULL, "b/billhook-data/htdocs"},
    {"the document root is told", "c/public_html/billing", "c/public_html",
	"c/billhook-data/public_html-billing"},
    {"a document root in a document root: beside the outer one", "d/public_html/shop/billing",
	"d/public_html/shop", "d/billhook-data/public_html-shop-billing"},
    {"a document root of any name, when it is told", "e/example.com/billing", "e/example.com",
	"e/billhook-data/example.com-billing"},
    {"and when it is not", "f/example.com/billing", NULL, "f/example.com/billing/app/data"},
    {"no name below the document root counts", "g/example.com/www/billing", "g/example.com",
	"g/billhook-data/example.com-www-billing"},
    {"a document root of somewhere else", "h/example.com/billing", "a/public_html",
	"h/example.com/billing/app/data"},
    {"whose path only begins alike", "i/example.com-old/billing", "i/example.com",
	"i/example.com-old/billing/app/data"},
};

static void
data_goes_beside_the_document_root(void **state BH_UNUSED)
{
	for (size_t i = 0; i < BH_LEN(cases); i++) {
		const struct place_case *c = &cases[i];
		char *site = below(c->site), *want = below(c->want), *got, *parent;
		char *root = c->document_root != NULL ? below(c->document_root) : NULL;
		struct stat st;

		print_message("%s\n", c->name);
		make(c->site);
		if (c->document_root != NULL)
			make(c->document_root);
		/* The archive brings its folder. */
		parent = bh_xasprintf("%s/app", c->site);
		make(parent);
		got = place_choose(site, root);
		assert_string_equal(got, want);
		assert_int_equal(stat(got, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0700);
		free(parent);
		free(got);
		free(root);
		free(site);
		free(want);
	}
}

/* A place that all may write to is nobody's home. */
static void
shared_places_are_not_used(void **state BH_UNUSED)
{
	char *site = below("all/www/billing"), *all = below("all"), *got;

	make("all/www/billing/app");
	assert_int_equal(chmod(all, 0777), 0);
	got = place_choose(site, NULL);
	assert_true(strcmp(got + strlen(site), "/app/data") == 0);
	free(got);
	free(all);
	free(site);
}

static void
assert_found(const char *want)
{
	char *found = conf_find_dir(NULL);

	assert_string_equal(found, want);
	free(found);
}

/* What was chosen stands in a file, which counts from then on. */
static void
the_choice_is_written_down(void **state BH_UNUSED)
{
	char *root = below("j/public_html/billing/app"), *other = below("elsewhere"),
	     *want = below("j/billhook-data/public_html-billing"),
	     *conf = below("j/public_html/billing/billhook.conf"), *line;
	FILE *file;

	make("j/public_html/billing/app");
	setenv(BH_ROOT_VARIABLE, root, 1);
	assert_found(want);
	assert_null(place_inside(want));
	assert_int_equal(access(conf, R_OK), 0);
	make("j/public_html/shop");
	setenv("DOCUMENT_ROOT", other, 1);
	assert_found(want);
	line = bh_xasprintf("data_dir = %s\n", "../data");
	file = fopen(conf, "w");
	assert_non_null(file);
	fputs(line, file);
	fclose(file);
	free(want);
	want = below("j/public_html/billing/../data");
	assert_found(want);
	unsetenv(BH_ROOT_VARIABLE);
	unsetenv("DOCUMENT_ROOT");
	free(line);
	free(conf);
	free(want);
	free(other);
	free(root);
}

static void
knows_what_is_inside(void **state BH_UNUSED)
{
	setenv(BH_ROOT_VARIABLE, "/home/alice/public_html/billing/app", 1);
	assert_string_equal(place_inside("/home/alice/public_html/billing/app/data"), "/app/data");
	assert_string_equal(place_inside("/home/alice/public_html/billing/own"), "/own");
	assert_null(place_inside("/home/alice/public_html/billing-data"));
	assert_null(place_inside("/home/alice/billhook-data/public_html-billing"));
	unsetenv(BH_ROOT_VARIABLE);
	assert_null(place_inside("/home/alice/public_html/billing/app/data"));
}

/* The archive brings templates, static files and presets; its start is what is started again. */
static void
finds_what_the_archive_brought(void **state BH_UNUSED)
{
	struct bh_err err = BH_ERR_INIT;
	struct conf conf;

	setenv(BH_ROOT_VARIABLE, "/home/alice/public_html/billing/app", 1);
	assert_int_equal(conf_load(home, &conf, &err), 0);
	assert_string_equal(conf.template_dir,
	    "/home/alice/public_html/billing/app/share/templates");
	assert_string_equal(bh_exe_path(), "/home/alice/public_html/billing/app/bin/billhook");
	conf_release(&conf);
	unsetenv(BH_ROOT_VARIABLE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(data_goes_beside_the_document_root),
	    cmocka_unit_test(shared_places_are_not_used),
	    cmocka_unit_test(the_choice_is_written_down),
	    cmocka_unit_test(knows_what_is_inside),
	    cmocka_unit_test(finds_what_the_archive_brought),
	};

	return cmocka_run_group_tests_name("place", tests, begin, end);
}
