// What is called of libcurl, which is loaded at the first call: it brings thirty libraries of its
// own, which would cost every command time at its start, and few commands use the network.
#include <curl/curl.h>

#include <cstdarg>

#include "base/loaded_library.h"

// The header checks the types of arguments by macros of these names.
#undef curl_easy_getinfo
#undef curl_easy_setopt
#undef curl_multi_setopt

namespace {

const arena::LoadedLibrary& Library() {
  static const arena::LoadedLibrary library("libcurl.so.4", "libcurl4");
  return library;
}

// The function of this name; `declared` tells its type.
template <typename Function>
Function* Load(Function* /*declared*/, const char* name) {
  return reinterpret_cast<Function*>(Library().Find(name));
}

}  // namespace

// Calls the library's function of the same name.
#define ARENA_CURL(function, ...)                                    \
  static auto* const loaded_function = Load(&(function), #function); \
  return loaded_function(__VA_ARGS__)

// Options are numbers of a word or pointers, all of which are passed on alike.
#define ARENA_CURL_OPTION(function, handle, option)                  \
  static auto* const loaded_function = Load(&(function), #function); \
  std::va_list arguments;                                            \
  va_start(arguments, option);                                       \
  void* const value = va_arg(arguments, void*);                      \
  va_end(arguments);                                                 \
  return loaded_function(handle, option, value)

// clang minds that an option is an enumerator, which is how the library declares and defines these.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wvarargs"

extern "C" {

CURLcode curl_global_init(long flags) { ARENA_CURL(curl_global_init, flags); }
time_t curl_getdate(const char* text, const time_t* unused) {
  ARENA_CURL(curl_getdate, text, unused);
}
curl_slist* curl_slist_append(curl_slist* list, const char* text) {
  ARENA_CURL(curl_slist_append, list, text);
}
void curl_slist_free_all(curl_slist* list) { ARENA_CURL(curl_slist_free_all, list); }

CURL* curl_easy_init() { ARENA_CURL(curl_easy_init, ); }
void curl_easy_reset(CURL* easy) { ARENA_CURL(curl_easy_reset, easy); }
void curl_easy_cleanup(CURL* easy) { ARENA_CURL(curl_easy_cleanup, easy); }
const char* curl_easy_strerror(CURLcode code) { ARENA_CURL(curl_easy_strerror, code); }
CURLcode curl_easy_setopt(CURL* easy, CURLoption option, ...) {
  ARENA_CURL_OPTION(curl_easy_setopt, easy, option);
}
CURLcode curl_easy_getinfo(CURL* easy, CURLINFO info, ...) {
  ARENA_CURL_OPTION(curl_easy_getinfo, easy, info);
}

CURLM* curl_multi_init() { ARENA_CURL(curl_multi_init, ); }
CURLMcode curl_multi_cleanup(CURLM* multi) { ARENA_CURL(curl_multi_cleanup, multi); }
CURLMcode curl_multi_add_handle(CURLM* multi, CURL* easy) {
  ARENA_CURL(curl_multi_add_handle, multi, easy);
}
CURLMcode curl_multi_remove_handle(CURLM* multi, CURL* easy) {
  ARENA_CURL(curl_multi_remove_handle, multi, easy);
}
CURLMcode curl_multi_assign(CURLM* multi, curl_socket_t socket, void* data) {
  ARENA_CURL(curl_multi_assign, multi, socket, data);
}
CURLMcode curl_multi_socket_action(CURLM* multi, curl_socket_t socket, int events, int* running) {
  ARENA_CURL(curl_multi_socket_action, multi, socket, events, running);
}
CURLMsg* curl_multi_info_read(CURLM* multi, int* left) {
  ARENA_CURL(curl_multi_info_read, multi, left);
}
CURLMcode curl_multi_setopt(CURLM* multi, CURLMoption option, ...) {
  ARENA_CURL_OPTION(curl_multi_setopt, multi, option);
}

}  // extern "C"

#pragma GCC diagnostic pop
