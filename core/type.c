/* SQL types: making, comparing, printing. Everything about a type's memory follows from
 * type_physical. */
#include "core/type.h"

#include <string.h>

static PhysicalType type_physical(TypeKind kind, int32_t precision)
{
    switch (kind) {
    case TYPE_NULL:
    case TYPE_BOOLEAN:
        return PHYSICAL_BOOL;
    case TYPE_TINYINT:
        return PHYSICAL_I8;
    case TYPE_SMALLINT:
        return PHYSICAL_I16;
    case TYPE_INT:
    case TYPE_DATE:
    case TYPE_TIME:
    case TYPE_INTERVAL_MONTH:
        return PHYSICAL_I32;
    case TYPE_BIGINT:
    case TYPE_INTERVAL_SECOND:
        return PHYSICAL_I64;
    case TYPE_FLOAT:
        return PHYSICAL_F32;
    case TYPE_DOUBLE:
        return PHYSICAL_F64;
    case TYPE_DECIMAL:
        return precision <= DECIMAL_PRECISION_I64 ? PHYSICAL_I64 : PHYSICAL_I128;
    case TYPE_CHAR:
    case TYPE_VARCHAR:
    case TYPE_BINARY:
    case TYPE_VARBINARY:
        return PHYSICAL_STRING;
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMP_LTZ:
        return precision <= TIMESTAMP_PRECISION_I64 ? PHYSICAL_I64 : PHYSICAL_I128;
    case TYPE_ARRAY:
    case TYPE_MULTISET:
    case TYPE_MAP:
        return PHYSICAL_LIST;
    case TYPE_ROW:
        return PHYSICAL_ROW;
    }
    assert(false);
    return PHYSICAL_BOOL;
}

static bool kind_has_length(TypeKind kind)
{
    return kind >= TYPE_CHAR && kind <= TYPE_VARBINARY;
}

static bool kind_has_precision(TypeKind kind)
{
    return kind == TYPE_DECIMAL || (kind >= TYPE_TIME && kind <= TYPE_TIMESTAMP_LTZ);
}

Type type_make(TypeKind kind, bool nullable, int32_t length_or_precision, int32_t scale)
{
    Type type = {.kind = kind, .nullable = nullable};
    if (kind_has_length(kind)) {
        type.length = length_or_precision;
    } else if (kind_has_precision(kind)) {
        assert(length_or_precision >= 0 && length_or_precision <= DECIMAL_PRECISION_MAX);
        assert(scale >= 0 && scale <= DECIMAL_PRECISION_MAX);
        type.precision = (uint8_t)length_or_precision;
        type.scale = kind == TYPE_DECIMAL ? (uint8_t)scale : 0;
    }
    type.physical = type_physical(kind, length_or_precision);
    return type;
}

const Type *type_new(Arena *arena, TypeKind kind, bool nullable, int32_t length_or_precision,
                     int32_t scale)
{
    Type type = type_make(kind, nullable, length_or_precision, scale);
    return arena_memdup(arena, &type, sizeof(type));
}

const Type *type_new_nested(Arena *arena, TypeKind kind, bool nullable, const TypeField *fields,
                            uint32_t field_count)
{
    assert(kind >= TYPE_ARRAY);
    Type type = type_make(kind, nullable, 0, 0);
    type.field_count = field_count;
    type.fields = arena_memdup(arena, fields, sizeof(*fields) * field_count);
    return arena_memdup(arena, &type, sizeof(type));
}

const Type *type_with_nullable(Arena *arena, const Type *type, bool nullable)
{
    if (type->nullable == nullable)
        return type;
    Type *other = arena_memdup(arena, type, sizeof(*type));
    other->nullable = nullable;
    return other;
}

const Type *type_copy(Arena *arena, const Type *type)
{
    Type *copy = arena_memdup(arena, type, sizeof(*type));
    if (type->field_count == 0)
        return copy;
    TypeField *fields = arena_new_array(arena, TypeField, type->field_count);
    for (uint32_t i = 0; i < type->field_count; i++) {
        const TypeField *field = &type->fields[i];
        fields[i].name = field->name == NULL ? NULL : arena_strdup(arena, field->name);
        fields[i].type = type_copy(arena, field->type);
    }
    copy->fields = fields;
    return copy;
}

const Type type_null = {.kind = TYPE_NULL, .physical = PHYSICAL_BOOL, .nullable = true};
const Type type_boolean = {.kind = TYPE_BOOLEAN, .physical = PHYSICAL_BOOL, .nullable = true};
const Type type_tinyint = {.kind = TYPE_TINYINT, .physical = PHYSICAL_I8, .nullable = true};
const Type type_smallint = {.kind = TYPE_SMALLINT, .physical = PHYSICAL_I16, .nullable = true};
const Type type_int = {.kind = TYPE_INT, .physical = PHYSICAL_I32, .nullable = true};
const Type type_bigint = {.kind = TYPE_BIGINT, .physical = PHYSICAL_I64, .nullable = true};
const Type type_float = {.kind = TYPE_FLOAT, .physical = PHYSICAL_F32, .nullable = true};
const Type type_double = {.kind = TYPE_DOUBLE, .physical = PHYSICAL_F64, .nullable = true};
const Type type_string = {
    .kind = TYPE_VARCHAR, .physical = PHYSICAL_STRING, .nullable = true, .length = TYPE_LENGTH_MAX};
const Type type_bytes = {.kind = TYPE_VARBINARY,
                         .physical = PHYSICAL_STRING,
                         .nullable = true,
                         .length = TYPE_LENGTH_MAX};
const Type type_date = {.kind = TYPE_DATE, .physical = PHYSICAL_I32, .nullable = true};
const Type type_time = {.kind = TYPE_TIME, .physical = PHYSICAL_I32, .nullable = true};
const Type type_timestamp_3 = {
    .kind = TYPE_TIMESTAMP, .physical = PHYSICAL_I64, .nullable = true, .precision = 3};
const Type type_timestamp_6 = {
    .kind = TYPE_TIMESTAMP, .physical = PHYSICAL_I64, .nullable = true, .precision = 6};
const Type type_timestamp_ltz_3 = {
    .kind = TYPE_TIMESTAMP_LTZ, .physical = PHYSICAL_I64, .nullable = true, .precision = 3};
const Type type_timestamp_ltz_6 = {
    .kind = TYPE_TIMESTAMP_LTZ, .physical = PHYSICAL_I64, .nullable = true, .precision = 6};
const Type type_interval_month = {
    .kind = TYPE_INTERVAL_MONTH, .physical = PHYSICAL_I32, .nullable = true};
const Type type_interval_second = {
    .kind = TYPE_INTERVAL_SECOND, .physical = PHYSICAL_I64, .nullable = true};

static bool name_equal(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

bool type_equal_ignoring_null(const Type *a, const Type *b)
{
    if (a->kind != b->kind || a->precision != b->precision || a->scale != b->scale ||
        a->length != b->length || a->field_count != b->field_count)
        return false;
    for (uint32_t i = 0; i < a->field_count; i++)
        if (!name_equal(a->fields[i].name, b->fields[i].name) ||
            !type_equal(a->fields[i].type, b->fields[i].type))
            return false;
    return true;
}

bool type_equal(const Type *a, const Type *b)
{
    return a->nullable == b->nullable && type_equal_ignoring_null(a, b);
}

size_t physical_size(PhysicalType physical)
{
    static const uint8_t sizes[] = {
        [PHYSICAL_BOOL] = 1, [PHYSICAL_I8] = 1,    [PHYSICAL_I16] = 2,     [PHYSICAL_I32] = 4,
        [PHYSICAL_I64] = 8,  [PHYSICAL_I128] = 16, [PHYSICAL_F32] = 4,     [PHYSICAL_F64] = 8,
        [PHYSICAL_LIST] = 8, [PHYSICAL_ROW] = 0,   [PHYSICAL_STRING] = 16,
    };
    return sizes[physical];
}

static void type_print_length(const char *name, const char *unbounded, const Type *type,
                              Buffer *out)
{
    if (unbounded != NULL && type->length == TYPE_LENGTH_MAX)
        buffer_append_text(out, unbounded);
    else
        buffer_printf(out, "%s(%d)", name, type->length);
}

static void type_print_quoted(const char *name, Buffer *out)
{
    buffer_append_char(out, '`');
    for (; *name != '\0'; name++) {
        if (*name == '`')
            buffer_append_char(out, '`');
        buffer_append_char(out, *name);
    }
    buffer_append_char(out, '`');
}

static void type_print_fields(const char *name, const Type *type, Buffer *out)
{
    buffer_printf(out, "%s<", name);
    for (uint32_t i = 0; i < type->field_count; i++) {
        if (i != 0)
            buffer_append_text(out, ", ");
        if (type->fields[i].name != NULL) {
            type_print_quoted(type->fields[i].name, out);
            buffer_append_char(out, ' ');
        }
        type_print(type->fields[i].type, out);
    }
    buffer_append_char(out, '>');
}

static void type_print_plain(const Type *type, Buffer *out)
{
    static const char *const names[] = {
        [TYPE_NULL] = "NULL",
        [TYPE_BOOLEAN] = "BOOLEAN",
        [TYPE_TINYINT] = "TINYINT",
        [TYPE_SMALLINT] = "SMALLINT",
        [TYPE_INT] = "INT",
        [TYPE_BIGINT] = "BIGINT",
        [TYPE_FLOAT] = "FLOAT",
        [TYPE_DOUBLE] = "DOUBLE",
        [TYPE_DECIMAL] = "DECIMAL",
        [TYPE_CHAR] = "CHAR",
        [TYPE_VARCHAR] = "VARCHAR",
        [TYPE_BINARY] = "BINARY",
        [TYPE_VARBINARY] = "VARBINARY",
        [TYPE_DATE] = "DATE",
        [TYPE_TIME] = "TIME",
        [TYPE_TIMESTAMP] = "TIMESTAMP",
        [TYPE_TIMESTAMP_LTZ] = "TIMESTAMP_LTZ",
        [TYPE_INTERVAL_MONTH] = "INTERVAL YEAR TO MONTH",
        [TYPE_INTERVAL_SECOND] = "INTERVAL DAY TO SECOND",
        [TYPE_ARRAY] = "ARRAY",
        [TYPE_MULTISET] = "MULTISET",
        [TYPE_MAP] = "MAP",
        [TYPE_ROW] = "ROW",
    };
    const char *name = names[type->kind];
    if (type->kind == TYPE_DECIMAL)
        buffer_printf(out, "%s(%d, %d)", name, type->precision, type->scale);
    else if (type->kind == TYPE_VARCHAR)
        type_print_length(name, "STRING", type, out);
    else if (type->kind == TYPE_VARBINARY)
        type_print_length(name, "BYTES", type, out);
    else if (kind_has_length(type->kind))
        type_print_length(name, NULL, type, out);
    else if (kind_has_precision(type->kind))
        buffer_printf(out, "%s(%d)", name, type->precision);
    else if (type_is_nested(type))
        type_print_fields(name, type, out);
    else
        buffer_append_text(out, name);
}

void type_print(const Type *type, Buffer *out)
{
    type_print_plain(type, out);
    if (!type->nullable && type->kind != TYPE_NULL)
        buffer_append_text(out, " NOT NULL");
}

const char *type_text(Arena *arena, const Type *type)
{
    Buffer text = {0};
    type_print(type, &text);
    const char *copy = arena_strdup(arena, buffer_text(&text));
    buffer_deinit(&text);
    return copy;
}

const Schema *schema_new(Arena *arena, const Column *columns, uint32_t column_count)
{
    Schema *schema = arena_new_one(arena, Schema);
    schema->column_count = column_count;
    schema->columns = arena_memdup(arena, columns, sizeof(*columns) * column_count);
    return schema;
}

const Schema *schema_copy(Arena *arena, const Schema *schema)
{
    Schema *copy = arena_new_one(arena, Schema);
    Column *columns = arena_new_array(arena, Column, schema->column_count);
    for (uint32_t i = 0; i < schema->column_count; i++) {
        columns[i].name = arena_strdup(arena, schema->columns[i].name);
        columns[i].type = type_copy(arena, schema->columns[i].type);
    }
    copy->column_count = schema->column_count;
    copy->columns = columns;
    return copy;
}

int32_t schema_find(const Schema *schema, const char *name)
{
    for (uint32_t i = 0; i < schema->column_count; i++)
        if (strcmp(schema->columns[i].name, name) == 0)
            return (int32_t)i;
    return -1;
}

bool schema_equal(const Schema *a, const Schema *b)
{
    if (a->column_count != b->column_count)
        return false;
    for (uint32_t i = 0; i < a->column_count; i++)
        if (strcmp(a->columns[i].name, b->columns[i].name) != 0 ||
            !type_equal(a->columns[i].type, b->columns[i].type))
            return false;
    return true;
}
