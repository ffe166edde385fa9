// The conformance tool in C.

#include "stepwell.h"

#include <stdlib.h>
#include <string.h>

#define SHOWN(text) (int)(text).length, (text).bytes

static const char *const kinds[] = {"file", "directory", "symlink"};
static const char *const flags[] = {"false", "true"};

// One call: what is asked, and where its refusal goes.
typedef struct {
    sw_tree tree;
    sw_text about;
    uint32_t number;
    bool *refused;
} call;

static sw_text refusal(call *call, sw_error error) {
    *call->refused = true;
    return sw_refusal(call->tree, call->about, error);
}

static sw_text quoted(sw_text text) { return sw_json_quoted(text); }

static sw_text list(sw_texts texts) {
    sw_text all = {"", 0};
    for (size_t n = 0; n < texts.count; n++) {
        sw_text text = quoted(texts.items[n]);
        all = sw_format("%.*s%s%.*s", SHOWN(all), n ? "," : "", SHOWN(text));
    }
    return all;
}

static sw_text contents(call *call, bool is_range) {
    sw_text_answer got;
    if (is_range) {
        sw_read_range(call->tree, call->about.bytes, call->about.length, call->number, 5, &got);
    } else {
        sw_read(call->tree, call->about.bytes, call->about.length, &got);
    }
    if (got.is_error) return refusal(call, got.error);
    sw_text text = quoted(got.ok);
    return sw_format("{\"text\":%.*s}", SHOWN(text));
}

static sw_text stat(call *call) {
    sw_metadata_answer got;
    sw_stat(call->tree, call->about.bytes, call->about.length, &got);
    if (got.is_error) return refusal(call, got.error);
    return sw_format("{\"kind\":\"%s\",\"size\":%llu,\"executable\":%s}", kinds[got.ok.kind],
                     (unsigned long long)got.ok.size, flags[got.ok.executable]);
}

static sw_text kind(call *call) {
    sw_kind_answer got;
    sw_kind_of(call->tree, call->about.bytes, call->about.length, &got);
    if (got.is_error) return refusal(call, got.error);
    if (!got.ok.is_there) return sw_format("{\"kind\":null}");
    return sw_format("{\"kind\":\"%s\"}", kinds[got.ok.kind]);
}

static sw_text size(call *call) {
    sw_size_answer got;
    sw_size_of(call->tree, call->about.bytes, call->about.length, &got);
    if (got.is_error) return refusal(call, got.error);
    return sw_format("{\"size\":%llu}", (unsigned long long)got.ok);
}

static sw_text executable(call *call) {
    sw_flag_answer got;
    sw_is_executable(call->tree, call->about.bytes, call->about.length, &got);
    if (got.is_error) return refusal(call, got.error);
    return sw_format("{\"executable\":%s}", flags[got.ok]);
}

static sw_text entries(call *call) {
    sw_entries_answer got;
    sw_list_directory(call->tree, call->about.bytes, call->about.length, &got);
    if (got.is_error) return refusal(call, got.error);
    sw_text all = {"", 0};
    for (size_t n = 0; n < got.ok.count; n++) {
        sw_text name = quoted(got.ok.items[n].name);
        all = sw_format("%.*s%s{\"name\":%.*s,\"kind\":\"%s\"}", SHOWN(all), n ? "," : "",
                        SHOWN(name), kinds[got.ok.items[n].kind]);
    }
    return sw_format("{\"entries\":[%.*s]}", SHOWN(all));
}

static sw_text paths(call *call) {
    sw_found_answer got;
    sw_glob(call->tree, &call->about, 1, false, call->number, &got);
    if (got.is_error) return refusal(call, got.error);
    sw_text all = list(got.ok.paths);
    return sw_format("{\"paths\":[%.*s],\"truncated\":%s}", SHOWN(all), flags[got.ok.truncated]);
}

static sw_text lines(call *call) {
    sw_matches_answer got;
    sw_search(call->tree, call->about.bytes, call->about.length, false, false, NULL, 0, 1,
              call->number, &got);
    if (got.is_error) return refusal(call, got.error);
    sw_text all = {"", 0};
    for (size_t n = 0; n < got.ok.lines.count; n++) {
        sw_line line = got.ok.lines.items[n];
        sw_text path = quoted(line.path), text = quoted(line.text);
        sw_text before = list(line.before), after = list(line.after);
        all = sw_format("%.*s%s{\"path\":%.*s,\"line\":%u,\"text\":%.*s,\"before\":[%.*s],"
                        "\"after\":[%.*s]}",
                        SHOWN(all), n ? "," : "", SHOWN(path), (unsigned)line.line, SHOWN(text),
                        SHOWN(before), SHOWN(after));
    }
    return sw_format("{\"lines\":[%.*s],\"truncated\":%s}", SHOWN(all), flags[got.ok.truncated]);
}

static sw_text variable(call *call) {
    sw_variable_answer got;
    sw_variable(call->about.bytes, call->about.length, &got);
    if (got.is_error) {
        call->about = sw_format("$%.*s", SHOWN(call->about));
        return refusal(call, got.error);
    }
    if (!got.ok.is_set) return sw_format("{\"value\":null}");
    sw_text value = quoted(got.ok.value);
    return sw_format("{\"value\":%.*s}", SHOWN(value));
}

static sw_text logged(call *call) {
    sw_log(SW_INFO, call->about.bytes, call->about.length);
    sw_text line = quoted(call->about);
    return sw_format("{\"logged\":%.*s}", SHOWN(line));
}

static sw_text fill(call *call) {
    size_t each = call->about.length, length = each * call->number;
    sw_text all = {malloc(length + 1), length};
    if (!all.bytes) abort();
    for (uint32_t n = 0; n < call->number; n++) memcpy(all.bytes + n * each, call->about.bytes, each);
    sw_text text = quoted(all);
    return sw_format("{\"text\":%.*s}", SHOWN(text));
}

static bool is(sw_text text, const char *word) {
    return text.length == strlen(word) && memcmp(text.bytes, word, text.length) == 0;
}

sw_text sw_call(sw_text input, bool *refused) {
    sw_text ask = sw_json_text(input, "ask").value;
    sw_maybe_text tree = sw_json_text(input, "tree"), number = sw_json_text(input, "number");
    call call = {SW_HEAD, sw_json_text(input, "about").value, 100, refused};
    if (is(tree.value, "base")) call.tree = SW_BASE;
    if (number.is_set) {
        call.number = 0;
        for (size_t n = 0; n < number.value.length; n++) {
            call.number = call.number * 10 + (uint32_t)(number.value.bytes[n] - '0');
        }
    }
    if (is(ask, "read") || is(ask, "range")) return contents(&call, is(ask, "range"));
    if (is(ask, "stat")) return stat(&call);
    if (is(ask, "kind")) return kind(&call);
    if (is(ask, "size")) return size(&call);
    if (is(ask, "executable")) return executable(&call);
    if (is(ask, "list")) return entries(&call);
    if (is(ask, "glob")) return paths(&call);
    if (is(ask, "search")) return lines(&call);
    if (is(ask, "variable")) return variable(&call);
    if (is(ask, "log")) return logged(&call);
    if (is(ask, "fill")) return fill(&call);
    while (is(ask, "spin")) {
        __asm__ volatile("");
    }
    *refused = true;
    return call.about;
}
