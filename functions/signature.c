/* Signatures as text, and binding by them: "(STRING, BIGINT, BIGINT?) -> STRING".
 *
 * The language is told in functions/README.md. A signature that does not parse is a bug in a table
 * and found by test_function_bind, which reads them all.
 * Cost: parsed on each use; a statement has few calls. */
#include "functions/kernel_internal.h"

#include <stdlib.h>

#include "core/str.h"

typedef enum WordClass {
    WORD_TYPE,      /* this type; the argument is cast to it when Flink would */
    WORD_ANY,       /* anything, as it is */
    WORD_NUMERIC,   /* any number, as it is */
    WORD_INTEGER,   /* any integer, as it is */
    WORD_DECIMAL,   /* DECIMAL of any precision and scale, as it is */
    WORD_TIMESTAMP, /* TIMESTAMP of any precision, as it is */
    WORD_TIMESTAMP_LTZ,
    WORD_TIMEPOINT, /* DATE, TIME, TIMESTAMP or TIMESTAMP_LTZ, as it is */
    WORD_INTERVAL,
    WORD_UNIT,   /* a unit of time, as a string literal */
    WORD_COMMON, /* all arguments called so are cast to the type they have in common */
    WORD_SAME    /* result: the type of the first argument */
} WordClass;

typedef struct Word {
    const char *text;
    WordClass class;
    const Type *type;
} Word;

static const Word words[] = {
    {"BOOLEAN", WORD_TYPE, &type_boolean},
    {"TINYINT", WORD_TYPE, &type_tinyint},
    {"SMALLINT", WORD_TYPE, &type_smallint},
    {"INT", WORD_TYPE, &type_int},
    {"BIGINT", WORD_TYPE, &type_bigint},
    {"FLOAT", WORD_TYPE, &type_float},
    {"DOUBLE", WORD_TYPE, &type_double},
    {"STRING", WORD_TYPE, &type_string},
    {"BYTES", WORD_TYPE, &type_bytes},
    {"DATE", WORD_TYPE, &type_date},
    {"TIME", WORD_TYPE, &type_time},
    {"TIMESTAMP(3)", WORD_TYPE, &type_timestamp_3},
    {"TIMESTAMP(6)", WORD_TYPE, &type_timestamp_6},
    {"TIMESTAMP_LTZ(3)", WORD_TYPE, &type_timestamp_ltz_3},
    {"TIMESTAMP_LTZ(6)", WORD_TYPE, &type_timestamp_ltz_6},
    {"INTERVAL YEAR TO MONTH", WORD_TYPE, &type_interval_month},
    {"INTERVAL DAY TO SECOND", WORD_TYPE, &type_interval_second},
    {"ANY", WORD_ANY, NULL},
    {"NUMERIC", WORD_NUMERIC, NULL},
    {"INTEGER", WORD_INTEGER, NULL},
    {"DECIMAL", WORD_DECIMAL, NULL},
    {"TIMESTAMP", WORD_TIMESTAMP, NULL},
    {"TIMESTAMP_LTZ", WORD_TIMESTAMP_LTZ, NULL},
    {"TIMEPOINT", WORD_TIMEPOINT, NULL},
    {"INTERVAL", WORD_INTERVAL, NULL},
    {"UNIT", WORD_UNIT, NULL},
    {"COMMON", WORD_COMMON, NULL},
    {"same", WORD_SAME, NULL},
};

static const Word *word_find(Str text)
{
    text = str_trim(text);
    for (size_t i = 0; i < array_count(words); i++) {
        if (str_equal(str_of(words[i].text), text))
            return &words[i];
    }
    return NULL;
}

/* One parameter: "INT", "INT?", "INT...", "STRING|BYTES". */
typedef struct Parameter {
    Str words;
    bool optional;
    bool repeated;
} Parameter;

#define PARAMETERS_MAX 16

typedef struct Signature {
    Parameter parameters[PARAMETERS_MAX];
    uint32_t count;
    Str result;
} Signature;

Str signature_mark(Str text, bool *optional, bool *repeated)
{
    text = str_trim(text);
    *repeated = text.length > 3 && memcmp(text.data + text.length - 3, "...", 3) == 0;
    *optional = !*repeated && text.length > 1 && text.data[text.length - 1] == '?';
    text.length -= *repeated ? 3 : *optional ? 1 : 0;
    return text;
}

static bool parameter_of(Str text, Parameter *parameter)
{
    *parameter = (Parameter){0};
    parameter->words = signature_mark(text, &parameter->optional, &parameter->repeated);
    return parameter->words.length > 0;
}

/* Splits the signature at its commas; "TIMESTAMP(3)" holds parentheses of its own. */
static bool signature_parse(const char *text, Signature *signature)
{
    const char *arrow = strstr(text, ") -> ");
    *signature = (Signature){0};
    if (text[0] != '(' || arrow == NULL)
        return false;
    signature->result = str_trim(str_of(arrow + 5));
    const char *from = text + 1;
    while (from < arrow) {
        const char *to = memchr(from, ',', (size_t)(arrow - from));
        if (to == NULL)
            to = arrow;
        if (signature->count == PARAMETERS_MAX ||
            !parameter_of((Str){from, (size_t)(to - from)},
                          &signature->parameters[signature->count]))
            return false;
        signature->count++;
        from = to + (to < arrow ? 1 : 0);
    }
    return true;
}

/* The type argument `given` gets under one word, NULL when it does not fit. */
static const Type *word_match(const Word *word, const Type *given)
{
    if (given->kind == TYPE_NULL)
        return word->type != NULL ? word->type : given;
    switch (word->class) {
    case WORD_TYPE:
        if (given->physical == word->type->physical && type_is_string(given) &&
            type_is_string(word->type))
            return given; /* no cast between lengths */
        if (given->physical == word->type->physical && type_is_bytes(given) &&
            type_is_bytes(word->type))
            return given;
        return cast_is_implicit(given, word->type) ? word->type : NULL;
    case WORD_ANY:
    case WORD_COMMON:
    case WORD_SAME:
        return given;
    case WORD_NUMERIC:
        return type_is_numeric(given) ? given : NULL;
    case WORD_INTEGER:
        return type_is_integer(given) ? given : NULL;
    case WORD_DECIMAL:
        return given->kind == TYPE_DECIMAL ? given : NULL;
    case WORD_TIMESTAMP:
        return given->kind == TYPE_TIMESTAMP ? given : NULL;
    case WORD_TIMESTAMP_LTZ:
        return given->kind == TYPE_TIMESTAMP_LTZ ? given : NULL;
    case WORD_TIMEPOINT:
        return given->kind >= TYPE_DATE && given->kind <= TYPE_TIMESTAMP_LTZ ? given : NULL;
    case WORD_INTERVAL:
        return given->kind == TYPE_INTERVAL_MONTH || given->kind == TYPE_INTERVAL_SECOND ? given
                                                                                         : NULL;
    case WORD_UNIT:
        return type_is_string(given) ? given : NULL;
    }
    return NULL;
}

/* Tries the alternatives of a parameter in order; a type that needs no cast goes first. */
static const Type *parameter_match(const Parameter *parameter, const Type *given, bool *common)
{
    const Type *found = NULL;
    Str rest = parameter->words;
    while (rest.length > 0) {
        const char *bar = memchr(rest.data, '|', rest.length);
        const size_t length = bar == NULL ? rest.length : (size_t)(bar - rest.data);
        const Word *word = word_find((Str){rest.data, length});
        assert(word != NULL);
        const Type *type = word_match(word, given);
        if (type != NULL) {
            *common = *common || word->class == WORD_COMMON;
            if (type_equal_ignoring_null(type, given))
                return type;
            if (found == NULL)
                found = type;
        }
        const size_t used = length + (bar != NULL ? 1 : 0);
        rest = (Str){rest.data + used, rest.length - used};
    }
    return found;
}

const Type *signature_match(const char *text, const FunctionSite *site, const Type **types)
{
    Signature signature;
    const bool parsed = signature_parse(text, &signature);
    assert(parsed);
    if (!parsed)
        return NULL;
    uint32_t required = 0;
    bool repeated = false;
    for (uint32_t i = 0; i < signature.count; i++) {
        required += signature.parameters[i].optional ? 0 : 1;
        repeated = repeated || signature.parameters[i].repeated;
    }
    if (site->argument_count < required || (!repeated && site->argument_count > signature.count))
        return NULL;
    const Type *common = NULL;
    bool is_common[256] = {false};
    if (site->argument_count > array_count(is_common))
        return NULL;
    for (uint32_t i = 0; i < site->argument_count; i++) {
        const uint32_t p = i < signature.count ? i : signature.count - 1;
        types[i] =
            parameter_match(&signature.parameters[p], site->argument_types[i], &is_common[i]);
        if (types[i] == NULL)
            return NULL;
        if (!is_common[i])
            continue;
        common = common == NULL ? types[i] : type_common(site->arena, common, types[i]);
        if (common == NULL)
            return NULL;
    }
    for (uint32_t i = 0; i < site->argument_count; i++) {
        if (is_common[i])
            types[i] = common;
    }
    const Word *result = word_find(signature.result);
    assert(result != NULL);
    if (result->class == WORD_COMMON)
        return common;
    if (result->class == WORD_SAME)
        return types[0];
    return result->type;
}

bool signature_bind(const char *signature, const FunctionSite *site, const ScalarFunction *function,
                    BoundFunction *out)
{
    const Type **types = bind_begin(site, function, &type_null, out);
    out->result = signature_match(signature, site, types);
    return out->result != NULL;
}

const Type **bind_begin(const FunctionSite *site, const ScalarFunction *function,
                        const Type *null_as, BoundFunction *out)
{
    const Type **types = arena_new_array(site->arena, const Type *, site->argument_count + 1);
    for (uint32_t i = 0; i < site->argument_count; i++) {
        types[i] = site->argument_types[i];
        if (types[i]->kind == TYPE_NULL)
            types[i] = null_as;
    }
    out->function = function;
    out->argument_types = types;
    out->argument_count = site->argument_count;
    return types;
}

bool bind_any_nullable(const FunctionSite *site)
{
    for (uint32_t i = 0; i < site->argument_count; i++) {
        if (site->argument_types[i]->nullable || site->argument_types[i]->kind == TYPE_NULL)
            return true;
    }
    return false;
}

bool bind_literal_text(const FunctionSite *site, uint32_t i, Str *out)
{
    if (site->literals == NULL || i >= site->argument_count || site->literals[i] == NULL ||
        !type_is_string(site->literals[i]->type) || vector_is_null(site->literals[i], 0))
        return false;
    *out = vector_str(site->literals[i], 0);
    return true;
}

const Vector *bind_literal_as(const FunctionSite *site, uint32_t i, const Type *type)
{
    if (site->literals == NULL || site->literals[i] == NULL)
        return NULL;
    const Vector *literal = site->literals[i];
    BoundFunction cast;
    if (!cast_bind(literal->type, type, CAST_EXPLICIT, site, &cast, NULL))
        return NULL;
    Vector *value = arena_new_one(site->arena, Vector);
    vector_init(value, type, 1, site->arena);
    if (vector_is_null(literal, 0)) {
        vector_set_null(value, 0, site->arena);
    } else {
        const FunctionEnvironment environment = {&clock_system, site->zone, 0, INT64_MIN};
        KernelCall call = {&literal, 1, NULL, 1, value, site->arena, cast.data, &environment, 0};
        if (!cast.kernel(&call, NULL))
            return NULL;
    }
    value->constant = true;
    return value;
}

const char *bind_arguments_text(const FunctionSite *site)
{
    Buffer text = {0};
    for (uint32_t i = 0; i < site->argument_count; i++) {
        if (i > 0)
            buffer_append_text(&text, ", ");
        type_print(site->argument_types[i], &text);
    }
    const char *kept = arena_strdup(site->arena, buffer_text(&text));
    buffer_deinit(&text);
    return kept;
}
