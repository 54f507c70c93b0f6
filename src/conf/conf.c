/* Options: see conf.h. */
#include "base/base.h"

#include "conf/conf.h"

#include <sys/stat.h>

#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include "base/address.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/text.h"
#include "conf/place.h"

#define CONF_LINE_MAX 2000

static const struct conf_option options[] = {
#define OPTION_TEXT false
#define OPTION_NUMBER true
#define OPTION(name, type, fallback, least, most, meaning)                                         \
	{#name, OPTION_##type, fallback, least, most, meaning},
#include "conf/options.def"
#undef OPTION
#undef OPTION_TEXT
#undef OPTION_NUMBER
};

/* Where each option stands inside struct conf, in the order of options[]. */
static const size_t offsets[] = {
#define OPTION(name, type, fallback, least, most, meaning) offsetof(struct conf, name),
#include "conf/options.def"
#undef OPTION
};

const struct conf_option *
conf_options(size_t *n_r)
{
	*n_r = BH_LEN(options);
	return options;
}

static int
check_proxies(const char *text, struct bh_err *err)
{
	if (bh_networks_check(text, err) == 0)
		return 0;
	bh_during(err, "trusted_proxies");
	return -1;
}

static int
check_level(const char *text, struct bh_err *err)
{
	enum bh_level level;

	return bh_is_level(text, &level)
		   ? 0
		   : bh_fail(err, BH_INVALID,
			 "log_level must be debug, info, warn or error, not \"%.40s\"", text);
}

static int
check_url(const char *url, struct bh_err *err)
{
	size_t len = strlen(url);

	if (len == 0 || ((bh_has_prefix(url, "https://") || bh_has_prefix(url, "http://")) &&
			    url[len - 1] != '/' && strpbrk(url, " \"'<>\\?#") == NULL))
		return 0;
	return bh_fail(err, BH_INVALID,
	    "public_url must be like https://billing.example.com/billhook, without a final slash");
}

static int
check_value(const struct conf_option *option, const char *value, int64_t *number_r,
    struct bh_err *err)
{
	*number_r = 0;
	if (!option->is_number && (int64_t)strlen(value) > option->most)
		return bh_fail(err, BH_INVALID, "%s is longer than %lld bytes", option->name,
		    (long long)option->most);
	if (option->is_number && (!bh_is_int(value, strlen(value), number_r) ||
				     *number_r < option->least || *number_r > option->most))
		return bh_fail(err, BH_INVALID,
		    "%s must be a number from %lld to %lld, not \"%.40s\"", option->name,
		    (long long)option->least, (long long)option->most, value);
	return 0;
}

static int
set_option(struct conf *conf, size_t i, const char *value, struct bh_err *err)
{
	char *at = (char *)conf + offsets[i];
	int64_t number;

	if (check_value(&options[i], value, &number, err) < 0)
		return -1;
	if (options[i].is_number) {
		memcpy(at, &number, sizeof(number));
	} else {
		char **text = (char **)(void *)at;

		free(*text);
		*text = bh_xstrdup(value);
	}
	return 0;
}

static const struct conf_option *
find_option(const char *name)
{
	for (size_t i = 0; i < BH_LEN(options); i++)
		if (strcmp(options[i].name, name) == 0)
			return &options[i];
	return NULL;
}

/* What the table does not say of an option. */
static int
check_words(const char *name, const char *value, struct bh_err *err)
{
	if (strcmp(name, "trusted_proxies") == 0)
		return check_proxies(value, err);
	return strcmp(name, "log_level") == 0 ? check_level(value, err) : 0;
}

/* One line of the file, as it will be read again. */
static bool
is_line(const char *value)
{
	size_t len = strlen(value);

	for (size_t i = 0; i < len; i++)
		if ((unsigned char)value[i] < ' ')
			return false;
	return len == 0 || (value[0] != ' ' && value[len - 1] != ' ');
}

int
conf_check_option(const char *name, const char *value, struct bh_err *err)
{
	const struct conf_option *option = find_option(name);
	int64_t number;

	if (option == NULL)
		return bh_fail(err, BH_INVALID, "there is no option \"%.60s\"", name);
	if (!is_line(value))
		return bh_fail(err, BH_INVALID, "%s must be one line without spaces around it",
		    name);
	if (check_value(option, value, &number, err) < 0)
		return -1;
	return strcmp(name, "public_url") == 0 ? check_url(value, err)
					       : check_words(name, value, err);
}

/* A directory that is to be read. */
static int
check_dir(const char *name, const char *path, struct bh_err *err)
{
	struct stat st;

	if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode))
		return bh_fail(err, BH_INVALID, "%s: %s is no directory", name, path);
	return access(path, R_OK | X_OK) == 0
		   ? 0
		   : bh_fail_errno(err, BH_INVALID, "%s: cannot read %s", name, path);
}

/* Nothing is made: a file that is not there needs a directory that it can be made in. */
static int
check_log(const char *path, struct bh_err *err)
{
	char *dir = bh_xstrdup(path), *slash = strrchr(dir, '/');
	int rc;

	if (slash != NULL)
		slash[slash == dir] = '\0';
	rc = access(path, W_OK);
	if (rc < 0 && errno == ENOENT)
		rc = access(slash != NULL ? dir : ".", W_OK | X_OK);
	if (rc < 0)
		bh_fail_errno(err, BH_INVALID, "log_file: cannot write %s", path);
	free(dir);
	return rc < 0 ? -1 : 0;
}

int
conf_check_used(const struct conf *conf, const char *name, struct bh_err *err)
{
	static const char *const dirs[] = {"template_dir", "static_dir", "preset_dir"};
	char *value = conf_value(conf, name);
	int rc = conf_check_option(name, value, err);

	for (size_t i = 0; i < BH_LEN(dirs); i++)
		if (rc == 0 && strcmp(name, dirs[i]) == 0)
			rc = check_dir(name, value, err);
	if (rc == 0 && strcmp(name, "log_file") == 0 && *value != '\0' && strcmp(value, "-") != 0)
		rc = check_log(value, err);
	free(value);
	return rc;
}

char *
conf_value(const struct conf *conf, const char *name)
{
	const struct conf_option *option = find_option(name);
	const char *at = (const char *)conf + offsets[option - options];
	int64_t number;

	if (!option->is_number)
		return bh_xstrdup(*(char *const *)(const void *)at);
	memcpy(&number, at, sizeof(number));
	return bh_xasprintf("%lld", (long long)number);
}

static char *
trim(char *text)
{
	char *end;

	text += strspn(text, " \t\r\n");
	end = text + strlen(text);
	while (end > text && strchr(" \t\r\n", end[-1]) != NULL)
		*--end = '\0';
	return text;
}

/* Split "name = value" in place; false for blank and comment lines. */
static bool
is_assignment(char *line, char **name_r, char **value_r)
{
	char *equals;

	*name_r = trim(line);
	*value_r = NULL;
	if (**name_r == '\0' || **name_r == '#')
		return false;
	equals = strchr(*name_r, '=');
	if (equals != NULL) {
		*equals = '\0';
		*value_r = trim(equals + 1);
		*name_r = trim(*name_r);
	}
	return true;
}

static int
set_line(struct conf *conf, const char *name, const char *value, struct bh_err *err)
{
	const struct conf_option *option;

	if (value == NULL)
		return bh_fail(err, BH_INVALID, "\"%.60s\" is not of the form name = value", name);
	if (strcmp(name, "data_dir") == 0)
		return 0; /* read by conf_find_dir() */
	option = find_option(name);
	if (option == NULL)
		return bh_fail(err, BH_INVALID,
		    "there is no option \"%.60s\"; see billhook.conf(5)", name);
	return set_option(conf, (size_t)(option - options), value, err) < 0
		   ? -1
		   : check_words(name, value, err);
}

static int
read_file(struct conf *conf, const char *path, struct bh_err *err)
{
	FILE *file = fopen(path, "re");
	char line[CONF_LINE_MAX], *name, *value;
	int number = 0, rc = 0;

	if (file == NULL)
		return errno == ENOENT ? 0 : bh_fail_errno(err, BH_INVALID, "cannot open %s", path);
	while (rc == 0 && fgets(line, sizeof(line), file) != NULL) {
		number++;
		if (strchr(line, '\n') == NULL && !feof(file))
			rc = bh_fail(err, BH_INVALID, "the line is too long");
		else if (is_assignment(line, &name, &value))
			rc = set_line(conf, name, value, err);
		if (rc < 0)
			bh_during(err, "%s line %d", path, number);
	}
	/* A directory of that name opens, and then cannot be read. */
	if (rc == 0 && ferror(file))
		rc = bh_fail_errno(err, BH_INVALID, "cannot read %s", path);
	fclose(file);
	return rc;
}

/* path seen from the directory base; without final slashes.  Owned by the caller. */
static char *
absolute_from(const char *base, const char *path)
{
	char *whole = path[0] == '/' ? bh_xstrdup(path) : bh_xasprintf("%s/%s", base, path);
	size_t len;

	for (len = strlen(whole); len > 1 && whole[len - 1] == '/'; len--)
		whole[len - 1] = '\0';
	return whole;
}

static char *
absolute(const char *path)
{
	char cwd[PATH_MAX];

	return absolute_from(getcwd(cwd, sizeof(cwd)) != NULL ? cwd : "", path);
}

/* data_dir of the billhook.conf in the directory base; NULL when there is none. */
static char *
dir_of_file(const char *base)
{
	char *path = bh_xasprintf("%s/billhook.conf", base), *found = NULL;
	char line[CONF_LINE_MAX], *name, *value;
	FILE *file = fopen(path, "re");

	free(path);
	while (file != NULL && found == NULL && fgets(line, sizeof(line), file) != NULL)
		if (is_assignment(line, &name, &value) && value != NULL && *value != '\0' &&
		    strcmp(name, "data_dir") == 0)
			found = absolute_from(base, value);
	if (file != NULL)
		fclose(file);
	return found;
}

/* NULL when nothing beside the executable says. */
static char *
dir_beside_exe(void)
{
	char *base = bh_exe_dir(), *found = base != NULL ? dir_of_file(base) : NULL;

	free(base);
	return found;
}

/* Of an archive in a web space: the file stands in the folder that has the archive's app. */
static char *
dir_of_archive(const char *root)
{
	char *place = bh_xstrdup(root), *slash = strrchr(place, '/'), *found;

	if (slash != NULL)
		*slash = '\0';
	found = dir_of_file(place);
	if (found == NULL)
		found = place_choose(place, getenv("DOCUMENT_ROOT"));
	free(place);
	return found;
}

char *
conf_find_dir(const char *dir)
{
	const char *from_env = getenv("BILLHOOK_DIR");
	char *found;

	if (dir != NULL)
		return absolute(dir);
	if (from_env != NULL && *from_env != '\0')
		return absolute(from_env);
	if (bh_root() != NULL)
		return dir_of_archive(bh_root());
	found = dir_beside_exe();
	return found != NULL ? found : bh_xstrdup(BH_LOCALSTATEDIR "/lib/billhook");
}

/* Where the templates and the like stand, beside name; owned by the caller. */
static char *
shared_dir(const char *name)
{
	const char *source = getenv("BILLHOOK_SOURCE"), *root = bh_root();

	if (source != NULL)
		return bh_xasprintf("%s/%s", source, name);
	return root != NULL ? bh_xasprintf("%s/share/%s", root, name)
			    : bh_xasprintf("%s/%s", BH_DATADIR, name);
}

static void
fill_dir(char **dir, const char *name)
{
	if (**dir != '\0')
		return;
	free(*dir);
	*dir = shared_dir(name);
}

/* Paths are put behind it, which begin with one. */
static void
cut_slashes(char *url)
{
	for (size_t len = strlen(url); len > 0 && url[len - 1] == '/'; len--)
		url[len - 1] = '\0';
}

int
conf_load(const char *data_dir, struct conf *conf, struct bh_err *err)
{
	char *path;
	int rc;

	memset(conf, 0, sizeof(*conf));
	conf->data_dir = bh_xstrdup(data_dir);
	for (size_t i = 0; i < BH_LEN(options); i++)
		if (set_option(conf, i, options[i].fallback, err) < 0)
			abort(); /* a default outside its own range is a bug */
	path = conf_path(conf, "billhook.conf");
	rc = read_file(conf, path, err);
	free(path);
	if (rc < 0) {
		conf_release(conf);
		return -1;
	}
	cut_slashes(conf->public_url);
	fill_dir(&conf->template_dir, "templates");
	fill_dir(&conf->static_dir, "static");
	fill_dir(&conf->preset_dir, "presets");
	return 0;
}

void
conf_release(struct conf *conf)
{
	for (size_t i = 0; i < BH_LEN(options); i++)
		if (!options[i].is_number)
			free(*(char **)(void *)((char *)conf + offsets[i]));
	free(conf->data_dir);
	memset(conf, 0, sizeof(*conf));
}

char *
conf_path(const struct conf *conf, const char *name)
{
	return bh_xasprintf("%s/%s", conf->data_dir, name);
}

void
conf_log_level(const struct conf *conf)
{
	enum bh_level level;

	if (bh_is_level(conf->log_level, &level))
		bh_log_level(level);
}

int
conf_open_log(const struct conf *conf, const char *role, struct bh_err *err)
{
	char *path;
	int rc;

	bh_log_role(role);
	conf_log_level(conf);
	if (strcmp(conf->log_file, "-") == 0)
		return 0;
	if (*conf->log_file != '\0') {
		path = bh_xstrdup(conf->log_file);
	} else {
		/* A directory that was restored, or cleaned, has none; opening says what is wrong else. */
		path = conf_path(conf, "log");
		(void)mkdir(path, 0700);
		free(path);
		path = conf_path(conf, "log/billhook.log");
	}
	rc = bh_log_file(path, err);
	free(path);
	return rc;
}
