/* Pieces of binary JSON, for the files that read it. */
#ifndef CONNECTORS_MYSQL_JSON_INTERNAL_H
#define CONNECTORS_MYSQL_JSON_INTERNAL_H

#include "core/buffer.h"

/* The server's own limit of nesting. */
#define JSON_DEPTH_MAX 100

enum JsonType {
    JSON_SMALL_OBJECT = 0,
    JSON_LARGE_OBJECT = 1,
    JSON_SMALL_ARRAY = 2,
    JSON_LARGE_ARRAY = 3,
    JSON_LITERAL = 4,
    JSON_INT16 = 5,
    JSON_UINT16 = 6,
    JSON_INT32 = 7,
    JSON_UINT32 = 8,
    JSON_INT64 = 9,
    JSON_UINT64 = 10,
    JSON_DOUBLE = 11,
    JSON_STRING = 12,
    JSON_OPAQUE = 15
};

typedef struct JsonInput {
    const uint8_t *bytes;
    size_t length; /* may reach behind the value */
} JsonInput;

/* A value inside a document: its type, and where its bytes begin. */
typedef struct JsonPiece {
    uint8_t type;
    JsonInput input;
} JsonPiece;

typedef struct JsonContainer {
    JsonInput whole;
    bool object; /* else an array */
    uint32_t width;
    uint32_t count;
    const uint8_t *keys;
    const uint8_t *values;
} JsonContainer;

/* A whole document. */
JsonPiece mysql_json_piece(Str bytes);
/* Checks an object's or array's head; its children are checked as they are asked for. */
bool mysql_json_open(JsonPiece piece, JsonContainer *container) MUST_CHECK;
bool mysql_json_key(const JsonContainer *container, uint32_t i, Str *key) MUST_CHECK;
bool mysql_json_child(const JsonContainer *container, uint32_t i, JsonPiece *child) MUST_CHECK;

/* `depth` containers are around it. */
bool mysql_json_print_piece(JsonPiece piece, uint32_t depth, Buffer *out) MUST_CHECK;
void mysql_json_print_string(const uint8_t *text, size_t length, Buffer *out);

#endif
