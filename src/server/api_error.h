// What a client of the server is told when its request is refused or fails.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace arena {

/// An error in the shape of OpenAI's API. docs/formats/openai-api.md lists them.
struct ApiError {
  int status = 500;        ///< of HTTP
  std::string type;        ///< "invalid_request_error", "server_error", ...
  std::string message;     ///< for a person
  std::string param = {};  ///< the request's field that is wrong; empty: none
  std::string code = {};   ///< for programs; empty: none
};

template <typename T>
using ApiResult = tl::expected<T, ApiError>;

/// Status 400: the request is wrong, in the field `param`.
inline ApiError BadRequest(std::string message, std::string param = {}, std::string code = {}) {
  return {400, "invalid_request_error", std::move(message), std::move(param), std::move(code)};
}

}  // namespace arena
