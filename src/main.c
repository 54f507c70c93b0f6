/*
 * The program.  Its role comes from GATEWAY_INTERFACE (a CGI request), from
 * the arguments (a verb), or from a FastCGI listening socket on descriptor 0
 * (a web server started us).
 */
#include "base/base.h"

#include <sys/file.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <unistd.h>

#include "base/log.h"
#include "base/proc.h"
#include "base/text.h"
#include "cli/cli.h"
#include "conf/conf.h"
#include "conf/mode.h"
#include "run/supervisor.h"
#include "web/front.h"

/* The front pool of `billhook serve`, on the socket that a service manager made, or on its own. */
static int
serve_socket(const struct conf *conf)
{
	struct bh_err err = BH_ERR_INIT;
	struct front_options options = {.conf = conf,
	    .processes = (int)conf->front_processes,
	    .start = supervisor_start,
	    .start_briefly = supervisor_start_keeper,
	    .leave = supervisor_leave};
	char *path = conf_path(conf, "run/front.sock");
	int status = 1;

	options.listen_fd = front_inherited();
	if (options.listen_fd < 0)
		options.listen_fd = front_listen(path, 0600, &err);
	if (options.listen_fd < 0)
		bh_log(BH_ERROR, "%s", err.text);
	else
		status = front_run(&options);
	free(path);
	return status;
}

/* Without a pool of our own, or where none may stay, somebody still has to take in what relays spooled. */
static int
serve_front(const struct conf *conf)
{
	return conf->front_processes > 0 && mode_of(conf) != MODE_CRON ? serve_socket(conf)
								       : front_import(conf);
}

/*
 * How many processes answer on the web server's socket.  One under mod_fcgid,
 * which makes as many of us as it wants; it is known by the name that its
 * handler goes by, *.fcgi.
 */
static int
web_processes(const struct conf *conf, const char *name)
{
	if (conf->front_processes < 1 || mode_of(conf) == MODE_CRON || bh_has_suffix(name, ".fcgi"))
		return 1;
	return (int)conf->front_processes;
}

static bool
has_file(const struct conf *conf, const char *name)
{
	char *path = conf_path(conf, name);
	bool is_there = access(path, F_OK) == 0;

	free(path);
	return is_there;
}

/*
 * Who has no terminal has unpacked the program and made a directory, no more: when it is there and
 * holds neither key nor store it is made ready, one process at a time.  One that has either is left as it is:
 * a new key would not open what the old one sealed.
 */
static int
make_ready(const struct conf *conf, struct bh_err *err)
{
	int fd, rc = 0;

	if (has_file(conf, "key") || has_file(conf, "db"))
		return 0;
	fd = open(conf->data_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return 0; /* opening the log tells */
	if (flock(fd, LOCK_EX) < 0 || fchmod(fd, 0700) < 0)
		rc = bh_fail_errno(err, BH_STORAGE, "cannot take %s", conf->data_dir);
	else if (!has_file(conf, "key") && !has_file(conf, "db"))
		rc = cli_make_dir(conf, err) < 0 ? -1 : 0;
	close(fd);
	return rc;
}

/* A web server started us: with a socket to serve, or for one request. */
static int
serve_web(bool fastcgi, const char *name)
{
	struct bh_err err = BH_ERR_INIT;
	struct front_options options = {.listen_fd = STDIN_FILENO,
	    .start = supervisor_start,
	    .start_briefly = supervisor_start_keeper,
	    .leave = supervisor_leave};
	char *dir = conf_find_dir(NULL);
	struct conf conf;
	int status = 1;

	if (conf_load(dir, &conf, &err) < 0 || make_ready(&conf, &err) < 0 ||
	    conf_open_log(&conf, "front", &err) < 0)
		bh_log(BH_ERROR, "%s", err.text);
	options.conf = &conf;
	options.processes = web_processes(&conf, name);
	if (err.code == BH_OK)
		status = fastcgi ? front_run(&options) : front_cgi(&options);
	conf_release(&conf);
	free(dir);
	return status;
}

int
main(int argc, char **argv)
{
	struct cli_parts parts = {.front = serve_front, .spool = front_import};
	const char *name = argc > 0 ? argv[0] : "";

	bh_proc_init();
	/* First of all: a CGI request's arguments come from its query string (RFC 3875, 4.4), and are no verbs. */
	if (getenv("GATEWAY_INTERFACE") != NULL)
		return serve_web(front_is_listening(STDIN_FILENO), name);
	if (argc > 1 && cli_is_verb(argv[1]))
		return cli_main(argc, argv, &parts);
	if (front_is_listening(STDIN_FILENO))
		return serve_web(true, name);
	return cli_main(argc, argv, &parts);
}
