// The canonical ABI of a tool's handler, and the little JSON that an input takes.

#include "stepwell.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// `result<string, refusal>`
static struct {
    uint8_t is_error;
    sw_text text;
} answered;

__attribute__((export_name("stepwell:tool/handler@0.1.0#call"))) void *
sw_handler_call(char *input, size_t length) {
    bool refused = false;
    answered.text = sw_call((sw_text){input, length}, &refused);
    answered.is_error = refused;
    return &answered;
}

__attribute__((export_name("cabi_realloc"))) void *cabi_realloc(void *old, size_t old_size,
                                                                size_t align, size_t size) {
    (void)old_size;
    if (size == 0) return (void *)align;
    void *fresh = realloc(old, size);
    if (!fresh) abort();
    return fresh;
}

sw_text sw_format(const char *format, ...) {
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    char *text = length < 0 ? NULL : malloc((size_t)length + 1);
    if (!text) abort();
    vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    va_end(arguments);
    return (sw_text){text, (size_t)length};
}

sw_text sw_refusal(sw_tree tree, sw_text about, sw_error error) {
    static const char *const words[] = {
        "there is nothing at this path",
        "this is not a file",
        "this is not a directory",
        "the path cannot be used: ",
        "the path leads out of the repository",
        "the step does not let tools see this: ",
        "the file is too large to be read whole",
        "this step has nothing to compare with, so there is no base tree; ask for `head`",
        "the pattern cannot be used: ",
        "it could not be read: ",
    };
    const char *where = tree == SW_BASE ? " in the base tree" : "";
    sw_text more = {"", 0};
    bool has_text = error.reason == SW_INVALID_PATH || error.reason == SW_NOT_GRANTED ||
                    error.reason == SW_INVALID_PATTERN || error.reason == SW_UNREADABLE;
    if (has_text) more = error.text;
    if (error.reason == SW_TOO_LARGE) {
        more = sw_format(" (%llu bytes)", (unsigned long long)error.size);
    }
    if (about.length == 0) about = (sw_text){"the repository's root", 21};
    else about = sw_format("`%.*s`", (int)about.length, about.bytes);
    return sw_format("%.*s%s: %s%.*s", (int)about.length, about.bytes, where, words[error.reason],
                     (int)more.length, more.bytes);
}

// A place in a JSON text. The host has checked that it is one, so nothing here has to refuse.
typedef struct {
    const char *at, *end;
} cursor;

static char peek(cursor *json) {
    while (json->at < json->end && strchr(" \t\r\n", *json->at)) json->at++;
    return json->at < json->end ? *json->at : 0;
}

static uint32_t hex(cursor *json) {
    uint32_t code = 0;
    for (int n = 0; n < 4 && json->at < json->end; n++) {
        char digit = *json->at++;
        uint32_t value = digit <= '9' ? digit - '0' : (digit | 32) - 'a' + 10;
        code = code << 4 | (value & 15);
    }
    return code;
}

static char *utf8(char *to, uint32_t code) {
    if (code < 0x80) {
        *to++ = (char)code;
        return to;
    }
    int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const uint8_t first[] = {0, 0xc0, 0xe0, 0xf0};
    *to++ = (char)(first[more] | code >> (6 * more));
    while (more-- > 0) *to++ = (char)(0x80 | (code >> (6 * more) & 0x3f));
    return to;
}

static char *escape(cursor *json, char *to) {
    char letter = *json->at++;
    const char *found = strchr("b\bf\fn\nr\rt\t", letter);
    if (letter != 'u') {
        *to++ = found ? found[1] : letter;
        return to;
    }
    uint32_t code = hex(json);
    bool is_pair = code >= 0xd800 && code < 0xdc00 && json->end - json->at > 6;
    if (is_pair) {
        json->at += 2;
        code = 0x10000 + ((code - 0xd800) << 10) + (hex(json) - 0xdc00);
    }
    return utf8(to, code);
}

static sw_text string(cursor *json) {
    // What an escape stands for is never longer than the escape.
    char *text = malloc((size_t)(json->end - json->at) + 1), *to = text;
    if (!text) abort();
    json->at++;
    while (json->at < json->end && *json->at != '"') {
        if (*json->at == '\\') {
            json->at++;
            to = escape(json, to);
        } else {
            *to++ = *json->at++;
        }
    }
    json->at++;
    return (sw_text){text, (size_t)(to - text)};
}

static void skip(cursor *json) {
    size_t depth = 0;
    do {
        char next = peek(json);
        if (next == 0) return;
        if (next == '"') {
            string(json);
            continue;
        }
        if (next == '{' || next == '[') depth++;
        if (next == '}' || next == ']') depth--;
        json->at++;
        bool is_word = depth == 0 && next != '}' && next != ']';
        while (is_word && json->at < json->end && !strchr(",]} \t\r\n", *json->at)) json->at++;
    } while (depth > 0);
}

sw_maybe_text sw_json_text(sw_text object, const char *name) {
    cursor json = {object.bytes, object.bytes + object.length};
    if (peek(&json) == '{') json.at++;
    while (peek(&json) == '"') {
        sw_text key = string(&json);
        if (peek(&json) == ':') json.at++;
        bool is_it = key.length == strlen(name) && memcmp(key.bytes, name, key.length) == 0;
        if (is_it && peek(&json) == '"') return (sw_maybe_text){true, string(&json)};
        skip(&json);
        if (peek(&json) == ',') json.at++;
    }
    return (sw_maybe_text){false, {"", 0}};
}

sw_text sw_json_quoted(sw_text text) {
    // A control character takes six bytes, and nothing takes more.
    char *quoted = malloc(text.length * 6 + 2), *to = quoted;
    if (!quoted) abort();
    *to++ = '"';
    for (size_t n = 0; n < text.length; n++) {
        uint8_t byte = (uint8_t)text.bytes[n];
        if (byte < 0x20) {
            static const char digits[] = "0123456789abcdef";
            const char escaped[] = {'\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 15]};
            memcpy(to, escaped, sizeof escaped);
            to += sizeof escaped;
            continue;
        }
        if (byte == '"' || byte == '\\') *to++ = '\\';
        *to++ = (char)byte;
    }
    *to++ = '"';
    return (sw_text){quoted, (size_t)(to - quoted)};
}
