/* Early and late fire: when the windows of GROUP BY are given besides their end, from the session's
 * options, and what these options cannot be for. */
#include "planner/windows.h"

/* How long windows take late rows; sessions do not, for what was given of one that grows or joins
 * another would be of no window any more. */
static int64_t lateness_ms(const PlannerConfig *config, const PlanWindow *window)
{
    if (window->on_clock || window->kind == PLAN_WINDOW_SESSION)
        return 0;
    if (config->allow_lateness_ms >= 0)
        return config->allow_lateness_ms;
    return config->late_fire ? config->state_ttl_ms : 0;
}

const PlanWindowEmit *window_emit_of(const PlannerContext *context, const PlanWindow *window)
{
    const PlannerConfig *config = context->config;
    int64_t lateness = lateness_ms(config, window);
    if (config->bounded_run || window->kind == PLAN_WINDOW_SESSION ||
        (!config->early_fire && lateness == 0))
        return NULL;
    PlanWindowEmit *emit = arena_new_one(context->arena, PlanWindowEmit);
    *emit = (PlanWindowEmit){
        .early_us = config->early_fire ? config->early_fire_ms * 1000 : -1,
        .late_us = config->late_fire && !window->on_clock ? config->late_fire_ms * 1000 : -1,
        .lateness_us = lateness * 1000,
    };
    return emit;
}

static bool refuse(const LogicalNode *node, Error *error)
{
    return error_at(error, node->place.offset, node->place.length);
}

/* Windows that are given once whatever the options say. */
static bool check_kind(const LogicalNode *node, Error *error)
{
    const LogicalWindowAggregate *window = &node->window_aggregate;
    if (window->in_group_by && window->window.kind != PLAN_WINDOW_SESSION)
        return true;
    if (window->in_group_by) {
        error_set(error, ERROR_UNSUPPORTED, "SESSION is not given early or late");
        error_hint(error, "RESET 'table.exec.emit.early-fire.enabled' and "
                          "'table.exec.emit.late-fire.enabled' for this query.");
    } else {
        error_set(error, ERROR_UNSUPPORTED,
                  "windows of a function in FROM are not given early or late");
        error_hint(error, "Put TUMBLE or HOP into GROUP BY, or RESET "
                          "'table.exec.emit.early-fire.enabled' and "
                          "'table.exec.emit.late-fire.enabled'.");
    }
    return refuse(node, error);
}

static bool check_delay(const LogicalNode *node, bool enabled, int64_t delay_ms, const char *when,
                        Error *error)
{
    if (!enabled || delay_ms >= 0)
        return true;
    error_set(error, ERROR_OPTION, "'table.exec.emit.%s-fire.enabled' needs a delay", when);
    error_hint(error, "SET 'table.exec.emit.%s-fire.delay' = '10 s', or '0 s' for every row.",
               when);
    return refuse(node, error);
}

bool window_emit_check(const PlannerContext *context, const LogicalNode *node, Error *error)
{
    const PlannerConfig *config = context->config;
    const LogicalWindowAggregate *window = &node->window_aggregate;
    if (config->bounded_run)
        return true;
    bool wanted = config->early_fire || config->late_fire;
    if ((wanted && !check_kind(node, error)) ||
        !check_delay(node, config->early_fire, config->early_fire_ms, "early", error) ||
        !check_delay(node, config->late_fire, config->late_fire_ms, "late", error))
        return false;
    if (config->late_fire && !window->window.on_clock &&
        lateness_ms(config, &window->window) == 0) {
        error_set(error, ERROR_OPTION,
                  "'table.exec.emit.late-fire.enabled' needs a time for which late rows are taken");
        error_hint(error, "SET 'table.exec.emit.allow-lateness' = '1 min'.");
        return refuse(node, error);
    }
    for (uint32_t i = 0; i < window->property_count && window->emit != NULL; i++) {
        if (window->properties[i] != PLAN_WINDOW_CLOCK)
            continue;
        error_set(error, ERROR_UNSUPPORTED,
                  "a window that is given early has no one processing time");
        error_hint(error, "Leave out _PROCTIME, or RESET 'table.exec.emit.early-fire.enabled'.");
        return refuse(node, error);
    }
    return true;
}

void window_emit_print(const PlanWindowEmit *emit, Buffer *out)
{
    const char *separator = "";
    buffer_append_text(out, ", emit=[");
    if (emit->early_us >= 0) {
        buffer_printf(out, "early delay %lld ms", (long long)(emit->early_us / 1000));
        separator = ", ";
    }
    if (emit->late_us >= 0) {
        buffer_printf(out, "%slate delay %lld ms", separator, (long long)(emit->late_us / 1000));
        separator = ", ";
    }
    if (emit->lateness_us > 0)
        buffer_printf(out, "%slateness %lld ms", separator, (long long)(emit->lateness_us / 1000));
    buffer_append_char(out, ']');
}
