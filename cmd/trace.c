/* trace.c -- millrace trace: what happened to an upload, from arrival to results. */
#include <inttypes.h>
#include <string.h>

#include "cmd/show.h"
#include "queue/look.h"
#include "base/banned.h"

#define TAIL_LINES 5

static const char *
text_of(const struct json *object, const char *key)
{
	const char *text = json_text(json_get(object, key));
	return text ? text : "-";
}

/* "  label: text", or nothing. */
static void
print_note(const char *indent, const char *label, const struct json *v, FILE *to)
{
	if (!json_text(v))
		return;
	fprintf(to, "%s%s: ", indent, label);
	show_line(to, json_text(v));
	fputc('\n', to);
}

static void
print_upload(const struct json *root, FILE *to)
{
	const struct json *u = json_get(root, "upload");
	const struct json *received = json_get(u, "received_at");
	const char *type = json_text(json_get(u, "sniffed_type"));
	fprintf(to, "%s  %s  ", text_of(root, "trace_id"), text_of(u, "state"));
	show_line(to, text_of(u, "bucket"));
	fputc('/', to);
	show_line(to, text_of(u, "key"));
	fprintf(to, "\n  %s, ", show_size(json_get(u, "size")));
	show_line(to, type ? type : text_of(u, "content_type"));
	fprintf(to, "; received %.19sZ by %s", text_of(u, "received_at"), text_of(u, "source"));
	if (json_text(json_get(u, "routed_at")))
		fprintf(to, "; routed after %s", show_duration(received, json_get(u, "routed_at")));
	if (json_text(json_get(u, "finished_at")))
		fprintf(to, "; final after %s",
		        show_duration(received, json_get(u, "finished_at")));
	fputc('\n', to);
	print_note("  ", "rule", json_get(u, "rule"), to);
	print_note("  ", "reason", json_get(u, "reason"), to);
	print_note("  ", "detail", json_get(u, "detail"), to);
}

/* The last lines of what the handler wrote to stderr. */
static void
print_tail(const char *tail, FILE *to)
{
	size_t n = strlen(tail);
	while (n > 0 && tail[n - 1] == '\n')
		n--;
	size_t start = n;
	for (int lines = 0; start > 0; start--)
		if (tail[start - 1] == '\n' && ++lines == TAIL_LINES)
			break;
	while (start < n) {
		size_t length = strcspn(tail + start, "\n");
		fputs("         | ", to);
		show_linen(to, tail + start, length);
		fputc('\n', to);
		start += length + 1;
	}
}

static void
print_attempt(const struct json *a, FILE *to)
{
	int64_t number = 0;
	const char *outcome = json_text(json_get(a, "outcome"));
	if (!json_int(json_get(a, "attempt"), &number))
		number = 0;
	fprintf(to, "      %" PRId64 "  %-11s  %s  started %.19sZ  took %s\n", number,
	        outcome ? outcome : "running", text_of(a, "worker"), text_of(a, "started_at"),
	        show_duration(json_get(a, "started_at"), json_get(a, "finished_at")));
	if (!json_text(json_get(a, "error")))
		return;
	fprintf(to, "         %s: ", text_of(a, "error_class"));
	show_line(to, text_of(a, "error"));
	fputc('\n', to);
	if (json_text(json_get(a, "tail")))
		print_tail(json_text(json_get(a, "tail")), to);
}

static void
print_job(const struct json *j, int width, FILE *to)
{
	const struct json *attempts = json_get(j, "attempts"), *outputs = json_get(j, "outputs");
	fprintf(to, "  %-*s  %s%s\n", width, text_of(j, "step"), text_of(j, "state"),
	        json_bool(json_get(j, "required"), true) ? "" : "  (optional)");
	print_note("      ", "reason", json_get(j, "reason"), to);
	print_note("      ", "due", json_get(j, "due_at"), to);
	for (size_t i = 0; i < json_count(attempts); i++)
		print_attempt(json_at(attempts, i), to);
	for (size_t i = 0; i < json_count(outputs); i++) {
		const struct json *o = json_at(outputs, i);
		fputs("      -> ", to);
		show_line(to, text_of(o, "uri"));
		fprintf(to, "  %s\n", show_size(json_get(o, "size")));
	}
}

static void
print_trace(const struct json *root, FILE *to)
{
	const struct json *jobs = json_get(root, "jobs");
	int width = 0;
	print_upload(root, to);
	for (size_t i = 0; i < json_count(jobs); i++) {
		int n = (int)strlen(text_of(json_at(jobs, i), "step"));
		width = n > width ? n : width;
	}
	for (size_t i = 0; i < json_count(jobs); i++)
		print_job(json_at(jobs, i), width, to);
}

int
cmd_trace(const struct conf *c)
{
	struct fault f = { 0 };
	int exit_code = EXIT_DONE;
	if (conf_args(c) != 1)
		return cmd_usage(CMD_TRACE, "it takes one trace ID");
	CLEANUP(db_closep) struct db *db = show_open(c, "trace", &exit_code);
	if (!db)
		return exit_code;
	struct str json = STR_INIT(SHOW_MAX);
	exit_code = look_trace(db, conf_arg(c, 0), &json, &f) == RC_OK
	                    ? show_answer(c, "trace", &json, print_trace)
	                    : cmd_fail("trace", &f);
	str_free(&json);
	return exit_code;
}
