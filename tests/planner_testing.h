/* Planning as text: a script goes in, the plan (or the error, with the words it points at) comes
 * out.
 *
 * The connectors are fakes that the tests shape by options, so that every stream property can be
 * had and nothing else of Weir is needed: `source` gives the kinds its option says, `sink` takes
 * those its option says. A test that includes this file has connector_find and format_find in place
 * of the library's. */
#ifndef TESTS_PLANNER_TESTING_H
#define TESTS_PLANNER_TESTING_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/str.h"
#include "parser/parser.h"
#include "planner/planner.h"

static ChangeKinds fake_kinds(const char *text)
{
    if (text_equal_nocase(text, "upsert"))
        return CHANGES_UPSERT;
    if (text_equal_nocase(text, "all"))
        return CHANGES_ALL;
    return CHANGES_INSERT_ONLY;
}

static const OptionSpec fake_source_options[] = {
    {.name = "kinds", .type = OPTION_ENUM, .values = "insert|upsert|all", .fallback = "insert"},
    {.name = "bounded", .type = OPTION_BOOLEAN, .fallback = "false"},
    {.name = "path", .type = OPTION_TEXT},
    {.name = "password", .type = OPTION_SECRET},
    {.name = NULL}};

static ChangeKinds fake_source_kinds(const TableInfo *table)
{
    return fake_kinds(option_text(table->options, fake_source_options, "kinds"));
}

static bool fake_source_bounded(const TableInfo *table)
{
    return option_boolean(table->options, fake_source_options, "bounded");
}

static const MetadataColumn fake_metadata[] = {{"op_ts", &type_timestamp_ltz_3, "when it happened"},
                                               {"table_name", &type_string, "where"},
                                               {NULL, NULL, NULL}};

/* Only that they are there is looked at. */
static const SourceClass fake_source_class = {.open = NULL};
static const SinkClass fake_sink_class = {.open = NULL};

static const OptionSpec fake_sink_options[] = {
    {.name = "takes", .type = OPTION_ENUM, .values = "insert|upsert|all", .fallback = "all"},
    {.name = "instances", .type = OPTION_INTEGER, .fallback = "1"},
    {.name = NULL}};

static ChangeKinds fake_sink_kinds(const TableInfo *table)
{
    return fake_kinds(option_text(table->options, fake_sink_options, "takes"));
}

static const Connector fake_source = {.name = "source",
                                      .options = fake_source_options,
                                      .metadata = fake_metadata,
                                      .source = &fake_source_class,
                                      .source_kinds = fake_source_kinds,
                                      .is_bounded = fake_source_bounded,
                                      .source_parallelism = 1};
static const Connector fake_sink = {.name = "sink",
                                    .options = fake_sink_options,
                                    .sink = &fake_sink_class,
                                    .sink_kinds = fake_sink_kinds,
                                    .sink_parallelism = 1};
static const Connector fake_spread = {.name = "spread",
                                      .options = fake_sink_options,
                                      .sink = &fake_sink_class,
                                      .sink_kinds = fake_sink_kinds};
static const Connector fake_files = {.name = "files",
                                     .options = fake_source_options,
                                     .takes_format = true,
                                     .source = &fake_source_class};

static const Connector *const fake_connectors[] = {&fake_source, &fake_sink, &fake_spread,
                                                   &fake_files};

const Connector *connector_at(uint32_t index)
{
    return index < array_count(fake_connectors) ? fake_connectors[index] : NULL;
}

const Connector *connector_find(const char *name, Error *error)
{
    const char *names[array_count(fake_connectors)];
    for (uint32_t i = 0; i < array_count(fake_connectors); i++) {
        names[i] = fake_connectors[i]->name;
        if (strcmp(names[i], name) == 0)
            return fake_connectors[i];
    }
    error_set(error, ERROR_NAME, "connector \"%s\" does not exist", name);
    const char *near = str_nearest(name, names, array_count(names));
    if (near != NULL)
        error_hint(error, "Did you mean \"%s\"?", near);
    return NULL;
}

static const OptionSpec fake_format_options[] = {
    {.name = "lines.separator", .type = OPTION_TEXT, .fallback = ","}, {.name = NULL}};
static const Format fake_format = {.name = "lines", .options = fake_format_options};

const Format *format_at(uint32_t index)
{
    return index == 0 ? &fake_format : NULL;
}

const Format *format_find(const char *name, Error *error)
{
    if (strcmp(name, "lines") == 0)
        return &fake_format;
    error_set(error, ERROR_NAME, "format \"%s\" does not exist", name);
    return NULL;
}

/* ------------------------------------------------------------------- running */

static PlannerConfig fake_config(void)
{
    return (PlannerConfig){.zone = time_zone_utc(),
                           .require_on_conflict = true,
                           .upsert_materialize = "AUTO",
                           .max_parallelism = 128,
                           .clock = &clock_system};
}

typedef enum Shown {
    SHOW_PLAN,
    SHOW_CHANGELOG,
    SHOW_TRAITS, /* a line per node: its kinds and keys */
    SHOW_JSON,
    SHOW_SCHEMA,
    SHOW_UIDS
} Shown;

static void print_failure(const Error *error, Str script, Buffer *out)
{
    buffer_printf(out, "%s: %s\n", error_code_name(error->code), error->message);
    if (error->detail[0] != '\0')
        buffer_printf(out, "detail: %s\n", error->detail);
    if (error->hint[0] != '\0')
        buffer_printf(out, "hint: %s\n", error->hint);
    if (error->sql_offset < 0 || (size_t)error->sql_offset > script.length)
        return;
    size_t left = script.length - (size_t)error->sql_offset;
    size_t length = error->sql_length > 40 ? 40 : (size_t)error->sql_length;
    buffer_printf(out, "at: %.*s\n", (int)(length < left ? length : left),
                  script.data + error->sql_offset);
}

static void print_keys(const PlanNode *node, const char *what, const ColumnSet *keys,
                       uint32_t count, Buffer *out)
{
    for (uint32_t k = 0; k < count; k++) {
        buffer_printf(out, " %s(", what);
        for (uint32_t i = 0; i < keys[k].count; i++)
            buffer_printf(out, "%s%s", i == 0 ? "" : " ",
                          node->schema->columns[keys[k].columns[i]].name);
        buffer_append_char(out, ')');
    }
}

static void print_traits(const PlanNode *node, Buffer *out)
{
    static const char *const names[] = {"I", "UB", "UA", "D"};
    buffer_printf(out, "%s", node->op);
    for (uint8_t kind = 0; kind < 4; kind++)
        if ((node->traits.kinds & CHANGES_OF(kind)) != 0)
            buffer_printf(out, " %s", names[kind]);
    print_keys(node, "upsert", node->traits.upsert_keys, node->traits.upsert_key_count, out);
    print_keys(node, "unique", node->traits.unique_keys, node->traits.unique_key_count, out);
    if (node->traits.rowtime >= 0)
        buffer_printf(out, " rowtime(%s)", node->schema->columns[node->traits.rowtime].name);
    buffer_append_text(out, node->traits.folds ? " folds\n" : "\n");
}

static void print_plan(const Plan *plan, Shown shown, Buffer *out)
{
    const PlanNode *last = plan->nodes[plan->node_count - 1];
    if (shown == SHOW_JSON) {
        plan_print_json(plan, out);
    } else if (shown == SHOW_TRAITS) {
        for (uint32_t i = 0; i < plan->node_count; i++)
            print_traits(plan->nodes[i], out);
    } else if (shown == SHOW_UIDS) {
        for (uint32_t i = 0; i < plan->node_count; i++)
            buffer_printf(out, "%s\n", plan->nodes[i]->uid);
    } else if (shown == SHOW_SCHEMA) {
        for (uint32_t i = 0; i < last->schema->column_count; i++) {
            buffer_printf(out, "%s ", last->schema->columns[i].name);
            type_print(last->schema->columns[i].type, out);
            buffer_append_char(out, '\n');
        }
    } else {
        Buffer text = {0};
        plan_explain(plan, shown == SHOW_CHANGELOG, &text);
        /* The heading is the same everywhere. */
        const char *body = strchr(buffer_text(&text), '\n') + 1;
        buffer_append_text(out, body);
        buffer_deinit(&text);
    }
}

/* Runs every statement of the script; what queries, inserts and errors give is appended. Each
 * statement's tree is freed at once, and a plan is printed after the catalog has gone: whoever
 * borrowed from either is caught by the sanitizer. */
static void run_script(const char *text, const PlannerConfig *config, Shown shown, Buffer *out)
{
    Str script = str_of(text);
    Catalog *catalog = catalog_new();
    Plan *plans[64];
    uint32_t plan_count = 0;
    size_t offset = 0, start = 0, end = 0;
    bool incomplete = false;
    while (parser_next_statement(script, &offset, &start, &end, &incomplete) || incomplete) {
        if (incomplete) {
            end = script.length;
            offset = end;
        }
        incomplete = false;
        Error error;
        error_clear(&error);
        Arena *arena = arena_new(4096);
        const AstStatement *statement = parser_parse(script, start, end, arena, &error);
        bool ok = statement != NULL;
        bool is_plan =
            ok && (statement->kind == AST_STATEMENT_QUERY ||
                   statement->kind == AST_STATEMENT_INSERT || statement->kind == AST_STATEMENT_SET);
        if (is_plan && plan_count < array_count(plans)) {
            plans[plan_count] = planner_plan(catalog, statement, script, config, &error);
            ok = plans[plan_count] != NULL;
            plan_count += ok ? 1 : 0;
        } else if (ok) {
            ok = catalog_apply(catalog, statement, script, config, &error);
        }
        if (!ok)
            print_failure(&error, script, out);
        arena_free(arena);
        if (offset >= script.length)
            break;
    }
    catalog_free(catalog);
    for (uint32_t i = 0; i < plan_count; i++) {
        print_plan(plans[i], shown, out);
        plan_free(plans[i]);
    }
}

/* Compares line by line, so that a difference is easy to see. */
static void expect_text(const char *label, Buffer *got, const char *expected)
{
    const char *text = buffer_text(got);
    if (strcmp(text, expected) != 0)
        ck_abort_msg("%s\n--- expected\n%s--- got\n%s", label, expected, text);
}

#endif
