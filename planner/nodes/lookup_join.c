/* lookup_join: each left row with the rows that a table outside has for its key, now. It emits the
 * left side's kinds, and the left side's keys stay unique where the table's primary key is
 * compared.
 *
 * A row that is taken back must be taken back as it was given, though the table may have changed
 * since: so, over an input that updates, answers are kept by row, unless the strategy for
 * non-deterministic updates is IGNORE. */
#include <string.h>

#include "planner/lookup.h"
#include "planner/nodes/lower.h"
#include "planner/rules/rewrite.h"

extern const NodeClass node_lookup_join;

static bool same_expr(const Expr *a, const Expr *b)
{
    return a == b || (a != NULL && b != NULL && expr_equal(a, b));
}

static bool same_options(const Options *a, const Options *b)
{
    if (a == NULL || b == NULL || a->count != b->count)
        return a == b;
    for (uint32_t i = 0; i < a->count; i++) {
        const Option *other = options_find(b, a->items[i].key);
        if (other == NULL || strcmp(other->value, a->items[i].value) != 0)
            return false;
    }
    return true;
}

static bool lookup_equal(const LogicalNode *a, const LogicalNode *b)
{
    const struct LogicalLookup *x = a->join.lookup, *y = b->join.lookup;
    if (x->table != y->table || !same_options(x->hint, y->hint) ||
        (x->scan == NULL) != (y->scan == NULL))
        return false;
    if (x->scan == NULL) /* the right side is an input still */
        return node_find("join")->equal(a, b);
    if (!same_expr(x->filter, y->filter) || !schema_equal(x->right, y->right) ||
        !x->scan->class->equal(x->scan, y->scan) || !node_find("join")->equal(a, b))
        return false;
    for (uint32_t i = 0; i < x->right->column_count; i++)
        if (!expr_equal(x->projections[i], y->projections[i]))
            return false;
    return true;
}

static TimeKind lookup_time(const LogicalNode *node, uint32_t column)
{
    uint32_t left = node->inputs[0]->schema->column_count;
    return column < left ? logical_time(node->inputs[0], column) : TIME_NONE;
}

/* ----------------------------------------------------------------- predicates */

static bool comparison_of(const char *name, bool turned, LookupCompare *out)
{
    static const struct {
        const char *name;
        LookupCompare compare, turned;
    } operators[] = {
        {"=", LOOKUP_EQUAL, LOOKUP_EQUAL},  {"<>", LOOKUP_NOT_EQUAL, LOOKUP_NOT_EQUAL},
        {"<", LOOKUP_LESS, LOOKUP_GREATER}, {"<=", LOOKUP_LESS_EQUAL, LOOKUP_GREATER_EQUAL},
        {">", LOOKUP_GREATER, LOOKUP_LESS}, {">=", LOOKUP_GREATER_EQUAL, LOOKUP_LESS_EQUAL},
    };
    for (size_t i = 0; i < array_count(operators); i++)
        if (strcmp(operators[i].name, name) == 0) {
            *out = turned ? operators[i].turned : operators[i].compare;
            return true;
        }
    return false;
}

static bool same_values(const Type *a, const Type *b)
{
    return a->physical == b->physical && a->scale == b->scale &&
           type_is_string(a) == type_is_string(b) && type_is_numeric(a) == type_is_numeric(b) &&
           (a->kind == b->kind || type_is_string(a) || type_is_bytes(a));
}

/* A conjunct that compares a column of the table with a constant. */
static bool predicate_of(const Expr *expr, const Schema *schema, LookupPredicate *out)
{
    if (expr->kind != EXPR_CALL || expr->arg_count != 2 || expr->call.function == NULL)
        return false;
    bool turned = expr_is_literal(expr->args[0]);
    const Expr *column = expr->args[turned ? 1 : 0], *value = expr->args[turned ? 0 : 1];
    if (column->kind != EXPR_COLUMN || !expr_is_literal(value) || expr_is_null_literal(value) ||
        !same_values(schema->columns[column->column].type, value->type) ||
        !comparison_of(expr->call.function->name, turned, &out->compare))
        return false;
    out->column = column->column;
    out->value = value->literal;
    return true;
}

/* Fills `out` (NULL: only counts) with the predicates that `takes` allows; *equal tells that one of
 * them is an equality. */
static uint32_t find_predicates(const PlannerContext *context, const struct LogicalLookup *lookup,
                                bool (*takes)(const Type *type, bool ordered), LookupPredicate *out,
                                bool *equal)
{
    *equal = false;
    if (lookup->filter == NULL)
        return 0;
    uint32_t total = expr_count_conjuncts(lookup->filter), count = 0;
    const Expr **parts = arena_new_array(context->arena, const Expr *, total + 1);
    expr_conjuncts(lookup->filter, parts);
    for (uint32_t i = 0; i < total; i++) {
        LookupPredicate predicate;
        if (!predicate_of(parts[i], lookup->scan->schema, &predicate))
            continue;
        bool is_equal = predicate.compare == LOOKUP_EQUAL;
        const Type *type = lookup->scan->schema->columns[predicate.column].type;
        if (predicate.column >= lookup->scan->scan.column_count ||
            (takes != NULL && !takes(type, !is_equal)))
            continue;
        *equal = *equal || is_equal;
        if (out != NULL)
            out[count] = predicate;
        count++;
    }
    return count;
}

/* ----------------------------------------------------------------------- keys */

/* The table's column that a key is; -1: it is computed, or none that can be asked for. */
static int32_t asked_column(const LogicalNode *node, uint32_t key)
{
    const struct LogicalLookup *lookup = node->join.lookup;
    const Expr *expr = lookup->projections[node->join.keys[1][key]];
    const struct LookupClass *class = lookup->table->connector->lookup;
    if (expr->kind != EXPR_COLUMN || node->join.null_matches[key] ||
        expr->column >= lookup->scan->scan.column_count ||
        !class->compares(lookup->scan->schema->columns[expr->column].type, false))
        return -1;
    return (int32_t)expr->column;
}

/* A column behind a cast that the comparison needs; NULL: the key is something else. */
static const Expr *cast_column(const Expr *key)
{
    bool is_cast = key->kind == EXPR_CALL && key->arg_count == 1 &&
                   (key->call.function == NULL || strcmp(key->call.function->name, "CAST") == 0);
    return is_cast && key->args[0]->kind == EXPR_COLUMN ? key->args[0] : NULL;
}

static bool no_key(const PlannerContext *context, const LogicalNode *node, PlanLookupCache cache,
                   Error *error)
{
    const struct LogicalLookup *lookup = node->join.lookup;
    const char *table = lookup->table->info.name;
    error_set(error, ERROR_TYPE, "table \"%s\" cannot be looked up by this condition", table);
    if (node->join.key_count == 0) {
        error_detail(error, "No column of it is compared by =.");
        error_hint(error, "Add an equality to ON: a column of \"%s\" = a column of the left side.",
                   table);
        return error_at(error, node->place.offset, node->place.length);
    }
    const Expr *key = lookup->projections[node->join.keys[1][0]];
    const Type *left = node->inputs[0]->schema->columns[node->join.keys[0][0]].type;
    Buffer text = {0};
    expr_print(key, lookup->scan->schema, &text);
    const Expr *column = cast_column(key);
    if (column != NULL) {
        const Type *own = column->type;
        error_detail(error, "Its column \"%s\" is %s, and is compared with %s.",
                     lookup->scan->schema->columns[column->column].name,
                     type_text(context->arena, own), type_text(context->arena, left));
        error_hint(error,
                   "Make the left side of its type, CAST(… AS %s), or read all of the table: "
                   "'lookup.cache' = 'FULL'.",
                   type_text(context->arena, own));
    } else {
        error_detail(error, "Connector \"%s\" cannot find rows by %s (%s).",
                     lookup->table->connector->name, buffer_text(&text),
                     type_text(context->arena, left));
        error_hint(error, "Compare a plain column by =, or read all of the table: 'lookup.cache' = "
                          "'FULL'.");
    }
    buffer_deinit(&text);
    return error_at(error, node->place.offset, node->place.length);
}

static const Expr *equality(const PlannerContext *context, const LogicalNode *node, uint32_t key,
                            Error *error)
{
    uint32_t left = node->inputs[0]->schema->column_count;
    const Expr **args = arena_new_array(context->arena, const Expr *, 2);
    args[0] =
        expr_column(context->arena, node->join.keys[0][key],
                    node->inputs[0]->schema->columns[node->join.keys[0][key]].type, node->place);
    args[1] =
        expr_column(context->arena, left + node->join.keys[1][key],
                    node->join.lookup->right->columns[node->join.keys[1][key]].type, node->place);
    return expr_call(&context->site, node->join.null_matches[key] ? "IS NOT DISTINCT FROM" : "=",
                     args, 2, node->place, error);
}

/* Leaves the keys that can be asked for; the others become conditions. */
static bool narrow_keys(const PlannerContext *context, LogicalNode *node, Error *error)
{
    LogicalJoin *join = &node->join;
    const Expr **parts = arena_new_array(context->arena, const Expr *, join->key_count + 1);
    uint32_t part_count = 0, kept = 0;
    if (join->condition != NULL)
        parts[part_count++] = join->condition;
    for (uint32_t k = 0; k < join->key_count; k++) {
        if (asked_column(node, k) < 0) {
            parts[part_count] = equality(context, node, k, error);
            if (parts[part_count++] == NULL)
                return false;
            continue;
        }
        join->keys[0][kept] = join->keys[0][k];
        join->keys[1][kept] = join->keys[1][k];
        join->null_matches[kept++] = join->null_matches[k];
    }
    join->key_count = kept;
    join->condition = expr_and(&context->site, parts, part_count);
    return true;
}

static bool check_keys(const PlannerContext *context, LogicalNode *node, PlanLookupCache cache,
                       Error *error)
{
    const struct LogicalLookup *lookup = node->join.lookup;
    const struct LookupClass *class = lookup->table->connector->lookup;
    bool equal, any = false;
    bool asks = cache != PLAN_LOOKUP_FULL;
    find_predicates(context, lookup, asks ? class->compares : NULL, NULL, &equal);
    for (uint32_t k = 0; k < node->join.key_count; k++)
        any = any || !asks || asked_column(node, k) >= 0;
    if (!any && !equal)
        return no_key(context, node, cache, error);
    return !asks || narrow_keys(context, node, error);
}

/* A row that is remembered cannot have a value of its own each time it is looked at. */
static bool check_stable(const LogicalNode *node, PlanLookupCache cache, Error *error)
{
    const struct LogicalLookup *lookup = node->join.lookup;
    bool stable = lookup->filter == NULL || expr_is_deterministic(lookup->filter);
    for (uint32_t i = 0; i < lookup->right->column_count; i++)
        stable = stable && expr_is_deterministic(lookup->projections[i]);
    if (stable || cache == PLAN_LOOKUP_NONE)
        return true;
    error_set(error, ERROR_TYPE,
              "a column of table \"%s\" changes each time it is looked at, and cannot be cached",
              lookup->table->info.name);
    error_hint(error, "Compute it behind the join, or use 'lookup.cache' = 'NONE'.");
    return error_at(error, node->place.offset, node->place.length);
}

static bool check_metadata(const LogicalNode *node, PlanLookupCache cache, Error *error)
{
    const struct LogicalLookup *lookup = node->join.lookup;
    if (cache == PLAN_LOOKUP_FULL || lookup->scan->scan.metadata_count == 0)
        return true;
    error_set(error, ERROR_UNSUPPORTED, "metadata columns of table \"%s\" cannot be looked up",
              lookup->table->info.name);
    error_hint(error, "They are there with 'lookup.cache' = 'FULL'.");
    return error_at(error, node->place.offset, node->place.length);
}

/* --------------------------------------------------------------------- derive */

/* Whether a left row has one match at most: the table's primary key is compared. */
static bool has_one_match(const PlannerContext *context, const LogicalNode *node)
{
    const struct LogicalLookup *lookup = node->join.lookup;
    const TableInfo *table = &lookup->table->info;
    bool ignored;
    uint32_t count = find_predicates(context, lookup, NULL, NULL, &ignored);
    LookupPredicate *predicates = arena_new_array(context->arena, LookupPredicate, count + 1);
    find_predicates(context, lookup, NULL, predicates, &ignored);
    for (uint32_t p = 0; p < table->primary_key_count; p++) {
        bool found = false;
        for (uint32_t k = 0; k < node->join.key_count && !found; k++) {
            const Expr *key = lookup->projections[node->join.keys[1][k]];
            found = key->kind == EXPR_COLUMN && key->column < lookup->scan->scan.column_count &&
                    lookup->scan->scan.columns[key->column] == table->primary_key[p];
        }
        for (uint32_t i = 0; i < count && !found; i++)
            found = predicates[i].compare == LOOKUP_EQUAL &&
                    lookup->scan->scan.columns[predicates[i].column] == table->primary_key[p];
        if (!found)
            return false;
    }
    return table->primary_key_count != 0;
}

static bool keeps_answers(const PlannerContext *context, const LogicalNode *node)
{
    return node->inputs[0]->changes != CHANGE_CLASS_INSERT && !context->config->ignores_updates;
}

/* What rows are known by where answers are kept; NULL: by all of their columns. */
static const ColumnSet *row_key(const PlannerContext *context, const LogicalNode *node)
{
    const StreamTraits *left = &node->inputs[0]->traits;
    return keeps_answers(context, node) && left->upsert_key_count != 0 ? &left->upsert_keys[0]
                                                                       : NULL;
}

static bool wants_shuffle(const LogicalNode *node)
{
    const Options *hint = node->join.lookup->hint;
    return hint != NULL && option_boolean(hint, lookup_hint_options, "shuffle");
}

/* The columns that rows are spread over the workers by, which state belongs to; false: rows stay
 * where they are. By the rows' own key their changes keep their order. */
static bool find_spread(const PlannerContext *context, const LogicalNode *node, ColumnSet *out)
{
    const Options *hint = node->join.lookup->hint;
    const ColumnSet *key = row_key(context, node);
    if (key != NULL && key->count != 0 && !wants_shuffle(node)) {
        *out = *key;
        return true;
    }
    *out = (ColumnSet){node->join.key_count, node->join.keys[0]};
    return keeps_answers(context, node) || wants_shuffle(node) ||
           (hint != NULL && options_find(hint, "max-attempts") != NULL);
}

static void derive_keys(const PlannerContext *context, LogicalNode *node)
{
    const StreamTraits *left = &node->inputs[0]->traits;
    ColumnSet spread;
    if (!has_one_match(context, node))
        return;
    bool moves = find_spread(context, node, &spread);
    ColumnSet moved = column_set_new(context->arena, spread.columns, spread.count);
    for (uint32_t i = 0; i < left->upsert_key_count; i++)
        if (!moves || column_set_contains(left->upsert_keys[i], moved))
            traits_add_key(context->arena, &node->traits, left->upsert_keys[i]);
    for (uint32_t i = 0; i < left->unique_key_count; i++)
        traits_add_unique_key(context->arena, &node->traits, left->unique_keys[i]);
}

static bool lookup_derive(const PlannerContext *context, LogicalNode *node, Error *error)
{
    PlanLookupJoin options = {0};
    if (!lookup_set_options(context, node, &options, error) ||
        !check_stable(node, options.cache, error) || !check_metadata(node, options.cache, error) ||
        !check_keys(context, node, options.cache, error))
        return false;
    const LogicalNode *left = node->inputs[0];
    node->changes = left->changes;
    node->loose_pairs = true;
    node->parts_updates = left->changes != CHANGE_CLASS_INSERT;
    node->traits.bounded = left->traits.bounded;
    node->traits.rowtime = logical_rowtime(node);
    derive_keys(context, node);
    return true;
}

static bool lookup_needs_before(const PlannerContext *context, const LogicalNode *node,
                                uint32_t input)
{
    return true;
}

/* ---------------------------------------------------------------------- lower */

static void lower_info(const PlannerContext *context, const LogicalNode *node, PlanLookupJoin *spec)
{
    Arena *arena = context->arena;
    const struct LogicalLookup *lookup = node->join.lookup;
    const LogicalScan *scan = &lookup->scan->scan;
    ScanInfo *info = &spec->info.scan;
    info->table = &lookup->table->info;
    info->columns = scan->columns;
    info->column_count = scan->column_count;
    uint32_t *metadata = arena_new_array(arena, uint32_t, scan->metadata_count + 1);
    for (uint32_t i = 0; i < scan->metadata_count; i++)
        metadata[i] = lookup->table->def->columns[scan->metadata[i]].metadata;
    info->metadata = metadata;
    info->metadata_count = scan->metadata_count;
    info->schema = lookup->scan->schema;
    if (spec->cache == PLAN_LOOKUP_FULL)
        return;
    uint32_t *keys = arena_new_array(arena, uint32_t, node->join.key_count + 1);
    for (uint32_t k = 0; k < node->join.key_count; k++)
        keys[k] = (uint32_t)asked_column(node, k);
    spec->info.keys = keys;
    spec->info.key_count = node->join.key_count;
    bool ignored;
    const struct LookupClass *class = spec->connector->lookup;
    uint32_t count = find_predicates(context, lookup, class->compares, NULL, &ignored);
    LookupPredicate *predicates = arena_new_array(arena, LookupPredicate, count + 1);
    spec->info.predicate_count =
        find_predicates(context, lookup, class->compares, predicates, &ignored);
    spec->info.predicates = predicates;
}

static bool is_identity(const struct LogicalLookup *lookup)
{
    if (lookup->right->column_count != lookup->scan->schema->column_count)
        return false;
    for (uint32_t i = 0; i < lookup->right->column_count; i++)
        if (lookup->projections[i]->kind != EXPR_COLUMN || lookup->projections[i]->column != i)
            return false;
    return true;
}

static void print_keys(const PlannerContext *context, const LogicalNode *node,
                       const PlanLookupJoin *spec, Buffer *label)
{
    const Schema *left = node->inputs[0]->schema;
    const char *separator = "";
    for (uint32_t k = 0; k < spec->key_count; k++) {
        buffer_printf(label, "%s%s=%s", separator, spec->right->columns[spec->right_keys[k]].name,
                      left->columns[spec->left_keys[k]].name);
        separator = ", ";
    }
    if (node->join.lookup->filter == NULL)
        return;
    buffer_append_text(label, separator);
    expr_print(node->join.lookup->filter, node->join.lookup->scan->schema, label);
}

static void set_label(const PlannerContext *context, LogicalNode *node, const PlanLookupJoin *spec)
{
    Buffer label = {0};
    buffer_printf(&label, "LookupJoin(table=[%s.%s.%s], joinType=[%s], lookup=[", CATALOG_NAME,
                  DATABASE_NAME, spec->info.scan.table->name,
                  spec->kind == PLAN_JOIN_INNER ? "InnerJoin" : "LeftOuterJoin");
    print_keys(context, node, spec, &label);
    if (spec->condition != NULL) {
        buffer_append_text(&label, "], where=[");
        expr_print(spec->condition, node->schema, &label);
    }
    buffer_append_text(&label, "], select=[");
    label_columns(node->schema, NULL, node->schema->column_count, &label);
    buffer_append_char(&label, ']');
    lookup_print_options(spec, &label);
    buffer_append_char(&label, ')');
    node->plan->label = label_take(context->arena, &label);
}

static void set_state(const PlannerContext *context, LogicalNode *node, const PlanLookupJoin *spec)
{
    Buffer state = {0};
    if (spec->keeps_answers)
        buffer_printf(&state, "what was found for each row, to take back just that, %s",
                      lower_ttl_of(context, spec->state_ttl_ms));
    if (spec->miss_attempts != 0)
        buffer_printf(&state, "%srows that wait to be looked up again",
                      spec->keeps_answers ? "; " : "");
    node->plan->state = state.length == 0 ? NULL : label_take(context->arena, &state);
}

static bool lookup_lower(const PlannerContext *context, LogicalNode *node, Error *error)
{
    PlanLookupJoin *spec = arena_new_one(context->arena, PlanLookupJoin);
    const struct LogicalLookup *lookup = node->join.lookup;
    spec->kind = node->join.kind;
    spec->connector = lookup->table->connector;
    if (!lookup_set_options(context, node, spec, error))
        return false;
    lower_info(context, node, spec);
    spec->filter = lookup->filter;
    spec->projections = is_identity(lookup) ? NULL : lookup->projections;
    spec->right = lookup->right;
    spec->left_keys = node->join.keys[0];
    spec->right_keys = node->join.keys[1];
    spec->null_matches = node->join.null_matches;
    spec->key_count = node->join.key_count;
    spec->condition = node->join.condition;
    spec->keeps_answers = keeps_answers(context, node);
    spec->state_ttl_ms = lower_state_ttl(context, node, 0);
    const ColumnSet *key = row_key(context, node);
    ColumnSet spread;
    bool moves = find_spread(context, node, &spread);
    if (key != NULL)
        spec->row_key = *key;
    spec->is_spread_by_row = key != NULL && key->count != 0 && !wants_shuffle(node);
    node->plan->spec = spec;
    if (moves && spread.count != 0)
        lower_hash(&node->plan->inputs[0], spread.columns, spread.count);
    else if (moves)
        lower_single(node);
    set_label(context, node, spec);
    set_state(context, node, spec);
    return true;
}

/* ------------------------------------------------------------------- identity */

static void lookup_identify(const PlannerContext *context, LogicalNode *node, Buffer *text)
{
    const struct LogicalLookup *lookup = node->join.lookup;
    uint32_t left = node->inputs[0]->schema->column_count;
    LogicalNode *scan = arena_memdup(context->arena, lookup->scan, sizeof(*lookup->scan));
    Buffer of_scan = {0};
    scan->class->identify(context, scan, &of_scan);
    buffer_deinit(&of_scan);
    uint64_t *columns = arena_new_array(context->arena, uint64_t, node->schema->column_count + 1);
    memcpy(columns, node->inputs[0]->column_identities, sizeof(*columns) * left);
    for (uint32_t i = 0; i < lookup->right->column_count; i++)
        columns[left + i] = identity_of_expr(lookup->projections[i], scan->column_identities);
    node->column_identities = columns;
    buffer_printf(text, "|%d", (int)node->join.kind);
    identity_append(text, scan->row_identity);
    for (uint32_t k = 0; k < node->join.key_count; k++) {
        identity_append(text, columns[node->join.keys[0][k]]);
        identity_append(text, columns[left + node->join.keys[1][k]]);
    }
    if (lookup->filter != NULL)
        identity_append_expr(text, lookup->filter, scan->column_identities);
    if (node->join.condition != NULL)
        identity_append_expr(text, node->join.condition, columns);
    /* What is kept: the rows of the table as they were found. */
    lower_identify_rows(node, text);
    for (uint32_t i = 0; i < lookup->right->column_count; i++)
        identity_append(text, columns[left + i]);
    node->row_identity = hash_bytes(text->data, text->length);
}

static void lookup_describe(const LogicalNode *node, Buffer *out)
{
    buffer_printf(out, "the lookup join with table \"%s\"", node->join.lookup->table->info.name);
}

const NodeClass node_lookup_join = {
    .op = "lookup_join",
    .equal = lookup_equal,
    .derive = lookup_derive,
    .time = lookup_time,
    .passes_before = true,
    .needs_before = lookup_needs_before,
    .lower = lookup_lower,
    .identify = lookup_identify,
    .describe = lookup_describe,
    .prune = join_prune,
    .push = join_push,
};
