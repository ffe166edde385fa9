// The tool `my_tool`: counts the lines of a file.

#include "stepwell.h"

sw_text sw_call(sw_text input, bool *refused) {
    sw_text path = sw_json_text(input, "path").value;
    sw_text_answer file;
    sw_read(SW_HEAD, path.bytes, path.length, &file);
    if (file.is_error) {
        *refused = true;
        return sw_refusal(SW_HEAD, path, file.error);
    }
    size_t lines = 0, length = file.ok.length;
    for (size_t n = 0; n < length; n++) lines += file.ok.bytes[n] == '\n';
    if (length > 0 && file.ok.bytes[length - 1] != '\n') lines++;
    return sw_format("{\"lines\":%zu}", lines);
}
