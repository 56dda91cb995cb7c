/* GROUP BY: keys, grouping sets, and the functions that tell sets apart.
 *
 * Every item of the list stands for one or more sets of keys: an expression for the one set of
 * itself, ROLLUP for the prefixes of its list, CUBE for all its subsets, GROUPING SETS for the sets
 * of its items one after the other. Several items mean every combination of their sets. With one
 * set that is a plain GROUP BY; with more the rows go through a node that gives each row once per
 * set, and the number of the set is one more key, so that a NULL that a set makes and a NULL that
 * was in the row never meet.
 *
 * Cost: at planning the number of sets, which is limited; in the run, every set groups every row.
 */
#include <string.h>

#include "planner/bind/bind.h"

/* Sets and keys of one GROUP BY with grouping sets. Both stay far below what an id can say: 31 keys
 * and twelve bits of equal sets. */
#define GROUPING_SETS_MAX 4096
#define GROUPING_KEYS_MAX 31

/* Sets of keys, bit k for key k. */
typedef struct SetList {
    uint64_t *sets;
    uint32_t count;
} SetList;

/* An alias of the select list is no name in GROUP BY: say so instead of leaving the user puzzled.
 */
static void hint_alias(const AstSelect *select, const AstExpr *ast, Error *error)
{
    if (ast->kind != AST_COLUMN || ast->name.part_count != 1 || error->code != ERROR_NAME)
        return;
    for (uint32_t i = 0; i < select->item_count; i++)
        if (select->items[i].alias != NULL &&
            strcmp(select->items[i].alias, ast->name.parts[0]) == 0)
            error_hint(error,
                       "\"%s\" is an alias of the select list: write the expression itself "
                       "in GROUP BY.",
                       ast->name.parts[0]);
}

/* ---------------------------------------------------------------------- keys */

/* How many keys there can be at most. */
static uint32_t count_keys(const AstExpr *ast)
{
    if (ast->kind != AST_ROW)
        return 1;
    uint32_t count = 0;
    for (uint32_t i = 0; i < ast->arg_count; i++)
        count += count_keys(ast->args[i]);
    return count;
}

static uint32_t count_item_keys(const AstGroupItem *item)
{
    if (item->kind == AST_GROUP_EXPR)
        return count_keys(item->expr);
    uint32_t count = 0;
    for (uint32_t i = 0; i < item->item_count; i++)
        count += count_item_keys(&item->items[i]);
    return count;
}

static uint32_t add_key(GroupBy *groups, const Expr *key)
{
    for (uint32_t i = 0; i < groups->key_count; i++)
        if (expr_equal(groups->keys[i], key))
            return i;
    groups->keys[groups->key_count] = key;
    return groups->key_count++;
}

/* Binds the keys of an expression, (a, b) counting as two, and notes them in `set`. */
static bool bind_keys(ExprScope *scope, const AstSelect *select, const AstExpr *ast,
                      GroupBy *groups, uint64_t *set, Error *error)
{
    if (ast->kind == AST_ROW) {
        for (uint32_t i = 0; i < ast->arg_count; i++)
            if (!bind_keys(scope, select, ast->args[i], groups, set, error))
                return false;
        return true;
    }
    if (bind_is_group_window(ast))
        return bind_group_window(scope, ast, groups, error);
    const Expr *key = bind_expr(scope, ast, error);
    if (key == NULL) {
        hint_alias(select, ast, error);
        return false;
    }
    uint32_t number = add_key(groups, key);
    if (set == NULL)
        return true;
    if (number >= GROUPING_KEYS_MAX) {
        error_set(error, ERROR_LIMIT, "grouping sets can have at most %d keys", GROUPING_KEYS_MAX);
        return bind_error_at(scope->binder, error, ast->place);
    }
    *set |= UINT64_C(1) << number;
    return true;
}

/* ---------------------------------------------------------------------- sets */

static bool too_many(const ExprScope *scope, AstPlace place, Error *error)
{
    error_set(error, ERROR_LIMIT, "GROUP BY makes more than %d grouping sets", GROUPING_SETS_MAX);
    error_hint(error, "Name the sets you need with GROUPING SETS ((a, b), (a), ()).");
    return bind_error_at(scope->binder, error, place);
}

static bool item_sets(ExprScope *scope, const AstSelect *select, const AstGroupItem *item,
                      GroupBy *groups, SetList *out, Error *error);

/* ROLLUP and CUBE: each element of the list is one key or, in parentheses, several. */
static bool spread_sets(ExprScope *scope, const AstSelect *select, const AstGroupItem *item,
                        GroupBy *groups, SetList *out, Error *error)
{
    Arena *arena = scope->binder->context->arena;
    const char *name = item->kind == AST_GROUP_ROLLUP ? "ROLLUP" : "CUBE";
    uint64_t *parts = arena_new_array(arena, uint64_t, item->item_count + 1);
    for (uint32_t i = 0; i < item->item_count; i++) {
        const AstGroupItem *part = &item->items[i];
        if (part->kind != AST_GROUP_EXPR) {
            error_set(error, ERROR_SYNTAX, "%s takes expressions, no other grouping sets", name);
            error_hint(error, "GROUPING SETS may hold ROLLUP, CUBE and other GROUPING SETS.");
            return bind_error_at(scope->binder, error, part->place);
        }
        if (!bind_keys(scope, select, part->expr, groups, &parts[i], error))
            return false;
    }
    bool rolls = item->kind == AST_GROUP_ROLLUP;
    if (rolls ? item->item_count >= GROUPING_SETS_MAX : item->item_count > 12)
        return too_many(scope, item->place, error);
    out->count = rolls ? item->item_count + 1 : UINT32_C(1) << item->item_count;
    out->sets = arena_new_array(arena, uint64_t, out->count);
    for (uint32_t s = 0; s < out->count; s++)
        for (uint32_t i = 0; i < item->item_count; i++)
            /* From all keys to none; of CUBE the last element changes fastest. */
            if (rolls ? i + s < item->item_count : (s >> (item->item_count - 1 - i) & 1) == 0)
                out->sets[s] |= parts[i];
    return true;
}

static bool listed_sets(ExprScope *scope, const AstSelect *select, const AstGroupItem *item,
                        GroupBy *groups, SetList *out, Error *error)
{
    Arena *arena = scope->binder->context->arena;
    out->sets = arena_new_array(arena, uint64_t, GROUPING_SETS_MAX);
    for (uint32_t i = 0; i < item->item_count; i++) {
        SetList part = {NULL, 0};
        if (!item_sets(scope, select, &item->items[i], groups, &part, error))
            return false;
        if (out->count + part.count > GROUPING_SETS_MAX)
            return too_many(scope, item->place, error);
        memcpy(out->sets + out->count, part.sets, sizeof(*part.sets) * part.count);
        out->count += part.count;
    }
    return true;
}

static bool item_sets(ExprScope *scope, const AstSelect *select, const AstGroupItem *item,
                      GroupBy *groups, SetList *out, Error *error)
{
    if (item->kind == AST_GROUP_SETS)
        return listed_sets(scope, select, item, groups, out, error);
    if (item->kind != AST_GROUP_EXPR)
        return spread_sets(scope, select, item, groups, out, error);
    out->count = 1;
    out->sets = arena_new_array(scope->binder->context->arena, uint64_t, 1);
    return bind_keys(scope, select, item->expr, groups, out->sets, error);
}

/* Every set of the one list with every set of the other. */
static bool combine(const ExprScope *scope, SetList *left, const SetList *right, AstPlace place,
                    Error *error)
{
    if (left->count * right->count > GROUPING_SETS_MAX)
        return too_many(scope, place, error);
    uint32_t count = left->count * right->count;
    uint64_t *sets = arena_new_array(scope->binder->context->arena, uint64_t, count + 1);
    for (uint32_t i = 0; i < count; i++)
        sets[i] = left->sets[i / right->count] | right->sets[i % right->count];
    *left = (SetList){sets, count};
    return true;
}

/* The id of every set, see GroupBy. */
static void number_sets(Arena *arena, const SetList *list, GroupBy *groups)
{
    groups->set_count = list->count;
    groups->sets = arena_new_array(arena, int64_t, list->count + 1);
    for (uint32_t s = 0; s < list->count; s++) {
        int64_t id = 0;
        for (uint32_t k = 0; k < groups->key_count; k++)
            if ((list->sets[s] >> k & 1) == 0)
                id |= (int64_t)1 << (groups->key_count - 1 - k);
        for (uint32_t before = 0; before < s; before++)
            if (list->sets[before] == list->sets[s])
                id += (int64_t)1 << groups->key_count;
        groups->sets[s] = id;
    }
}

bool bind_group_by(ExprScope *scope, const AstSelect *select, GroupBy *out, Error *error)
{
    Arena *arena = scope->binder->context->arena;
    uint32_t room = 1;
    bool plain = true;
    for (uint32_t i = 0; i < select->group_count; i++) {
        room += count_item_keys(&select->group_by[i]);
        plain = plain && select->group_by[i].kind == AST_GROUP_EXPR;
    }
    *out = (GroupBy){.keys = arena_new_array(arena, const Expr *, room), .set_count = 1};
    scope->clause = "GROUP BY";
    uint64_t none = 0;
    SetList all = {&none, 1};
    for (uint32_t i = 0; i < select->group_count; i++) {
        const AstGroupItem *item = &select->group_by[i];
        SetList sets = {NULL, 0};
        if (plain ? !bind_keys(scope, select, item->expr, out, NULL, error)
                  : !item_sets(scope, select, item, out, &sets, error) ||
                        !combine(scope, &all, &sets, item->place, error))
            return false;
    }
    out->bound = arena_memdup(arena, out->keys, sizeof(*out->keys) * (out->key_count + 1));
    if (all.count > 1)
        number_sets(arena, &all, out);
    if (all.count > 1 && out->window != NULL) {
        error_set(error, ERROR_UNSUPPORTED, "%s in GROUP BY does not go with grouping sets",
                  out->window->name);
        error_hint(error,
                   "Use the window table function: SELECT … FROM TABLE(%s(…)) GROUP BY "
                   "window_start, window_end, GROUPING SETS (…).",
                   out->window->name);
        return bind_error_at(scope->binder, error, out->window->place);
    }
    return true;
}

/* ------------------------------------------------------------- expressions */

static int64_t find_key(const GroupBy *groups, const Expr *expr)
{
    for (uint32_t k = 0; k < groups->key_count; k++)
        if (expr_equal(groups->keys[k], expr))
            return k;
    return -1;
}

const Expr *bind_grouped(const ExprScope *scope, const Expr *expr)
{
    const GroupBy *groups = scope->groups;
    if (expr == NULL || groups == NULL || groups->set_count < 2 || scope->in_aggregate ||
        expr->type->nullable || expr_is_literal(expr) || find_key(groups, expr) < 0)
        return expr;
    Expr *copy = arena_memdup(scope->binder->context->arena, expr, sizeof(*expr));
    copy->type = type_with_nullable(scope->binder->context->arena, expr->type, true);
    return copy;
}

bool bind_is_grouping(const char *function)
{
    return strcmp(function, "GROUPING") == 0 || strcmp(function, "GROUPING_ID") == 0 ||
           strcmp(function, "GROUP_ID") == 0;
}

static const Expr *bigint(Arena *arena, int64_t number, AstPlace place)
{
    Vector *value = arena_new_one(arena, Vector);
    vector_init_constant(value, type_with_nullable(arena, &type_bigint, false), arena);
    vector_set_valid(value, 0);
    *(int64_t *)value->data = number;
    return expr_literal(arena, value, place);
}

static const Expr *calculate(const ExprScope *scope, const char *sign, const Expr *left,
                             int64_t number, AstPlace place, Error *error)
{
    const PlannerContext *context = scope->binder->context;
    const Expr **args = arena_new_array(context->arena, const Expr *, 2);
    args[0] = left;
    args[1] = bigint(context->arena, number, place);
    return expr_call(&context->site, sign, args, 2, place, error);
}

/* `bits` bits of the set's id, from bit `low` on. */
static const Expr *id_bits(const ExprScope *scope, uint32_t low, uint32_t bits, AstPlace place,
                           Error *error)
{
    Arena *arena = scope->binder->context->arena;
    const Expr *id =
        expr_column(arena, GROUPING_COLUMN, type_with_nullable(arena, &type_bigint, false), place);
    if (low != 0)
        id = calculate(scope, "/", id, (int64_t)1 << low, place, error);
    return id == NULL ? NULL : calculate(scope, "%", id, (int64_t)1 << bits, place, error);
}

/* The bits of the keys, the first argument's first. Runs of neighbours are taken at once. */
static const Expr *grouping_value(const ExprScope *scope, const uint32_t *keys, uint32_t count,
                                  AstPlace place, Error *error)
{
    const PlannerContext *context = scope->binder->context;
    const Expr *value = NULL;
    for (uint32_t i = 0; i < count;) {
        uint32_t run = 1;
        while (i + run < count && keys[i + run] == keys[i] + run)
            run++;
        uint32_t low = scope->groups->key_count - (keys[i] + run);
        const Expr *bits = id_bits(scope, low, run, place, error);
        if (value != NULL && bits != NULL) {
            const Expr **sum = arena_new_array(context->arena, const Expr *, 2);
            sum[0] = calculate(scope, "*", value, (int64_t)1 << run, place, error);
            sum[1] = bits;
            bits = sum[0] == NULL ? NULL : expr_call(&context->site, "+", sum, 2, place, error);
        }
        if (bits == NULL)
            return NULL;
        value = bits;
        i += run;
    }
    return value;
}

/* The arguments as numbers of keys. */
static bool grouping_keys(ExprScope *scope, const AstExpr *ast, uint32_t *keys, Error *error)
{
    for (uint32_t i = 0; i < ast->arg_count; i++) {
        const Expr *arg = bind_expr(scope, ast->args[i], error);
        if (arg == NULL)
            return false;
        int64_t key = find_key(scope->groups, arg);
        if (key < 0) {
            error_set(error, ERROR_NAME, "the argument of %s is not in GROUP BY", ast->function);
            error_hint(error, "%s tells which keys of GROUP BY a row is grouped by.",
                       ast->function);
            return bind_error_at(scope->binder, error, ast->args[i]->place);
        }
        keys[i] = (uint32_t)key;
    }
    return true;
}

const Expr *bind_grouping_call(ExprScope *scope, const AstExpr *ast, Error *error)
{
    Arena *arena = scope->binder->context->arena;
    AstPlace place = bind_place(scope->binder, ast->place);
    bool is_group_id = strcmp(ast->function, "GROUP_ID") == 0;
    if (scope->groups == NULL || scope->in_aggregate) {
        error_set(error, ERROR_SYNTAX, "%s is not allowed in %s", ast->function,
                  scope->in_aggregate ? "an aggregate function" : scope->clause);
        error_hint(error, "It stands in SELECT, HAVING or ORDER BY of a query with GROUP BY.");
        bind_error_at(scope->binder, error, ast->place);
        return NULL;
    }
    bool bad = ast->star || ast->distinct || ast->filter != NULL ||
               (is_group_id ? ast->arg_count != 0
                            : ast->arg_count == 0 || ast->arg_count > GROUPING_KEYS_MAX);
    if (bad) {
        error_set(error, ERROR_TYPE, "%s takes %s", ast->function,
                  is_group_id ? "no arguments" : "one or more keys of GROUP BY");
        bind_error_at(scope->binder, error, ast->place);
        return NULL;
    }
    uint32_t *keys = arena_new_array(arena, uint32_t, ast->arg_count + 1);
    if (!grouping_keys(scope, ast, keys, error))
        return NULL;
    if (scope->groups->set_count < 2)
        return bigint(arena, 0, place);
    if (is_group_id)
        return id_bits(scope, scope->groups->key_count, 12, place, error);
    return grouping_value(scope, keys, ast->arg_count, place, error);
}

/* ------------------------------------------------------------------ the node */

LogicalNode *bind_expand(Binder *binder, LogicalNode *input, const uint32_t *keys,
                         const GroupBy *groups, AstPlace place)
{
    Arena *arena = binder->context->arena;
    uint32_t passed = input->schema->column_count;
    uint32_t count = passed + groups->key_count + 1;
    const char **names = arena_new_array(arena, const char *, count);
    Column *columns = arena_new_array(arena, Column, count);
    LogicalExpand expand = {
        .passed = arena_new_array(arena, uint32_t, passed + 1),
        .passed_count = passed,
        .keys = arena_memdup(arena, keys, sizeof(*keys) * (groups->key_count + 1)),
        .key_count = groups->key_count,
        .ids = groups->sets,
        .set_count = groups->set_count,
    };
    for (uint32_t i = 0; i < passed; i++) {
        expand.passed[i] = i;
        columns[i] = input->schema->columns[i];
    }
    for (uint32_t k = 0; k < groups->key_count; k++) {
        columns[passed + k] = input->schema->columns[keys[k]];
        columns[passed + k].type = type_with_nullable(arena, columns[passed + k].type, true);
    }
    columns[count - 1] = (Column){"$e", type_with_nullable(arena, &type_bigint, false)};
    for (uint32_t i = 0; i < count; i++)
        names[i] = columns[i].name;
    names = bind_unique_names(arena, names, count);
    for (uint32_t i = 0; i < count; i++)
        columns[i].name = names[i];
    LogicalNode *node =
        logical_new_unary(arena, "expand", schema_new(arena, columns, count), input, place);
    node->expand = expand;
    return node;
}
