/* Compiling expressions: from trees to steps.
 *
 * Equal subtrees get one register by value numbering: a call is known by its function and its
 * argument registers, and is looked for in the block at hand and in those around it. A call that is
 * not deterministic always gets a register of its own, and with it everything built on it.
 *
 * The first operand of AND, OR, CASE and COALESCE is needed by every row, so it is compiled into
 * the enclosing block, where the others find it. Each further arm's block has the one before as its
 * parent: its rows are among those that got there. Operands of AND and OR that compare and compute
 * a little and cannot fail go into the enclosing block too: all rows cost less than a choice. */
#include "executor/expression/internal.h"

typedef struct Compiler {
    Arena *arena;
    ExpressionProgram *program;
    uint32_t register_capacity;
    ColumnRegister *columns;
    uint32_t column_capacity;
    const Expr **producers; /* by register: what it computes */
} Compiler;

static uint32_t compile_into(Compiler *compiler, Block *block, const Expr *expr);

static uint32_t new_register(Compiler *compiler, const Expr *expr)
{
    ExpressionProgram *program = compiler->program;
    uint32_t capacity = compiler->register_capacity; /* of both */
    program->constants =
        arena_grow(compiler->arena, program->constants, sizeof(*program->constants),
                   program->register_count, &capacity);
    compiler->producers =
        arena_grow(compiler->arena, compiler->producers, sizeof(*compiler->producers),
                   program->register_count, &compiler->register_capacity);
    compiler->producers[program->register_count] = expr;
    return program->register_count++;
}

static Block *new_block(Compiler *compiler, Block *parent)
{
    Block *block = arena_new_one(compiler->arena, Block);
    block->parent = parent;
    return block;
}

static Step *append_step(Compiler *compiler, Block *block, const Expr *expr)
{
    block->steps = arena_grow(compiler->arena, block->steps, sizeof(*block->steps),
                              block->step_count, &block->step_capacity);
    Step *step = &block->steps[block->step_count++];
    step->expr = expr;
    step->output = new_register(compiler, expr);
    return step;
}

static uint32_t column_register(Compiler *compiler, const Expr *expr)
{
    ExpressionProgram *program = compiler->program;
    assert(expr->column < program->input->column_count);
    for (uint32_t i = 0; i < program->column_count; i++)
        if (compiler->columns[i].column == expr->column)
            return compiler->columns[i].register_index;
    compiler->columns = arena_grow(compiler->arena, compiler->columns, sizeof(*compiler->columns),
                                   program->column_count, &compiler->column_capacity);
    program->columns = compiler->columns;
    uint32_t index = new_register(compiler, expr);
    compiler->columns[program->column_count++] = (ColumnRegister){index, expr->column};
    return index;
}

static uint32_t constant_register(Compiler *compiler, const Expr *expr)
{
    assert(expr->literal->constant);
    uint32_t index = new_register(compiler, expr);
    compiler->program->constants[index] = expr->literal;
    return index;
}

/* The step of an equal call whose arguments are in these registers, in this block or around it. */
static const Step *find_call(const Compiler *compiler, const Block *block, const Expr *expr,
                             const uint32_t *inputs)
{
    if (expr->call.function->flags & FUNCTION_NOT_DETERMINISTIC)
        return NULL;
    for (; block != NULL; block = block->parent) {
        for (uint32_t i = 0; i < block->step_count; i++) {
            const Step *step = &block->steps[i];
            if (step->expr->kind != EXPR_CALL || step->expr->call.kernel != expr->call.kernel ||
                step->expr->arg_count != expr->arg_count)
                continue;
            bool same = true;
            for (uint32_t a = 0; a < expr->arg_count && same; a++) {
                /* Literals each have their own register; expr_equal compares them. */
                same = step->inputs[a] == inputs[a] ||
                       (compiler->program->constants[step->inputs[a]] != NULL &&
                        compiler->program->constants[inputs[a]] != NULL);
            }
            if (same && expr_equal(step->expr, expr))
                return step;
        }
    }
    return NULL;
}

static const Step *find_lazy(const Block *block, const Expr *expr)
{
    for (; block != NULL; block = block->parent)
        for (uint32_t i = 0; i < block->step_count; i++)
            if (block->steps[i].expr->kind == expr->kind && expr_equal(block->steps[i].expr, expr))
                return expr_is_deterministic(expr) ? &block->steps[i] : NULL;
    return NULL;
}

static bool type_is_fixed(const Type *type)
{
    return type->physical < PHYSICAL_STRING;
}

static bool call_is_dense(const Expr *expr)
{
    if (expr->call.function->flags & (FUNCTION_NULL_AWARE | FUNCTION_CAN_FAIL))
        return false;
    bool fixed = type_is_fixed(expr->type);
    for (uint32_t i = 0; i < expr->arg_count; i++)
        fixed = fixed && type_is_fixed(expr->args[i]->type);
    return fixed;
}

static uint32_t compile_call(Compiler *compiler, Block *block, const Expr *expr)
{
    uint32_t *inputs = arena_new_array(compiler->arena, uint32_t, expr->arg_count + 1);
    for (uint32_t i = 0; i < expr->arg_count; i++)
        inputs[i] = compile_into(compiler, block, expr->args[i]);
    const Step *known = find_call(compiler, block, expr, inputs);
    if (known != NULL)
        return known->output;
    Step *step = append_step(compiler, block, expr);
    step->inputs = inputs;
    step->args = arena_new_array(compiler->arena, const Vector *, expr->arg_count + 1);
    step->dense = call_is_dense(expr);
    return step->output;
}

static uint32_t compile_field(Compiler *compiler, Block *block, const Expr *expr)
{
    const Step *known = find_lazy(block, expr);
    if (known != NULL)
        return known->output;
    uint32_t *inputs = arena_new_array(compiler->arena, uint32_t, 1);
    inputs[0] = compile_into(compiler, block, expr->args[0]);
    Step *step = append_step(compiler, block, expr);
    step->inputs = inputs;
    return step->output;
}

/* Calls of an operand that runs for all rows though only some need it. */
#define EAGER_CALLS 4

/* Whether the operand may run for any row and takes few steps, each over fixed-width values. */
static bool is_light(const Expr *expr, uint32_t *calls)
{
    switch (expr->kind) {
    case EXPR_COLUMN:
    case EXPR_LITERAL:
        return type_is_fixed(expr->type);
    case EXPR_AND:
    case EXPR_OR:
        break;
    case EXPR_CALL:
        if (!call_is_dense(expr) || !expr_is_deterministic(expr) || ++*calls > EAGER_CALLS)
            return false;
        break;
    default:
        return false;
    }
    for (uint32_t i = 0; i < expr->arg_count; i++)
        if (!is_light(expr->args[i], calls))
            return false;
    return true;
}

/* Whether an operand is computed where the lazy step itself stands. */
static bool is_eager(const Expr *expr, uint32_t arm, uint32_t arm_count)
{
    uint32_t calls = 0;
    bool is_connective = expr->kind == EXPR_AND || expr->kind == EXPR_OR;
    return arm_count > 1 && (arm == 0 || (is_connective && is_light(expr->args[arm], &calls)));
}

/* A block that computes one operand in the scope of `parent`. */
static Block *compile_block(Compiler *compiler, Block *parent, const Expr *expr)
{
    Block *block = new_block(compiler, parent);
    block->result = compile_into(compiler, block, expr);
    return block;
}

/* A block without steps: the operand is computed where the lazy step itself stands. */
static Block *compile_eager(Compiler *compiler, Block *block, const Expr *expr)
{
    Block *empty = new_block(compiler, block);
    empty->result = compile_into(compiler, block, expr);
    return empty;
}

static uint32_t compile_lazy(Compiler *compiler, Block *block, const Expr *expr)
{
    const Step *known = find_lazy(block, expr);
    if (known != NULL)
        return known->output;
    bool is_case = expr->kind == EXPR_CASE;
    assert(is_case ? expr->arg_count % 2 == 1 : expr->arg_count >= 1);
    uint32_t arm_count = is_case ? expr->arg_count / 2 + 1 : expr->arg_count;
    Arm *arms = arena_new_array(compiler->arena, Arm, arm_count);
    Block *scope = block;
    for (uint32_t i = 0; i < arm_count; i++) {
        const Expr *const *operands = expr->args + (is_case ? 2 * i : i);
        Block **first = is_case && i + 1 < arm_count ? &arms[i].condition : &arms[i].value;
        bool eager = is_eager(expr, i, arm_count);
        *first = eager ? compile_eager(compiler, block, operands[0])
                       : compile_block(compiler, scope, operands[0]);
        scope = !eager ? *first : i == 0 ? block : scope;
        if (first == &arms[i].condition)
            arms[i].value = compile_block(compiler, scope, operands[1]);
    }
    Step *step = append_step(compiler, block, expr);
    step->arms = arms;
    step->arm_count = arm_count;
    return step->output;
}

static uint32_t compile_into(Compiler *compiler, Block *block, const Expr *expr)
{
    switch (expr->kind) {
    case EXPR_COLUMN:
        return column_register(compiler, expr);
    case EXPR_LITERAL:
        return constant_register(compiler, expr);
    case EXPR_CALL:
        return compile_call(compiler, block, expr);
    case EXPR_AND:
    case EXPR_OR:
    case EXPR_CASE:
    case EXPR_COALESCE:
        return compile_lazy(compiler, block, expr);
    case EXPR_FIELD:
        return compile_field(compiler, block, expr);
    case EXPR_OUTER:
    case EXPR_QUERY:
        break;
    }
    assert(false);
    return 0;
}

/* A lazy step hands on an arm's own vector where one arm took every row, so its arms escape too.
 * Backwards: an arm's vector was made by an earlier step, or in an arm before it. */
static void mark_escaping(ExpressionProgram *program, const Block *block)
{
    for (uint32_t i = block->step_count; i-- > 0;) {
        const Step *step = &block->steps[i];
        for (uint32_t a = step->arm_count; a-- > 0;) {
            if (program->escapes[step->output])
                program->escapes[step->arms[a].value->result] = true;
            mark_escaping(program, step->arms[a].value);
            if (step->arms[a].condition != NULL)
                mark_escaping(program, step->arms[a].condition);
        }
    }
}

static void close_scratch(void *arena)
{
    arena_free(arena);
}

ExpressionProgram *expression_compile(Arena *arena, const Expr *const *expressions, uint32_t count,
                                      const Schema *input, FunctionEnvironment *environment)
{
    ExpressionProgram *program = arena_new_one(arena, ExpressionProgram);
    Compiler compiler = {.arena = arena, .program = program};
    uint32_t *results = arena_new_array(arena, uint32_t, count + 1);
    program->input = input;
    program->environment = environment;
    program->main = new_block(&compiler, NULL);
    program->result_count = count;
    program->expressions = arena_memdup(arena, expressions, sizeof(*expressions) * count);
    for (uint32_t i = 0; i < count; i++)
        results[i] = compile_into(&compiler, program->main, expressions[i]);
    program->results = results;
    program->main->result = count == 0 ? 0 : results[count - 1];
    program->escapes = arena_new_array(arena, bool, program->register_count + 1);
    for (uint32_t i = 0; i < count; i++)
        program->escapes[results[i]] = true;
    mark_escaping(program, program->main);
    program->scratch = arena_new(4096);
    arena_on_close(arena, close_scratch, program->scratch);
    return program;
}

void expression_mark_columns(const Expr *expr, bool *is_read)
{
    if (expr->kind == EXPR_COLUMN)
        is_read[expr->column] = true;
    for (uint32_t i = 0; i < expr->arg_count; i++)
        expression_mark_columns(expr->args[i], is_read);
}
