/* WATERMARK FOR … AS …: the node that makes a table's watermarks, and the table options that go
 * with it. */
#include "planner/bind/bind.h"

#include <string.h>

#include "core/str.h"

static const char align_group[] = "scan.watermark.alignment.group";
static const char align_drift[] = "scan.watermark.alignment.max-drift";
static const char align_interval[] = "scan.watermark.alignment.update-interval";

static const OptionSpec specs[] = {
    {.name = align_group,
     .type = OPTION_TEXT,
     .doc = "Tables of one group wait for each other: one that is too far ahead pauses."},
    {.name = align_drift,
     .type = OPTION_DURATION,
     .doc = "How far the table may be ahead of the slowest of its group; needed with a group."},
    {.name = align_interval,
     .type = OPTION_DURATION,
     .fallback = "1 s",
     .doc = "How often a table looks how far the others of its group are."},
    {.name = "scan.watermark.bad-rowtime",
     .type = OPTION_ENUM,
     .values = "FAIL|DROP",
     .doc = "What a row without usable event time does: end the job, or be a late row; default: "
            "table.exec.source.bad-rowtime."},
    {.name = "scan.watermark.emit.strategy",
     .type = OPTION_ENUM,
     .values = "on-periodic|on-event",
     .fallback = "on-periodic",
     .doc = "Whether the watermark moves every pipeline.auto-watermark-interval or with each row."},
    {.name = "scan.watermark.idle-timeout",
     .type = OPTION_DURATION,
     .doc = "After this long without a row others do not wait for the table's watermark; default: "
            "table.exec.source.idle-timeout."},
    {.name = "scan.watermark.max-ahead",
     .type = OPTION_DURATION,
     .doc = "An event time further ahead of the clock is not usable; default: any is."},
    {.name = NULL},
};

const OptionSpec *watermark_option_specs(void)
{
    return specs;
}

bool watermark_is_from_source(const AstExpr *watermark)
{
    return watermark->kind == AST_CALL && watermark->arg_count == 0 &&
           text_equal_nocase(watermark->function, "SOURCE_WATERMARK");
}

bool watermark_check_options(const Options *options, Error *error)
{
    const Option *named = options_find(options, align_group);
    const Option *far = options_find(options, align_drift);
    const Option *often = options_find(options, align_interval);
    const Option *given = named != NULL ? named : far != NULL ? far : often;
    if (given == NULL || (named != NULL && far != NULL))
        return true;
    error_set(error, ERROR_OPTION, "option \"%s\" needs \"%s\"", given->key,
              named == NULL ? align_group : align_drift);
    option_error_at(given, error);
    return error_hint(error, "Tables of one group wait for each other when one is ahead by more "
                             "than max-drift.");
}

static void set_alignment(const Options *options, PlanWatermark *out)
{
    const Option *named = options_find(options, align_group);
    if (named == NULL)
        return;
    out->align_group = named->value;
    out->align_drift_ms = option_duration_ms(options, specs, align_drift);
    out->align_interval_ms = option_duration_ms(options, specs, align_interval);
}

/* The emission part of the node, from table options and configuration. */
static void set_emission(const PlannerConfig *config, const Options *options, PlanWatermark *out)
{
    const char *idle = "scan.watermark.idle-timeout", *ahead = "scan.watermark.max-ahead";
    const char *bad = "scan.watermark.bad-rowtime";
    bool on_event =
        text_equal_nocase(option_text(options, specs, "scan.watermark.emit.strategy"), "on-event");
    out->interval_ms = on_event ? 0 : config->watermark_interval_ms;
    out->idle_ms = options_find(options, idle) != NULL ? option_duration_ms(options, specs, idle)
                                                       : config->source_idle_ms;
    out->drops_bad = options_find(options, bad) != NULL
                         ? text_equal_nocase(option_text(options, specs, bad), "DROP")
                         : config->drops_bad_rowtime;
    out->max_ahead_ms =
        options_find(options, ahead) != NULL ? option_duration_ms(options, specs, ahead) : -1;
}

LogicalNode *bind_watermark(Binder *binder, const PlanTable *table, LogicalNode *input,
                            AstPlace place, Error *error)
{
    const PlannerContext *context = binder->context;
    const TableDef *def = table->def;
    if (def->watermark_column < 0)
        return input;
    LogicalNode *node = logical_new_unary(context->arena, "watermark", input->schema, input, place);
    node->watermark.table = table->info.name;
    node->watermark.rowtime = (uint32_t)def->watermark_column;
    set_emission(context->config, table->info.options, &node->watermark);
    set_alignment(table->info.options, &node->watermark);
    if (!watermark_check_options(table->info.options, error)) {
        error_prefix(error, "table \"%s\": ", table->info.name);
        return NULL;
    }
    if (watermark_is_from_source(def->watermark))
        return node;
    Scope scope;
    scope_of_node(context->arena, input, NULL, &scope);
    const Expr *expr = bind_table_expr(binder, &scope, def->watermark, "WATERMARK", error);
    if (expr == NULL) {
        error_prefix(error, "table \"%s\": ", table->info.name);
        return NULL;
    }
    node->watermark.watermark = expr;
    return node;
}
