# Warnings for our own code (third-party headers are SYSTEM), sanitizers, ccache.
add_library(arena_warnings INTERFACE)
target_compile_options(arena_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wold-style-cast -Wnon-virtual-dtor
  -Woverloaded-virtual $<$<BOOL:${ARENA_WERROR}>:-Werror>)

if(ARENA_SANITIZE)
  add_compile_options(-fsanitize=${ARENA_SANITIZE} -fno-omit-frame-pointer
    -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${ARENA_SANITIZE})
endif()

find_program(ARENA_CCACHE ccache)
if(ARENA_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${ARENA_CCACHE})
endif()
