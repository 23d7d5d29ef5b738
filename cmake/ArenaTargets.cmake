include(GoogleTest)

# arena_library(NAME SOURCES ... [DEPS ...] [PRIVATE_DEPS ...])
# One static library per folder under src/, known to others as arena::NAME.
function(arena_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS;PRIVATE_DEPS" ${ARGN})
  add_library(arena_${name} STATIC ${ARG_SOURCES})
  add_library(arena::${name} ALIAS arena_${name})
  target_include_directories(arena_${name} PUBLIC ${CMAKE_SOURCE_DIR}/src)
  target_link_libraries(arena_${name} PUBLIC ${ARG_DEPS} PRIVATE arena_warnings ${ARG_PRIVATE_DEPS})
endfunction()

# arena_embed(OUTPUT file ROOT dir FILES ... HEADER h FUNCTION f TYPE t)
# A source that builds files into the program; see EmbedFiles.cmake.
function(arena_embed)
  cmake_parse_arguments(ARG "" "OUTPUT;ROOT;HEADER;FUNCTION;TYPE" "FILES" ${ARGN})
  list(TRANSFORM ARG_FILES PREPEND ${ARG_ROOT}/ OUTPUT_VARIABLE paths)
  set(script ${CMAKE_SOURCE_DIR}/cmake/EmbedFiles.cmake)
  add_custom_command(
    OUTPUT ${ARG_OUTPUT}
    COMMAND ${CMAKE_COMMAND} -DOUTPUT=${ARG_OUTPUT} -DROOT=${ARG_ROOT} "-DFILES=${ARG_FILES}"
            -DHEADER=${ARG_HEADER} -DFUNCTION=${ARG_FUNCTION} -DTYPE=${ARG_TYPE} -P ${script}
    DEPENDS ${paths} ${script}
    VERBATIM)
endfunction()

# Builds only the tests that ThreadSanitizer has something to say about.
add_custom_target(threaded_tests)

# arena_test(NAME SOURCES ... [DEPS ...] [LABEL unit] [TIMEOUT 120] [THREADS])
# One GoogleTest program; each of its tests is a CTest test with the label and the timeout.
# THREADS: the code under test starts threads; the label is `threads`, and ThreadSanitizer runs them.
function(arena_test name)
  if(NOT ARENA_TESTS)
    return()
  endif()
  cmake_parse_arguments(ARG "THREADS" "LABEL;TIMEOUT" "SOURCES;DEPS" ${ARGN})
  if(NOT ARG_LABEL)
    set(ARG_LABEL unit)
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} GTest::gtest_main GTest::gmock arena_warnings)
  target_compile_definitions(${name} PRIVATE ARENA_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  # Test helpers may have the same names; and most programs are one file anyway.
  set_target_properties(${name} PROPERTIES UNITY_BUILD OFF)
  # Compiling is what takes long; what computes is in the libraries.
  target_compile_options(${name} PRIVATE $<IF:$<CONFIG:Debug>,-O0,-O1>)
  if(ARG_THREADS)
    set(ARG_LABEL threads)
    add_dependencies(threaded_tests ${name})
  endif()
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60
    PROPERTIES LABELS ${ARG_LABEL} TIMEOUT ${ARG_TIMEOUT})
endfunction()
