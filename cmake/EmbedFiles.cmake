# Run as a script:
#   cmake -DOUTPUT=FILE -DROOT=DIR -DFILES=a;b -DHEADER=h -DFUNCTION=F -DTYPE=T -P EmbedFiles.cmake
# Writes a C++ source that defines std::span<const T> F() of the header: name and content of each.
set(body "")
foreach(file IN LISTS FILES)
  file(READ ${ROOT}/${file} hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "\\\\x\\1" escaped "${hex}")
  string(LENGTH "${hex}" digits)
  math(EXPR bytes "${digits} / 2")
  set(literal "")  # 64 bytes a line; the compiler joins adjacent literals
  string(LENGTH "${escaped}" length)
  set(at 0)
  while(at LESS length)
    string(SUBSTRING "${escaped}" ${at} 256 piece)
    string(APPEND literal "\n        \"${piece}\"")
    math(EXPR at "${at} + 256")
  endwhile()
  string(APPEND body "    {\"${file}\", std::string_view(${literal},\n        ${bytes})},\n")
endforeach()
file(WRITE ${OUTPUT} "// Made by cmake/EmbedFiles.cmake.
#include \"${HEADER}\"

namespace arena {

std::span<const ${TYPE}> ${FUNCTION}() {
  static constexpr ${TYPE} kFiles[] = {
${body}  };
  return kFiles;
}

}  // namespace arena
")
