#include "text/builtin_templates.h"

namespace arena {
namespace {

// Each follows the published format of its models. Where a format has no place for a system prompt,
// the prompt goes into the first user turn.

constexpr std::string_view kChatml = R"J({% for message in messages %}
{{ '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>\n' }}
{%- endfor %}
{% if add_generation_prompt %}
{{ '<|im_start|>assistant\n' }}
{%- endif %})J";

constexpr std::string_view kLlama2 = R"J(
{%- set system = '' %}
{%- set turns = messages %}
{%- if messages and messages[0].role == 'system' %}
  {%- set system = '<<SYS>>\n' + messages[0].content + '\n<</SYS>>\n\n' %}
  {%- set turns = messages[1:] %}
{%- endif %}
{%- for message in turns %}
  {%- if (message.role == 'user') != (loop.index0 % 2 == 0) %}
    {{- raise_exception('roles must alternate user, assistant, user, ...') }}
  {%- endif %}
  {%- if message.role == 'user' %}
    {{- bos_token + '[INST] ' + (system if loop.first else '') + message.content.strip() + ' [/INST]' }}
  {%- else %}
    {{- ' ' + message.content.strip() + ' ' + eos_token }}
  {%- endif %}
{%- endfor %})J";

constexpr std::string_view kLlama3 = R"J({{ bos_token }}
{%- for message in messages %}
{{- '<|start_header_id|>' + message.role + '<|end_header_id|>\n\n' }}
{{- message.content | trim + '<|eot_id|>' }}
{%- endfor %}
{%- if add_generation_prompt %}
{{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}
{%- endif %})J";

constexpr std::string_view kMistral = R"J({{ bos_token }}
{%- set system = '' %}
{%- set turns = messages %}
{%- if messages and messages[0].role == 'system' %}
  {%- set system = messages[0].content + '\n\n' %}
  {%- set turns = messages[1:] %}
{%- endif %}
{%- for message in turns %}
  {%- if (message.role == 'user') != (loop.index0 % 2 == 0) %}
    {{- raise_exception('roles must alternate user, assistant, user, ...') }}
  {%- endif %}
  {%- if message.role == 'user' %}
    {{- '[INST] ' + (system if loop.first else '') + message.content + ' [/INST]' }}
  {%- else %}
    {{- ' ' + message.content.strip() + eos_token }}
  {%- endif %}
{%- endfor %})J";

constexpr std::string_view kPlain = R"J(
{%- for message in messages %}
{{- message.role | capitalize + ': ' + message.content + '\n\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
{{- 'Assistant:' }}
{%- endif %})J";

constexpr std::string_view kVicuna = R"J({{ bos_token }}
{%- for message in messages %}
  {%- if message.role == 'system' %}
    {{- message.content + ' ' }}
  {%- elif message.role == 'user' %}
    {{- 'USER: ' + message.content + ' ' }}
  {%- else %}
    {{- 'ASSISTANT: ' + message.content + eos_token }}
  {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
{{- 'ASSISTANT:' }}
{%- endif %})J";

constexpr std::string_view kZephyr = R"J({% for message in messages %}
{{ '<|' + message.role + '|>\n' + message.content + eos_token + '\n' }}
{%- endfor %}
{% if add_generation_prompt %}
{{ '<|assistant|>\n' }}
{%- endif %})J";

constexpr BuiltinTemplate kTemplates[] = {
    {"chatml", "", "<|im_end|>", {"<|im_end|>", ""}, kChatml},
    {"llama-2", "<s>", "</s>", {"</s>", ""}, kLlama2},
    {"llama-3", "<|begin_of_text|>", "<|eot_id|>", {"<|eot_id|>", "<|end_of_text|>"}, kLlama3},
    {"mistral", "<s>", "</s>", {"</s>", ""}, kMistral},
    {"plain", "", "", {"\n\nUser:", "\n\nSystem:"}, kPlain},
    {"vicuna", "<s>", "</s>", {"</s>", "USER:"}, kVicuna},
    {"zephyr", "<s>", "</s>", {"</s>", ""}, kZephyr},
};

}  // namespace

std::span<const BuiltinTemplate> BuiltinTemplates() { return kTemplates; }

}  // namespace arena
