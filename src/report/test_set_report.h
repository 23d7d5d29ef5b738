// What a test set holds, for people and machines.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "curate/test_set_build.h"
#include "formats/reading.h"

namespace arena {

/// Sizes, notes, and the largest clusters.
std::string TestSetText(const TestSetReport& report, const ReadReport& read);

/// Sizes, notes and clusters.
Json TestSetJson(const TestSetReport& report, const ReadReport& read);

/// A whole page: the map, categories, ratings, clusters, the hardest prompts and `settings`. It
/// needs no script and no other file, its Content-Security-Policy forbids both, and all text of the
/// data is escaped. The same report gives the same bytes.
std::string TestSetHtml(const TestSetReport& report, const ReadReport& read,
                        std::string_view settings);

}  // namespace arena
