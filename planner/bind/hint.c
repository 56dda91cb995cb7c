/* Hints behind SELECT: STATE_TTL('table' = '1 d', …), how long state of each input lives, and
 * LATE_ROWS('table' = 'name'), where what comes too late for this SELECT and those in it goes.
 *
 * An input is known by its alias, else its table's or view's name, and belongs to the SELECT the
 * hint stands in: to the side of a join whose rows come from it directly, and, when FROM is that
 * input alone, to all that the SELECT itself keeps (groups, DISTINCT). The rest takes
 * table.exec.state.ttl. Of two hints for one input the last counts. */
#include <string.h>

#include "core/str.h"
#include "planner/lookup.h"

static const char *input_name(const AstTable *table)
{
    if (table->alias != NULL)
        return table->alias;
    if (table->kind == AST_TABLE_NAME && table->name.part_count != 0)
        return table->name.parts[table->name.part_count - 1];
    return NULL;
}

int64_t bind_state_ttl(const Binder *binder, const AstTable *table)
{
    const char *name = table == NULL ? NULL : input_name(table);
    int64_t ttl_ms = 0;
    for (uint32_t i = 0; name != NULL && i < binder->hint_count; i++) {
        if (strcmp(binder->hints[i].name, "STATE_TTL") != 0)
            continue;
        const Option *option = options_find(&binder->hints[i].options, name);
        if (option == NULL || !option_parse_duration_ms(option->value, &ttl_ms))
            continue;
        if (ttl_ms == 0)
            ttl_ms = STATE_TTL_NEVER;
    }
    return ttl_ms;
}

static uint32_t list_inputs(const AstTable *table, const char **names, uint32_t room)
{
    if (table == NULL || room == 0)
        return 0;
    if (table->kind == AST_TABLE_JOIN) {
        uint32_t count = list_inputs(table->left, names, room);
        return count + list_inputs(table->right, names + count, room - count);
    }
    names[0] = input_name(table);
    return names[0] == NULL ? 0 : 1;
}

#define INPUTS_MAX 256

static bool check_name(const Binder *binder, const AstHint *hint, const Option *option,
                       const char *const *names, uint32_t count, Error *error)
{
    AstPlace place = {option->sql_offset, option->sql_length};
    bool known = false;
    for (uint32_t i = 0; i < count && !known; i++)
        known = strcmp(names[i], option->key) == 0;
    if (known)
        return true;
    error_set(error, ERROR_NAME, "%s names \"%s\", which is not in FROM", hint->name, option->key);
    const char *near = str_nearest(option->key, names, count);
    if (near != NULL)
        error_hint(error, "Did you mean \"%s\"?", near);
    return bind_error_at(binder, error, place);
}

static bool check_ttl(const Binder *binder, const Option *option, Error *error)
{
    AstPlace place = {option->sql_offset, option->sql_length};
    int64_t ttl_ms;
    if (option_parse_duration_ms(option->value, &ttl_ms) && ttl_ms >= 0)
        return true;
    error_set(error, ERROR_OPTION, "\"%s\" is not a time for STATE_TTL", option->value);
    error_hint(error, "Write it as '1 d', '12 h', '30 min' or '10 s'; '0 s' keeps state for ever.");
    return bind_error_at(binder, error, place);
}

static bool check_late_rows(const Binder *binder, const AstHint *hint, Error *error)
{
    if (hint->options.count == 1 && strcmp(hint->options.items[0].key, "table") == 0)
        return true;
    error_set(error, ERROR_SYNTAX, "LATE_ROWS names one table");
    error_hint(error, "Write it as LATE_ROWS('table' = 'name').");
    return bind_error_at(binder, error, hint->place);
}

/* MULTI_JOIN, and the join hints of Flink's batch mode, which say how rows meet and change nothing
 * here: a continuous join keeps both sides and takes rows as they come. */
static bool lists_names(const AstHint *hint)
{
    static const char *const names[] = {"MULTI_JOIN", "BROADCAST", "SHUFFLE_HASH", "SHUFFLE_MERGE",
                                        "NEST_LOOP"};
    for (size_t i = 0; i < array_count(names); i++)
        if (strcmp(names[i], hint->name) == 0)
            return true;
    return false;
}

bool bind_multi_join(const Binder *binder, const AstTable *join)
{
    const char *names[INPUTS_MAX];
    uint32_t count = list_inputs(join, names, INPUTS_MAX);
    for (uint32_t i = 0; i < binder->hint_count; i++) {
        const AstHint *hint = &binder->hints[i];
        if (strcmp(hint->name, "MULTI_JOIN") != 0)
            continue;
        uint32_t named = 0;
        while (named < count && names[named] != NULL &&
               options_find(&hint->options, names[named]) != NULL)
            named++;
        if (named == count)
            return true;
    }
    return false;
}

bool bind_hints(Binder *binder, const AstSelect *select, Error *error)
{
    const char *names[INPUTS_MAX];
    uint32_t count = list_inputs(select->from, names, INPUTS_MAX);
    for (uint32_t i = 0; i < select->hint_count; i++) {
        const AstHint *hint = &select->hints[i];
        if (strcmp(hint->name, "LOOKUP") == 0) {
            if (!bind_lookup_hint(binder, hint, select->from, error))
                return false;
            continue;
        }
        if (strcmp(hint->name, "LATE_ROWS") == 0) {
            if (!check_late_rows(binder, hint, error))
                return false;
            continue;
        }
        bool is_ttl = strcmp(hint->name, "STATE_TTL") == 0;
        if (!is_ttl && !lists_names(hint)) {
            error_set(error, ERROR_UNSUPPORTED, "the hint %s is not supported here", hint->name);
            error_hint(error, "STATE_TTL('table' = '1 d'), LOOKUP, LATE_ROWS('table' = 'name') "
                              "and MULTI_JOIN(table, …) are, and OPTIONS('key' = 'value') behind "
                              "the name of a table.");
            return bind_error_at(binder, error, hint->place);
        }
        for (uint32_t k = 0; k < hint->options.count; k++)
            if (!check_name(binder, hint, &hint->options.items[k], names, count, error) ||
                (is_ttl && !check_ttl(binder, &hint->options.items[k], error)))
                return false;
    }
    binder->hints = select->hints;
    binder->hint_count = select->hint_count;
    return true;
}

void bind_apply_ttl(const Binder *binder, const AstSelect *select, LogicalNode *top,
                    const LogicalNode *from)
{
    int64_t ttl_ms = bind_state_ttl(binder, select->from);
    for (LogicalNode *node = top; ttl_ms != 0 && node != from && node->input_count == 1;
         node = node->inputs[0])
        node->hint_ttl_ms[0] = ttl_ms;
}

void bind_apply_late(const Binder *binder, const AstSelect *select, LogicalNode *top)
{
    for (uint32_t i = select->hint_count; i-- > 0;) {
        if (strcmp(select->hints[i].name, "LATE_ROWS") != 0)
            continue;
        const char *table = select->hints[i].options.items[0].value;
        table = arena_strdup(binder->context->arena, table);
        logical_mark_late(top, table);
        /* Marked in any case, so that a hint that no row can be late for is refused. */
        if (top->late_table == NULL)
            top->late_table = table;
    }
}
