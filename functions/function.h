/* Scalar functions: what the planner binds and the executor runs.
 *
 * A family of functions is one file (fn_string.c) that exports one FunctionFamily: a table with a
 * line per function — signature, kernel or binder, flags, a sentence. The reference in docs/ and
 * `weir --list-functions` are made from these tables.
 *
 * Binding happens once per call in a statement: the argument types choose the result type, the
 * types the arguments must be cast to, and one kernel for exactly those types. A kernel runs over a
 * whole batch. It never looks at types at run time.
 *
 * Kernels and NULL: unless the function is FUNCTION_NULL_AWARE, the evaluator gives the kernel only
 * rows whose arguments all have a value and makes the others NULL itself. A kernel may be run over
 * more rows than that when it cannot fail; whatever it writes there is thrown away.
 *
 * Text in a result may borrow the memory of the arguments' text (SUBSTRING copies nothing), so a
 * batch that keeps a result also keeps the batch it was computed from. */
#ifndef FUNCTIONS_FUNCTION_H
#define FUNCTIONS_FUNCTION_H

#include "core/batch.h"
#include "core/clock.h"
#include "core/datetime.h"
#include "core/error.h"

/* What a running kernel may know of the world. Set once per job. */
typedef struct FunctionEnvironment {
    const Clock *clock;
    const TimeZone *zone;  /* table.local-time-zone */
    int64_t batch_time_us; /* "now" of the batch being evaluated: CURRENT_TIMESTAMP */
    int64_t watermark_us;  /* of the operator that evaluates; INT64_MIN: none yet */
} FunctionEnvironment;

/* One run of a kernel. */
typedef struct KernelCall {
    const Vector *const *args; /* each full or constant; index rows through vector_index */
    uint32_t arg_count;
    const uint32_t *rows; /* rows to compute, ascending; NULL: all of 0..row_count-1 */
    uint32_t row_count;   /* entries of `rows`, or rows of the batch */
    Vector *out;      /* room for every row of the batch; the kernel writes only rows asked for */
    Arena *arena;     /* the batch's: results that need memory */
    const void *data; /* what bind prepared */
    const FunctionEnvironment *environment;
    uint32_t error_row; /* set with the error: the row it happened in */
} KernelCall;

typedef bool (*ScalarKernel)(KernelCall *call, Error *error);

/* The i-th row to compute. */
static inline uint32_t kernel_row(const KernelCall *call, uint32_t i)
{
    return call->rows == NULL ? i : call->rows[i];
}

/* A call as the binder meets it. */
typedef struct FunctionSite {
    const Type *const *argument_types;
    const Vector *const
        *literals; /* literals[i]: constant vector when argument i is one, else NULL */
    uint32_t argument_count;
    const TimeZone *zone;
    Arena *arena;                    /* lifetime of the plan: data, types, compiled patterns */
    const struct UserFunctions *own; /* the session's own functions (user.h); NULL: none */
} FunctionSite;

typedef struct ScalarFunction ScalarFunction;

/* A call that is ready to run. */
typedef struct BoundFunction {
    const ScalarFunction *function;
    const Type *result;
    /* The planner casts each argument whose type differs in more than nullability. The binder has
     * checked that it may, so that cast is bound as CAST_EXPLICIT. */
    const Type **argument_types;
    uint32_t argument_count;
    ScalarKernel kernel;
    const void *data;
} BoundFunction;

typedef enum FunctionFlags {
    FUNCTION_NULL_AWARE = 1,        /* the kernel handles NULL arguments itself */
    FUNCTION_NULLABLE_RESULT = 2,   /* may give NULL though no argument is */
    FUNCTION_NOT_DETERMINISTIC = 4, /* not folded, not shared (RAND, UUID, CURRENT_TIMESTAMP) */
    FUNCTION_CAN_FAIL = 8,          /* may raise an error: never run for rows not asked for */
    FUNCTION_HIDDEN = 16            /* an operator's implementation, not listed as a function */
} FunctionFlags;

struct ScalarFunction {
    const char *name; /* upper case; operators by their sign: "+", "||", "LIKE" */
    /* "(STRING, INT, INT?) -> STRING": what people read, and what binds when `bind` is NULL. The
     * language of signatures is told in functions/README.md. */
    const char *signature;
    ScalarKernel kernel; /* used when `bind` is NULL */
    /* Chooses types and kernel. False when the arguments do not fit: with an error set where there
     * is more to say than the list of signatures, without one to let the next overload try. */
    bool (*bind)(const ScalarFunction *function, const FunctionSite *site, BoundFunction *out,
                 Error *error);
    unsigned flags;
    const char *category; /* heading in the reference: "string", "arithmetic", … */
    const char *doc;      /* one sentence */
};

typedef struct FunctionFamily {
    const ScalarFunction *functions; /* ends with a name of NULL */
} FunctionFamily;

/* Binds a call by name, without case. Tries each overload in table order; the error of no match
 * lists the signatures there are, of an unknown name the nearest one. */
bool function_bind(const char *name, const FunctionSite *site, BoundFunction *out,
                   Error *error) MUST_CHECK;

/* A parameter of a signature without its mark: "INT?" may be left out, "INT..." comes once or more.
 */
Str signature_mark(Str text, bool *optional, bool *repeated);

/* Binds CAST (or TRY_CAST, whose failure gives NULL) from one type to another. `implicit` allows
 * only the conversions Flink makes by itself. */
typedef enum CastMode { CAST_EXPLICIT, CAST_TRY, CAST_IMPLICIT } CastMode;
bool cast_bind(const Type *from, const Type *to, CastMode mode, const FunctionSite *site,
               BoundFunction *out, Error *error) MUST_CHECK;
/* Whether CAST_IMPLICIT would bind. */
bool cast_is_implicit(const Type *from, const Type *to);

/* The type that CASE arms, UNION ALL columns, IN lists and COALESCE arguments have in common, or
 * NULL when there is none. */
const Type *type_common(Arena *arena, const Type *a, const Type *b);

/* Every function there is, in table order; NULL past the last. For SHOW FUNCTIONS and the docs. */
const ScalarFunction *function_at(uint32_t index);

#endif
