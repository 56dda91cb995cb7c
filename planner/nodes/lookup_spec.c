/* How a lookup join looks rows up: the table's options and the hint LOOKUP as the plan has them.
 *
 * What was said and would have no effect is refused, naming what it goes with. */
#include <stdio.h>
#include <string.h>

#include "core/str.h"
#include "planner/lookup.h"

static bool refuse(const LogicalNode *node, Error *error, const char *key, const char *why)
{
    error_set(error, ERROR_OPTION, "option \"%s\" of table \"%s\" has no effect here", key,
              node->join.lookup->table->info.name);
    error_detail(error, "%s", why);
    return error_at(error, node->place.offset, node->place.length);
}

/* ---------------------------------------------------------------------- cache */

static PlanLookupCache cache_of(const LogicalNode *node)
{
    const PlanTable *table = node->join.lookup->table;
    const char *cache = option_text(table->info.options, lookup_options, "lookup.cache");
    if (cache == NULL)
        return table->connector->lookup != NULL ? PLAN_LOOKUP_NONE : PLAN_LOOKUP_FULL;
    return text_equal_nocase(cache, "NONE")      ? PLAN_LOOKUP_NONE
           : text_equal_nocase(cache, "PARTIAL") ? PLAN_LOOKUP_PARTIAL
                                                 : PLAN_LOOKUP_FULL;
}

static bool check_cache(const LogicalNode *node, PlanLookupCache cache, Error *error)
{
    const PlanTable *table = node->join.lookup->table;
    bool can = cache == PLAN_LOOKUP_FULL ? table->connector->lookup_by_scan
                                         : table->connector->lookup != NULL;
    if (!can) {
        error_set(error, ERROR_OPTION, "table \"%s\" cannot be looked up with lookup.cache %s",
                  table->info.name,
                  option_text(table->info.options, lookup_options, "lookup.cache"));
        error_hint(error,
                   cache == PLAN_LOOKUP_FULL
                       ? "Connector \"%s\" answers single keys only: use NONE or PARTIAL."
                       : "Connector \"%s\" does not find single keys: use FULL.",
                   table->connector->name);
        return error_at(error, node->place.offset, node->place.length);
    }
    static const struct {
        const char *prefix;
        PlanLookupCache cache;
        const char *why;
    } groups[] = {
        {"lookup.partial-cache.", PLAN_LOOKUP_PARTIAL, "It goes with 'lookup.cache' = 'PARTIAL'."},
        {"lookup.full-cache.", PLAN_LOOKUP_FULL, "It goes with 'lookup.cache' = 'FULL'."},
    };
    const Options *options = table->info.options;
    for (uint32_t i = 0; i < options->count; i++)
        for (size_t g = 0; g < array_count(groups); g++)
            if (cache != groups[g].cache &&
                strncmp(options->items[i].key, groups[g].prefix, strlen(groups[g].prefix)) == 0)
                return refuse(node, error, options->items[i].key, groups[g].why);
    return true;
}

static int64_t duration_or_0(const Options *options, const char *key)
{
    return options_find(options, key) == NULL ? 0
                                              : option_duration_ms(options, lookup_options, key);
}

static bool set_partial(const LogicalNode *node, PlanLookupJoin *out, Error *error)
{
    const PlanTable *table = node->join.lookup->table;
    const Options *options = table->info.options;
    const char *rows = "lookup.partial-cache.max-rows";
    if (options_find(options, rows) != NULL)
        out->max_rows = option_integer(options, lookup_options, rows);
    out->expire_after_write_ms = duration_or_0(options, "lookup.partial-cache.expire-after-write");
    out->expire_after_access_ms =
        duration_or_0(options, "lookup.partial-cache.expire-after-access");
    out->caches_missing =
        option_boolean(options, lookup_options, "lookup.partial-cache.cache-missing-key");
    if (out->max_rows != 0 || out->expire_after_write_ms != 0 || out->expire_after_access_ms != 0)
        return true;
    error_set(error, ERROR_OPTION, "the PARTIAL cache of table \"%s\" has no bound",
              table->info.name);
    error_hint(error, "Give \"lookup.partial-cache.max-rows\", "
                      "\"lookup.partial-cache.expire-after-write\" or "
                      "\"lookup.partial-cache.expire-after-access\".");
    return error_at(error, node->place.offset, node->place.length);
}

/* --------------------------------------------------------------------- reload */

/* HH:MM[:SS], then nothing, Z or an offset. */
static bool parse_time_of_day(const PlannerContext *context, const char *text,
                              PlanLookupReload *out)
{
    unsigned int hours = 0, minutes = 0, seconds = 0;
    int end = 0, more = 0;
    if (sscanf(text, "%2u:%2u%n", &hours, &minutes, &end) != 2 || end != 5)
        return false;
    if (sscanf(text + end, ":%2u%n", &seconds, &more) == 1)
        end += more;
    if (hours > 23 || minutes > 59 || seconds > 59)
        return false;
    out->time_of_day_us =
        ((int64_t)hours * 3600 + (int64_t)minutes * 60 + (int64_t)seconds) * MICROS_PER_SECOND;
    out->zone = context->config->zone;
    const char *zone = text + end;
    if (*zone == '\0')
        return true;
    if (strcmp(zone, "Z") == 0)
        zone = "UTC";
    else if (*zone != '+' && *zone != '-')
        return false;
    Error ignored;
    error_clear(&ignored);
    out->zone = time_zone_open(context->arena, zone, &ignored);
    return out->zone != NULL;
}

static bool set_timed(const PlannerContext *context, const LogicalNode *node, PlanLookupReload *out,
                      Error *error)
{
    const Options *options = node->join.lookup->table->info.options;
    const char *key = "lookup.full-cache.timed-reload.iso-time";
    const char *text = option_text(options, lookup_options, key);
    out->days =
        option_integer(options, lookup_options, "lookup.full-cache.timed-reload.interval-in-days");
    if (text != NULL && parse_time_of_day(context, text, out))
        return true;
    if (text == NULL)
        error_set(error, ERROR_OPTION, "the reload strategy TIMED needs \"%s\"", key);
    else
        error_set(error, ERROR_OPTION, "option \"%s\" has a bad value: \"%s\"", key, text);
    error_hint(error, "Write a time of day such as '03:00', '03:00:30Z' or '03:00+02:00'.");
    return error_at(error, node->place.offset, node->place.length);
}

static bool set_reload(const PlannerContext *context, const LogicalNode *node,
                       PlanLookupReload *out, Error *error)
{
    const Options *options = node->join.lookup->table->info.options;
    bool timed = text_equal_nocase(
        option_text(options, lookup_options, "lookup.full-cache.reload-strategy"), "TIMED");
    const char *other =
        timed ? "lookup.full-cache.periodic-reload." : "lookup.full-cache.timed-reload.";
    for (uint32_t i = 0; i < options->count; i++)
        if (strncmp(options->items[i].key, other, strlen(other)) == 0)
            return refuse(node, error, options->items[i].key,
                          "It goes with the other 'lookup.full-cache.reload-strategy'.");
    if (timed)
        return set_timed(context, node, out, error);
    const char *mode = "lookup.full-cache.periodic-reload.schedule-mode";
    out->interval_ms = duration_or_0(options, "lookup.full-cache.periodic-reload.interval");
    out->fixed_rate = text_equal_nocase(option_text(options, lookup_options, mode), "FIXED_RATE");
    if (out->interval_ms == 0 && options_find(options, mode) != NULL)
        return refuse(node, error, mode,
                      "It goes with 'lookup.full-cache.periodic-reload.interval'.");
    return true;
}

/* ----------------------------------------------------------------------- hint */

static bool check_hint_of_full(const LogicalNode *node, Error *error)
{
    const struct LogicalLookup *lookup = node->join.lookup;
    for (uint32_t i = 0; i < lookup->hint->count; i++) {
        const char *key = lookup->hint->items[i].key;
        if (strcmp(key, "table") == 0 || strcmp(key, "shuffle") == 0)
            continue;
        error_set(error, ERROR_OPTION, "\"%s\" of the hint LOOKUP has no effect on table \"%s\"",
                  key, lookup->table->info.name);
        error_detail(error, "Its FULL cache answers at once, and always the same until it is read "
                            "again.");
        return error_at(error, lookup->hint_place.offset, lookup->hint_place.length);
    }
    return true;
}

static void apply_hint(const Options *hint, PlanLookupJoin *out)
{
    if (options_find(hint, "async") != NULL)
        out->waits = !option_boolean(hint, lookup_hint_options, "async");
    if (options_find(hint, "output-mode") != NULL)
        out->unordered = text_equal_nocase(option_text(hint, lookup_hint_options, "output-mode"),
                                           "allow_unordered");
    if (options_find(hint, "capacity") != NULL)
        out->capacity = (uint32_t)option_integer(hint, lookup_hint_options, "capacity");
    if (options_find(hint, "timeout") != NULL)
        out->timeout_ms = option_duration_ms(hint, lookup_hint_options, "timeout");
    if (options_find(hint, "max-attempts") == NULL)
        return;
    out->miss_attempts = option_integer(hint, lookup_hint_options, "max-attempts");
    out->miss_delay_ms = option_duration_ms(hint, lookup_hint_options, "fixed-delay");
}

bool lookup_set_options(const PlannerContext *context, const LogicalNode *node, PlanLookupJoin *out,
                        Error *error)
{
    const struct LogicalLookup *lookup = node->join.lookup;
    const PlannerConfig *config = context->config;
    out->cache = cache_of(node);
    if (!check_cache(node, out->cache, error))
        return false;
    out->max_retries =
        option_integer(lookup->table->info.options, lookup_options, "lookup.max-retries");
    out->capacity = config->lookup_capacity == 0 ? 100 : config->lookup_capacity;
    out->timeout_ms = config->lookup_timeout_ms;
    out->unordered = config->lookup_unordered;
    if (lookup->hint != NULL)
        apply_hint(lookup->hint, out);
    /* Rows that change keep their order. */
    out->unordered = out->unordered && node->inputs[0]->changes == CHANGE_CLASS_INSERT;
    if (out->cache == PLAN_LOOKUP_PARTIAL)
        return set_partial(node, out, error);
    if (out->cache == PLAN_LOOKUP_NONE)
        return true;
    return (lookup->hint == NULL || check_hint_of_full(node, error)) &&
           set_reload(context, node, &out->reload, error);
}

/* ---------------------------------------------------------------------- label */

static void print_cache(const PlanLookupJoin *plan, Buffer *out)
{
    if (plan->cache == PLAN_LOOKUP_NONE) {
        buffer_append_text(out, "NONE");
        return;
    }
    if (plan->cache == PLAN_LOOKUP_PARTIAL) {
        buffer_append_text(out, "PARTIAL");
        if (plan->max_rows != 0)
            buffer_printf(out, ", max-rows=%lld", (long long)plan->max_rows);
        if (plan->expire_after_write_ms != 0)
            buffer_printf(out, ", expire-after-write=%lld ms",
                          (long long)plan->expire_after_write_ms);
        if (plan->expire_after_access_ms != 0)
            buffer_printf(out, ", expire-after-access=%lld ms",
                          (long long)plan->expire_after_access_ms);
        if (!plan->caches_missing)
            buffer_append_text(out, ", found keys only");
        return;
    }
    const PlanLookupReload *reload = &plan->reload;
    buffer_append_text(out, "FULL");
    if (reload->interval_ms != 0)
        buffer_printf(out, ", reload=%s %lld ms", reload->fixed_rate ? "each" : "after",
                      (long long)reload->interval_ms);
    if (reload->days != 0)
        buffer_printf(out, ", reload=every %lld d at %02lld:%02lld:%02lld %s",
                      (long long)reload->days,
                      (long long)(reload->time_of_day_us / (3600 * MICROS_PER_SECOND)),
                      (long long)(reload->time_of_day_us / (60 * MICROS_PER_SECOND) % 60),
                      (long long)(reload->time_of_day_us / MICROS_PER_SECOND % 60),
                      time_zone_name(reload->zone));
}

void lookup_print_options(const PlanLookupJoin *plan, Buffer *out)
{
    buffer_append_text(out, ", cache=[");
    print_cache(plan, out);
    buffer_append_char(out, ']');
    if (plan->cache != PLAN_LOOKUP_FULL && plan->waits)
        buffer_append_text(out, ", async=[off]");
    else if (plan->cache != PLAN_LOOKUP_FULL)
        buffer_printf(out, ", async=[%s, %lld ms, %u]", plan->unordered ? "unordered" : "ordered",
                      (long long)plan->timeout_ms, plan->capacity);
    if (plan->miss_attempts != 0)
        buffer_printf(out, ", retry=[lookup_miss, fixed_delay, %lld ms, %lld]",
                      (long long)plan->miss_delay_ms, (long long)plan->miss_attempts);
    if (plan->keeps_answers)
        buffer_append_text(out, ", updates=[answers kept]");
}
