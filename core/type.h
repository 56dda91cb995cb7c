/* SQL types, as Flink names them, and how their values lie in memory.
 *
 *   SQL type                     physical   meaning of the stored value
 *   BOOLEAN                      BOOL       one byte, 0 or 1
 *   TINYINT SMALLINT INT BIGINT  I8..I64    two's complement
 *   FLOAT DOUBLE                 F32 F64    IEEE 754
 *   DECIMAL(p,s)                 I64 I128   unscaled value; I64 up to 18 digits
 *   CHAR VARCHAR STRING          STRING     UTF-8, 16-byte view
 *   BINARY VARBINARY BYTES       STRING     bytes, 16-byte view
 *   DATE                         I32        days since 1970-01-01
 *   TIME(p)                      I32        milliseconds of the day
 *   TIMESTAMP(p) _LTZ(p)         I64 I128   p <= 6: microseconds, else nanoseconds, since
 *                                           1970-01-01 00:00 (of the local clock, or UTC for _LTZ)
 *   INTERVAL YEAR TO MONTH       I32        months
 *   INTERVAL DAY TO SECOND       I64        milliseconds
 *   ARRAY MULTISET MAP           LIST       offset and length into child vectors
 *   ROW                          ROW        child vectors, a value per row
 *   NULL (untyped)               BOOL       always NULL
 *
 * Invariant: a Type is immutable and outlives whoever points to it (static, or in the arena of
 * the catalog, the plan or the job). Compare with type_equal, never by pointer. */
#ifndef CORE_TYPE_H
#define CORE_TYPE_H

#include "core/arena.h"
#include "core/buffer.h"

typedef enum TypeKind {
    TYPE_NULL,
    TYPE_BOOLEAN,
    TYPE_TINYINT,
    TYPE_SMALLINT,
    TYPE_INT,
    TYPE_BIGINT,
    TYPE_FLOAT,
    TYPE_DOUBLE,
    TYPE_DECIMAL,
    TYPE_CHAR,
    TYPE_VARCHAR,
    TYPE_BINARY,
    TYPE_VARBINARY,
    TYPE_DATE,
    TYPE_TIME,
    TYPE_TIMESTAMP,
    TYPE_TIMESTAMP_LTZ,
    TYPE_INTERVAL_MONTH,
    TYPE_INTERVAL_SECOND,
    TYPE_ARRAY,
    TYPE_MULTISET,
    TYPE_MAP,
    TYPE_ROW
} TypeKind;

typedef enum PhysicalType {
    PHYSICAL_BOOL,
    PHYSICAL_I8,
    PHYSICAL_I16,
    PHYSICAL_I32,
    PHYSICAL_I64,
    PHYSICAL_I128,
    PHYSICAL_F32,
    PHYSICAL_F64,
    PHYSICAL_STRING,
    PHYSICAL_LIST,
    PHYSICAL_ROW
} PhysicalType;

/* Length of STRING and BYTES. */
#define TYPE_LENGTH_MAX       2147483647
#define DECIMAL_PRECISION_MAX 38
/* Up to here a DECIMAL's unscaled value fits 64 bits. */
#define DECIMAL_PRECISION_I64 18
/* Up to here a TIMESTAMP counts microseconds, above nanoseconds. */
#define TIMESTAMP_PRECISION_I64 6

typedef struct Type Type;

typedef struct TypeField {
    const char *name;
    const Type *type;
} TypeField;

struct Type {
    TypeKind kind;
    PhysicalType physical; /* follows from kind and precision; type_make fills it */
    bool nullable;
    uint8_t precision;       /* DECIMAL, TIME, TIMESTAMP, TIMESTAMP_LTZ */
    uint8_t scale;           /* DECIMAL */
    int32_t length;          /* CHAR, VARCHAR, BINARY, VARBINARY */
    uint32_t field_count;    /* ARRAY, MULTISET: 1; MAP: 2 (key, value); ROW: its fields */
    const TypeField *fields; /* names are NULL but for ROW */
};

/* A type without children. `length_or_precision` and `scale` where the kind has them, else 0. */
Type type_make(TypeKind kind, bool nullable, int32_t length_or_precision, int32_t scale);
/* The same in an arena. */
const Type *type_new(Arena *arena, TypeKind kind, bool nullable, int32_t length_or_precision,
                     int32_t scale);
const Type *type_new_nested(Arena *arena, TypeKind kind, bool nullable, const TypeField *fields,
                            uint32_t field_count);
const Type *type_with_nullable(Arena *arena, const Type *type, bool nullable);
/* A deep copy, for what must outlive the arena it came from. */
const Type *type_copy(Arena *arena, const Type *type);

/* Common types, nullable. */
extern const Type type_null, type_boolean, type_tinyint, type_smallint, type_int, type_bigint,
    type_float, type_double, type_string, type_bytes, type_date, type_time, type_timestamp_3,
    type_timestamp_6, type_timestamp_ltz_3, type_timestamp_ltz_6, type_interval_month,
    type_interval_second;

bool type_equal(const Type *a, const Type *b);               /* nullability counts */
bool type_equal_ignoring_null(const Type *a, const Type *b); /* at the outermost level */

static inline bool type_is_string(const Type *type)
{
    return type->kind == TYPE_CHAR || type->kind == TYPE_VARCHAR;
}
static inline bool type_is_bytes(const Type *type)
{
    return type->kind == TYPE_BINARY || type->kind == TYPE_VARBINARY;
}
static inline bool type_is_integer(const Type *type)
{
    return type->kind >= TYPE_TINYINT && type->kind <= TYPE_BIGINT;
}
static inline bool type_is_numeric(const Type *type)
{
    return type->kind >= TYPE_TINYINT && type->kind <= TYPE_DECIMAL;
}
static inline bool type_is_timestamp(const Type *type)
{
    return type->kind == TYPE_TIMESTAMP || type->kind == TYPE_TIMESTAMP_LTZ;
}
static inline bool type_is_nested(const Type *type)
{
    return type->kind >= TYPE_ARRAY;
}

/* Bytes of one value in a vector's data; 0 for ROW, which has only children. */
size_t physical_size(PhysicalType physical);

/* Appends the type as Flink prints it: "DECIMAL(10, 2) NOT NULL", "STRING", "ARRAY<INT>". */
void type_print(const Type *type, Buffer *out);
/* The same in an arena. */
const char *type_text(Arena *arena, const Type *type);

/* Columns of a table, a batch or a plan node. Immutable like a Type. */
typedef struct Column {
    const char *name;
    const Type *type;
} Column;

typedef struct Schema {
    uint32_t column_count;
    const Column *columns;
} Schema;

const Schema *schema_new(Arena *arena, const Column *columns, uint32_t column_count);
const Schema *schema_copy(Arena *arena, const Schema *schema);
/* Position of the column called `name` (case-sensitive), or -1. */
int32_t schema_find(const Schema *schema, const char *name);
bool schema_equal(const Schema *a, const Schema *b); /* names and types */

#endif
