/* JSON that is logged in part (binlog_row_value_options=PARTIAL_JSON of MySQL 8): the value before,
 * with a list of changes applied to it, as text.
 *
 *     change   operation byte (replace, insert, remove), path, value unless it is a removal; both
 *              with their length before them
 *
 * Replace puts a value in the place of one that is there. Insert adds a member that is not there,
 * or an element before the one at that place, moving the rest. Remove takes one away. A change that
 * finds no place is an error: the value before is not what the server had.
 *
 * Only the containers on a change's path are taken apart; everything else stays the bytes it was.
 * Cost: the children of those containers, and printing. */
#include <string.h>

#include "connectors/mysql/json_internal.h"
#include "connectors/mysql/value.h"
#include "core/str.h"

enum JsonChange { JSON_REPLACES = 0, JSON_INSERTS = 1, JSON_REMOVES = 2 };

typedef struct JsonNode JsonNode;

typedef struct JsonChild {
    Str key; /* of an object's member */
    JsonNode *node;
} JsonChild;

struct JsonNode {
    JsonPiece piece; /* what it is while it is whole */
    bool open;       /* a container that was taken apart */
    bool object;
    JsonChild *children;
    uint32_t count;
    uint32_t capacity;
};

typedef struct PathLeg {
    bool member;
    bool from_last; /* [last], [last-2] */
    uint32_t index;
    Str name;
} PathLeg;

typedef struct Path {
    PathLeg legs[JSON_DEPTH_MAX];
    uint32_t count;
} Path;

static Str skip(Str text, size_t count)
{
    return (Str){text.data + count, text.length - count};
}

/* ------------------------------------------------------------------- paths */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* \uXXXX below the surrogates: the server quotes control characters so. */
static bool unescape_code(Str text, char *out, size_t *length)
{
    uint32_t code = 0;
    if (text.length < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(text.data[i]);
        if (digit < 0)
            return false;
        code = code << 4 | (uint32_t)digit;
    }
    if (code >= 0xD800 && code <= 0xDFFF)
        return false;
    if (code < 0x80) {
        out[(*length)++] = (char)code;
    } else if (code < 0x800) {
        out[(*length)++] = (char)(0xC0 | code >> 6);
        out[(*length)++] = (char)(0x80 | (code & 0x3F));
    } else {
        out[(*length)++] = (char)(0xE0 | code >> 12);
        out[(*length)++] = (char)(0x80 | (code >> 6 & 0x3F));
        out[(*length)++] = (char)(0x80 | (code & 0x3F));
    }
    return true;
}

/* A member's name in double quotes, as a JSON string. */
static bool read_quoted(Str *text, Str *name, Arena *arena)
{
    static const char letters[] = "bfnrt\"\\/";
    static const char meanings[] = "\b\f\n\r\t\"\\/";
    char *out = arena_alloc(arena, text->length + 1);
    size_t length = 0;
    for (*text = skip(*text, 1); text->length > 0 && *text->data != '"'; *text = skip(*text, 1)) {
        if (*text->data != '\\') {
            out[length++] = *text->data;
            continue;
        }
        *text = skip(*text, 1);
        if (text->length == 0)
            return false;
        const char *letter = *text->data == '\0' ? NULL : strchr(letters, *text->data);
        if (letter != NULL) {
            out[length++] = meanings[letter - letters];
        } else if (*text->data == 'u' && unescape_code(skip(*text, 1), out, &length)) {
            *text = skip(*text, 4);
        } else {
            return false;
        }
    }
    if (text->length == 0)
        return false;
    *text = skip(*text, 1);
    *name = (Str){out, length};
    return true;
}

static bool read_number(Str *text, uint32_t *number)
{
    uint64_t value = 0;
    size_t digits = 0;
    for (; digits < text->length && text->data[digits] >= '0' && text->data[digits] <= '9' &&
           value <= UINT32_MAX;
         digits++)
        value = value * 10 + (uint64_t)(text->data[digits] - '0');
    *text = skip(*text, digits);
    *number = (uint32_t)value;
    return digits > 0 && value <= UINT32_MAX;
}

/* [3], [last], [last-3]. */
static bool read_cell(Str *text, PathLeg *leg)
{
    Str last = STR("last");
    *text = skip(*text, 1);
    leg->from_last = text->length >= last.length && str_equal((Str){text->data, last.length}, last);
    if (leg->from_last) {
        *text = skip(*text, last.length);
        if (text->length > 0 && *text->data == '-') {
            *text = skip(*text, 1);
            if (!read_number(text, &leg->index))
                return false;
        }
    } else if (!read_number(text, &leg->index)) {
        return false;
    }
    bool closed = text->length > 0 && *text->data == ']';
    if (closed)
        *text = skip(*text, 1);
    return closed;
}

static bool read_member(Str *text, PathLeg *leg, Arena *arena)
{
    *text = skip(*text, 1);
    leg->member = true;
    if (text->length > 0 && *text->data == '"')
        return read_quoted(text, &leg->name, arena);
    size_t length = 0;
    while (length < text->length && text->data[length] != '.' && text->data[length] != '[')
        length++;
    leg->name = (Str){text->data, length};
    *text = skip(*text, length);
    return length > 0 && leg->name.data[0] != '*';
}

static bool read_path(Str text, Path *path, Arena *arena)
{
    path->count = 0;
    if (text.length == 0 || *text.data != '$')
        return false;
    text = skip(text, 1);
    while (text.length > 0) {
        if (path->count == JSON_DEPTH_MAX)
            return false;
        PathLeg *leg = &path->legs[path->count++];
        memset(leg, 0, sizeof(*leg));
        bool good = *text.data == '.'   ? read_member(&text, leg, arena)
                    : *text.data == '[' ? read_cell(&text, leg)
                                        : false;
        if (!good)
            return false;
    }
    return true;
}

/* ------------------------------------------------------------------- nodes */

static bool is_container(const JsonNode *node)
{
    return node->open || node->piece.type <= JSON_LARGE_ARRAY;
}

static JsonNode *node_new(JsonPiece piece, Arena *arena)
{
    JsonNode *node = arena_new_one(arena, JsonNode);
    node->piece = piece;
    return node;
}

static bool node_open(JsonNode *node, Arena *arena)
{
    JsonContainer container;
    if (node->open)
        return true;
    if (!mysql_json_open(node->piece, &container))
        return false;
    node->object = container.object;
    node->children = arena_new_array(arena, JsonChild, container.count + 1);
    node->capacity = container.count + 1;
    for (uint32_t i = 0; i < container.count; i++) {
        JsonPiece piece;
        JsonChild *child = &node->children[node->count++];
        if ((container.object && !mysql_json_key(&container, i, &child->key)) ||
            !mysql_json_child(&container, i, &piece))
            return false;
        child->node = node_new(piece, arena);
    }
    node->open = true;
    return true;
}

/* Where an element stands; false when it is not there. */
static bool cell_index(const PathLeg *leg, uint32_t count, uint32_t *index)
{
    *index = !leg->from_last ? leg->index : leg->index < count ? count - 1 - leg->index : 0;
    return leg->index < count;
}

static int key_compare(Str a, Str b)
{
    if (a.length != b.length)
        return a.length < b.length ? -1 : 1;
    return a.length == 0 ? 0 : memcmp(a.data, b.data, a.length);
}

/* The place of a member, or where it would stand: keys are sorted by length, then bytes. */
static bool member_index(const JsonNode *node, Str name, uint32_t *index)
{
    uint32_t low = 0, high = node->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        int order = key_compare(node->children[middle].key, name);
        if (order == 0) {
            *index = middle;
            return true;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *index = low;
    return false;
}

/* The child that a leg leads to. A value that is no array is the only element of itself. */
static JsonNode *node_step(JsonNode *node, const PathLeg *leg, Arena *arena)
{
    uint32_t index = 0;
    if (is_container(node) && !node_open(node, arena))
        return NULL;
    bool array = node->open && !node->object;
    if (!leg->member && !array)
        return leg->index == 0 ? node : NULL;
    if (leg->member && (!node->open || !node->object))
        return NULL;
    bool there =
        leg->member ? member_index(node, leg->name, &index) : cell_index(leg, node->count, &index);
    return there ? node->children[index].node : NULL;
}

static JsonNode *node_seek(JsonNode *node, const Path *path, uint32_t legs, Arena *arena)
{
    for (uint32_t i = 0; node != NULL && i < legs; i++)
        node = node_step(node, &path->legs[i], arena);
    return node;
}

static void child_insert(JsonNode *node, uint32_t index, JsonChild child, Arena *arena)
{
    if (node->count == node->capacity) {
        JsonChild *old = node->children;
        node->capacity *= 2;
        node->children = arena_new_array(arena, JsonChild, node->capacity);
        memcpy(node->children, old, node->count * sizeof(JsonChild));
    }
    memmove(node->children + index + 1, node->children + index,
            (node->count - index) * sizeof(JsonChild));
    node->children[index] = child;
    node->count++;
}

/* ------------------------------------------------------------------ changes */

static bool change_insert(JsonNode *parent, const PathLeg *leg, JsonPiece value, Arena *arena)
{
    uint32_t index = 0;
    if (parent->object != leg->member)
        return false;
    if (leg->member && member_index(parent, leg->name, &index))
        return false;
    if (!leg->member && !cell_index(leg, parent->count, &index) && !leg->from_last)
        index = parent->count;
    child_insert(parent, index, (JsonChild){leg->name, node_new(value, arena)}, arena);
    return true;
}

static bool change_remove(JsonNode *parent, const PathLeg *leg)
{
    uint32_t index = 0;
    if (parent->object != leg->member)
        return false;
    bool there = leg->member ? member_index(parent, leg->name, &index)
                             : cell_index(leg, parent->count, &index);
    if (!there)
        return false;
    parent->count--;
    memmove(parent->children + index, parent->children + index + 1,
            (parent->count - index) * sizeof(JsonChild));
    return true;
}

static bool change_apply(JsonNode *root, uint8_t kind, const Path *path, JsonPiece value,
                         Arena *arena)
{
    if (kind == JSON_REPLACES) {
        JsonNode *node = node_seek(root, path, path->count, arena);
        if (node != NULL)
            *node = (JsonNode){.piece = value};
        return node != NULL;
    }
    if (path->count == 0)
        return false;
    JsonNode *parent = node_seek(root, path, path->count - 1, arena);
    if (parent == NULL || !is_container(parent) || !node_open(parent, arena))
        return false;
    const PathLeg *leg = &path->legs[path->count - 1];
    return kind == JSON_INSERTS ? change_insert(parent, leg, value, arena)
                                : change_remove(parent, leg);
}

static bool read_part(const uint8_t **at, const uint8_t *end, Str *part)
{
    uint64_t length = 0;
    if (!binlog_read_packed(at, end, &length) || length > (uint64_t)(end - *at))
        return false;
    *part = (Str){(const char *)*at, (size_t)length};
    *at += length;
    return true;
}

static bool apply_all(JsonNode *root, Str changes, Arena *arena)
{
    const uint8_t *at = (const uint8_t *)changes.data;
    const uint8_t *end = at + changes.length;
    Path *path = arena_new_one(arena, Path);
    while (at < end) {
        uint8_t kind = *at++;
        Str text, value = {0};
        if (kind > JSON_REMOVES || !read_part(&at, end, &text) ||
            (kind != JSON_REMOVES && !read_part(&at, end, &value)) ||
            !read_path(text, path, arena) ||
            !change_apply(root, kind, path, mysql_json_piece(value), arena))
            return false;
    }
    return true;
}

static bool print_node(const JsonNode *node, uint32_t depth, Buffer *out)
{
    if (!node->open)
        return mysql_json_print_piece(node->piece, depth, out);
    if (depth >= JSON_DEPTH_MAX)
        return false;
    buffer_append_char(out, node->object ? '{' : '[');
    for (uint32_t i = 0; i < node->count; i++) {
        const JsonChild *child = &node->children[i];
        if (i > 0)
            buffer_append_text(out, ", ");
        if (node->object) {
            mysql_json_print_string((const uint8_t *)child->key.data, child->key.length, out);
            buffer_append_text(out, ": ");
        }
        if (!print_node(child->node, depth + 1, out))
            return false;
    }
    buffer_append_char(out, node->object ? '}' : ']');
    return true;
}

bool mysql_json_print_changed(Str before, Str changes, Buffer *out)
{
    Arena *arena = arena_new(4096);
    JsonNode *root = node_new(mysql_json_piece(before), arena);
    bool good = apply_all(root, changes, arena) && print_node(root, 0, out);
    arena_free(arena);
    return good;
}
