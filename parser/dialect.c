/* The frame of the dialect: brackets, symbols, and the map back to the user's tokens.
 *
 * Invariant: brackets are written as balanced as they were read, and every piece of text has a
 * mark. Cost: one pass over the tokens. */
#include "parser/dialect.h"

#include <string.h>

/* PostgreSQL's tree and its JSON are walked by recursion; jansson stops at 2,048 levels. A
 * bracket's weight is the most levels one nesting of it can add. */
#define COST_MAX   1400
#define COST_QUERY 8
#define COST_GROUP 5
/* Set operations and joins lean to the left, one level or two for each in the statement. */
#define CHAIN_MAX 500

Frame *dialect_frame(Dialect *dialect)
{
    return &dialect->frames[dialect->frame_count - 1];
}

void dialect_put(Dialect *dialect, uint32_t token, const char *text)
{
    DialectMark *mark =
        parser_list_add(dialect->parser->arena, &dialect->marks, sizeof(DialectMark));
    *mark = (DialectMark){(uint32_t)dialect->out.length, token};
    buffer_append_text(&dialect->out, text);
    buffer_append_char(&dialect->out, ' ');
}

void dialect_put_holder(Dialect *dialect, char role, uint32_t token)
{
    char text[16] = {'"', role};
    char digits[11];
    size_t count = 0;
    uint32_t rest = token;
    do {
        digits[count++] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest != 0);
    for (size_t i = 0; i < count; i++)
        text[2 + i] = digits[count - 1 - i];
    text[2 + count] = '"';
    dialect_put(dialect, token, text);
}

static bool dialect_fail_depth(const Dialect *dialect, uint32_t token)
{
    const Token *place = &dialect->parser->tokens.items[token];
    Error *error = dialect->parser->error;
    error_set(error, ERROR_LIMIT, "the statement is nested too deeply");
    error_hint(error, "Split it with WITH or with views.");
    return error_at(error, (int64_t)place->offset, (int64_t)place->length);
}

bool dialect_add_cost(Dialect *dialect, uint32_t token, uint32_t cost)
{
    Frame *frame = dialect_frame(dialect);
    frame->cost += cost;
    return frame->cost <= COST_MAX || dialect_fail_depth(dialect, token);
}

bool dialect_push(Dialect *dialect, FrameKind kind, uint32_t open, uint32_t cost)
{
    uint32_t outer = dialect_frame(dialect)->cost + cost;
    if (outer > COST_MAX || dialect->frame_count == array_count(dialect->frames))
        return dialect_fail_depth(dialect, open);
    dialect->frames[dialect->frame_count++] = (Frame){.kind = kind,
                                                      .open = open,
                                                      .callee = TOKEN_NONE,
                                                      .select = TOKEN_NONE,
                                                      .case_base = dialect->case_count,
                                                      .cost_base = outer,
                                                      .cost = outer};
    return true;
}

bool dialect_is_word(const Dialect *dialect, uint32_t token, Keyword keyword)
{
    return token >= dialect->first && parser_is_word(dialect->parser, token, keyword);
}

bool dialect_is_symbol(const Dialect *dialect, uint32_t token, uint32_t symbol)
{
    return token >= dialect->first && parser_is_symbol(dialect->parser, token, symbol);
}

static bool dialect_starts_query(const Dialect *dialect, uint32_t token)
{
    return dialect_is_word(dialect, token, KW_SELECT) ||
           dialect_is_word(dialect, token, KW_VALUES) || dialect_is_word(dialect, token, KW_WITH);
}

bool dialect_holds_query(const Dialect *dialect, uint32_t open)
{
    static const Keyword next[] = {KW_UNION, KW_INTERSECT, KW_EXCEPT, KW_ORDER,
                                   KW_LIMIT, KW_OFFSET,    KW_FETCH};
    uint32_t close = dialect->parser->tokens.items[open].match;
    uint32_t inner = open + 1;
    if (dialect_starts_query(dialect, inner))
        return true;
    if (!dialect_is_symbol(dialect, inner, '(') || !dialect_holds_query(dialect, inner))
        return false;
    uint32_t behind = dialect->parser->tokens.items[inner].match + 1;
    if (behind == close)
        return true;
    for (size_t i = 0; i < array_count(next); i++) {
        if (dialect_is_word(dialect, behind, next[i]))
            return true;
    }
    return false;
}

bool dialect_needs_wrap(const Dialect *dialect, uint32_t open)
{
    uint32_t behind = dialect->parser->tokens.items[open].match + 1;
    return dialect_is_symbol(dialect, behind, '[') || dialect_is_symbol(dialect, behind, '.');
}

bool dialect_at_table(Dialect *dialect, uint32_t token)
{
    const Frame *frame = dialect_frame(dialect);
    if (frame->clause != CLAUSE_FROM)
        return false;
    uint32_t before = token - 1;
    if (frame->kind == FRAME_GROUP && before == frame->open)
        return true;
    return dialect_is_word(dialect, before, KW_FROM) || dialect_is_word(dialect, before, KW_JOIN) ||
           dialect_is_word(dialect, before, KW_LATERAL) || dialect_is_symbol(dialect, before, ',');
}

static void dialect_finish_select(Dialect *dialect, uint32_t last)
{
    Frame *frame = dialect_frame(dialect);
    if (frame->select != TOKEN_NONE)
        dialect->parser->tokens.items[frame->select].last = last;
    frame->select = TOKEN_NONE;
}

void dialect_begin_operand(Dialect *dialect)
{
    Frame *frame = dialect_frame(dialect);
    frame->cost = frame->cost_base + CASE_COST * (dialect->case_count - frame->case_base);
}

void dialect_end_clause(Dialect *dialect, uint32_t token)
{
    Frame *frame = dialect_frame(dialect);
    if (frame->row_open || frame->clause == CLAUSE_QUALIFY)
        dialect_put(dialect, token, ")");
    frame->row_open = false;
    if (frame->clause == CLAUSE_QUALIFY)
        frame->clause = CLAUSE_OTHER;
    bool set = dialect_is_word(dialect, token, KW_UNION) ||
               dialect_is_word(dialect, token, KW_INTERSECT) ||
               dialect_is_word(dialect, token, KW_EXCEPT);
    if (set) {
        dialect_finish_select(dialect, token - 1);
        frame->has_window = false;
        dialect->chain_count++;
    }
    frame->cost = frame->cost_base;
}

/* ------------------------------------------------------------------------------ brackets */

/* What the parenthesis is, from what stands before and in it. */
static FrameKind dialect_frame_kind(Dialect *dialect, uint32_t open)
{
    const Frame *frame = dialect_frame(dialect);
    const Token *before = open > dialect->first ? &dialect->parser->tokens.items[open - 1] : NULL;
    bool word = before != NULL && before->kind == TOKEN_WORD;
    if (word && (before->keyword == KW_CAST || before->keyword == KW_TRY_CAST))
        return FRAME_CAST;
    if (word && before->keyword == KW_OVER)
        return FRAME_WINDOW;
    if (word && before->keyword == KW_AS && frame->clause == CLAUSE_WINDOW)
        return FRAME_WINDOW;
    if (word && before->keyword == KW_SETS)
        return FRAME_SETS;
    bool side = word && (before->keyword == KW_LEFT || before->keyword == KW_RIGHT);
    if (side || (before != NULL && parser_is_name(before)))
        return FRAME_CALL;
    if (dialect_at_table(dialect, open))
        return dialect_holds_query(dialect, open) ? FRAME_QUERY : FRAME_GROUP;
    return dialect_starts_query(dialect, open + 1) ? FRAME_QUERY : FRAME_GROUP;
}

static Keyword dialect_special_call(const Token *callee)
{
    if (callee->kind != TOKEN_WORD)
        return KW_NONE;
    switch (callee->keyword) {
    case KW_EXTRACT:
    case KW_POSITION:
    case KW_SUBSTRING:
    case KW_OVERLAY:
    case KW_TRIM:
    case KW_FLOOR:
    case KW_CEIL:
    case KW_CEILING:
    case KW_TIMESTAMPADD:
    case KW_TIMESTAMPDIFF:
    case KW_JSON_VALUE:
    case KW_JSON_QUERY:
    case KW_JSON_EXISTS:
    case KW_JSON_OBJECT:
    case KW_JSON_ARRAY:
    case KW_JSON_OBJECTAGG:
    case KW_JSON_ARRAYAGG:
        return callee->keyword;
    default:
        return KW_NONE;
    }
}

/* EXTRACT(DAY FROM …), TIMESTAMPADD(DAY, …): the word behind the parenthesis is a unit. */
static bool dialect_write_unit(Dialect *dialect, uint32_t *at)
{
    Keyword special = dialect_frame(dialect)->special;
    const Token *token = parser_token(dialect->parser, *at);
    bool always = special == KW_EXTRACT;
    bool maybe = special == KW_TIMESTAMPADD || special == KW_TIMESTAMPDIFF;
    if (!always && !(maybe && token->kind == TOKEN_WORD))
        return true;
    if (parser_time_unit(token) == NULL)
        return parser_fail_unit(dialect->parser, *at);
    dialect_put_holder(dialect, 'u', (*at)++);
    return true;
}

static bool dialect_open(Dialect *dialect, uint32_t *at)
{
    uint32_t open = (*at)++;
    FrameKind kind = dialect_frame_kind(dialect, open);
    bool table = dialect_at_table(dialect, open);
    uint32_t cost = kind == FRAME_QUERY ? COST_QUERY : COST_GROUP;
    if (!dialect_push(dialect, kind, open, cost))
        return false;
    Frame *frame = dialect_frame(dialect);
    frame->is_table = table;
    if (table && kind == FRAME_GROUP)
        frame->clause = CLAUSE_FROM;
    if (open > dialect->first) {
        const Token *callee = &dialect->parser->tokens.items[open - 1];
        bool row = callee->kind == TOKEN_WORD && callee->keyword == KW_ROW;
        frame->callee = open - 1;
        /* The opening half of the wrap was written before the callee's name. */
        frame->wraps =
            (kind == FRAME_CALL || kind == FRAME_CAST || row) && dialect_needs_wrap(dialect, open);
        if (kind == FRAME_CALL)
            frame->special = dialect_special_call(callee);
    }
    dialect_put(dialect, open, "(");
    dialect_open_json(dialect, open);
    return dialect_write_unit(dialect, at);
}

bool dialect_is_alias(const Dialect *dialect, uint32_t token)
{
    bool join =
        dialect_is_word(dialect, token, KW_FULL) && (dialect_is_word(dialect, token + 1, KW_JOIN) ||
                                                     dialect_is_word(dialect, token + 1, KW_OUTER));
    return !join && parser_is_name(parser_token(dialect->parser, token));
}

static void dialect_alias_if_missing(Dialect *dialect, uint32_t close)
{
    if (!dialect_is_word(dialect, close + 1, KW_AS) && !dialect_is_alias(dialect, close + 1))
        dialect_put_holder(dialect, 'z', close);
}

static bool dialect_close(Dialect *dialect, uint32_t *at)
{
    uint32_t close = (*at)++;
    dialect_end_clause(dialect, close);
    dialect_finish_select(dialect, close - 1);
    Frame frame = *dialect_frame(dialect);
    dialect->frame_count--;
    dialect->case_count = frame.case_base;
    if (frame.kind == FRAME_UNWRAP)
        return true;
    dialect_put(dialect, close, frame.kind == FRAME_INDEX ? "]" : ")");
    if (frame.wraps)
        dialect_put(dialect, close, ")");
    if (frame.kind == FRAME_QUERY && frame.is_table)
        dialect_alias_if_missing(dialect, close);
    return true;
}

/* ------------------------------------------------------------------------------- symbols */

static bool dialect_write_cast(Dialect *dialect, uint32_t *at)
{
    uint32_t type = *at + 1;
    dialect_put(dialect, (*at)++, "::");
    Parser *parser = dialect->parser;
    uint32_t next = parser->next;
    parser->next = type;
    Token *token = &parser->tokens.items[type];
    token->type = parser_read_type(parser);
    if (token->type == NULL)
        return false;
    token->last = parser->next - 1;
    dialect_put_holder(dialect, 't', type);
    *at = parser->next;
    parser->next = next;
    return true;
}

static bool dialect_write_comma(Dialect *dialect, uint32_t *at)
{
    Frame *frame = dialect_frame(dialect);
    if (frame->row_open)
        dialect_put(dialect, *at, ")");
    frame->row_open = false;
    frame->json_value = false;
    frame->cost = frame->cost_base;
    dialect_put(dialect, (*at)++, ",");
    return true;
}

static bool dialect_write_operator(Dialect *dialect, uint32_t *at)
{
    static const struct {
        uint32_t symbol;
        const char *text;
    } operators[] = {
        {'+', "+"},
        {'-', "-"},
        {'*', "*"},
        {'/', "/"},
        {'%', "%"},
        {'=', "="},
        {'<', "<"},
        {'>', ">"},
        {'.', "."},
        {SYMBOL_CONCAT, "*"},
        {SYMBOL_NOT_EQUAL, "<>"},
        {SYMBOL_BANG_EQUAL, "<>"},
        {SYMBOL_LESS_EQUAL, "<="},
        {SYMBOL_MORE_EQUAL, ">="},
        {SYMBOL_ARROW, "=>"},
    };
    uint32_t symbol = dialect->parser->tokens.items[*at].symbol;
    for (size_t i = 0; i < array_count(operators); i++) {
        if (operators[i].symbol != symbol)
            continue;
        dialect_put(dialect, *at, operators[i].text);
        return dialect_add_cost(dialect, (*at)++, symbol == '.' ? 0 : 2);
    }
    return parser_fail_at(dialect->parser, *at, NULL, 0, NULL);
}

static bool dialect_write_symbol(Dialect *dialect, uint32_t *at)
{
    switch (dialect->parser->tokens.items[*at].symbol) {
    case '(':
        return dialect_open(dialect, at);
    case ')':
    case ']':
        return dialect_close(dialect, at);
    case '[':
        dialect_put(dialect, *at, "[");
        return dialect_push(dialect, FRAME_INDEX, (*at)++, COST_GROUP);
    case ',':
        return dialect_write_comma(dialect, at);
    case SYMBOL_CAST:
        return dialect_add_cost(dialect, *at, 2) && dialect_write_cast(dialect, at);
    default:
        return dialect_write_operator(dialect, at);
    }
}

/* ------------------------------------------------------------------------------ the range */

static bool dialect_at_row(Dialect *dialect, uint32_t token)
{
    return dialect_frame(dialect)->clause == CLAUSE_VALUES &&
           (dialect_is_word(dialect, token - 1, KW_VALUES) ||
            dialect_is_symbol(dialect, token - 1, ','));
}

static bool dialect_write_token(Dialect *dialect, uint32_t *at)
{
    if (dialect_at_row(dialect, *at)) {
        uint32_t before = *at;
        if (!dialect_write_row_head(dialect, at))
            return false;
        if (*at != before)
            return true;
    }
    switch (dialect->parser->tokens.items[*at].kind) {
    case TOKEN_WORD:
        return dialect_write_word(dialect, at);
    case TOKEN_NAME:
        dialect_write_name(dialect, (*at)++);
        return true;
    case TOKEN_SYMBOL:
        return dialect_write_symbol(dialect, at);
    default:
        dialect_put_holder(dialect, 'l', (*at)++);
        return true;
    }
}

bool dialect_write_range(Dialect *dialect, uint32_t from, uint32_t to)
{
    uint32_t at = from;
    while (at < to) {
        if (!dialect_write_token(dialect, &at))
            return false;
        if (dialect->chain_count > CHAIN_MAX)
            return dialect_fail_depth(dialect, at - 1);
    }
    return true;
}

bool dialect_write(Parser *parser, uint32_t first, uint32_t end, bool expression, DialectText *text)
{
    assert(first < end && end <= parser->limit);
    Dialect *dialect = arena_new_one(parser->arena, Dialect);
    *dialect = (Dialect){.parser = parser, .first = first, .end = end, .frame_count = 1};
    dialect->frames[0] = (Frame){.open = TOKEN_NONE, .callee = TOKEN_NONE, .select = TOKEN_NONE};
    uint32_t limit = parser->limit;
    parser->limit = end;
    if (expression) {
        dialect_put(dialect, first, "SELECT");
        dialect_put_holder(dialect, 's', first);
        text->paren_offset = (uint32_t)dialect->out.length + 2;
        dialect_put(dialect, first, ", (");
    }
    bool fine = dialect_write_range(dialect, first, end);
    if (fine) {
        dialect_end_clause(dialect, end);
        dialect_finish_select(dialect, end - 1);
        if (expression)
            dialect_put(dialect, end, ")");
        text->sql = arena_strdup(parser->arena, buffer_text(&dialect->out));
        text->marks = dialect->marks.items;
        text->mark_count = dialect->marks.count;
    }
    parser->limit = limit;
    buffer_deinit(&dialect->out);
    return fine;
}

uint32_t dialect_token_at(const DialectText *text, size_t offset)
{
    uint32_t low = 0;
    uint32_t high = text->mark_count;
    while (high - low > 1) {
        uint32_t middle = (low + high) / 2;
        if (text->marks[middle].offset <= offset)
            low = middle;
        else
            high = middle;
    }
    return text->marks[low].token;
}
