// The tool `my_tool`: counts the lines of a file.

#include <algorithm>
#include <string_view>

#include "stepwell.h"

sw_text sw_call(sw_text input, bool *refused) {
    const sw_text path = sw_json_text(input, "path").value;
    sw_text_answer file{};
    sw_read(SW_HEAD, path.bytes, path.length, &file);
    if (file.is_error) {
        *refused = true;
        return sw_refusal(SW_HEAD, path, file.error);
    }
    const std::string_view text{file.ok.bytes, file.ok.length};
    auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
    if (!text.empty() && text.back() != '\n') lines++;
    return sw_format("{\"lines\":%zu}", lines);
}
