// Shared libraries that are loaded when something of theirs is called for the first time.
#pragma once

#include <dlfcn.h>

#include <stdexcept>
#include <string>

namespace arena {

/// A library of the system, loaded by the constructor and never unloaded. Finding is thread-safe.
class LoadedLibrary {
 public:
  /// `package` of Debian holds the library's `file`.
  LoadedLibrary(const char* file, const char* package)
      : file_(file), package_(package), handle_(dlopen(file, RTLD_NOW | RTLD_LOCAL)) {}

  /// Throws std::runtime_error where the library or the function is not there.
  void* Find(const char* name) const {
    void* const function = handle_ == nullptr ? nullptr : dlsym(handle_, name);
    if (function == nullptr) {
      throw std::runtime_error(std::string(file_) + " cannot be loaded; install Debian's " +
                               package_);
    }
    return function;
  }

 private:
  const char* file_;
  const char* package_;
  void* handle_;
};

}  // namespace arena
