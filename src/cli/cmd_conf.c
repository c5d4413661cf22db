/* check, dump-config, reload: the configuration. */
#include <stdlib.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/render.h"
#include "core/conf.h"
#include "lib/log.h"
#include "lib/xalloc.h"

static int check_exec(struct cli *cli);
static int dump_exec(struct cli *cli);
static int reload_exec(struct cli *cli);

const struct cmd cmd_check = {
	.name = "check",
	.args = "[FILE]",
	.brief = "Check a configuration without applying it",
	.help = "Prints every error; exit 2 when the file would be refused.\n"
	    "Needs no daemon.\n",
	.max = 1,
	.exec = check_exec,
};

const struct cmd cmd_dump_config = {
	.name = "dump-config",
	.args = "",
	.brief = "Print the effective value of every key in the files",
	.help = "As a configuration file, or with --json as JSON.  Needs no "
	    "daemon.\n",
	.exec = dump_exec,
};

const struct cmd cmd_reload = {
	.name = "reload",
	.args = "[--dry-run] [NAME...]",
	.brief = "Read the configuration again and apply what changed",
	.help = "      --dry-run   only print what would be done\n"
	    "A configuration with an error changes nothing (exit 2).  With "
	    "NAME, only\nthose programs are changed.\n",
	.opts = CMD_OPT(OPT_DRY_RUN),
	.max = -1,
	.exec = reload_exec,
};

/* Loads the file of CLI and prints what there is to say about it.  NULL: it
 * is refused, and that is said. */
static struct config *
load(struct cli *cli)
{
	struct config *conf = NULL;
	struct conf_msgs msgs = {0};
	size_t i;

	if (config_load(cli_file(cli), cli_host(), &conf, &msgs) == -1)
		conf = NULL;
	for (i = 0; i < msgs.n; i++)
		cli_say_config(&msgs.v[i]);
	if (msgs.suppressed > 0)
		log_warnx("%s: %zu more messages are not shown",
		    cli_file(cli), msgs.suppressed);
	if (conf == NULL)
		log_warnx("%s: refused (%zu error%s)", cli_file(cli),
		    msgs.errors, msgs.errors == 1 ? "" : "s");
	conf_msgs_clear(&msgs);
	return conf;
}

static int
compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* How many [program:x] there are. */
static size_t
count_programs(const struct config *conf)
{
	char **names = xcalloc(conf->nprocs, sizeof *names);
	size_t i, n = 0;

	for (i = 0; i < conf->nprocs; i++)
		names[i] = conf->procs[i].program;
	qsort(names, conf->nprocs, sizeof *names, compare);
	for (i = 0; i < conf->nprocs; i++)
		if (i == 0 || strcmp(names[i], names[i - 1]) != 0)
			n++;
	free(names);
	return n;
}

static int
check_exec(struct cli *cli)
{
	struct buf out = BUF_INIT;
	struct config *conf;
	size_t n;

	if (cli->nnames > 0)
		cli->opt[OPT_CONFIG] = cli->names[0];
	conf = load(cli);
	if (conf == NULL)
		return CLI_USAGE;
	n = count_programs(conf);
	render_text(&out, cli->opt[OPT_CONFIG] != NULL ?
	    cli->opt[OPT_CONFIG] : cli_file(cli));
	buf_addf(&out, ": ok (%zu program%s, %zu process%s)\n", n,
	    n == 1 ? "" : "s", conf->nprocs, conf->nprocs == 1 ? "" : "es");
	cli_print(&out);
	config_free(conf);
	return CLI_OK;
}

static int
dump_exec(struct cli *cli)
{
	struct config *conf = load(cli);
	struct buf out = BUF_INIT;

	if (conf == NULL)
		return CLI_USAGE;
	if (cli->opt[OPT_JSON] != NULL)
		config_dump_json(conf, &out);
	else
		config_dump_ini(conf, &out);
	if (buf_len(&out) > 0 && out.data[out.end - 1] != '\n')
		buf_addc(&out, '\n');
	cli_print(&out);
	config_free(conf);
	return CLI_OK;
}

static void
add_list(const json_t *list, const char *what, struct buf *out)
{
	json_t *v;
	size_t i;

	json_array_foreach(list, i, v) {
		buf_addf(out, "%s: ", what);
		render_text(out, json_is_string(v) ? json_string_value(v) :
		    "?");
		buf_addc(out, '\n');
	}
}

/* "changed: web (keys command, user): restart" */
static void
add_changed(const json_t *change, struct buf *out)
{
	const json_t *keys = json_object_get(change, "keys");
	const char *name = reply_str(change, "name");
	const char *action = reply_str(change, "action");
	const char *sep = " (keys ";
	json_t *key;
	size_t i;

	buf_adds(out, "changed: ");
	render_text(out, name != NULL ? name : "?");
	json_array_foreach(keys, i, key) {
		buf_adds(out, sep);
		render_text(out, json_is_string(key) ?
		    json_string_value(key) : "?");
		sep = ", ";
	}
	if (*sep == ',')
		buf_addc(out, ')');
	buf_adds(out, ": ");
	render_text(out, action != NULL ? action : "?");
	buf_addc(out, '\n');
}

static void
add_plan(const json_t *plan, struct buf *out)
{
	json_t *list = json_object_get(plan, "changed"), *v;
	size_t i;

	add_list(json_object_get(plan, "added"), "added", out);
	add_list(json_object_get(plan, "removed"), "removed", out);
	json_array_foreach(list, i, v)
		add_changed(v, out);
	buf_addf(out, "unchanged: %.0f\n", reply_num(plan, "unchanged", 0));
}

static int
reload_exec(struct cli *cli)
{
	struct buf params = BUF_INIT, out = BUF_INIT;
	struct reply reply;
	int rc;

	buf_addf(&params, "{\"dry_run\":%s",
	    cli->opt[OPT_DRY_RUN] != NULL ? "true" : "false");
	if (cli->nnames > 0) {
		buf_addc(&params, ',');
		cli_add_names(cli, 0, &params);
	}
	buf_addc(&params, ',');
	cli_add_id(&params);
	buf_addc(&params, '}');
	rc = cli_ask(cli, "reload", &params, &reply);
	buf_clear(&params);
	if (rc != CLI_OK)
		return rc;
	cli_say_list(json_object_get(reply.result, "warnings"), true);
	if (cli->opt[OPT_JSON] == NULL) {
		add_plan(reply.result, &out);
		cli_print(&out);
	}
	reply_clear(&reply);
	return CLI_OK;
}
