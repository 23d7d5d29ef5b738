# Warnings for our own code (third-party headers are SYSTEM), sanitizers, ccache.
add_library(arena_warnings INTERFACE)
target_compile_options(arena_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wold-style-cast -Wnon-virtual-dtor
  -Woverloaded-virtual
  # g++ 12 warns of its own std::string operator+ (GCC bug 105329).
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
  $<$<BOOL:${ARENA_WERROR}>:-Werror>)

# In a unity build several files are one: what one file may say of its own names does not hold for
# all of them. The builds file by file keep these warnings.
if(CMAKE_UNITY_BUILD)
  target_compile_options(arena_warnings INTERFACE
    -Wno-shadow $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
endif()

# Without two checks that take a third of the time to compile: AddressSanitizer finds null pointers
# too, and of dynamic types SOCI hides what the check needs.
set(ARENA_SANITIZER_OPTIONS -fno-sanitize=null,vptr -fno-sanitize-recover=all
  -fno-omit-frame-pointer)

if(ARENA_SANITIZE)
  # g++ 12 takes std::regex for uninitialised when it is instrumented.
  target_compile_options(arena_warnings INTERFACE
    $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  add_compile_options(-fsanitize=${ARENA_SANITIZE} ${ARENA_SANITIZER_OPTIONS})
  add_link_options(-fsanitize=${ARENA_SANITIZE})
endif()

# Fuzz targets see the coverage and the errors of every library, so all of the tree is instrumented.
if(ARENA_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "ARENA_FUZZ needs clang: use the preset \"clang\"")
  endif()
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined ${ARENA_SANITIZER_OPTIONS})
  add_link_options(-fsanitize=address,undefined)
endif()

find_program(ARENA_CCACHE ccache)
if(ARENA_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${ARENA_CCACHE})
endif()
