/* Values of MySQL's and MariaDB's columns: from a binlog row image or from a SELECT's text, through
 * one common form, into the declared column of a batch. Both ways must give the same value.
 *
 *     binlog bytes ──mysql_value_decode──┐
 *                                        ├─ MysqlValue ──mysql_value_store── Vector
 *     SELECT's text ──mysql_value_parse──┘
 *
 * The declared type decides: BOOLEAN of an integer is "not zero", STRING of a DATE is its text.
 * What cannot be converted is refused when the table is opened; what does not fit is an error that
 * names the value. Dates with a zero part are NULL, as in Flink. */
#ifndef CONNECTORS_MYSQL_VALUE_H
#define CONNECTORS_MYSQL_VALUE_H

#include "connectors/mysql/binlog_event.h"
#include "core/batch.h"
#include "core/datetime.h"

/* Type codes of the binlog. */
enum MysqlTypeCode {
    MYSQL_DECIMAL = 0,
    MYSQL_TINY = 1,
    MYSQL_SHORT = 2,
    MYSQL_LONG = 3,
    MYSQL_FLOAT = 4,
    MYSQL_DOUBLE = 5,
    MYSQL_NULL = 6,
    MYSQL_TIMESTAMP_OLD = 7,
    MYSQL_LONGLONG = 8,
    MYSQL_INT24 = 9,
    MYSQL_DATE = 10,
    MYSQL_TIME_OLD = 11,
    MYSQL_DATETIME_OLD = 12,
    MYSQL_YEAR = 13,
    MYSQL_VARCHAR = 15,
    MYSQL_BIT = 16,
    MYSQL_TIMESTAMP2 = 17,
    MYSQL_DATETIME2 = 18,
    MYSQL_TIME2 = 19,
    MYSQL_TYPED_ARRAY = 20,
    MYSQL_BLOB_COMPRESSED = 140,
    MYSQL_VARCHAR_COMPRESSED = 141,
    MYSQL_VECTOR = 242,
    MYSQL_JSON = 245,
    MYSQL_NEWDECIMAL = 246,
    MYSQL_ENUM = 247,
    MYSQL_SET = 248,
    MYSQL_TINY_BLOB = 249,
    MYSQL_MEDIUM_BLOB = 250,
    MYSQL_LONG_BLOB = 251,
    MYSQL_BLOB = 252,
    MYSQL_VAR_STRING = 253,
    MYSQL_STRING = 254,
    MYSQL_GEOMETRY = 255
};

/* What a column holds, whatever its width. */
typedef enum MysqlClass {
    CLASS_UNKNOWN, /* a type that is not read */
    CLASS_INTEGER,
    CLASS_YEAR,
    CLASS_BIT,
    CLASS_DECIMAL,
    CLASS_FLOAT,
    CLASS_DOUBLE,
    CLASS_TEXT,
    CLASS_BYTES,
    CLASS_ENUM,
    CLASS_SET,
    CLASS_JSON,
    CLASS_GEOMETRY,
    CLASS_UUID,
    CLASS_INET4,
    CLASS_INET6,
    CLASS_DATE,
    CLASS_TIME,
    CLASS_DATETIME,
    CLASS_TIMESTAMP
} MysqlClass;

typedef struct Charset Charset;

/* A physical column, as information_schema tells it. */
typedef struct MysqlColumn {
    const char *name;
    const char *type_text; /* "decimal(10,2) unsigned": for people */
    MysqlClass class;
    bool is_unsigned;
    bool nullable;
    bool is_fixed_binary; /* BINARY(n): the binlog strips trailing zero bytes */
    bool is_generated;
    bool is_compact;        /* JSON is given without spaces */
    uint32_t length;        /* bytes of BINARY(n), bits of BIT(n) */
    uint8_t precision;      /* DECIMAL; digits behind the second of temporal types */
    uint8_t scale;          /* DECIMAL */
    const Charset *charset; /* of TEXT, ENUM, SET */
    const char *charset_name;
    const char *collation;
    const Str *labels; /* of ENUM and SET, UTF-8 */
    uint32_t label_count;
} MysqlColumn;

typedef enum MysqlValueKind {
    VALUE_NULL,
    VALUE_INT,
    VALUE_UINT,
    VALUE_DECIMAL, /* unscaled, with `scale` */
    VALUE_DIGITS,  /* a decimal of more than 38 digits, as text */
    VALUE_FLOAT,
    VALUE_DOUBLE,
    VALUE_TEXT, /* UTF-8 */
    VALUE_BYTES,
    VALUE_DATE,     /* `i` days */
    VALUE_TIME,     /* `i` microseconds, may be negative or past a day */
    VALUE_DATETIME, /* `i` microseconds of a clock without zone */
    VALUE_TIMESTAMP /* `i` microseconds of UTC */
} MysqlValueKind;

typedef struct MysqlValue {
    MysqlValueKind kind;
    uint8_t scale;
    union {
        int64_t i;
        uint64_t u;
        int128_t decimal;
        double d;
        Str text; /* borrowed: from the input or from `scratch` of the call */
    };
} MysqlValue;

/* Bytes of every value of the column; negative: they differ. */
int64_t mysql_value_fixed_bytes(const TableMapColumn *map);
/* Bytes of the value at `at`, or -1 when they pass `end`. For columns nobody wants. */
int64_t mysql_value_bytes(const TableMapColumn *map, const uint8_t *at, const uint8_t *end);

/* Reads the value of a row image and moves `*at` behind it. */
bool mysql_value_decode(const TableMapColumn *map, const MysqlColumn *column, const uint8_t **at,
                        const uint8_t *end, Buffer *scratch, MysqlValue *value,
                        Error *error) MUST_CHECK;
/* JSON that is logged in part: the bytes of the value before, and what changed in it. */
bool mysql_value_change_json(const MysqlColumn *column, Str before, Str changes, Buffer *scratch,
                             MysqlValue *value, Error *error) MUST_CHECK;
/* Whether the binlog's type code can belong to this column: a schema that changed shows here. */
bool mysql_column_matches(const MysqlColumn *column, const TableMapColumn *map);

/* Reads what SELECT gives for mysql_column_select's expression. */
bool mysql_value_parse(const MysqlColumn *column, Str text, MysqlValue *value,
                       Error *error) MUST_CHECK;
/* Appends the expression that SELECT must use so that no digit is lost. */
void mysql_column_select(const MysqlColumn *column, Buffer *sql);
/* Appends a literal that compares with the column as the server would compare it. */
bool mysql_value_literal(const MysqlColumn *column, const MysqlValue *value,
                         Buffer *sql) MUST_CHECK;

/* Whether the column can be read as the declared type; the error names both, with a hint. */
bool mysql_type_check(const MysqlColumn *column, const Type *declared, Error *error) MUST_CHECK;
/* Writes the value into a row of the vector. `zone` is the server's, for TIMESTAMP as local time.
 */
bool mysql_value_store(const MysqlColumn *column, const MysqlValue *value, const TimeZone *zone,
                       Vector *vector, uint32_t row, Arena *arena, Error *error) MUST_CHECK;

/* Binary JSON (MySQL 5.7 and later) as the server's own text. */
bool mysql_json_print(const uint8_t *bytes, size_t length, Buffer *out) MUST_CHECK;
/* The same for a value that is logged as what changed in the one before it. False when the changes
 * are damaged or do not fit it. */
bool mysql_json_print_changed(Str before, Str changes, Buffer *out) MUST_CHECK;

/* A geometry (SRID, then well-known binary) as {"srid":0,"type":"Point","coordinates":[1,1]}. */
bool mysql_geometry_print(Str bytes, Buffer *out) MUST_CHECK;
/* The server's JSON text without the spaces behind ',' and ':'. */
void mysql_json_squeeze(Str text, Buffer *out);
/* Stored bytes of UUID, INET4 and INET6 as the server's text; short ones end with zeros. */
bool mysql_identity_print(MysqlClass class, Str bytes, Buffer *out) MUST_CHECK;

/* The temporal forms that rows and binary JSON share. */
int64_t mysql_time_micros(bool negative, uint32_t hours, uint32_t minutes, uint32_t seconds,
                          uint32_t micros);
void mysql_time_print(int64_t micros, uint32_t digits, Buffer *out);

/* ---------------------------------------------------------------- charsets */

/* The charset by the server's name, or NULL when it is not known. */
const Charset *charset_find(const char *name);
bool charset_is_utf8(const Charset *charset);
/* The text as UTF-8: itself, or converted into `scratch`. False when a byte has no meaning in it.
 */
bool charset_to_utf8(const Charset *charset, Str text, Buffer *scratch, Str *out) MUST_CHECK;

#endif
