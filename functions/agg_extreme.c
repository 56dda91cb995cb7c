/* MIN and MAX, FIRST_VALUE and LAST_VALUE: one value kept in place.
 *
 * That is enough while rows only come. When rows can go, the operator keeps all values, for MIN and
 * MAX in their order, for FIRST_VALUE and LAST_VALUE as they came, and takes the first or last.
 * Cost: a comparison per row, a copy of the text when a longer text wins. */
#include "functions/aggregate_internal.h"

#define KEPT_TYPES(X)                                                                              \
    X(boolean, uint8_t)                                                                            \
    X(i8, int8_t)                                                                                  \
    X(i16, int16_t)                                                                                \
    X(i32, int32_t)                                                                                \
    X(i64, int64_t)                                                                                \
    X(f32, float)                                                                                  \
    X(f64, double)

/* Every state: whether there is a value, and the value in the 16 bytes behind. */
typedef struct KeptState {
    int64_t present;
    Wide value;
} KeptState;

static void kept_empty(KeptState *state, const AggregateUpdate *update)
{
    *state = (KeptState){0};
}

/* NaN is the largest value, as where rows are sorted. */
#define IS_NAN(x) ((x) != (x))

#define KEEP(tag, T, kind, wins)                                                                   \
    static inline void kind##_apply_##tag(KeptState *state, T value, bool retracts,                \
                                          const AggregateUpdate *update)                           \
    {                                                                                              \
        T kept;                                                                                    \
        memcpy(&kept, &state->value, sizeof(T));                                                   \
        if (state->present == 0 || (wins)) {                                                       \
            memcpy(&state->value, &value, sizeof(T));                                              \
            state->present = 1;                                                                    \
        }                                                                                          \
    }                                                                                              \
    AGGREGATE_UPDATE(kind##_update_##tag, KeptState, T, kind##_apply_##tag, put_##tag, kept_empty) \
    static bool kind##_merge_##tag(const void *data, uint8_t *to, const uint8_t *from,             \
                                   AggregateMemory *memory, Error *error)                          \
    {                                                                                              \
        const KeptState *other = (const KeptState *)(const void *)from;                            \
        T value;                                                                                   \
        memcpy(&value, &other->value, sizeof(T));                                                  \
        if (other->present != 0)                                                                   \
            kind##_apply_##tag((KeptState *)(void *)to, value, false, NULL);                       \
        return true;                                                                               \
    }

#define KEPT_KERNELS(tag, T)                                                                       \
    static inline void put_##tag(const void *data, const KeptState *state, Vector *out,            \
                                 uint32_t row, Arena *arena)                                       \
    {                                                                                              \
        if (state->present == 0)                                                                   \
            vector_set_null(out, row, arena);                                                      \
        else                                                                                       \
            memcpy((T *)out->data + row, &state->value, sizeof(T));                                \
    }                                                                                              \
    AGGREGATE_RESULT(result_##tag, KeptState, put_##tag)                                           \
    KEEP(tag, T, min, value < kept || (IS_NAN(kept) && !IS_NAN(value)))                            \
    KEEP(tag, T, max, value > kept || (IS_NAN(value) && !IS_NAN(kept)))                            \
    KEEP(tag, T, first, false)                                                                     \
    KEEP(tag, T, last, true)
KEPT_TYPES(KEPT_KERNELS)
#undef IS_NAN
#define IS_NAN(x) false
KEPT_KERNELS(i128, int128_t)

/* Text: the long part belongs to the state table. */
typedef struct TextState {
    int64_t present;
    StringView value;
} TextState;

static void text_empty(TextState *state, const AggregateUpdate *update)
{
    update->memory->assign(update->memory, &state->value, (Str){"", 0});
    *state = (TextState){0};
}

static void put_text(const void *data, const TextState *state, Vector *out, uint32_t row,
                     Arena *arena)
{
    if (state->present == 0)
        vector_set_null(out, row, arena);
    else
        vector_set_str(out, row, string_view_str(&state->value), arena);
}

#define KEEP_TEXT(kind, wins)                                                                      \
    static inline void kind##_take_text(TextState *state, StringView value,                        \
                                        AggregateMemory *memory)                                   \
    {                                                                                              \
        if (state->present == 0 || (wins)) {                                                       \
            memory->assign(memory, &state->value, string_view_str(&value));                        \
            state->present = 1;                                                                    \
        }                                                                                          \
    }                                                                                              \
    static inline void kind##_apply_text(TextState *state, StringView value, bool retracts,        \
                                         const AggregateUpdate *update)                            \
    {                                                                                              \
        kind##_take_text(state, value, update->memory);                                            \
    }                                                                                              \
    AGGREGATE_UPDATE(kind##_update_text, TextState, StringView, kind##_apply_text, put_text,       \
                     text_empty)                                                                   \
    static bool kind##_merge_text(const void *data, uint8_t *to, const uint8_t *from,              \
                                  AggregateMemory *memory, Error *error)                           \
    {                                                                                              \
        const TextState *other = (const TextState *)(const void *)from;                            \
        if (other->present != 0)                                                                   \
            kind##_take_text((TextState *)(void *)to, other->value, memory);                       \
        return true;                                                                               \
    }
KEEP_TEXT(min, string_view_compare(&value, &state->value) < 0)
KEEP_TEXT(max, string_view_compare(&value, &state->value) > 0)
KEEP_TEXT(first, false)
KEEP_TEXT(last, true)
AGGREGATE_RESULT(result_text, TextState, put_text)

typedef enum ExtremeKind { EXTREME_MIN, EXTREME_MAX, EXTREME_FIRST, EXTREME_LAST } ExtremeKind;

typedef struct ExtremeKernels {
    bool (*update[4])(const AggregateUpdate *update, Error *error);
    bool (*merge[4])(const void *data, uint8_t *to, const uint8_t *from, AggregateMemory *memory,
                     Error *error);
    bool (*result)(const void *data, uint8_t *const *states, uint32_t count, Vector *out,
                   Arena *arena, Error *error);
} ExtremeKernels;

#define EXTREME(tag)                                                                               \
    {                                                                                              \
        {min_update_##tag, max_update_##tag, first_update_##tag, last_update_##tag},               \
            {min_merge_##tag, max_merge_##tag, first_merge_##tag, last_merge_##tag}, result_##tag  \
    }
static const ExtremeKernels extremes[PHYSICAL_ROW + 1] = {
    [PHYSICAL_BOOL] = EXTREME(boolean), [PHYSICAL_I8] = EXTREME(i8),
    [PHYSICAL_I16] = EXTREME(i16),      [PHYSICAL_I32] = EXTREME(i32),
    [PHYSICAL_I64] = EXTREME(i64),      [PHYSICAL_I128] = EXTREME(i128),
    [PHYSICAL_F32] = EXTREME(f32),      [PHYSICAL_F64] = EXTREME(f64),
    [PHYSICAL_STRING] = EXTREME(text),
};

/* The one value that was kept. */
static bool make_same(const void *data, const Vector *values, uint32_t count, Vector *out,
                      uint32_t row, Arena *arena, Error *error)
{
    if (count == 0)
        vector_set_null(out, row, arena);
    else
        vector_copy_value(out, row, values, 0, arena, false);
    return true;
}

static bool bind_extreme(const AggregateFunction *function, const FunctionSite *site,
                         bool retracting, ExtremeKind kind, BoundAggregate *out, Error *error)
{
    static const uint32_t text_offset[] = {offsetof(TextState, value)};
    if (site->argument_count != 1)
        return false;
    const Type *type = aggregate_begin(function, site, &type_int, out)[0];
    const ExtremeKernels *kernels = &extremes[type->physical];
    if (kernels->result == NULL)
        return false;
    const bool ordered = kind == EXTREME_MIN || kind == EXTREME_MAX;
    out->result = type_with_nullable(site->arena, type, true);
    if (retracting && !ordered) {
        out->keeps = kind == EXTREME_FIRST ? AGGREGATE_KEEPS_FIRST : AGGREGATE_KEEPS_LAST;
        out->make = make_same;
        return true;
    }
    out->state_bytes = sizeof(KeptState);
    out->update = kernels->update[kind];
    out->merge = kernels->merge[kind];
    out->result_of = kernels->result;
    out->ordered_when_retracting = retracting;
    out->ordered_last = kind == EXTREME_MAX;
    if (type->physical == PHYSICAL_STRING) {
        out->string_offsets = text_offset;
        out->string_count = 1;
    }
    return true;
}

static bool min_bind(const AggregateFunction *function, const FunctionSite *site, bool retracting,
                     BoundAggregate *out, Error *error)
{
    return bind_extreme(function, site, retracting, EXTREME_MIN, out, error);
}

static bool max_bind(const AggregateFunction *function, const FunctionSite *site, bool retracting,
                     BoundAggregate *out, Error *error)
{
    return bind_extreme(function, site, retracting, EXTREME_MAX, out, error);
}

static bool first_bind(const AggregateFunction *function, const FunctionSite *site, bool retracting,
                       BoundAggregate *out, Error *error)
{
    return bind_extreme(function, site, retracting, EXTREME_FIRST, out, error);
}

static bool last_bind(const AggregateFunction *function, const FunctionSite *site, bool retracting,
                      BoundAggregate *out, Error *error)
{
    return bind_extreme(function, site, retracting, EXTREME_LAST, out, error);
}

static const AggregateFunction functions[] = {
    {"MIN", "(ANY) -> same", min_bind, 0, "The least value; NULL without values."},
    {"MAX", "(ANY) -> same", max_bind, 0, "The greatest value; NULL without values."},
    {"FIRST_VALUE", "(ANY) -> same", first_bind, 0,
     "The value that came first, of those that are not NULL."},
    {"LAST_VALUE", "(ANY) -> same", last_bind, 0,
     "The value that came last, of those that are not NULL."},
    {0},
};

extern const AggregateFamily agg_extreme;
const AggregateFamily agg_extreme = {functions};
