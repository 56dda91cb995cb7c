/* The type that several values have in common, and the precision of DECIMAL results.
 *
 * Source: Flink's LogicalTypeMerging and Calcite's leastRestrictive, as facts of their
 * documentation: exact with approximate numbers gives the approximate type, DECIMAL with FLOAT
 * gives DOUBLE. */
#include "functions/kernel_internal.h"

static int32_t max_i32(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

static int32_t min_i32(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

Type decimal_type_of(const Type *type)
{
    switch (type->kind) {
    case TYPE_TINYINT:
        return type_make(TYPE_DECIMAL, type->nullable, 3, 0);
    case TYPE_SMALLINT:
        return type_make(TYPE_DECIMAL, type->nullable, 5, 0);
    case TYPE_INT:
        return type_make(TYPE_DECIMAL, type->nullable, 10, 0);
    case TYPE_BIGINT:
        return type_make(TYPE_DECIMAL, type->nullable, 19, 0);
    default:
        return *type;
    }
}

const Type *decimal_type_adjusted(Arena *arena, int32_t precision, int32_t scale)
{
    if (precision > DECIMAL_PRECISION_MAX) {
        const int32_t digits = precision - scale;
        scale = max_i32(DECIMAL_PRECISION_MAX - digits, min_i32(scale, 6));
        precision = DECIMAL_PRECISION_MAX;
    }
    return type_new(arena, TYPE_DECIMAL, true, precision, scale);
}

const Type *type_common_numeric(Arena *arena, const Type *a, const Type *b)
{
    const bool nullable = a->nullable || b->nullable;
    if (type_is_integer(a) && type_is_integer(b))
        return type_with_nullable(arena, a->kind >= b->kind ? a : b, nullable);
    const bool a_approximate = a->kind == TYPE_FLOAT || a->kind == TYPE_DOUBLE;
    const bool b_approximate = b->kind == TYPE_FLOAT || b->kind == TYPE_DOUBLE;
    if (a_approximate || b_approximate) {
        const bool single = a->kind != TYPE_DOUBLE && b->kind != TYPE_DOUBLE &&
                            a->kind != TYPE_DECIMAL && b->kind != TYPE_DECIMAL;
        return type_new(arena, single ? TYPE_FLOAT : TYPE_DOUBLE, nullable, 0, 0);
    }
    const Type x = decimal_type_of(a);
    const Type y = decimal_type_of(b);
    const int32_t scale = max_i32(x.scale, y.scale);
    const int32_t digits = max_i32(x.precision - x.scale, y.precision - y.scale);
    const int32_t precision = min_i32(digits + scale, DECIMAL_PRECISION_MAX);
    return type_new(arena, TYPE_DECIMAL, nullable, precision,
                    digits + scale > DECIMAL_PRECISION_MAX
                        ? max_i32(DECIMAL_PRECISION_MAX - digits, min_i32(scale, 6))
                        : scale);
}

/* Text and bytes: equal fixed lengths stay fixed, anything else varies up to the longer. */
static const Type *type_common_text(Arena *arena, const Type *a, const Type *b)
{
    const bool nullable = a->nullable || b->nullable;
    if (a->kind == b->kind && a->length == b->length)
        return type_with_nullable(arena, a, nullable);
    return type_new(arena, type_is_string(a) ? TYPE_VARCHAR : TYPE_VARBINARY, nullable,
                    max_i32(a->length, b->length), 0);
}

/* DATE < TIMESTAMP < TIMESTAMP_LTZ, at the higher precision; TIME only with TIME. */
static const Type *type_common_time(Arena *arena, const Type *a, const Type *b)
{
    const bool nullable = a->nullable || b->nullable;
    if (a->kind == TYPE_TIME || b->kind == TYPE_TIME) {
        if (a->kind != b->kind)
            return NULL;
        return type_new(arena, TYPE_TIME, nullable, max_i32(a->precision, b->precision), 0);
    }
    const TypeKind kind = a->kind > b->kind ? a->kind : b->kind;
    const int32_t a_precision = a->kind == TYPE_DATE ? 0 : a->precision;
    const int32_t b_precision = b->kind == TYPE_DATE ? 0 : b->precision;
    return type_new(arena, kind, nullable,
                    kind == TYPE_DATE ? 0 : max_i32(a_precision, b_precision), 0);
}

static const Type *type_common_nested(Arena *arena, const Type *a, const Type *b)
{
    if (a->kind != b->kind || a->field_count != b->field_count)
        return NULL;
    TypeField *fields = arena_new_array(arena, TypeField, a->field_count);
    for (uint32_t i = 0; i < a->field_count; i++) {
        fields[i].name = a->fields[i].name;
        fields[i].type = type_common(arena, a->fields[i].type, b->fields[i].type);
        if (fields[i].type == NULL)
            return NULL;
    }
    return type_new_nested(arena, a->kind, a->nullable || b->nullable, fields, a->field_count);
}

static bool type_is_point(const Type *type)
{
    return type->kind >= TYPE_DATE && type->kind <= TYPE_TIMESTAMP_LTZ;
}

const Type *type_common(Arena *arena, const Type *a, const Type *b)
{
    if (a->kind == TYPE_NULL)
        return type_with_nullable(arena, b, true);
    if (b->kind == TYPE_NULL)
        return type_with_nullable(arena, a, true);
    if (type_equal_ignoring_null(a, b))
        return type_with_nullable(arena, a, a->nullable || b->nullable);
    if (type_is_numeric(a) && type_is_numeric(b))
        return type_common_numeric(arena, a, b);
    if ((type_is_string(a) && type_is_string(b)) || (type_is_bytes(a) && type_is_bytes(b)))
        return type_common_text(arena, a, b);
    if (type_is_point(a) && type_is_point(b))
        return type_common_time(arena, a, b);
    if (type_is_nested(a) && type_is_nested(b))
        return type_common_nested(arena, a, b);
    return NULL;
}
