/* Compiled expressions: which rows a kernel sees, what is shared, and random trees against an
 * interpreter that goes row by row. */
#include "executor/expression/expression.h"
#include "tests/operator_bench.h"

/* ------------------------------------------------- functions of this test */

/* Counts the rows and runs of kernels that carry it as data. */
typedef struct Tally {
    uint32_t runs;
    uint32_t rows;
} Tally;

static bool kernel_add(KernelCall *call, Error *error)
{
    int32_t *out = call->out->data;
    if (call->data != NULL) {
        Tally *tally = (Tally *)(uintptr_t)call->data;
        tally->runs++;
        tally->rows += call->row_count;
    }
    for (uint32_t i = 0; i < call->row_count; i++) {
        uint32_t row = kernel_row(call, i);
        const int32_t *a = call->args[0]->data, *b = call->args[1]->data;
        out[row] = (int32_t)((uint32_t)a[vector_index(call->args[0], row)] +
                             (uint32_t)b[vector_index(call->args[1], row)]);
    }
    return true;
}

static bool kernel_divide(KernelCall *call, Error *error)
{
    int32_t *out = call->out->data;
    for (uint32_t i = 0; i < call->row_count; i++) {
        uint32_t row = kernel_row(call, i);
        ck_assert(!vector_is_null(call->args[0], row) && !vector_is_null(call->args[1], row));
        int64_t a = ((const int32_t *)call->args[0]->data)[vector_index(call->args[0], row)];
        int64_t b = ((const int32_t *)call->args[1]->data)[vector_index(call->args[1], row)];
        if (b == 0) {
            call->error_row = row;
            return error_set(error, ERROR_DATA, "division by zero");
        }
        out[row] = (int32_t)(a / b);
    }
    return true;
}

/* NULL for odd sums. */
static bool kernel_even(KernelCall *call, Error *error)
{
    kernel_add(call, error);
    const int32_t *out = call->out->data;
    for (uint32_t i = 0; i < call->row_count; i++)
        if (out[kernel_row(call, i)] & 1)
            vector_set_null(call->out, kernel_row(call, i), call->arena);
    return true;
}

static bool kernel_less(KernelCall *call, Error *error)
{
    uint8_t *out = call->out->data;
    for (uint32_t i = 0; i < call->row_count; i++) {
        uint32_t row = kernel_row(call, i);
        out[row] = ((const int32_t *)call->args[0]->data)[vector_index(call->args[0], row)] <
                   ((const int32_t *)call->args[1]->data)[vector_index(call->args[1], row)];
    }
    return true;
}

static bool kernel_is_null(KernelCall *call, Error *error)
{
    for (uint32_t i = 0; i < call->row_count; i++) {
        uint32_t row = kernel_row(call, i);
        ((uint8_t *)call->out->data)[row] = vector_is_null(call->args[0], row);
    }
    return true;
}

static const ScalarFunction
    fn_add = {.name = "ADD", .kernel = kernel_add},
    fn_volatile = {.name = "VOLATILE", .kernel = kernel_add, .flags = FUNCTION_NOT_DETERMINISTIC},
    fn_divide = {.name = "DIVIDE", .kernel = kernel_divide, .flags = FUNCTION_CAN_FAIL},
    fn_even = {.name = "EVEN", .kernel = kernel_even, .flags = FUNCTION_NULLABLE_RESULT},
    fn_less = {.name = "LESS", .kernel = kernel_less},
    fn_is_null = {.name = "IS_NULL", .kernel = kernel_is_null, .flags = FUNCTION_NULL_AWARE};

static const Expr *make_call(Arena *arena, const ScalarFunction *function, const Type *type,
                             const void *data, uint32_t count, const Expr *a, const Expr *b)
{
    static const Type *const types[] = {&type_int, &type_int};
    const Expr **args = arena_new_array(arena, const Expr *, 2);
    args[0] = a;
    args[1] = b;
    Expr *expr = arena_new_one(arena, Expr);
    *expr = (Expr){.kind = EXPR_CALL,
                   .type = type,
                   .sql_offset = 3,
                   .call = {.function = function,
                            .result = type,
                            .argument_types = (const Type **)(uintptr_t)types,
                            .argument_count = count,
                            .kernel = function->kernel,
                            .data = data},
                   .args = args,
                   .arg_count = count};
    return expr;
}

typedef struct Site {
    Arena *arena;
    const Schema *schema;
    FunctionEnvironment environment;
    Batch *batch;
} Site;

static Site site_new(const char *rows)
{
    Site site = {.arena = arena_new(1 << 16)};
    site.schema = test_schema(site.arena, "a INT, b INT");
    site.environment.clock = &clock_system;
    site.batch = batch_new(site.schema, BATCH_ROWS_MAX);
    Error error = {0};
    while (*rows != '\0') {
        size_t length = strcspn(rows, "\n");
        ck_assert(changelog_read_row(site.batch, (Str){rows, length}, NULL, &error));
        rows += length + (rows[length] == '\n');
    }
    return site;
}

static void site_free(Site *site)
{
    batch_release(site->batch);
    arena_free(site->arena);
}

static const Expr *col(Site *site, const char *name)
{
    return test_column(site->arena, site->schema, name);
}

static const Expr *add(Site *site, const void *tally, const Expr *a, const Expr *b)
{
    return make_call(site->arena, &fn_add, &type_int, tally, 2, a, b);
}

static const Expr *less(Site *site, const Expr *a, const Expr *b)
{
    return make_call(site->arena, &fn_less, &type_boolean, NULL, 2, a, b);
}

static const Expr *divide(Site *site, const Expr *a, const Expr *b)
{
    return make_call(site->arena, &fn_divide, &type_int, NULL, 2, a, b);
}

static ExpressionProgram *compile(Site *site, const Expr *const *expressions, uint32_t count)
{
    return expression_compile(site->arena, expressions, count, site->schema, &site->environment);
}

/* One expression's values: "3 NULL 5". */
static void check_values(Site *site, const Expr *expr, const char *expected)
{
    const Vector *result;
    Error error = {0};
    Buffer text = {0};
    ck_assert_msg(expression_run(compile(site, &expr, 1), site->batch, NULL, site->batch->row_count,
                                 site->arena, &result, &error),
                  "%s", error.message);
    for (uint32_t row = 0; row < site->batch->row_count; row++) {
        if (vector_is_null(result, row))
            buffer_append_text(&text, "NULL ");
        else if (expr->type->physical == PHYSICAL_BOOL)
            buffer_printf(&text, "%c ",
                          ((const uint8_t *)result->data)[vector_index(result, row)] ? 't' : 'f');
        else
            buffer_printf(&text, "%d ", ((const int32_t *)result->data)[vector_index(result, row)]);
    }
    ck_assert_str_eq(buffer_text(&text), expected);
    buffer_deinit(&text);
}

START_TEST(null_arguments_give_null)
{
    Site site = site_new("[1, 2]\n[NULL, 2]\n[3, NULL]\n[4, 5]\n");
    check_values(&site, add(&site, NULL, col(&site, "a"), col(&site, "b")), "3 NULL NULL 9 ");
    check_values(&site, divide(&site, col(&site, "b"), col(&site, "a")), "2 NULL NULL 1 ");
    check_values(&site,
                 make_call(site.arena, &fn_even, &type_int, NULL, 2, col(&site, "a"),
                           test_int(site.arena, 1)),
                 "2 NULL 4 NULL ");
    check_values(&site, add(&site, NULL, col(&site, "a"), test_literal(site.arena, &type_int)),
                 "NULL NULL NULL NULL ");
    check_values(&site,
                 make_call(site.arena, &fn_is_null, &type_boolean, NULL, 1, col(&site, "a"), NULL),
                 "f t f f ");
    site_free(&site);
}
END_TEST

START_TEST(case_evaluates_what_it_needs)
{
    Site site = site_new("[6, 2]\n[7, 0]\n[NULL, 3]\n[5, NULL]\n");
    const Expr *guarded = test_lazy(
        site.arena, EXPR_CASE, &type_int, 3, less(&site, test_int(site.arena, 0), col(&site, "b")),
        divide(&site, col(&site, "a"), col(&site, "b")), test_int(site.arena, -1));
    check_values(&site, guarded, "3 -1 NULL -1 ");
    const Expr *second = test_lazy(
        site.arena, EXPR_CASE, &type_int, 5, less(&site, col(&site, "b"), test_int(site.arena, 1)),
        test_int(site.arena, 0),
        less(&site, divide(&site, col(&site, "a"), col(&site, "b")), test_int(site.arena, 9)),
        divide(&site, col(&site, "a"), col(&site, "b")), test_int(site.arena, 8));
    check_values(&site, second, "3 0 8 8 ");
    check_values(&site,
                 test_lazy(site.arena, EXPR_COALESCE, &type_int, 3, col(&site, "b"),
                           add(&site, NULL, col(&site, "a"), test_int(site.arena, 100)),
                           divide(&site, test_int(site.arena, 1), test_int(site.arena, 0))),
                 "2 0 3 105 ");
    site_free(&site);
}
END_TEST

START_TEST(connectives_have_three_values)
{
    /* 1 is TRUE, 0 FALSE through 0 < x. */
    Site site = site_new("[1, 1]\n[1, 0]\n[1, NULL]\n[0, 1]\n[0, 0]\n[0, NULL]\n"
                         "[NULL, 1]\n[NULL, 0]\n[NULL, NULL]\n");
    const Expr *zero = test_int(site.arena, 0);
    const Expr *a = less(&site, zero, col(&site, "a")), *b = less(&site, zero, col(&site, "b"));
    check_values(&site, test_lazy(site.arena, EXPR_AND, &type_boolean, 2, a, b),
                 "t f NULL f f f NULL f NULL ");
    check_values(&site, test_lazy(site.arena, EXPR_OR, &type_boolean, 2, a, b),
                 "t t t t f NULL t NULL NULL ");
    check_values(&site, test_lazy(site.arena, EXPR_OR, &type_boolean, 3, a, b, a),
                 "t t t t f NULL t NULL NULL ");
    site_free(&site);
}
END_TEST

START_TEST(equal_subtrees_run_once)
{
    Site site = site_new("[1, 2]\n[0, 4]\n");
    Tally tally = {0};
    const Expr *sum = add(&site, &tally, col(&site, "a"), col(&site, "b"));
    const Expr *again = add(&site, &tally, col(&site, "a"), col(&site, "b"));
    const Expr *expressions[] = {
        sum,
        add(&site, NULL, again, test_int(site.arena, 1)),
        test_lazy(site.arena, EXPR_CASE, &type_int, 3,
                  less(&site, col(&site, "a"), test_int(site.arena, 1)), again, sum),
    };
    const Vector *results[3];
    Error error = {0};
    ck_assert(expression_run(compile(&site, expressions, 3), site.batch, NULL, 2, site.arena,
                             results, &error));
    ck_assert_uint_eq(tally.runs, 1);
    ck_assert_int_eq(((const int32_t *)results[1]->data)[1], 5);
    ck_assert_int_eq(((const int32_t *)results[2]->data)[1], 4);

    /* In an arm of its own a subtree runs for that arm's rows, once for each arm. */
    tally = (Tally){0};
    const Expr *arms = test_lazy(site.arena, EXPR_CASE, &type_int, 3,
                                 less(&site, col(&site, "a"), test_int(site.arena, 1)), again,
                                 add(&site, NULL, sum, sum));
    ck_assert(
        expression_run(compile(&site, &arms, 1), site.batch, NULL, 2, site.arena, results, &error));
    ck_assert_uint_eq(tally.runs, 2);
    ck_assert_uint_eq(tally.rows, 2);

    tally = (Tally){0};
    const Expr *different[] = {
        make_call(site.arena, &fn_volatile, &type_int, &tally, 2, col(&site, "a"), col(&site, "b")),
        make_call(site.arena, &fn_volatile, &type_int, &tally, 2, col(&site, "a"), col(&site, "b")),
    };
    ck_assert(expression_run(compile(&site, different, 2), site.batch, NULL, 2, site.arena, results,
                             &error));
    ck_assert_uint_eq(tally.runs, 2);
    site_free(&site);
}
END_TEST

START_TEST(constants_are_computed_once)
{
    Site site = site_new("[1, 2]\n[0, 4]\n[0, 4]\n");
    Tally tally = {0};
    const Expr *sum = add(&site, &tally, test_int(site.arena, 40), test_int(site.arena, 2));
    const Vector *result;
    Error error = {0};
    ck_assert(
        expression_run(compile(&site, &sum, 1), site.batch, NULL, 3, site.arena, &result, &error));
    ck_assert(result->constant);
    ck_assert_int_eq(*(const int32_t *)result->data, 42);
    ck_assert_uint_eq(tally.rows, 1);
    site_free(&site);
}
END_TEST

START_TEST(only_rows_asked_for_can_fail)
{
    Site site = site_new("[1, 0]\n[8, 4]\n[1, 0]\n[9, 3]\n");
    const Expr *quotient = divide(&site, col(&site, "a"), col(&site, "b"));
    const uint32_t rows[] = {1, 3};
    const Vector *result;
    Error error = {0};
    ExpressionProgram *program = compile(&site, &quotient, 1);
    ck_assert(expression_run(program, site.batch, rows, 2, site.arena, &result, &error));
    ck_assert_int_eq(((const int32_t *)result->data)[1], 2);
    ck_assert_int_eq(((const int32_t *)result->data)[3], 3);
    ck_assert(!expression_run(program, site.batch, NULL, 4, site.arena, &result, &error));
    ck_assert_int_eq(error.sql_offset, 3);
    ck_assert_msg(strstr(error.detail, "a = 1, b = 0") != NULL, "%s", error.detail);

    const Expr *filter = test_lazy(site.arena, EXPR_AND, &type_boolean, 2,
                                   less(&site, test_int(site.arena, 0), col(&site, "b")),
                                   less(&site, test_int(site.arena, 2), quotient));
    uint32_t selected[4];
    ck_assert_int_eq(
        expression_select(compile(&site, &filter, 1), site.batch, NULL, 4, selected, &error), 1);
    ck_assert_uint_eq(selected[0], 3);
    site_free(&site);
}
END_TEST

/* ------------------------------------------------------------------- random */

typedef struct Value {
    bool failed;
    bool is_null;
    int32_t number; /* BOOLEAN: 0 or 1 */
} Value;

static Value interpret(const Expr *expr, const Batch *batch, uint32_t row);

static Value interpret_call(const Expr *expr, const Batch *batch, uint32_t row)
{
    Value args[2] = {{0}, {0}};
    bool is_null = false;
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        args[i] = interpret(expr->args[i], batch, row);
        if (args[i].failed)
            return args[i];
        is_null = is_null || args[i].is_null;
    }
    const ScalarFunction *function = expr->call.function;
    if (function == &fn_is_null)
        return (Value){.number = is_null};
    if (is_null)
        return (Value){.is_null = true};
    int32_t sum = (int32_t)((uint32_t)args[0].number + (uint32_t)args[1].number);
    if (function == &fn_less)
        return (Value){.number = args[0].number < args[1].number};
    if (function == &fn_divide)
        return args[1].number == 0
                   ? (Value){.failed = true}
                   : (Value){.number = (int32_t)((int64_t)args[0].number / args[1].number)};
    return (Value){.is_null = function == &fn_even && (sum & 1), .number = sum};
}

static Value interpret_lazy(const Expr *expr, const Batch *batch, uint32_t row)
{
    if (expr->kind == EXPR_CASE) {
        for (uint32_t i = 0; i + 1 < expr->arg_count; i += 2) {
            Value condition = interpret(expr->args[i], batch, row);
            if (condition.failed)
                return condition;
            if (!condition.is_null && condition.number)
                return interpret(expr->args[i + 1], batch, row);
        }
        return interpret(expr->args[expr->arg_count - 1], batch, row);
    }
    Value result = {.number = expr->kind == EXPR_AND};
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        Value value = interpret(expr->args[i], batch, row);
        if (value.failed)
            return value;
        if (expr->kind == EXPR_COALESCE) {
            if (!value.is_null || i + 1 == expr->arg_count)
                return value;
        } else if (value.is_null) {
            result.is_null = true;
        } else if (value.number == (expr->kind == EXPR_OR)) {
            return value;
        }
    }
    return result;
}

static Value interpret(const Expr *expr, const Batch *batch, uint32_t row)
{
    const Vector *vector = expr->kind == EXPR_LITERAL ? expr->literal : NULL;
    if (expr->kind == EXPR_COLUMN)
        vector = &batch->columns[expr->column];
    if (vector == NULL)
        return expr->kind == EXPR_CALL ? interpret_call(expr, batch, row)
                                       : interpret_lazy(expr, batch, row);
    if (vector_is_null(vector, row))
        return (Value){.is_null = true};
    return (Value){.number = ((const int32_t *)vector->data)[vector_index(vector, row)]};
}

static const Expr *random_number(Site *site, TestRandom *random, uint32_t depth);

static const Expr *random_condition(Site *site, TestRandom *random, uint32_t depth)
{
    uint32_t choice = test_below(random, depth == 0 ? 2 : 5);
    if (choice == 0)
        return make_call(site->arena, &fn_is_null, &type_boolean, NULL, 1,
                         random_number(site, random, depth == 0 ? 0 : depth - 1), NULL);
    if (choice < 3 || depth == 0)
        return less(site, random_number(site, random, depth == 0 ? 0 : depth - 1),
                    random_number(site, random, depth == 0 ? 0 : depth - 1));
    return test_lazy(site->arena, choice == 3 ? EXPR_AND : EXPR_OR, &type_boolean, 3,
                     random_condition(site, random, depth - 1),
                     random_condition(site, random, depth - 1),
                     random_condition(site, random, depth - 1));
}

static const Expr *random_number(Site *site, TestRandom *random, uint32_t depth)
{
    static const ScalarFunction *const functions[] = {&fn_add,  &fn_add,  &fn_add,
                                                      &fn_even, &fn_even, &fn_divide};
    uint32_t choice = test_below(random, 10);
    if (depth == 0 || choice < 2) {
        if (choice == 9)
            return test_literal(site->arena, &type_int);
        if (choice >= 6)
            return test_int(site->arena, (int32_t)test_below(random, 4));
        return col(site, choice % 2 == 0 ? "a" : "b");
    }
    if (choice < 6)
        return make_call(site->arena, functions[test_below(random, 6)], &type_int, NULL, 2,
                         random_number(site, random, depth - 1),
                         random_number(site, random, depth - 1));
    if (choice < 8)
        return test_lazy(site->arena, EXPR_COALESCE, &type_int, 2,
                         random_number(site, random, depth - 1),
                         random_number(site, random, depth - 1));
    return test_lazy(
        site->arena, EXPR_CASE, &type_int, 5, random_condition(site, random, depth - 1),
        random_number(site, random, depth - 1), random_condition(site, random, depth - 1),
        random_number(site, random, depth - 1), random_number(site, random, depth - 1));
}

/* Whether the run succeeded, as it did in the interpreter. */
static bool compare_run(Site *site, const Expr *const *expressions, uint32_t count,
                        const uint32_t *rows, uint32_t row_count)
{
    const Vector *results[4];
    Error error = {0};
    bool fails = false;
    for (uint32_t e = 0; e < count; e++)
        for (uint32_t i = 0; i < row_count; i++)
            fails = fails || interpret(expressions[e], site->batch, rows[i]).failed;
    bool ok = expression_run(compile(site, expressions, count), site->batch, rows, row_count,
                             site->arena, results, &error);
    ck_assert_msg(ok != fails, "%s", error.message);
    for (uint32_t e = 0; ok && e < count; e++) {
        for (uint32_t i = 0; i < row_count; i++) {
            Value value = interpret(expressions[e], site->batch, rows[i]);
            ck_assert_int_eq(value.is_null, vector_is_null(results[e], rows[i]));
            uint32_t index = vector_index(results[e], rows[i]);
            if (value.is_null)
                continue;
            if (expressions[e]->type->physical == PHYSICAL_BOOL)
                ck_assert_int_eq(value.number, ((const uint8_t *)results[e]->data)[index]);
            else
                ck_assert_int_eq(value.number, ((const int32_t *)results[e]->data)[index]);
        }
    }
    return ok;
}

static void compare_select(Site *site, const Expr *condition, const uint32_t *rows,
                           uint32_t row_count)
{
    uint32_t selected[256], expected = 0;
    Error error = {0};
    int64_t count = expression_select(compile(site, &condition, 1), site->batch, rows, row_count,
                                      selected, &error);
    if (count < 0)
        return;
    for (uint32_t i = 0; i < row_count; i++) {
        Value value = interpret(condition, site->batch, rows[i]);
        if (value.failed || value.is_null || !value.number)
            continue;
        ck_assert_uint_lt(expected, (uint32_t)count);
        ck_assert_uint_eq(selected[expected++], rows[i]);
    }
    ck_assert_int_eq(count, expected);
}

START_TEST(random_trees_equal_an_interpreter)
{
    TestRandom random = test_random("expression");
    uint32_t succeeded = 0;
    for (uint32_t round = 0; round < 1500; round++) {
        enum { NO_NULLS, ONLY_VALID, SOME_NULLS } nulls = round / 2 % 3;
        Site site = site_new("");
        uint32_t row_count = 1 + test_below(&random, 100);
        for (uint32_t row = 0; row < row_count; row++)
            for (uint32_t c = 0; c < 2; c++) {
                Vector *vector = &site.batch->columns[c];
                ((int32_t *)vector->data)[row] = (int32_t)test_below(&random, 9) - 3;
                if (nulls != NO_NULLS && test_below(&random, 5) == 0)
                    vector_set_null(vector, row, site.batch->arena);
                if (nulls == ONLY_VALID)
                    vector_set_valid(vector, row);
            }
        site.batch->row_count = row_count;
        uint32_t rows[100], chosen = 0;
        for (uint32_t row = 0; row < row_count; row++)
            if (round % 2 == 0 || test_below(&random, 3) == 0)
                rows[chosen++] = row;
        const Expr *expressions[] = {
            random_number(&site, &random, 3),
            random_condition(&site, &random, 3),
            random_number(&site, &random, 2),
        };
        succeeded += compare_run(&site, expressions, 3, rows, chosen);
        succeeded += compare_run(&site, expressions + round % 3, 1, rows, chosen);
        compare_select(&site, expressions[1], rows, chosen);
        site_free(&site);
    }
    /* Division is rare enough that many runs get to compare values. */
    ck_assert_uint_gt(succeeded, 800);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("expression");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, null_arguments_give_null);
    tcase_add_test(cases, case_evaluates_what_it_needs);
    tcase_add_test(cases, connectives_have_three_values);
    tcase_add_test(cases, equal_subtrees_run_once);
    tcase_add_test(cases, constants_are_computed_once);
    tcase_add_test(cases, only_rows_asked_for_can_fail);
    tcase_add_test(cases, random_trees_equal_an_interpreter);
    return test_run("expression", cases);
}
