/* Running compiled expressions over a batch.
 *
 * Invariant: a kernel that can fail sees only rows that were asked for and whose arguments have
 * values (unless it handles NULL itself). One that cannot fail and has fixed-width arguments may
 * compute over NULLs too, for then combining validity bitmaps is cheaper than a row list.
 *
 * Cost: one call a step and batch; constants are never expanded, and a call of constants runs once.
 */
#include "executor/expression/internal.h"

#include "core/value_text.h"

static uint32_t validity_words(uint32_t rows)
{
    return (rows + 63) / 64;
}

Vector *expression_new_vector(ExpressionRun *run, uint32_t output, const Type *type)
{
    bool lasting = run->program->escapes[output] || type->physical >= PHYSICAL_STRING;
    Arena *arena = lasting ? run->arena : run->program->scratch;
    Vector *vector = arena_new_one(arena, Vector);
    vector_init(vector, type, run->input->row_count, arena);
    run->registers[output] = vector;
    return vector;
}

/* The values the expression read in the row that failed: " with a = 1, b = 'x'". */
static void print_values(const ExpressionRun *run, const Expr *expr, uint32_t row,
                         uint32_t *printed, Buffer *out)
{
    enum { VALUES_MAX = 8 };
    if (*printed >= VALUES_MAX)
        return;
    if (expr->kind == EXPR_COLUMN) {
        buffer_append_text(out, *printed == 0 ? ", where " : ", ");
        buffer_append_text(out, run->program->input->columns[expr->column].name);
        buffer_append_text(out, " = ");
        value_print(&run->input->columns[expr->column], row, run->program->environment->zone, out);
        ++*printed;
    }
    for (uint32_t i = 0; i < expr->arg_count; i++)
        print_values(run, expr->args[i], row, printed, out);
}

/* Adds to a kernel's error where it happened. Returns false. */
static bool complete_error(const ExpressionRun *run, const Expr *expr, uint32_t row, Error *error)
{
    if (error == NULL)
        return false;
    if (error->detail[0] == '\0') {
        Buffer text = {0};
        uint32_t printed = 0;
        buffer_append_text(&text, "It happened in ");
        expr_print(expr, run->program->input, &text);
        print_values(run, expr, row, &printed, &text);
        buffer_append_char(&text, '.');
        error_detail(error, "%s", buffer_text(&text));
        buffer_deinit(&text);
    }
    return error_at(error, expr->sql_offset, expr->sql_length);
}

static const Vector *null_constant(ExpressionRun *run, const Type *type)
{
    Vector *vector = arena_new_one(run->arena, Vector);
    vector_init_constant(vector, type, run->arena);
    return vector;
}

static bool invoke(const ExpressionRun *run, const Step *step, RowSelection selection, Vector *out,
                   Error *error)
{
    KernelCall call = {
        .args = step->args,
        .arg_count = step->expr->arg_count,
        .rows = selection.rows,
        .row_count = selection.count,
        .out = out,
        .arena = run->arena,
        .data = step->expr->call.data,
        .environment = run->program->environment,
    };
    if (step->expr->call.kernel(&call, error))
        return true;
    return complete_error(run, step->expr, call.error_row, error);
}

/* Every argument is a constant: one row, and the result is a constant too. */
static bool run_constant_call(ExpressionRun *run, const Step *step, Error *error)
{
    Vector *out = arena_new_one(run->arena, Vector);
    vector_init(out, step->expr->type, 1, run->arena);
    if (!invoke(run, step, (RowSelection){NULL, 1}, out, error))
        return false;
    out->constant = true;
    run->registers[step->output] = out;
    return true;
}

/* Makes NULL what any argument has as NULL. */
static void combine_validity(ExpressionRun *run, const Step *step, Vector *out)
{
    uint32_t words = validity_words(run->input->row_count);
    for (uint32_t a = 0; a < step->expr->arg_count; a++) {
        const Vector *arg = step->args[a];
        if (arg->constant || arg->validity == NULL)
            continue;
        if (out->validity == NULL) {
            out->validity = arena_alloc(run->arena, sizeof(uint64_t) * words);
            memcpy(out->validity, arg->validity, sizeof(uint64_t) * words);
            continue;
        }
        for (uint32_t w = 0; w < words; w++)
            out->validity[w] &= arg->validity[w];
    }
}

/* Rows whose arguments all have a value; the others become NULL in `out`. */
static RowSelection narrow_to_values(ExpressionRun *run, const Step *step, RowSelection selection,
                                     Vector *out)
{
    uint32_t *rows = arena_alloc(run->program->scratch, sizeof(uint32_t) * selection.count);
    uint32_t count = 0;
    for (uint32_t i = 0; i < selection.count; i++) {
        uint32_t row = selection_row(selection, i);
        bool is_null = false;
        for (uint32_t a = 0; a < step->expr->arg_count && !is_null; a++)
            is_null = vector_is_null(step->args[a], row);
        if (is_null)
            vector_set_null(out, row, run->arena);
        else
            rows[count++] = row;
    }
    return (RowSelection){rows, count};
}

/* Over all rows a kernel's loop is several times as fast as over a list of them: where it cannot
 * fail and most rows are wanted anyway it computes the others too. */
static RowSelection widen(const ExpressionRun *run, const Step *step, RowSelection selection)
{
    uint32_t all = run->input->row_count;
    bool may = step->dense && (step->expr->call.function->flags & FUNCTION_NOT_DETERMINISTIC) == 0;
    return may && selection.count > all / 2 ? (RowSelection){NULL, all} : selection;
}

/* Whether a selected row may be NULL; bits of other rows may mean nothing. */
static bool may_be_null(const Vector *arg, RowSelection selection)
{
    return arg->validity != NULL &&
           (selection.rows != NULL || vector_count_nulls(arg, selection.count) != 0);
}

static bool run_call(ExpressionRun *run, const Step *step, RowSelection selection, Error *error)
{
    const Expr *expr = step->expr;
    unsigned flags = expr->call.function->flags;
    bool strict = (flags & FUNCTION_NULL_AWARE) == 0;
    bool all_constant = expr->arg_count != 0 && (flags & FUNCTION_NOT_DETERMINISTIC) == 0;
    bool has_nulls = false;
    for (uint32_t a = 0; a < expr->arg_count; a++) {
        const Vector *arg = run->registers[step->inputs[a]];
        step->args[a] = arg;
        if (strict && arg->constant && vector_is_null(arg, 0)) {
            run->registers[step->output] = null_constant(run, expr->type);
            return true;
        }
        all_constant = all_constant && arg->constant;
        has_nulls = has_nulls || may_be_null(arg, selection);
    }
    if (all_constant)
        return run_constant_call(run, step, error);

    Vector *out = expression_new_vector(run, step->output, expr->type);
    selection = widen(run, step, selection);
    if (!strict || !has_nulls)
        return invoke(run, step, selection, out, error);
    if (step->dense) {
        if (!invoke(run, step, selection, out, error))
            return false;
        combine_validity(run, step, out);
        return true;
    }
    RowSelection narrowed = narrow_to_values(run, step, selection, out);
    return narrowed.count == 0 || invoke(run, step, narrowed, out, error);
}

/* The row's child vector, borrowed; it has no value where the row has none. */
static void run_field(ExpressionRun *run, const Step *step)
{
    const Vector *row = run->registers[step->inputs[0]];
    Vector *field = arena_memdup(run->arena, &row->children[step->expr->field], sizeof(*field));
    field->type = step->expr->type;
    field->constant = field->constant || row->constant;
    run->registers[step->output] = field;
    if (row->validity == NULL)
        return;
    uint32_t rows = row->constant ? 1 : run->input->row_count;
    if (field->constant && !row->constant) {
        if (vector_is_null(field, 0))
            return;
        /* One value for every row that there is: rows that are NULL have none. */
        Vector *spread = arena_new_one(run->arena, Vector);
        vector_init(spread, field->type, rows, run->arena);
        for (uint32_t i = 0; i < rows; i++)
            vector_copy_value(spread, i, field, 0, run->arena, true);
        *field = *spread;
    }
    uint64_t *validity = arena_alloc(run->arena, sizeof(uint64_t) * validity_words(rows));
    for (uint32_t w = 0; w < validity_words(rows); w++)
        validity[w] =
            row->validity[w] & (field->validity == NULL ? UINT64_MAX : field->validity[w]);
    field->validity = validity;
}

bool expression_run_block(ExpressionRun *run, const Block *block, RowSelection selection,
                          Error *error)
{
    assert(selection.count > 0);
    for (uint32_t i = 0; i < block->step_count; i++) {
        const Step *step = &block->steps[i];
        if (step->expr->kind == EXPR_FIELD) {
            run_field(run, step);
            continue;
        }
        bool ok = step->arms == NULL ? run_call(run, step, selection, error)
                                     : expression_run_lazy(run, step, selection, error);
        if (!ok)
            return false;
    }
    return true;
}

static ExpressionRun start_run(ExpressionProgram *program, const Batch *input, Arena *arena)
{
    arena_reset(program->scratch);
    ExpressionRun run = {program, input, arena != NULL ? arena : program->scratch, NULL};
    run.registers = arena_memdup(program->scratch, program->constants,
                                 sizeof(*run.registers) * program->register_count);
    for (uint32_t i = 0; i < program->column_count; i++)
        run.registers[program->columns[i].register_index] =
            &input->columns[program->columns[i].column];
    return run;
}

bool expression_run(ExpressionProgram *program, const Batch *input, const uint32_t *rows,
                    uint32_t row_count, Arena *arena, const Vector **results, Error *error)
{
    ExpressionRun run = start_run(program, input, arena);
    if (row_count != 0 &&
        !expression_run_block(&run, program->main, (RowSelection){rows, row_count}, error))
        return false;
    for (uint32_t i = 0; i < program->result_count; i++) {
        uint32_t result = program->results[i];
        if (run.registers[result] == NULL)
            expression_new_vector(&run, result, program->expressions[i]->type);
        results[i] = run.registers[result];
    }
    return true;
}

/* Rows of the selection for which the block's result is TRUE. Behind AND only those go on for which
 * the operands so far were TRUE: FALSE and NULL filter alike. */
static int64_t select_true(ExpressionRun *run, const Block *block, RowSelection selection,
                           uint32_t *selected, Error *error)
{
    if (selection.count == 0)
        return 0;
    uint32_t count = block->step_count;
    const Step *last = count == 0 ? NULL : &block->steps[count - 1];
    bool is_and = last != NULL && last->expr->kind == EXPR_AND && last->output == block->result;
    Block steps = *block;
    steps.step_count = is_and ? count - 1 : count;
    if (!expression_run_block(run, &steps, selection, error))
        return -1;
    if (!is_and)
        return expression_split(run->registers[block->result], selection, selected, NULL);
    for (uint32_t a = 0; a < last->arm_count; a++) {
        int64_t left = select_true(run, last->arms[a].value, selection, selected, error);
        if (left <= 0)
            return left;
        selection = (RowSelection){selected, (uint32_t)left};
    }
    return selection.count;
}

int64_t expression_select(ExpressionProgram *program, const Batch *input, const uint32_t *rows,
                          uint32_t row_count, uint32_t *selected, Error *error)
{
    assert(program->result_count == 1);
    ExpressionRun run = start_run(program, input, NULL);
    return select_true(&run, program->main, (RowSelection){rows, row_count}, selected, error);
}
