/* show.h -- what the commands that read share: opening, JSON, tables for people. */
#ifndef CMD_SHOW_H
#define CMD_SHOW_H

#include <stdio.h>

#include "cmd/cmd.h"
#include "db/db.h"
#include "net/json.h"

/* The largest answer that is read. */
#define SHOW_MAX ((size_t)256 << 20)

/* Connects and checks the schema's version. NULL: it said why, and *ret_exit is the exit code. */
struct db *show_open(const struct conf *c, const char *command, int *ret_exit) OWNS(db_close);

/* Where a command's answer becomes text for people. */
typedef void show_print(const struct json *root, FILE *to);
/* Prints the JSON as it is with --json, else by print. Answers the exit code. */
int show_answer(const struct conf *c, const char *command, const struct str *json,
                show_print *print);

/* Who is at the keyboard, for the audit. */
const char *show_who(void);

/* A table is filled cell by cell, in rows of as many cells as it has heads, and printed aligned. */
struct table;
void table_free(struct table *t);
void table_freep(struct table **t);
struct table *table_new(const char *const heads[], size_t n) OWNS(table_free);
void table_text(struct table *t, const char *text); /* NULL: "-" */
/* Any value: lists are joined by commas, null is "-", yes or no, … */
void table_value(struct table *t, const struct json *v);
/* A time from the database, to the second. */
void table_time(struct table *t, const struct json *v);
/* Nothing at all if there is no row: then if_empty, a sentence. */
void table_print(const struct table *t, const char *if_empty, FILE *to);

/* One line: control characters and line ends become blanks. */
void show_line(FILE *to, const char *text);
void show_linen(FILE *to, const char *text, size_t n);
/* "2026-01-02T03:04:05.678901Z" in Unix microseconds; false for null or anything else. */
bool show_parse_time(const struct json *v, int64_t *ret_us);
/* "0.23 s" between two times; "-" unless both are known. Static per thread. */
const char *show_duration(const struct json *from, const struct json *to);
/* "1,234 bytes", "12.3 KiB". Static per thread. */
const char *show_size(const struct json *v);

#endif
